// SPDX-License-Identifier: Apache-2.0
// Where a log goes, as `log.destination` writes it. Nothing is resolved or opened.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/result.h"

namespace gatewhy {

enum class LogKind : std::uint8_t {
  Stderr,
  Stdout,
  Journald,
  Syslog,  // this machine's, at /dev/log
  File,
  SyslogTcp,  // syslog://, syslog+tcp://
  SyslogUdp,  // syslog+udp://
  Nats,       // nats://, tls://
  Otlp,       // otlp+http://, otlp+https://
};

struct LogPlace {
  LogKind kind = LogKind::Stderr;
  std::string host;  // of syslog; IPv6 without brackets
  std::uint16_t port = 0;
  std::string url;   // of NATS (servers, separated by commas) and OTLP, as their libraries take it
  std::string name;  // for messages and metrics: as written, without name, password or token
};

// The error says what to write instead.
[[nodiscard]] Result<LogPlace, std::string> parseLogPlace(std::string_view text);

// In the network: what it does not take waits in a spool.
[[nodiscard]] constexpr bool isRemote(LogKind kind) noexcept {
  return kind == LogKind::SyslogTcp || kind == LogKind::SyslogUdp || kind == LogKind::Nats || kind == LogKind::Otlp;
}
// Takes events as JSON only.
[[nodiscard]] constexpr bool onlyJson(LogKind kind) noexcept {
  return kind == LogKind::Journald || kind == LogKind::Nats || kind == LogKind::Otlp;
}

}  // namespace gatewhy
