// SPDX-License-Identifier: Apache-2.0
// Alone in its file: <linux/tcp.h> knows the newer fields, and cannot be
// included together with glibc's <netinet/tcp.h>.
#include "proxy/net/tcp_info.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace gatewhy {

std::optional<TcpSnapshot> tcpSnapshot(int fd) noexcept {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
    return std::nullopt;
  }
  TcpSnapshot out;
  out.state = info.tcpi_state;
  out.rtt_us = info.tcpi_rtt;
  out.retransmits = info.tcpi_total_retrans;
  out.unacked = info.tcpi_unacked;
  out.notsent_bytes = info.tcpi_notsent_bytes;
  out.bytes_acked = info.tcpi_bytes_acked > 0 ? info.tcpi_bytes_acked - 1 : 0;  // the SYN counts as one
  out.bytes_received = info.tcpi_bytes_received;
  out.last_ack_recv_ms = info.tcpi_last_ack_recv;
  out.last_data_sent_ms = info.tcpi_last_data_sent;
  // An older kernel writes a shorter structure, the rest stays zero.
  out.snd_wnd_known = size >= offsetof(tcp_info, tcpi_snd_wnd) + sizeof(info.tcpi_snd_wnd);
  out.snd_wnd = info.tcpi_snd_wnd;
  return out;
}

}  // namespace gatewhy
