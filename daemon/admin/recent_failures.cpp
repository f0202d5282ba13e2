// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/recent_failures.h"

#include <algorithm>
#include <iterator>

namespace gatewhy {
namespace {

std::size_t sizeOf(const FailureRecord& record) {
  return sizeof record + record.json.size() + record.origin.size() + record.request_id.size() + record.trace_id.size();
}

}  // namespace

bool FailureFilter::matches(const FailureRecord& record) const {
  return (!cause || record.cause == cause) && (!origin || record.origin == *origin) &&
         (!request_id || record.request_id == *request_id) &&
         (!request_id_prefix || record.request_id.starts_with(*request_id_prefix));
}

// A daemon that fails less than a million times a second counts slower than
// the clock, so a later run begins above all ids of this one.
RecentFailures::RecentFailures(Limits limits, std::chrono::system_clock::time_point started)
    : limits_(limits),
      first_id_(static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(started.time_since_epoch()).count())),
      next_id_(first_id_) {}

void RecentFailures::add(const ExchangeEvent& event, std::string_view line) {
  auto record = std::make_shared<FailureRecord>();
  record->timestamp = event.timestamp;
  if (event.diagnosis != nullptr) {
    record->cause = event.diagnosis->cause;
    record->status = event.diagnosis->status;
  }
  record->origin = event.origin;
  record->request_id = event.request_id;
  record->trace_id = event.trace_id;
  record->total_ms = event.timings.total.value_or(0);
  record->json = line.substr(0, line.find_last_not_of('\n') + 1);
  const std::size_t size = sizeOf(*record);
  Kind kind(record->origin, record->cause);
  std::vector<FailurePtr> gone;  // freed after the lock
  const std::lock_guard lock(mutex_);
  record->id = next_id_++;
  Share& share = shares_[std::move(kind)];
  share.ids.push_back(record->id);
  share.bytes += size;
  bytes_ += size;
  records_.emplace_hint(records_.end(), record->id, std::move(record));
  while (records_.size() > 1 && (tooMany() || bytes_ > limits_.bytes)) {
    gone.push_back(dropOldestOfLargestShare());
  }
}

// The largest by what there is too much of; of equals the one whose oldest is
// older. A newcomer that is alone of its kind stays.
FailurePtr RecentFailures::dropOldestOfLargestShare() {
  const auto larger = [this](const Share& a, const Share& b) {
    const std::size_t of_a = tooMany() ? a.ids.size() : a.bytes;
    const std::size_t of_b = tooMany() ? b.ids.size() : b.bytes;
    return of_a != of_b ? of_a > of_b : a.ids.front() < b.ids.front();
  };
  auto largest = shares_.end();
  for (auto share = shares_.begin(); share != shares_.end(); ++share) {
    const bool newcomer = share->second.ids.front() + 1 == next_id_;
    if (!newcomer && (largest == shares_.end() || larger(share->second, largest->second))) {
      largest = share;
    }
  }
  Share& share = largest->second;
  const auto oldest = records_.find(share.ids.front());
  FailurePtr gone = std::move(oldest->second);
  records_.erase(oldest);
  const std::size_t size = sizeOf(*gone);
  bytes_ -= size;
  share.bytes -= size;
  share.ids.pop_front();
  if (share.ids.empty()) {
    shares_.erase(largest);
  }
  return gone;
}

template <typename Wanted>
RecentFailures::Page RecentFailures::from(Records::const_iterator record, const Wanted& wanted,
                                          std::size_t limit) const {
  Page page;
  page.next = next_id_ - 1;
  for (; record != records_.end(); ++record) {
    if (!wanted(*record->second)) {
      continue;
    }
    if (page.records.size() == limit) {
      page.more = true;
      page.next = page.records.empty() ? record->first - 1 : page.records.back()->id;
      break;
    }
    page.records.push_back(record->second);
  }
  return page;
}

RecentFailures::Page RecentFailures::after(std::uint64_t since, const FailureFilter& filter, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const auto first = records_.upper_bound(since);
  Page page = from(
      first, [&](const FailureRecord& record) { return filter.matches(record); }, limit);
  if (since != 0 && since < next_id_) {
    const std::uint64_t came = next_id_ - std::max(since + 1, first_id_);
    page.missed = came - static_cast<std::uint64_t>(std::distance(first, records_.end()));
  }
  return page;
}

RecentFailures::Page RecentFailures::newest(const FailureFilter& filter, std::size_t limit, std::size_t of_each) const {
  const std::lock_guard lock(mutex_);
  Page page;
  page.next = next_id_ - 1;
  std::map<std::pair<std::string_view, std::optional<Cause>>, std::size_t> taken;
  for (auto record = records_.rbegin(); record != records_.rend() && page.records.size() < limit; ++record) {
    const FailurePtr& failure = record->second;
    if (filter.matches(*failure) && taken[{failure->origin, failure->cause}]++ < of_each) {
      page.records.push_back(failure);
    }
  }
  std::reverse(page.records.begin(), page.records.end());
  return page;
}

// Records stand in the order in which their exchanges ended, not began.
RecentFailures::Page RecentFailures::startedSince(std::chrono::system_clock::time_point since,
                                                  const FailureFilter& filter, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  return from(
      records_.begin(),
      [&](const FailureRecord& record) { return record.timestamp >= since && filter.matches(record); }, limit);
}

std::uint64_t RecentFailures::lastId() const {
  const std::lock_guard lock(mutex_);
  return next_id_ - 1;
}

}  // namespace gatewhy
