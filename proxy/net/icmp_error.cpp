// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/icmp_error.h"

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace gatewhy {
namespace {

constexpr int kMostQueued = 16;

std::string senderOf(const cmsghdr* control) {
  // SO_EE_OFFENDER: the sender's address follows the error; family 0 = unknown.
  const unsigned char* at = CMSG_DATA(control) + sizeof(sock_extended_err);
  const std::size_t room = control->cmsg_len - CMSG_LEN(sizeof(sock_extended_err));
  Address sender;
  std::memcpy(&sender.storage, at, std::min(room, sizeof(sockaddr_in6)));
  sender.size = sizeof(sockaddr_in6);
  return sender.ip();
}

std::optional<IcmpError> fromControl(const cmsghdr* control) {
  const bool v4 = control->cmsg_level == SOL_IP && control->cmsg_type == IP_RECVERR;
  const bool v6 = control->cmsg_level == SOL_IPV6 && control->cmsg_type == IPV6_RECVERR;
  if ((!v4 && !v6) || control->cmsg_len < CMSG_LEN(sizeof(sock_extended_err))) {
    return std::nullopt;
  }
  sock_extended_err error{};
  std::memcpy(&error, CMSG_DATA(control), sizeof error);
  if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) {
    return std::nullopt;
  }
  return IcmpError{error.ee_origin == SO_EE_ORIGIN_ICMP6, error.ee_type, error.ee_code, senderOf(control)};
}

std::string localIp(int fd) {
  Address own;
  own.size = sizeof own.storage;
  return getsockname(fd, reinterpret_cast<sockaddr*>(&own.storage), &own.size) == 0 ? own.ip() : "";
}

bool isOwnNeighbourFailure(int fd, const IcmpError& error, const Address& target) {
  const bool host_unreachable = error.v6 ? error.type == ICMP6_DST_UNREACH && error.code == ICMP6_DST_UNREACH_ADDR
                                         : error.type == ICMP_DEST_UNREACH && error.code == ICMP_HOST_UNREACH;
  return host_unreachable && error.sender != target.ip() && error.sender == localIp(fd);
}

}  // namespace

void keepIcmpErrors(int fd, int family) noexcept {
  const int on = 1;
  if (family == AF_INET6) {
    setsockopt(fd, SOL_IPV6, IPV6_RECVERR, &on, sizeof on);
  } else {
    setsockopt(fd, SOL_IP, IP_RECVERR, &on, sizeof on);
  }
}

std::optional<IcmpError> takeIcmpError(int fd, const Address& target) {
  std::optional<IcmpError> found;
  for (int i = 0; i < kMostQueued; ++i) {
    alignas(cmsghdr) std::array<char, 512> control{};
    std::array<char, 128> packet{};  // of our own packet that caused it; not needed
    iovec part{packet.data(), packet.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
      break;
    }
    for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr && !found; item = CMSG_NXTHDR(&message, item)) {
      found = fromControl(item);
    }
  }
  if (found && isOwnNeighbourFailure(fd, *found, target)) {
    found.reset();
  }
  return found;
}

}  // namespace gatewhy
