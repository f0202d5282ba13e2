// SPDX-License-Identifier: Apache-2.0
// Short ways to write the observations that the tests of this folder need.
#pragma once

#include <utility>

#include "diagnostics/observation.h"

namespace gatewhy::test {

inline Observation seen(Phase phase, Fault fault) {
  Observation observation;
  observation.phase = phase;
  observation.fault = std::move(fault);
  return observation;
}

inline Observation seen(Phase phase, Fault fault, ByteFacts bytes) {
  Observation observation = seen(phase, std::move(fault));
  observation.bytes = std::move(bytes);
  return observation;
}

inline Observation seen(Phase phase, Fault fault, ByteFacts bytes, TcpSnapshot tcp) {
  Observation observation = seen(phase, std::move(fault), std::move(bytes));
  observation.tcp = tcp;
  return observation;
}

inline Observation reused(Observation observation) {
  observation.connection.reused = true;
  return observation;
}

inline Observation overTls(Observation observation) {
  observation.connection.tls = true;
  return observation;
}

inline Observation toPeer(Observation observation, std::string peer_address) {
  observation.connection.peer_address = std::move(peer_address);
  return observation;
}

inline Observation connecting(ConnectCall call, int error) {
  return seen(Phase::Connect, ConnectFault{.call = call, .error = error});
}

inline Observation connectingUnix(int error) {
  return seen(Phase::Connect, ConnectFault{.call = ConnectCall::Connect, .error = error, .unix_socket = true});
}

inline Observation icmp4(std::uint8_t code, int error) {
  return seen(Phase::Connect, ConnectFault{.error = error, .icmp = IcmpError{false, 3, code, "192.0.2.1"}});
}

inline Observation icmp6(std::uint8_t code, int error) {
  return seen(Phase::Connect, ConnectFault{.error = error, .icmp = IcmpError{true, 1, code, "2001:db8::1"}});
}

inline Observation resolving(DnsStatus status) {
  return seen(Phase::Dns, DnsFault{.status = status});
}

inline Observation handshaking(TlsFault fault) {
  return seen(Phase::TlsHandshake, std::move(fault));
}

inline Observation handshaking(TlsFailure failure) {
  return handshaking(TlsFault{.failure = failure});
}

inline Observation alerted(int alert) {
  return handshaking(TlsFault{.failure = TlsFailure::AlertReceived, .alert = alert});
}

inline TlsFault lateAlert(int alert) {
  return TlsFault{.failure = TlsFailure::AlertReceived, .alert = alert, .late = true};
}

inline Observation badCertificate(const std::vector<int>& codes, int chain_length = 2) {
  TlsFault fault{.failure = TlsFailure::Certificate, .chain_length = chain_length};
  for (const int code : codes) {
    fault.problems.push_back(X509Problem{.code = code});
  }
  return handshaking(std::move(fault));
}

inline Observation timedOut(Timer timer) {
  return seen(Phase::Internal, TimerFault{.timer = timer});
}

inline ByteFacts requestSent(std::uint64_t bytes = 100) {
  return ByteFacts{.request_written = bytes, .request_complete = true};
}

}  // namespace gatewhy::test
