// SPDX-License-Identifier: Apache-2.0
// Syslog as a log destination: this machine's, or another's in RFC 5424.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "config/log_place.h"
#include "daemon/log/log_destination.h"

namespace gatewhy {

// What a message says of its sender.
struct SyslogSender {
  std::string host;
  int pid = 0;
};

// One event, a line without its '\n', as an RFC 5424 message (section 6):
// facility daemon, severity and time of the event where the line is JSON, else
// informational and `now`; MSGID is the event's name. The line is the MSG.
[[nodiscard]] std::string syslogMessage(std::string_view line, const SyslogSender& sender,
                                        std::chrono::system_clock::time_point now);

// LogKind::Syslog: datagrams to /dev/log in the form of syslog(3).
// SyslogUdp: a datagram each (RFC 5426). What the receiver's host refuses counts
// as dropped; what else gets lost is not noticed.
// SyslogTcp: counted octets (RFC 6587 section 3.4.1). TCP tells that bytes have
// arrived, not that they were read: what a receiver had not read when it died is lost.
[[nodiscard]] std::unique_ptr<LogDestination> makeSyslog(const LogPlace& place);

}  // namespace gatewhy
