// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/dns_cache.h"

#include <algorithm>

namespace gatewhy {
namespace {

constexpr std::size_t kMostCached = 4096;
constexpr std::chrono::seconds kLongestPositive{3600};
constexpr std::chrono::seconds kLongestNegative{5};

std::string keyOf(const std::string& host, int family) {
  return (family == AF_INET6 ? "6" : "4") + host;
}

}  // namespace

void DnsCache::put(const std::string& host, int family, const FamilyAnswer& answer, std::chrono::seconds lifetime,
                   TimePoint now) {
  if (lifetime <= std::chrono::seconds(0)) {
    entries_.erase(keyOf(host, family));
    return;
  }
  if (entries_.size() >= kMostCached) {
    makeRoom(now);
  }
  entries_.insert_or_assign(keyOf(host, family), Entry{answer, now + lifetime});
}

DnsCache::Hit DnsCache::get(const std::string& host, int family, TimePoint now) const {
  const auto found = entries_.find(keyOf(host, family));
  if (found == entries_.end() || found->second.expires <= now) {
    return {};
  }
  return {&found->second.answer, std::chrono::duration_cast<std::chrono::seconds>(found->second.expires - now)};
}

void DnsCache::makeRoom(TimePoint now) {
  std::erase_if(entries_, [now](const auto& item) { return item.second.expires <= now; });
  if (entries_.size() >= kMostCached) {
    entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                    [](const auto& a, const auto& b) { return a.second.expires < b.second.expires; }));
  }
}

std::chrono::seconds cacheLifetime(const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s) {
  if (answer.ok()) {
    return std::min(std::chrono::seconds(answer.value().ttl_s), kLongestPositive);
  }
  switch (answer.error().status) {
    case DnsStatus::NxDomain:
    case DnsStatus::NoData:
      return std::min(std::chrono::seconds(negative_ttl_s.value_or(0)), kLongestNegative);
    case DnsStatus::ServFail:
    case DnsStatus::Refused:
    case DnsStatus::FormErr:
    case DnsStatus::NotImp:
    case DnsStatus::BadReply:
    case DnsStatus::ServerUnreachable:
    case DnsStatus::Timeout:
    case DnsStatus::BadName:
    case DnsStatus::LocalFailure:
      break;
  }
  return std::chrono::seconds(0);
}

}  // namespace gatewhy
