// SPDX-License-Identifier: Apache-2.0
// Whether one endpoint is to get requests, and why not. Workers report what
// requests met (passive), the monitor what checks met, an operator decides;
// each transition is one compare-and-swap, so that of all who saw it coming
// exactly one gets the Change and may tell of it. Nothing but atomics; the
// caller tells the time. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "config/config.h"
#include "diagnostics/cause.h"
#include "diagnostics/diagnosis.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

enum class HealthSource : std::uint8_t { Passive, Check, Drain };
[[nodiscard]] std::string_view name(HealthSource source) noexcept;  // "passive"

// What a request or a check says of an endpoint.
struct Verdict {
  // Doubtful: a failure that a single client can bring about, with a URL that
  // takes long for instance. Such failures count once they concern two clients
  // and nothing has succeeded in between.
  enum class Kind : std::uint8_t { Good, Bad, Doubtful };
  HealthSource source = HealthSource::Passive;
  Kind kind = Kind::Good;
  Cause cause = Cause::ProxyInternalError;  // unless Good
  std::uint64_t client = 0;                 // Doubtful: whom it concerned, by address (IPv6: /64)
  // Unless Good: when what failed began. Behind a success that brought the
  // endpoint back it says nothing of it as it is now. TimePoint::max(): just now.
  TimePoint began = TimePoint::max();
};

// Whether a failed request speaks of the endpoint, and how clearly: no
// address, connection or session, or an end before the first byte, do; time
// that ran out and bad answers are doubtful. nullopt: it speaks of the client,
// of us, or of a connection that idled too long.
[[nodiscard]] std::optional<Verdict::Kind> verdictOn(const Diagnosis& diagnosis) noexcept;

// An origin's settings, as far as they are about health.
struct HealthRules {
  std::uint32_t failures = 0;      // in a row that eject; 0 = nothing does
  std::chrono::milliseconds span;  // of the first ejection
  std::uint32_t healthy = 1, unhealthy = 1;
  [[nodiscard]] static HealthRules of(const OriginConfig& origin);
};

// Up also follows `unknown`. Recovered: the first success after an ejection.
enum class HealthChange : std::uint8_t { None, Ejected, Recovered, Up, Down };

class EndpointHealth {
 public:
  enum class CheckState : std::uint8_t { Unknown, Up, Down };
  enum class Standing : std::uint8_t { InUse, Ejected, Down, Drained };

  // No ejection lasts longer, but where the first one is to. Who stays in use
  // for as long begins afresh with the first one's length.
  static constexpr std::chrono::minutes kLongestEjection{5};

  // `may_eject` is asked when all else speaks for an ejection; it has to hold
  // until the call returns (OriginHealth sees to that).
  [[nodiscard]] HealthChange report(const Verdict& verdict, const HealthRules& rules, TimePoint now,
                                    const std::function<bool()>& may_eject) noexcept;
  // True where that changed something.
  [[nodiscard]] bool setDrained(bool drained, TimePoint now) noexcept;
  // What checks found is forgotten, because there are none any more. True
  // where they had taken it out.
  [[nodiscard]] bool forgetChecks() noexcept;

  [[nodiscard]] Standing standing(TimePoint now) const noexcept;
  [[nodiscard]] bool usable(TimePoint now) const noexcept { return standing(now) == Standing::InUse; }
  [[nodiscard]] CheckState checkState() const noexcept;
  // No success since the last failure that counts or may come to count.
  [[nodiscard]] bool failing() const noexcept { return row_.load(std::memory_order_relaxed) != 0; }

  struct Why {
    HealthSource source = HealthSource::Passive;
    std::optional<Cause> cause;  // absent: an operator's decision
    TimePoint since;
    std::optional<TimePoint> until;  // of an ejection
  };
  // Why it is out of use; nullopt where it is in use.
  [[nodiscard]] std::optional<Why> why(TimePoint now) const noexcept;
  // No success would change anything.
  [[nodiscard]] bool untroubled() const noexcept {
    return !failing() && (ejection_.load(std::memory_order_relaxed) & 1U) == 0;
  }
  // When it came back into use last; TimePoint{} where it was never out.
  [[nodiscard]] TimePoint returned(TimePoint now) const noexcept;
  // Ejections since it last stayed in use for kLongestEjection.
  [[nodiscard]] std::uint32_t ejectionsInRow() const noexcept;

 private:
  [[nodiscard]] HealthChange reportCheck(const Verdict& verdict, const HealthRules& rules, TimePoint now) noexcept;
  // The number of failures in a row that count, with this one.
  [[nodiscard]] std::uint32_t countFailure(const Verdict& verdict) noexcept;
  [[nodiscard]] HealthChange eject(Cause cause, std::chrono::milliseconds span, TimePoint now) noexcept;
  [[nodiscard]] HealthChange succeed(TimePoint now) noexcept;
  // It began before the endpoint came back, by a success or by an operator's word.
  [[nodiscard]] bool isOutdated(const Verdict& verdict) const noexcept;

  // Bit fields, see the .cpp: failures in a row; the ejection; what checks found.
  std::atomic<std::uint64_t> row_{0};
  std::atomic<std::uint64_t> ejection_{0};
  std::atomic<std::uint32_t> check_{0};
  std::atomic<bool> drained_{false};
  // When each of these began; told along with them, so a reader may for a
  // moment see the one before.
  std::atomic<TimePoint::rep> ejected_at_{0}, check_at_{0}, drained_at_{0};
  std::atomic<TimePoint::rep> returned_at_{0};   // from a check's or an operator's no
  std::atomic<TimePoint::rep> recovered_at_{0};  // the first success behind an ejection
};

}  // namespace gatewhy
