// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/host_set.h"

#include <algorithm>
#include <utility>

#include "proxy/origin/endpoint_state.h"

namespace gatewhy {
namespace {

// Who claimed has died with its question, if he has not told by then.
constexpr std::chrono::seconds kLongestQuestion{30};

std::chrono::milliseconds lifeOf(const FamilyAnswer& answer) {
  if (!answer.ok()) {
    return NameWatch::kRetry;
  }
  if (answer->ttl_s == 0) {
    return NameWatch::kLifeWithoutTtl;
  }
  return std::clamp(std::chrono::seconds(answer->ttl_s), NameWatch::kShortestLife, NameWatch::kLongestLife);
}

// Those of `of` that `without` lacks.
std::vector<std::string> difference(const HostSet* of, const HostSet* without) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; of != nullptr && i < of->hosts.size(); ++i) {
    const std::string& text = of->hosts[i].text;
    if (without == nullptr || std::none_of(without->hosts.begin(), without->hosts.end(),
                                           [&](const NamedHost& host) { return host.text == text; })) {
      texts.push_back(text);
    }
  }
  return texts;
}

}  // namespace

std::shared_ptr<const HostSet> NameWatch::hosts() const {
  const std::lock_guard lock(mutex_);
  return hosts_;
}

bool NameWatch::claim(TimePoint now) noexcept {
  TimePoint::rep due = due_.load(std::memory_order_relaxed);
  return now.time_since_epoch().count() >= due &&
         due_.compare_exchange_strong(due, (now + kLongestQuestion).time_since_epoch().count(),
                                      std::memory_order_relaxed);
}

bool NameWatch::take(Family& family, const FamilyAnswer& answer, std::uint16_t port, std::chrono::milliseconds stale,
                     TimePoint now, DnsFacts& facts) {
  if (answer.ok() && !answer->facts.stale) {
    family.addresses.clear();
    for (const Address& address : answer->addresses) {
      if (const auto with_port = Address::fromIp(address.ip(), port)) {
        family.addresses.push_back(*with_port);
      }
    }
    family.expires = now + lifeOf(answer);
    facts.name = answer->facts.name.empty() ? facts.name : answer->facts.name;
    return true;
  }
  const DnsStatus status = answer.ok() ? answer->facts.stale->status : answer.error().status;
  if (!answer.ok() && (status == DnsStatus::NxDomain || status == DnsStatus::NoData)) {
    family.addresses.clear();
    return true;
  }
  if (now >= family.expires + stale) {
    family.addresses.clear();
  } else if (!family.addresses.empty()) {
    facts.stale = StaleDns{.status = status, .age_ms = std::max(0.0, millisBetween(family.expires, now))};
  }
  return false;
}

HostChange NameWatch::learn(const FamilyAnswer& v6, const FamilyAnswer& v4, std::uint16_t port,
                            std::chrono::milliseconds stale, TimePoint now) {
  const std::lock_guard lock(mutex_);
  DnsFacts facts;
  const bool told_v6 = take(v6_, v6, port, stale, now, facts);
  const bool told_v4 = take(v4_, v4, port, stale, now, facts);
  const std::shared_ptr<const HostSet> before = std::exchange(hosts_, made(facts));
  one_host_.store(hosts_ == nullptr, std::memory_order_relaxed);
  std::chrono::milliseconds life = told_v6 && told_v4 ? kLongestLife : kRetry;
  for (const FamilyAnswer* answer : {&v6, &v4}) {
    const bool absent = !answer->ok() && answer->error().status == DnsStatus::NoData;
    life = absent ? life : std::min(life, lifeOf(*answer));
  }
  if (v6_.addresses.empty() && v4_.addresses.empty()) {
    life = kRetry;
  }
  due_.store((now + life).time_since_epoch().count(), std::memory_order_relaxed);
  return {.joined = difference(hosts_.get(), before.get()),
          .left = difference(before.get(), hosts_.get()),
          .hosts = hosts_ == nullptr ? 0 : hosts_->hosts.size()};
}

std::shared_ptr<const HostSet> NameWatch::made(DnsFacts facts) const {
  if (v6_.addresses.size() <= 1 && v4_.addresses.size() <= 1) {
    return nullptr;
  }
  auto set = std::make_shared<HostSet>();
  set->facts = std::move(facts);
  for (const Family* family : {&v6_, &v4_}) {
    for (const Address& address : family->addresses) {
      set->hosts.push_back({.address = address, .text = address.text(), .state = nullptr});
    }
  }
  const auto by_text = [](const NamedHost& a, const NamedHost& b) { return a.text < b.text; };
  std::sort(set->hosts.begin(), set->hosts.end(), by_text);
  set->hosts.erase(std::unique(set->hosts.begin(), set->hosts.end(),
                               [](const NamedHost& a, const NamedHost& b) { return a.text == b.text; }),
                   set->hosts.end());
  for (NamedHost& host : set->hosts) {
    const auto had = hosts_ == nullptr ? std::vector<NamedHost>::const_iterator{}
                                       : std::lower_bound(hosts_->hosts.begin(), hosts_->hosts.end(), host, by_text);
    const bool known = hosts_ != nullptr && had != hosts_->hosts.end() && had->text == host.text;
    host.state = known ? had->state : std::make_shared<EndpointState>();
  }
  return set->hosts.size() < 2 ? nullptr : set;
}

}  // namespace gatewhy
