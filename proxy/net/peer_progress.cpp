// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/peer_progress.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

namespace gatewhy {
namespace {

constexpr int kMostUnsent = 128 * 1024;
constexpr int kSystemsDefault = 0;

void setLowWater(int fd, int bytes) noexcept {
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);  // refused where it is no TCP socket
}

}  // namespace

void boundUnsentBytes(int fd) noexcept {
  setLowWater(fd, kMostUnsent);
}

void unboundUnsentBytes(int fd) noexcept {
  setLowWater(fd, kSystemsDefault);
}

std::uint64_t bytesTakenByPeer(const Transport& transport, std::uint64_t written) noexcept {
  if (const auto tcp = transport.tcpInfo()) {
    return tcp->bytes_acked;
  }
  // The kernel counts its own overhead too, so that it can say more than was written.
  const int waiting = transport.unsentBytes();
  return waiting <= 0 ? written : written - std::min(written, static_cast<std::uint64_t>(waiting));
}

}  // namespace gatewhy
