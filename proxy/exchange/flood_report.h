// SPDX-License-Identifier: Apache-2.0
// Floods are told of, and do not become floods of lines: what is turned away
// is said when it begins, then counted and said every ten seconds.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/loop/event_loop.h"

namespace gatewhy {

class EventSink;

enum class Flood : std::uint8_t {
  ConnectionsOfOne,  // beyond limits.connections_per_client, closed unanswered
  Connections,       // beyond limits.connections, closed unanswered
  IdleGaveWay,       // at limits.connections, for newcomers
  Descriptors,       // the same for want of descriptors
  Handshakes,        // overdue, or never begun
  Memory,            // closed because memory is short: idle ones and, where hardly any is left, newcomers
};

// One worker's; its thread only.
class FloodReport {
 public:
  FloodReport(EventLoop& loop, EventSink& sink);

  // `client` is the address, "" where there is none. True where it is the
  // first in a while.
  bool note(Flood flood, std::string_view client);

 private:
  static constexpr std::size_t kFloods = 6;
  struct Count {
    std::uint64_t untold = 0;
    std::string client;  // the latest
    bool told = false;   // lately
  };
  void onTick();
  void say(Flood flood, Count& count);

  EventSink& sink_;
  std::array<Count, kFloods> counts_;
  Deadline tick_;
};

}  // namespace gatewhy
