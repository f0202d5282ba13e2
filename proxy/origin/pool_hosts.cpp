// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/pool_hosts.h"

#include <algorithm>
#include <utility>

namespace gatewhy {
namespace {

// Each as one host, whatever is known of its name.
std::vector<OriginHost> endpointsAsSuch(const std::vector<std::shared_ptr<EndpointState>>& states) {
  std::vector<OriginHost> hosts;
  hosts.reserve(states.size());
  for (const auto& state : states) {
    hosts.push_back({.endpoint = hosts.size(), .address = {}, .address_text = {}, .state = state, .whole = state});
  }
  return hosts;
}

std::vector<Candidate> candidatesOf(const OriginConfig& config, const std::vector<OriginHost>& hosts) {
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const EndpointConfig& endpoint = config.endpoints[hosts[i].endpoint];
    if (hosts[i].state != nullptr) {
      candidates.push_back({.index = i,
                            .weight = endpoint.weight,
                            .backup = endpoint.backup,
                            .name = hosts[i].address ? endpoint.url + '\n' + hosts[i].address_text : endpoint.url});
    }
  }
  return candidates;
}

bool isAmong(const std::vector<std::size_t>& hosts, std::size_t host) {
  return std::find(hosts.begin(), hosts.end(), host) != hosts.end();
}

}  // namespace

PoolHosts::PoolHosts(EventLoop& loop, const OriginConfig& config, std::vector<std::shared_ptr<EndpointState>> states,
                     std::shared_ptr<OriginState> origin_state)
    : loop_(loop),
      config_(config),
      endpoints_(std::move(states)),
      origin_state_(std::move(origin_state)),
      loads_(endpoints_.size()),
      balancer_(config),
      health_(config, endpointsAsSuch(endpoints_), origin_state_) {
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    hosts_.push_back(std::make_unique<EndpointConnections>(loop_, config_.endpoints[i], config_.keep_alive,
                                                           endpoints_[i], origin_state_));
  }
}

// ---- hosts behind names -----------------------------------------------

void PoolHosts::watchNames(HostRefresh::OnChange tell) {
  refresh_.emplace(config_, endpoints_, origin_state_, std::move(tell));
  seen_hosts_ = origin_state_->host_changes.load(std::memory_order_acquire) - 1;
  update();
}

void PoolHosts::refreshNames(Resolver& resolver) {
  if (refresh_) {
    refresh_->askAll(resolver, loop_.turnTime());
    update();
  }
}

void PoolHosts::refreshName(std::size_t host, Resolver& resolver) {
  if (refresh_ && host < endpoints_.size()) {
    refresh_->ask(host, resolver, loop_.turnTime());
  }
}

void PoolHosts::update() {
  const std::uint32_t changes = origin_state_->host_changes.load(std::memory_order_acquire);
  if (!refresh_ || changes == seen_hosts_) {
    return;
  }
  seen_hosts_ = changes;
  std::vector<OriginHost> hosts = health_.hosts();
  std::vector<OriginHost> wanted = hostsOf(endpoints_);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto state = i < endpoints_.size() ? endpoints_[i] : hosts[i].state;
    const auto still = std::find_if(wanted.begin(), wanted.end(),
                                    [&](const OriginHost& host) { return state != nullptr && host.state == state; });
    const bool stays = still != wanted.end();
    hosts[i].state = stays ? state : nullptr;
    hosts_[i]->retire(!stays);
    if (stays) {
      wanted.erase(still);
    }
  }
  for (OriginHost& joined : wanted) {
    const std::size_t index = freeIndex(hosts);
    if (index == hosts.size()) {
      hosts.emplace_back();
      hosts_.emplace_back();
      loads_.push_back(0);
    }
    hosts_[index] = std::make_unique<EndpointConnections>(loop_, config_.endpoints[joined.endpoint], config_.keep_alive,
                                                          joined.state, origin_state_);
    hosts[index] = std::move(joined);
  }
  balancer_ = Balancer(config_.balance, candidatesOf(config_, hosts));
  health_.setHosts(std::move(hosts));
}

std::size_t PoolHosts::freeIndex(const std::vector<OriginHost>& hosts) const {
  for (std::size_t i = endpoints_.size(); i < hosts.size(); ++i) {
    if (hosts[i].state == nullptr && loads_[i] == 0 && hosts_[i]->empty()) {
      return i;
    }
  }
  return hosts.size();
}

// ---- all of them --------------------------------------------------------

bool PoolHosts::hasAlternative(const std::vector<std::size_t>& tried, std::size_t besides) const {
  const TimePoint now = EventLoop::now();
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (i != besides && !isAmong(tried, i) && health_.takes(i, now)) {
      return true;
    }
  }
  return false;
}

bool PoolHosts::anyBelow(std::uint32_t uploads) const {
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [uploads](const auto& host) { return host->state()->uploads() < uploads; });
}

std::size_t PoolHosts::parked(std::size_t endpoint) const {
  std::size_t parked = 0;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    parked += health_.host(i).endpoint == endpoint ? hosts_[i]->parked() : 0;
  }
  return parked;
}

void PoolHosts::closeParked() {
  for (const auto& host : hosts_) {
    host->closeParked();
  }
}

void PoolHosts::closeParkedOf(const ProxiedClient& client) {
  for (const auto& host : hosts_) {
    host->closeParkedOf(client);
  }
}

void PoolHosts::closeOldestWithPlace() {
  static_cast<void>(
      std::any_of(hosts_.begin(), hosts_.end(), [](const auto& host) { return host->closeOldestWithPlace(); }));
}

// ---- the search ---------------------------------------------------------

// splitmix64 of a counter: the balancer goes round in a rhythm of its own, which
// a sequence that is merely spread evenly would fall into step with.
double PoolHosts::nextLot() {
  std::uint64_t x = ++lots_ * 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  constexpr double kRange = 9007199254740992.0;  // 2^53
  return static_cast<double>((x ^ (x >> 31U)) >> 11U) / kRange;
}

PoolHosts::Choice::Choice(PoolHosts& hosts, const std::vector<std::size_t>& tried)
    : hosts_(hosts), tried_(tried), now_(hosts.loop_.turnTime()) {
  hosts_.health_.look(now_);
  choosy_ = !tried_.empty() || hosts_.health_.anySlow();
  lot_ = choosy_ ? hosts_.nextLot() : 0;
}

std::size_t PoolHosts::Choice::next(std::uint64_t key) {
  std::size_t chosen = hosts_.balancer_.pick(*this, hosts_.loads_, key);
  if (chosen == Balancer::kNone && std::exchange(choosy_, false)) {
    chosen = hosts_.balancer_.pick(*this, hosts_.loads_, key);
  }
  return chosen;
}

void PoolHosts::Choice::noteFull(std::size_t host) {
  full_.resize(hosts_.size());
  full_[host] = true;
}

bool PoolHosts::Choice::admits(std::size_t host) const {
  return host < hosts_.size() && hosts_.health_.usable(host) && !isAmong(tried_, host);
}

bool PoolHosts::Choice::usable(std::size_t host) const {
  return hosts_.health_.usable(host) && (full_.empty() || !full_[host]) && (tried_.empty() || !isAmong(tried_, host)) &&
         (!choosy_ || preferred(host));
}

bool PoolHosts::Choice::preferred(std::size_t host) const {
  if (hosts_.endpointOf(host).backup) {
    return false;
  }
  return tried_.empty() ? !hosts_.health_.heldBack(host, lot_, now_) : !hosts_.health_.state(host).health.failing();
}

}  // namespace gatewhy
