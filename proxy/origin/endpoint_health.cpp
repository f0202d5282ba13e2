// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/endpoint_health.h"

#include <algorithm>
#include <limits>

namespace gatewhy {
namespace {

// ---- failures in a row: client (32 bits), two clients (1), doubtful (15), bad (15)

constexpr std::uint32_t kMostInRow = (1U << 15U) - 1;  // more than eject.failures can ask for

struct Row {
  std::uint32_t bad = 0, doubtful = 0;
  bool two_clients = false;
  std::uint32_t client = 0;  // of the first doubtful one; 0 = none

  static Row from(std::uint64_t word) {
    return {.bad = static_cast<std::uint32_t>(word & kMostInRow),
            .doubtful = static_cast<std::uint32_t>((word >> 15U) & kMostInRow),
            .two_clients = ((word >> 30U) & 1U) != 0,
            .client = static_cast<std::uint32_t>(word >> 32U)};
  }
  [[nodiscard]] std::uint64_t word() const {
    return bad | (std::uint64_t{doubtful} << 15U) | (std::uint64_t{two_clients ? 1U : 0U} << 30U) |
           (std::uint64_t{client} << 32U);
  }
  [[nodiscard]] std::uint32_t counted() const { return bad + (two_clients ? doubtful : 0); }
  void add(const Verdict& verdict) {
    if (verdict.kind == Verdict::Kind::Bad) {
      bad = std::min(bad + 1, kMostInRow);
      return;
    }
    constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15ULL;
    const auto who = static_cast<std::uint32_t>((verdict.client * kSpread) >> 32U) | 1U;
    two_clients = two_clients || (client != 0 && client != who);
    client = client == 0 ? who : client;
    doubtful = std::min(doubtful + 1, kMostInRow);
  }
};

// ---- the ejection: until (ms of the steady clock, 40 bits), cause (12), repetitions (6), not over (1)

struct Ejection {
  std::uint64_t until_ms = 0;
  Cause cause = Cause::ProxyInternalError;
  std::uint32_t repetitions = 0;  // ejections before it that count for its length
  bool open = false;              // nothing has succeeded since

  static constexpr std::uint32_t kMostRepetitions = 63;

  static Ejection from(std::uint64_t word) {
    return {.until_ms = word >> 19U,
            .cause = static_cast<Cause>((word >> 7U) & 0xFFFU),
            .repetitions = static_cast<std::uint32_t>((word >> 1U) & kMostRepetitions),
            .open = (word & 1U) != 0};
  }
  [[nodiscard]] std::uint64_t word() const {
    return (until_ms << 19U) | (static_cast<std::uint64_t>(cause) << 7U) | (std::uint64_t{repetitions} << 1U) |
           (open ? 1U : 0U);
  }
  [[nodiscard]] TimePoint until() const { return TimePoint(std::chrono::milliseconds(until_ms)); }
  [[nodiscard]] bool running(TimePoint now) const { return until_ms != 0 && now < until(); }
};

// ---- checks: cause (12 bits), in a row against the state (16), state (2)

struct Checks {
  EndpointHealth::CheckState state = EndpointHealth::CheckState::Unknown;
  std::uint32_t in_row = 0;
  Cause cause = Cause::ProxyInternalError;  // Down

  static constexpr std::uint32_t kMostInARow = 0xFFFF;

  static Checks from(std::uint32_t word) {
    return {.state = static_cast<EndpointHealth::CheckState>(word & 3U),
            .in_row = (word >> 2U) & kMostInARow,
            .cause = static_cast<Cause>(word >> 18U)};
  }
  [[nodiscard]] std::uint32_t word() const {
    return static_cast<std::uint32_t>(state) | (in_row << 2U) | (static_cast<std::uint32_t>(cause) << 18U);
  }
};

std::chrono::milliseconds lengthOf(std::chrono::milliseconds first, std::uint32_t repetitions) {
  constexpr std::uint32_t kMostDoublings = 12;  // of a millisecond: past the longest
  const std::chrono::milliseconds longest =
      std::max<std::chrono::milliseconds>(first, EndpointHealth::kLongestEjection);
  return std::min<std::chrono::milliseconds>(first * (1LL << std::min(repetitions, kMostDoublings)), longest);
}

TimePoint pointOf(const std::atomic<TimePoint::rep>& when) {
  return TimePoint(TimePoint::duration(when.load(std::memory_order_relaxed)));
}

void note(std::atomic<TimePoint::rep>& when, TimePoint now) {
  when.store(now.time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace

std::string_view name(HealthSource source) noexcept {
  switch (source) {
    case HealthSource::Passive:
      return "passive";
    case HealthSource::Check:
      return "check";
    case HealthSource::Drain:
      return "drain";
  }
  return "";
}

HealthRules HealthRules::of(const OriginConfig& origin) {
  HealthRules rules{.failures = 0, .span = {}};
  if (origin.eject) {
    rules.failures = origin.eject->failures;
    rules.span = origin.eject->duration;
  }
  if (origin.health) {
    rules.healthy = origin.health->healthy;
    rules.unhealthy = origin.health->unhealthy;
  }
  return rules;
}

std::optional<Verdict::Kind> verdictOn(const Diagnosis& diagnosis) noexcept {
  const bool theirs =
      diagnosis.blame == Blame::Origin || diagnosis.blame == Blame::Network || diagnosis.blame == Blame::Dns;
  if (!theirs || diagnosis.cause == Cause::StaleConnection) {
    return std::nullopt;
  }
  switch (diagnosis.phase) {
    case Phase::Dns:
    case Phase::Connect:
    case Phase::TlsHandshake:
      return Verdict::Kind::Bad;
    case Phase::Routing:
      return std::nullopt;  // no endpoint was at work
    case Phase::ClientRequest:
    case Phase::RequestWrite:
    case Phase::ResponseHead:
    case Phase::ResponseBody:
    case Phase::Upgrade:
    case Phase::Internal:
      break;
  }
  const Observation& seen = diagnosis.observation;
  const bool ended = std::holds_alternative<EndFault>(seen.fault);
  return ended && seen.bytes.response_received == 0 ? Verdict::Kind::Bad : Verdict::Kind::Doubtful;
}

// ---- what is reported -------------------------------------------------

HealthChange EndpointHealth::report(const Verdict& verdict, const HealthRules& rules, TimePoint now,
                                    const std::function<bool()>& may_eject) noexcept {
  if (verdict.source == HealthSource::Check) {
    return reportCheck(verdict, rules, now);
  }
  if (verdict.kind == Verdict::Kind::Good) {
    return succeed(now);
  }
  if (isOutdated(verdict)) {
    return HealthChange::None;
  }
  const std::uint32_t in_row = countFailure(verdict);
  const bool running = Ejection::from(ejection_.load(std::memory_order_relaxed)).running(now);
  if (rules.failures == 0 || in_row < rules.failures || running || !may_eject()) {
    return HealthChange::None;
  }
  return eject(verdict.cause, rules.span, now);
}

std::uint32_t EndpointHealth::countFailure(const Verdict& verdict) noexcept {
  std::uint64_t before = row_.load(std::memory_order_relaxed);
  for (;;) {
    Row row = Row::from(before);
    row.add(verdict);
    if (row_.compare_exchange_weak(before, row.word(), std::memory_order_relaxed)) {
      return row.counted();
    }
  }
}

// The row goes on after an ejection: who fails again before anything has
// succeeded is out again at once, and for longer.
HealthChange EndpointHealth::eject(Cause cause, std::chrono::milliseconds span, TimePoint now) noexcept {
  std::uint64_t before = ejection_.load(std::memory_order_relaxed);
  const Ejection last = Ejection::from(before);
  if (last.running(now)) {
    return HealthChange::None;
  }
  const bool again = last.until_ms != 0 && now - last.until() < kLongestEjection;
  const std::uint32_t repetitions = again ? std::min(last.repetitions + 1, Ejection::kMostRepetitions) : 0;
  const auto until =
      std::chrono::ceil<std::chrono::milliseconds>((now + lengthOf(span, repetitions)).time_since_epoch());
  const Ejection next{
      .until_ms = static_cast<std::uint64_t>(until.count()), .cause = cause, .repetitions = repetitions, .open = true};
  if (!ejection_.compare_exchange_strong(before, next.word(), std::memory_order_relaxed)) {
    return HealthChange::None;  // somebody else did it
  }
  note(ejected_at_, now);
  return HealthChange::Ejected;
}

HealthChange EndpointHealth::succeed(TimePoint now) noexcept {
  if (row_.load(std::memory_order_relaxed) != 0) {
    row_.store(0, std::memory_order_relaxed);
  }
  std::uint64_t before = ejection_.load(std::memory_order_relaxed);
  if ((before & 1U) == 0) {
    return HealthChange::None;
  }
  Ejection ejection = Ejection::from(before);
  if (ejection.running(now)) {
    return HealthChange::None;  // a request that had begun before
  }
  ejection.open = false;
  if (!ejection_.compare_exchange_strong(before, ejection.word(), std::memory_order_relaxed)) {
    return HealthChange::None;
  }
  note(recovered_at_, now);
  return HealthChange::Recovered;
}

bool EndpointHealth::isOutdated(const Verdict& verdict) const noexcept {
  const TimePoint::rep began = verdict.began.time_since_epoch().count();
  return began < recovered_at_.load(std::memory_order_relaxed) || began < returned_at_.load(std::memory_order_relaxed);
}

HealthChange EndpointHealth::reportCheck(const Verdict& verdict, const HealthRules& rules, TimePoint now) noexcept {
  const bool good = verdict.kind == Verdict::Kind::Good;
  std::uint32_t before = check_.load(std::memory_order_relaxed);
  for (;;) {
    Checks checks = Checks::from(before);
    const CheckState had = checks.state;
    const CheckState seen = good ? CheckState::Up : CheckState::Down;
    checks.in_row = seen == had ? 0 : std::min(checks.in_row + 1, Checks::kMostInARow);
    if (good && had == CheckState::Unknown) {
      checks.in_row = rules.healthy;  // it is in use: one success says that this is right
    }
    if (seen != had && checks.in_row >= (good ? rules.healthy : rules.unhealthy)) {
      checks.state = seen;
      checks.in_row = 0;
    }
    if (!good) {
      checks.cause = verdict.cause;
    }
    if (!check_.compare_exchange_weak(before, checks.word(), std::memory_order_relaxed)) {
      continue;
    }
    if (checks.state == had) {
      return HealthChange::None;
    }
    note(check_at_, now);
    if (had == CheckState::Down) {
      note(returned_at_, now);
    }
    return good ? HealthChange::Up : HealthChange::Down;
  }
}

bool EndpointHealth::setDrained(bool drained, TimePoint now) noexcept {
  if (drained_.exchange(drained, std::memory_order_relaxed) == drained) {
    return false;
  }
  note(drained ? drained_at_ : returned_at_, now);
  return true;
}

bool EndpointHealth::forgetChecks() noexcept {
  return Checks::from(check_.exchange(0, std::memory_order_relaxed)).state == CheckState::Down;
}

// ---- what is asked ----------------------------------------------------

EndpointHealth::CheckState EndpointHealth::checkState() const noexcept {
  return Checks::from(check_.load(std::memory_order_relaxed)).state;
}

EndpointHealth::Standing EndpointHealth::standing(TimePoint now) const noexcept {
  if (drained_.load(std::memory_order_relaxed)) {
    return Standing::Drained;
  }
  if (checkState() == CheckState::Down) {
    return Standing::Down;
  }
  return Ejection::from(ejection_.load(std::memory_order_relaxed)).running(now) ? Standing::Ejected : Standing::InUse;
}

std::optional<EndpointHealth::Why> EndpointHealth::why(TimePoint now) const noexcept {
  switch (standing(now)) {
    case Standing::InUse:
      return std::nullopt;
    case Standing::Drained:
      return Why{.source = HealthSource::Drain, .cause = {}, .since = pointOf(drained_at_), .until = {}};
    case Standing::Down:
      return Why{.source = HealthSource::Check,
                 .cause = Checks::from(check_.load(std::memory_order_relaxed)).cause,
                 .since = pointOf(check_at_),
                 .until = {}};
    case Standing::Ejected: {
      const Ejection ejection = Ejection::from(ejection_.load(std::memory_order_relaxed));
      return Why{.source = HealthSource::Passive,
                 .cause = ejection.cause,
                 .since = pointOf(ejected_at_),
                 .until = ejection.until()};
    }
  }
  return std::nullopt;
}

TimePoint EndpointHealth::returned(TimePoint now) const noexcept {
  const Ejection ejection = Ejection::from(ejection_.load(std::memory_order_relaxed));
  const TimePoint from_ejection = ejection.until_ms != 0 && !ejection.running(now) ? ejection.until() : TimePoint{};
  return std::max(from_ejection, pointOf(returned_at_));
}

std::uint32_t EndpointHealth::ejectionsInRow() const noexcept {
  const Ejection ejection = Ejection::from(ejection_.load(std::memory_order_relaxed));
  return ejection.until_ms == 0 ? 0 : ejection.repetitions + 1;
}

}  // namespace gatewhy
