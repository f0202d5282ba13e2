// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/origin_health.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace gatewhy {
namespace {

constexpr std::uint32_t kAll = 100;
// Of its share, however lately an endpoint has come back: something has to
// show how it does.
constexpr double kLeastShare = 0.05;

using Standing = EndpointHealth::Standing;

std::vector<std::string> urlsOf(const OriginConfig& config) {
  std::vector<std::string> urls;
  for (const EndpointConfig& endpoint : config.endpoints) {
    urls.push_back(endpoint.url);
  }
  return urls;
}

// RFC 3339, whole seconds.
std::string wallClock(TimePoint when, TimePoint now) {
  const auto at =
      std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(now - when);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

std::string describeAbsence(const std::string& url, const EndpointHealth::Why& why, const std::string& summary,
                            TimePoint now) {
  std::string text = url;
  switch (why.source) {
    case HealthSource::Drain:
      return fmt::format("{}: drained by an operator since {}", url, wallClock(why.since, now));
    case HealthSource::Check:
      text += fmt::format(": down by its check since {}", wallClock(why.since, now));
      break;
    case HealthSource::Passive:
      text += fmt::format(": ejected since {}, for another {:.1f} s", wallClock(why.since, now),
                          std::max(0.0, millisBetween(now, *why.until)) / 1000);
      break;
  }
  if (why.cause) {
    text += fmt::format(", {}", name(*why.cause));
  }
  return summary.empty() ? text : text + ": " + summary;
}

}  // namespace

std::vector<OriginHost> hostsOf(const std::vector<std::shared_ptr<EndpointState>>& states) {
  std::vector<OriginHost> hosts;
  for (std::size_t i = 0; i < states.size(); ++i) {
    const auto named = states[i]->name.hosts();
    if (named == nullptr) {
      hosts.push_back({.endpoint = i, .address = {}, .address_text = {}, .state = states[i], .whole = states[i]});
      continue;
    }
    for (const NamedHost& host : named->hosts) {
      hosts.push_back(
          {.endpoint = i, .address = host.address, .address_text = host.text, .state = host.state, .whole = states[i]});
    }
  }
  return hosts;
}

std::string nameOf(const OriginConfig& config, const OriginHost& host) {
  const std::string& url = config.endpoints[host.endpoint].url;
  return host.address ? fmt::format("{} ({})", url, host.address_text) : url;
}

OriginHealth::OriginHealth(const OriginConfig& config, const std::vector<std::shared_ptr<EndpointState>>& states,
                           std::shared_ptr<OriginState> origin_state)
    : OriginHealth(config, hostsOf(states), std::move(origin_state)) {}

OriginHealth::OriginHealth(const OriginConfig& config, std::vector<OriginHost> hosts,
                           std::shared_ptr<OriginState> origin_state)
    : rules_(HealthRules::of(config)),
      panic_percent_(config.panic_percent),
      slow_start_(config.slow_start),
      check_interval_(config.health ? config.health->interval : std::chrono::milliseconds(0)),
      urls_(urlsOf(config)),
      hosts_(std::move(hosts)),
      origin_state_(std::move(origin_state)),
      usable_(hosts_.size(), true) {}

void OriginHealth::setHosts(std::vector<OriginHost> hosts) {
  hosts_ = std::move(hosts);
  usable_.assign(hosts_.size(), false);
  looked_ = false;
}

Standing OriginHealth::standingOf(const OriginHost& host, TimePoint now) {
  const bool drained = host.whole != host.state && host.whole->health.standing(now) == Standing::Drained;
  return drained ? Standing::Drained : host.state->health.standing(now);
}

std::optional<EndpointHealth::Why> OriginHealth::whyOf(const OriginHost& host, TimePoint now) {
  return (standingOf(host, now) == Standing::Drained ? host.whole : host.state)->health.why(now);
}

// ---- changes ----------------------------------------------------------

HealthChange OriginHealth::report(std::size_t host, const Verdict& verdict, TimePoint now) {
  if (hosts_[host].state == nullptr) {
    return HealthChange::None;  // its address has left the name
  }
  EndpointHealth& health = hosts_[host].state->health;
  const bool may_eject = verdict.source == HealthSource::Passive && verdict.kind != Verdict::Kind::Good;
  // Two hosts must not leave at once, each relying on the other.
  std::unique_lock lock(origin_state_->health_mutex, std::defer_lock);
  if (may_eject) {
    lock.lock();
  }
  const HealthChange change = health.report(verdict, rules_, now, [&] { return othersInUse(host, now); });
  if (change != HealthChange::None) {
    hosts_[host].whole->health_changes.count(change);
    noteChange();
  }
  return change;
}

bool OriginHealth::setDrained(std::size_t endpoint, bool drained, TimePoint now) {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(), [&](const OriginHost& host) {
    return host.state != nullptr && host.endpoint == endpoint;
  });
  const bool changed = found != hosts_.end() && found->whole->health.setDrained(drained, now);
  if (changed) {
    noteChange();
  }
  return changed;
}

void OriginHealth::forgetChecks() {
  bool any = false;
  for (const OriginHost& host : hosts_) {
    any = (host.state != nullptr && host.state->health.forgetChecks()) || any;
  }
  if (any) {
    noteChange();
  }
}

bool OriginHealth::othersInUse(std::size_t host, TimePoint now) const {
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (i != host && hosts_[i].state != nullptr && standingOf(hosts_[i], now) == Standing::InUse) {
      return true;
    }
  }
  return false;
}

// ---- what that leaves -------------------------------------------------

OriginHealth::Census OriginHealth::count(TimePoint now) const {
  Census census;
  for (const OriginHost& host : hosts_) {
    if (host.state == nullptr) {
      continue;
    }
    const Standing standing = standingOf(host, now);
    census.in_use += standing == Standing::InUse ? 1 : 0;
    census.allowed += standing == Standing::InUse || standing == Standing::Ejected ? 1 : 0;
  }
  return census;
}

bool OriginHealth::panicsWith(const Census& census) const {
  return census.in_use * kAll < census.allowed * panic_percent_;
}

bool OriginHealth::wouldPanic(TimePoint now) const {
  return panicsWith(count(now));
}

// One of all workers flips the flag that they share, and has it to tell. The
// time is read under the lock: nobody is to undo what a later look found.
void OriginHealth::settlePanic() {
  const std::lock_guard lock(origin_state_->health_mutex);
  const Census census = count(EventLoop::now());
  const bool panics = panicsWith(census);
  if (origin_state_->panics != panics) {
    origin_state_->panics = panics;
    panic_change_ = PanicChange{.begins = panics, .in_use = census.in_use, .allowed = census.allowed};
  }
}

void OriginHealth::look(TimePoint now) {
  const std::uint32_t changes = origin_state_->health_changes.load(std::memory_order_acquire);
  if (looked_ && changes == seen_ && now < look_again_) {
    return;
  }
  looked_ = true;
  seen_ = changes;
  look_again_ = TimePoint::max();
  any_slow_ = false;
  panics_ = panicsWith(count(now));
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (hosts_[i].state == nullptr) {
      continue;
    }
    const EndpointHealth& health = hosts_[i].state->health;
    const Standing standing = standingOf(hosts_[i], now);
    usable_[i] = standing == Standing::InUse || (panics_ && standing == Standing::Ejected);
    if (standing == Standing::Ejected) {
      if (const auto why = health.why(now); why && why->until) {
        look_again_ = std::min(look_again_, *why->until);
      }
    }
    const TimePoint returned = health.returned(now);
    if (usable_[i] && returned != TimePoint{} && now < returned + slow_start_) {
      any_slow_ = true;
      look_again_ = std::min(look_again_, returned + slow_start_);
    }
  }
  if (panics_ != origin_state_->panics.load(std::memory_order_relaxed)) {
    settlePanic();
  }
}

bool OriginHealth::takes(std::size_t host, TimePoint now) const {
  if (hosts_[host].state == nullptr) {
    return false;
  }
  const Standing standing = standingOf(hosts_[host], now);
  return standing == Standing::InUse || (panics_ && standing == Standing::Ejected);
}

bool OriginHealth::heldBack(std::size_t host, double lot, TimePoint now) const {
  const TimePoint returned = hosts_[host].state->health.returned(now);
  if (!any_slow_ || returned == TimePoint{} || now >= returned + slow_start_) {
    return false;
  }
  const double share = millisBetween(returned, now) / static_cast<double>(slow_start_.count());
  return lot > std::max(share, kLeastShare);
}

std::optional<std::chrono::milliseconds> OriginHealth::backIn(TimePoint now) const {
  std::optional<std::chrono::milliseconds> soonest;
  const auto consider = [&](std::chrono::milliseconds wait) { soonest = std::min(soonest.value_or(wait), wait); };
  for (const OriginHost& host : hosts_) {
    const auto why = host.state == nullptr ? std::nullopt : whyOf(host, now);
    if (why && why->until) {
      consider(std::chrono::ceil<std::chrono::milliseconds>(*why->until - now));
    } else if (why && why->source == HealthSource::Check) {
      consider(check_interval_ * rules_.healthy);
    }
  }
  return soonest;
}

std::vector<std::string> OriginHealth::absences(TimePoint now) const {
  std::vector<std::string> lines;
  for (const OriginHost& host : hosts_) {
    const auto why = host.state == nullptr ? std::nullopt : whyOf(host, now);
    if (why) {
      const std::string& url = urls_[host.endpoint];
      lines.push_back(describeAbsence(host.address ? fmt::format("{} ({})", url, host.address_text) : url, *why,
                                      host.state->words.of(why->source), now));
    }
  }
  return lines;
}

}  // namespace gatewhy
