// SPDX-License-Identifier: Apache-2.0
// What the log has told of each route already, so that a broken page that is
// asked for a thousand times a second is one line an hour and not as many
// lines. Shared by all workers; a generation has its own, so a reload tells
// everything once more.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "config/config.h"
#include "diagnostics/findings.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

class FindingLedger {
 public:
  static constexpr std::chrono::hours kToldAgainAfter{1};

  // `routes` outlives this.
  explicit FindingLedger(const std::vector<RouteConfig>& routes);

  // Those of `found` that are new for the route; from now on they are not.
  // Any thread, no lock; `route` is one of the routes.
  [[nodiscard]] FindingSet news(const RouteConfig& route, FindingSet found, TimePoint now);

 private:
  struct Page {
    std::array<std::atomic<std::uint64_t>, FindingSet::kWords> told{};  // a FindingSet
    std::atomic<TimePoint::rep> since{0};
  };
  const std::vector<RouteConfig>& routes_;
  std::unique_ptr<Page[]> pages_;  // by route
};

}  // namespace gatewhy
