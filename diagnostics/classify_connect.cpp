// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "diagnostics/classify_rules.h"

namespace gatewhy {
namespace {

// RFC 792, RFC 1122 section 3.2.2.1 and RFC 1812 section 5.2.7.1.
Cause causeOfIcmp4(const IcmpError& icmp) noexcept {
  constexpr std::uint8_t kDestinationUnreachable = 3;
  constexpr std::uint8_t kTimeExceeded = 11;
  if (icmp.type == kTimeExceeded) {
    return Cause::HostUnreachable;
  }
  if (icmp.type != kDestinationUnreachable) {
    return Cause::ConnectionIcmpError;
  }
  switch (icmp.code) {
    case 0:   // net
    case 6:   // net unknown
    case 11:  // net, for this type of service
      return Cause::NetworkUnreachable;
    case 1:   // host
    case 12:  // host, for this type of service
    case 14:  // host precedence violation
    case 15:  // precedence cutoff
      return Cause::HostUnreachable;
    case 3:  // port
      return Cause::ConnectionRefusedByFirewall;
    case 9:   // net prohibited
    case 10:  // host prohibited
    case 13:  // communication prohibited
      return Cause::ConnectionAdminProhibited;
    default:  // protocol, source route, host unknown, source host isolated …
      return Cause::ConnectionIcmpError;
  }
}

// RFC 4443 section 3.1.
Cause causeOfIcmp6(const IcmpError& icmp) noexcept {
  constexpr std::uint8_t kDestinationUnreachable = 1;
  constexpr std::uint8_t kTimeExceeded = 3;
  if (icmp.type == kTimeExceeded) {
    return Cause::HostUnreachable;
  }
  if (icmp.type != kDestinationUnreachable) {
    return Cause::ConnectionIcmpError;
  }
  switch (icmp.code) {
    case 0:  // no route
      return Cause::NetworkUnreachable;
    case 1:  // prohibited
    case 5:  // source address failed a policy
    case 6:  // reject route
      return Cause::ConnectionAdminProhibited;
    case 2:  // beyond the scope of the source address
    case 3:  // address
      return Cause::HostUnreachable;
    case 4:  // port
      return Cause::ConnectionRefusedByFirewall;
    default:
      return Cause::ConnectionIcmpError;
  }
}

// socket(): nothing of the destination is known to the kernel yet.
Cause causeOfSocket(int error) noexcept {
  switch (error) {
    case EMFILE:
    case ENFILE:
      return Cause::ProxyFdExhausted;
    case ENOBUFS:
    case ENOMEM:
      return Cause::ProxyMemoryExhausted;
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
      return Cause::AddressFamilyUnsupported;
    case EACCES:
    case EPERM:
      return Cause::LocalFirewallDenied;
    default:
      return Cause::ProxyInternalError;
  }
}

Cause causeOfBind(int error) noexcept {
  switch (error) {
    case ENOBUFS:
    case ENOMEM:
      return Cause::ProxyMemoryExhausted;
    case EAFNOSUPPORT:
      return Cause::AddressFamilyUnsupported;
    default:  // EADDRNOTAVAIL, EADDRINUSE, EACCES on a port below 1024 …
      return Cause::SourceAddressUnavailable;
  }
}

// An error from connect() itself is this host's routing or policy: no packet
// was sent, or the peer is on this host.
Cause causeOfSyncConnect(int error, const ConnectionFacts& connection) noexcept {
  switch (error) {
    case ENETUNREACH:  // no route, or a `throw` route
      return Cause::NetworkUnreachable;
    case EHOSTUNREACH:  // an `unreachable` route
      return Cause::HostUnreachable;
    case EACCES:  // a `prohibit` route
      return Cause::DestinationIpProhibited;
    case EPERM:
      return Cause::LocalFirewallDenied;
    case EINVAL:
      // A `blackhole` route; a link-local address without an interface gives
      // the same number.
      return connection.peer_address.starts_with("[fe80:") ? Cause::AddressFamilyUnsupported
                                                           : Cause::LocalRouteBlackhole;
    case EADDRNOTAVAIL:
    case EAGAIN:  // connect(2): no free ephemeral port
      return Cause::SourcePortsExhausted;
    case EADDRINUSE:
      return Cause::SourceAddressUnavailable;
    case EAFNOSUPPORT:
      return Cause::AddressFamilyUnsupported;
    case ENOBUFS:
    case ENOMEM:
      return Cause::ProxyMemoryExhausted;
    case ECONNREFUSED:
    case ECONNRESET:
      return Cause::ConnectionRefused;
    case ETIMEDOUT:
      return Cause::ConnectionTimeout;
    default:
      return Cause::ProxyInternalError;
  }
}

Cause causeOfSoError(const ConnectFault& fault) noexcept {
  if (fault.icmp) {
    if (fault.error == ECONNREFUSED) {
      return Cause::ConnectionRefusedByFirewall;
    }
    return fault.icmp->v6 ? causeOfIcmp6(*fault.icmp) : causeOfIcmp4(*fault.icmp);
  }
  switch (fault.error) {
    case ECONNREFUSED:
    case ECONNRESET:
      return Cause::ConnectionRefused;
    case ETIMEDOUT:
      return Cause::ConnectionTimeout;
    case EHOSTUNREACH:
      // With IP_RECVERR on, a router's word would be in the error queue; what
      // is left is ARP or neighbour discovery that nobody answered.
      return Cause::NeighborUnresolved;
    case ENETUNREACH:
    case ENETDOWN:
      return Cause::NetworkUnreachable;
    case EACCES:  // ICMPv6 1/1, 1/5 and 1/6
      return Cause::ConnectionAdminProhibited;
    case EPERM:
      return Cause::LocalFirewallDenied;
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EOPNOTSUPP:
    case EPROTO:
      return Cause::ConnectionIcmpError;
    case ENOBUFS:
    case ENOMEM:
      return Cause::ProxyMemoryExhausted;
    default:
      return Cause::ProxyInternalError;
  }
}

// unix(7): connect() answers at once, so every error is final.
Cause causeOfUnixConnect(int error) noexcept {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return Cause::UnixSocketMissing;
    case ECONNREFUSED:  // nobody listens, or the path is no socket
    case ENOTSOCK:
    case EPROTOTYPE:
    case ECONNRESET:
      return Cause::UnixSocketRefused;
    case EAGAIN:
    case ETIMEDOUT:
      return Cause::UnixSocketBusy;
    case EACCES:
    case EPERM:
      return Cause::UnixSocketDenied;
    case ENOBUFS:
    case ENOMEM:
      return Cause::ProxyMemoryExhausted;
    default:
      return Cause::ProxyInternalError;
  }
}

}  // namespace

Cause causeOfConnect(const ConnectFault& fault, const ConnectionFacts& connection) noexcept {
  switch (fault.call) {
    case ConnectCall::Socket:
      return causeOfSocket(fault.error);
    case ConnectCall::Bind:
      return causeOfBind(fault.error);
    case ConnectCall::Connect:
      return fault.unix_socket ? causeOfUnixConnect(fault.error) : causeOfSyncConnect(fault.error, connection);
    case ConnectCall::SoError:
      return fault.unix_socket ? causeOfUnixConnect(fault.error) : causeOfSoError(fault);
    case ConnectCall::Timer:
      return fault.unix_socket ? Cause::UnixSocketBusy : Cause::ConnectionTimeout;
    case ConnectCall::SelfConnect:
      return Cause::SelfConnect;
    case ConnectCall::Policy:
      return Cause::DestinationIpProhibited;
  }
  return Cause::ProxyInternalError;
}

}  // namespace gatewhy
