// SPDX-License-Identifier: Apache-2.0
#include "daemon/recent_failures.h"

#include <algorithm>

namespace gatewhy {
namespace {

std::size_t sizeOf(const FailureRecord& record) {
  return sizeof record + record.json.size() + record.origin.size() + record.request_id.size() + record.trace_id.size();
}

}  // namespace

bool FailureFilter::matches(const FailureRecord& record) const {
  return (!cause || record.cause == cause) && (!origin || record.origin == *origin) &&
         (!request_id || record.request_id == *request_id);
}

// A daemon that fails less than a million times a second counts slower than
// the clock, so a later run begins above all ids of this one.
RecentFailures::RecentFailures(Limits limits, std::chrono::system_clock::time_point started)
    : limits_(limits),
      next_id_(static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(started.time_since_epoch()).count())) {}

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
  std::vector<FailurePtr> gone;  // freed after the lock
  const std::lock_guard lock(mutex_);
  record->id = next_id_++;
  bytes_ += size;
  records_.push_back(std::move(record));
  while (records_.size() > limits_.records || (bytes_ > limits_.bytes && records_.size() > 1)) {
    bytes_ -= sizeOf(*records_.front());
    gone.push_back(std::move(records_.front()));
    records_.pop_front();
  }
}

RecentFailures::Page RecentFailures::from(std::size_t index, const FailureFilter& filter, std::size_t limit) const {
  Page page;
  page.next = next_id_ - 1;
  for (; index < records_.size(); ++index) {
    if (!filter.matches(*records_[index])) {
      continue;
    }
    if (page.records.size() == limit) {
      page.more = true;
      page.next = page.records.empty() ? records_[index]->id - 1 : page.records.back()->id;
      break;
    }
    page.records.push_back(records_[index]);
  }
  return page;
}

RecentFailures::Page RecentFailures::after(std::uint64_t since, const FailureFilter& filter, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t oldest = records_.empty() ? next_id_ : records_.front()->id;
  const std::size_t index = since < oldest ? 0 : static_cast<std::size_t>(since + 1 - oldest);
  Page page = from(index, filter, limit);
  page.missed = since != 0 && since + 1 < oldest ? oldest - 1 - since : 0;
  return page;
}

RecentFailures::Page RecentFailures::newest(const FailureFilter& filter, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  Page page;
  page.next = next_id_ - 1;
  for (auto record = records_.rbegin(); record != records_.rend() && page.records.size() < limit; ++record) {
    if (filter.matches(**record)) {
      page.records.push_back(*record);
    }
  }
  std::reverse(page.records.begin(), page.records.end());
  return page;
}

// Records stand in the order in which their exchanges ended, not began.
RecentFailures::Page RecentFailures::startedSince(std::chrono::system_clock::time_point since,
                                                  const FailureFilter& filter, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const auto first = std::find_if(records_.begin(), records_.end(),
                                  [&](const FailurePtr& record) { return record->timestamp >= since; });
  Page page;
  page.next = next_id_ - 1;
  for (auto record = first; record != records_.end(); ++record) {
    if ((*record)->timestamp < since || !filter.matches(**record)) {
      continue;
    }
    if (page.records.size() == limit) {
      page.more = true;
      page.next = page.records.empty() ? (*record)->id - 1 : page.records.back()->id;
      break;
    }
    page.records.push_back(*record);
  }
  return page;
}

std::uint64_t RecentFailures::lastId() const {
  const std::lock_guard lock(mutex_);
  return next_id_ - 1;
}

}  // namespace gatewhy
