// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "diagnostics/event.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

// How far a request and its response got when, on a connection to an origin; {}
// where they have not got there. Pure.
struct StreamTimes {
  TimePoint began{};           // the request's head was written
  TimePoint awaiting_since{};  // 100 (Continue), which nobody waits for any more once it is {} again
  TimePoint sent{};            // all of the request
  TimePoint first_byte{};      // of the response

  // Adds send, wait and receive; up to `end` where something has not ended.
  void addTo(Timings& timings, TimePoint end) const;
};

}  // namespace gatewhy
