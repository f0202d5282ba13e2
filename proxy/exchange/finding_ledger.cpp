// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/finding_ledger.h"

namespace gatewhy {

FindingLedger::FindingLedger(const std::vector<RouteConfig>& routes)
    : routes_(routes), pages_(std::make_unique<Page[]>(routes.size())) {}

// Two workers that meet at the end of the hour may tell a finding twice; none
// is ever lost.
FindingSet FindingLedger::news(const RouteConfig& route, FindingSet found, TimePoint now) {
  Page& page = pages_[static_cast<std::size_t>(&route - routes_.data())];
  const TimePoint::rep ticks = now.time_since_epoch().count();
  TimePoint::rep since = page.since.load(std::memory_order_relaxed);
  const bool expired = since == 0 || ticks - since > TimePoint::duration(kToldAgainAfter).count();
  if (expired && page.since.compare_exchange_strong(since, ticks, std::memory_order_relaxed)) {
    for (auto& word : page.told) {
      word.store(0, std::memory_order_relaxed);
    }
  }
  FindingSet::Words told{};
  for (std::size_t i = 0; i < told.size(); ++i) {
    told[i] = page.told[i].load(std::memory_order_relaxed);
  }
  if (found.without(FindingSet::fromWords(told)).empty()) {
    return {};
  }
  for (std::size_t i = 0; i < told.size(); ++i) {
    told[i] = page.told[i].fetch_or(found.words()[i], std::memory_order_relaxed);
  }
  return found.without(FindingSet::fromWords(told));
}

}  // namespace gatewhy
