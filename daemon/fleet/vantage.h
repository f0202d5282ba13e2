// SPDX-License-Identifier: Apache-2.0
// Many gatewhys in front of one origin see what one cannot: whether a failure is
// the origin's, or that of the way there from one place. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gatewhy {

// What one gatewhy saw of one origin in some time, of one cause.
struct VantageCount {
  std::string instance;
  std::uint64_t exchanges = 0;  // with that origin, failures included
  std::uint64_t failures = 0;   // with that cause
};

// The same by the address that was connected to, over all gatewhys.
struct AddressCount {
  std::string address;
  std::uint64_t exchanges = 0, failures = 0;
};

enum class Vantage : std::uint8_t {
  Nobody,        // no failures
  NotEnough,     // too little traffic from elsewhere to tell
  Origin,        // seen from everywhere
  OneAddress,    // seen from everywhere, at one of several addresses
  WayFromThere,  // seen from some places, and not from others that would have seen it
  NoWay          // brought about on this side of the way: by clients, or by gatewhy itself
};

struct VantageVerdict {
  Vantage vantage = Vantage::Nobody;
  std::vector<std::string> seen_by, not_by;  // instances with enough traffic to count
  std::string address;                       // OneAddress
  std::string words;                         // one clause: "3 of 3 gatewhys: the origin"
};

// A gatewhy sees a cause where at least one exchange in a hundred, and no fewer
// than two, failed so. One that does not see it counts only where it would have
// had five failures, going by how often the others see it.
// Only what goes wrong beyond a gatewhy has a way to it.
[[nodiscard]] VantageVerdict judgeVantage(const std::string& cause, const std::vector<VantageCount>& counts,
                                          const std::vector<AddressCount>& addresses);
[[nodiscard]] VantageVerdict judgeVantage(const std::vector<VantageCount>& counts,
                                          const std::vector<AddressCount>& addresses);

}  // namespace gatewhy
