// SPDX-License-Identifier: Apache-2.0
// The log event in forms other than JSON: for tools that read access logs, and
// for somebody who watches a terminal.
#pragma once

#include <chrono>

#include "diagnostics/event.h"

namespace gatewhy {

enum class EventFormat : std::uint8_t {
  Json,
  // Apache's and nginx's "combined" log format. Lifecycle events become
  // comment lines ("# …"), which its readers skip.
  Combined,
  Text,
  ColouredText,  // with ANSI attributes
};

// Appends one line, '\n' included, in UTC. Control characters, quotes,
// backslashes and octets beyond ASCII are written as \xHH wherever a client or
// an origin chose them (Json: as appendJson says).
void appendLine(TextBuffer& out, const ExchangeEvent& event, EventFormat format);
void appendLine(std::string& out, const LifecycleEvent& event, std::chrono::system_clock::time_point timestamp,
                EventFormat format);

}  // namespace gatewhy
