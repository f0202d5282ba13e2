// SPDX-License-Identifier: Apache-2.0
// The endpoints of one origin together: which of them get requests, and what
// that leaves. Every change of an endpoint's health goes through here, so that
// those who look at many know when to look again. One per worker and origin,
// and one wherever else an origin's health is changed; what they share is in
// EndpointState and OriginState.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "proxy/origin/endpoint_state.h"

namespace gatewhy {

// Enough endpoints are ejected that ejections are ignored, or no longer.
struct PanicChange {
  bool begins = false;
  std::uint32_t in_use = 0;   // endpoints that are not ejected …
  std::uint32_t allowed = 0;  // … of those that neither checks nor an operator took out
};

class OriginHealth {
 public:
  // `states`: one for each endpoint of the configuration.
  OriginHealth(const OriginConfig& config, std::vector<std::shared_ptr<EndpointState>> states,
               std::shared_ptr<OriginState> origin_state);

  // Counts, and says what came of it. Of an origin's last endpoint in use no
  // failure of requests makes an ejected one.
  [[nodiscard]] HealthChange report(std::size_t endpoint, const Verdict& verdict, TimePoint now);
  // True where that changed something.
  bool setDrained(std::size_t endpoint, bool drained, TimePoint now);
  void forgetChecks(std::size_t endpoint);

  // Brings what the next four say up to date: nothing to do but where
  // something has changed, or an ejection has ended. This worker's thread.
  void look(TimePoint now);
  // May get requests, be it because ejections are ignored.
  [[nodiscard]] bool usable(std::size_t endpoint) const { return usable_[endpoint]; }
  // The same for a time after that, where it costs a look at the endpoint.
  [[nodiscard]] bool takes(std::size_t endpoint, TimePoint now) const;
  // Of endpoints that are about to be chosen: has come back so lately that this
  // request is better sent elsewhere. `lot` is the request's, from 0 to 1.
  [[nodiscard]] bool heldBack(std::size_t endpoint, double lot, TimePoint now) const;
  [[nodiscard]] bool anySlow() const { return any_slow_; }
  [[nodiscard]] bool panics() const { return panics_; }
  // What look() found to be told, once among all workers.
  [[nodiscard]] std::optional<PanicChange> takePanicChange() { return std::exchange(panic_change_, std::nullopt); }

  // When the first endpoint may be in use again; nullopt: nobody knows.
  [[nodiscard]] std::optional<std::chrono::milliseconds> backIn(TimePoint now) const;
  // A line for each endpoint that is out of use: since when, for how long, why.
  [[nodiscard]] std::vector<std::string> absences(TimePoint now) const;
  // Whether ejections are ignored, as of now. Any thread.
  [[nodiscard]] bool wouldPanic(TimePoint now) const;

  [[nodiscard]] EndpointState& state(std::size_t endpoint) const { return *states_[endpoint]; }
  [[nodiscard]] std::size_t size() const { return states_.size(); }

 private:
  struct Census {
    std::uint32_t in_use = 0, allowed = 0;
  };
  [[nodiscard]] Census count(TimePoint now) const;
  [[nodiscard]] bool panicsWith(const Census& census) const;
  [[nodiscard]] bool othersInUse(std::size_t endpoint, TimePoint now) const;
  void settlePanic();

  const HealthRules rules_;
  const std::uint32_t panic_percent_;
  const std::chrono::milliseconds slow_start_;
  const std::chrono::milliseconds check_interval_;  // 0 = no checks
  const std::vector<std::string> urls_;
  const std::vector<std::shared_ptr<EndpointState>> states_;
  const std::shared_ptr<OriginState> origin_state_;

  // As of the last look().
  bool looked_ = false;
  std::uint32_t seen_ = 0;  // OriginState::health_changes
  TimePoint look_again_ = TimePoint::max();
  std::vector<bool> usable_;
  bool panics_ = false;
  bool any_slow_ = false;
  std::optional<PanicChange> panic_change_;
};

}  // namespace gatewhy
