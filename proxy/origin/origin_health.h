// SPDX-License-Identifier: Apache-2.0
// The hosts of one origin together: which of them get requests, and what
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
  std::uint32_t in_use = 0;   // hosts that are not ejected …
  std::uint32_t allowed = 0;  // … of those that neither checks nor an operator took out
};

// Who may get an origin's requests: an endpoint, or one of the hosts behind its name.
struct OriginHost {
  std::size_t endpoint = 0;
  std::optional<Address> address;        // of a host; absent: the endpoint as such
  std::string address_text;              // of a host; "" otherwise
  std::shared_ptr<EndpointState> state;  // its own; null: it is gone, and its index unused
  std::shared_ptr<EndpointState> whole;  // the endpoint's, which an operator drains
};
// All that there are, by endpoint. `states` has one for each endpoint.
[[nodiscard]] std::vector<OriginHost> hostsOf(const std::vector<std::shared_ptr<EndpointState>>& states);
// "http://shop:8080", or "http://shop:8080 (10.0.0.7:8080)".
[[nodiscard]] std::string nameOf(const OriginConfig& config, const OriginHost& host);

class OriginHealth {
 public:
  // `states`: one for each endpoint of the configuration; their hosts are as of now.
  OriginHealth(const OriginConfig& config, const std::vector<std::shared_ptr<EndpointState>>& states,
               std::shared_ptr<OriginState> origin_state);
  OriginHealth(const OriginConfig& config, std::vector<OriginHost> hosts, std::shared_ptr<OriginState> origin_state);

  // Counts, and says what came of it. Of an origin's last host in use no
  // failure of requests makes an ejected one.
  [[nodiscard]] HealthChange report(std::size_t host, const Verdict& verdict, TimePoint now);
  // All hosts of an endpoint. True where that changed something.
  bool setDrained(std::size_t endpoint, bool drained, TimePoint now);
  void forgetChecks();  // of all

  // Other hosts than before, each with its index; their health is with them.
  void setHosts(std::vector<OriginHost> hosts);

  // Brings what the next four say up to date: nothing to do but where
  // something has changed, or an ejection has ended. This worker's thread.
  void look(TimePoint now);
  // May get requests, be it because ejections are ignored.
  [[nodiscard]] bool usable(std::size_t host) const { return usable_[host]; }
  // The same for a time after that, where it costs a look at the host.
  [[nodiscard]] bool takes(std::size_t host, TimePoint now) const;
  // Of hosts that are about to be chosen: has come back so lately that this
  // request is better sent elsewhere. `lot` is the request's, from 0 to 1.
  [[nodiscard]] bool heldBack(std::size_t host, double lot, TimePoint now) const;
  [[nodiscard]] bool anySlow() const { return any_slow_; }
  [[nodiscard]] bool panics() const { return panics_; }
  // What look() found to be told, once among all workers.
  [[nodiscard]] std::optional<PanicChange> takePanicChange() { return std::exchange(panic_change_, std::nullopt); }

  // When the first host may be in use again; nullopt: nobody knows.
  [[nodiscard]] std::optional<std::chrono::milliseconds> backIn(TimePoint now) const;
  // A line for each host that is out of use: since when, for how long, why.
  [[nodiscard]] std::vector<std::string> absences(TimePoint now) const;
  // Whether ejections are ignored, as of now. Any thread.
  [[nodiscard]] bool wouldPanic(TimePoint now) const;

  [[nodiscard]] EndpointState& state(std::size_t host) const { return *hosts_[host].state; }
  [[nodiscard]] const OriginHost& host(std::size_t host) const { return hosts_[host]; }
  [[nodiscard]] const std::vector<OriginHost>& hosts() const { return hosts_; }

 private:
  struct Census {
    std::uint32_t in_use = 0, allowed = 0;
  };
  [[nodiscard]] Census count(TimePoint now) const;
  [[nodiscard]] bool panicsWith(const Census& census) const;
  [[nodiscard]] bool othersInUse(std::size_t host, TimePoint now) const;
  // Drained where its endpoint is.
  [[nodiscard]] static EndpointHealth::Standing standingOf(const OriginHost& host, TimePoint now);
  [[nodiscard]] static std::optional<EndpointHealth::Why> whyOf(const OriginHost& host, TimePoint now);
  void noteChange() { origin_state_->health_changes.fetch_add(1, std::memory_order_release); }
  void settlePanic();

  const HealthRules rules_;
  const std::uint32_t panic_percent_;
  const std::chrono::milliseconds slow_start_;
  const std::chrono::milliseconds check_interval_;  // 0 = no checks
  const std::vector<std::string> urls_;
  std::vector<OriginHost> hosts_;
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
