// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/known_addresses.h"

#include <algorithm>

namespace gatewhy {
namespace {

// Ports differ: an answer has none.
bool sameHost(const Address& a, const Address& b) {
  return a.bytes() == b.bytes();
}

bool holds(const std::vector<Address>& list, const Address& address) {
  return std::any_of(list.begin(), list.end(), [&](const Address& one) { return sameHost(one, address); });
}

}  // namespace

bool isDnsOutage(DnsStatus status) noexcept {
  switch (status) {
    case DnsStatus::Timeout:
    case DnsStatus::ServFail:
    case DnsStatus::Refused:
    case DnsStatus::ServerUnreachable:
      return true;
    case DnsStatus::NxDomain:
    case DnsStatus::NoData:
    case DnsStatus::FormErr:
    case DnsStatus::NotImp:
    case DnsStatus::BadReply:
    case DnsStatus::BadName:
    case DnsStatus::LocalFailure:
      return false;
  }
  return false;
}

void KnownAddresses::learn(const std::string& name, int family, const ResolvedAddresses& answer, TimePoint expires) {
  Known& known = known_[{name, family}];
  known.answer = answer;
  known.expires = expires;
  known.outage.reset();
  std::erase_if(known.worked, [&](const Address& address) { return !holds(answer.addresses, address); });
}

void KnownAddresses::forget(const std::string& name, int family) {
  known_.erase({name, family});
}

void KnownAddresses::noteConnected(const std::string& name, const Address& address) {
  const auto found = known_.find({name, address.family()});
  if (found == known_.end() || holds(found->second.worked, address)) {
    return;
  }
  const auto& addresses = found->second.answer.addresses;
  const auto same =
      std::find_if(addresses.begin(), addresses.end(), [&](const Address& one) { return sameHost(one, address); });
  if (same != addresses.end()) {
    found->second.worked.push_back(*same);
  }
}

void KnownAddresses::noteOutage(const std::string& name, int family, DnsStatus status) {
  if (const auto found = known_.find({name, family}); found != known_.end()) {
    found->second.outage = status;
  }
}

bool KnownAddresses::inOutage(const std::string& name, int family) const {
  const auto found = known_.find({name, family});
  return found != known_.end() && found->second.outage.has_value();
}

std::optional<ResolvedAddresses> KnownAddresses::inPlaceOf(const std::string& name, int family, TimePoint now,
                                                           std::chrono::milliseconds stale) const {
  const auto found = known_.find({name, family});
  if (found == known_.end() || found->second.worked.empty() || now > found->second.expires + stale) {
    return std::nullopt;
  }
  const Known& known = found->second;
  ResolvedAddresses out{.addresses = known.worked, .ttl_s = 0, .facts = known.answer.facts};
  for (const Address& address : known.answer.addresses) {
    if (!holds(known.worked, address)) {
      out.addresses.push_back(address);
    }
  }
  out.facts.stale = StaleDns{.status = known.outage.value_or(DnsStatus::Timeout),
                             .age_ms = std::max(0.0, millisBetween(known.expires, now))};
  return out;
}

}  // namespace gatewhy
