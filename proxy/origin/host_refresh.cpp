// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/host_refresh.h"

#include <algorithm>
#include <utility>

#include "proxy/net/address_policy.h"
#include "proxy/net/endpoint_name.h"

namespace gatewhy {
namespace {

// Of a name with both families: without the one that this machine cannot reach
// at all, as where it has no IPv6.
void dropUnroutable(FamilyAnswer& one, const FamilyAnswer& other) {
  const auto has_addresses = [](const FamilyAnswer& answer) { return answer.ok() && !answer->addresses.empty(); };
  if (has_addresses(one) && has_addresses(other) &&
      std::none_of(one->addresses.begin(), one->addresses.end(), hasRoute) &&
      std::any_of(other->addresses.begin(), other->addresses.end(), hasRoute)) {
    one->addresses.clear();
  }
}

}  // namespace

HostRefresh::HostRefresh(const OriginConfig& config, std::vector<std::shared_ptr<EndpointState>> states,
                         std::shared_ptr<OriginState> origin_state, OnChange on_change)
    : config_(config),
      states_(std::move(states)),
      origin_state_(std::move(origin_state)),
      on_change_(std::move(on_change)) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (!literalAddress(config_.endpoints[i])) {
      names_.push_back(i);
    }
  }
}

void HostRefresh::askAll(Resolver& resolver, TimePoint now) {
  for (const std::size_t endpoint : names_) {
    if (states_[endpoint]->name.wasAsked()) {
      ask(endpoint, resolver, now);
    }
  }
}

void HostRefresh::ask(std::size_t endpoint, Resolver& resolver, TimePoint now) {
  NameWatch& name = states_[endpoint]->name;
  if (!name.due(now) || std::find(names_.begin(), names_.end(), endpoint) == names_.end() || !name.claim(now)) {
    return;
  }
  Question& question = questions_[endpoint];
  question = Question();
  question.handle = resolver.resolve(lookUpName(config_.endpoints[endpoint]),
                                     [this, endpoint, stale = resolver.stale()](int family, FamilyAnswer answer) {
                                       onAnswer(endpoint, family, std::move(answer), stale);
                                     });
}

void HostRefresh::onAnswer(std::size_t endpoint, int family, FamilyAnswer answer, std::chrono::milliseconds stale) {
  const auto found = questions_.find(endpoint);
  (family == AF_INET6 ? found->second.v6 : found->second.v4) = std::move(answer);
  if (!found->second.v6 || !found->second.v4) {
    return;
  }
  Question question = std::move(found->second);
  questions_.erase(found);
  dropUnroutable(*question.v6, *question.v4);
  dropUnroutable(*question.v4, *question.v6);
  const HostChange change = states_[endpoint]->name.learn(*question.v6, *question.v4, config_.endpoints[endpoint].port,
                                                          stale, EventLoop::now());
  if (change.any()) {
    origin_state_->host_changes.fetch_add(1, std::memory_order_release);
    origin_state_->health_changes.fetch_add(1, std::memory_order_release);
    on_change_(endpoint, change);
  }
}

}  // namespace gatewhy
