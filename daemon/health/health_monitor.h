// SPDX-License-Identifier: Apache-2.0
// Active checks of all endpoints whose origin has `health`: one for the
// process, on a thread of its own, whatever the number of workers. What the
// checks find is kept with the endpoints, so that it outlives reloads.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "daemon/health/health_check.h"
#include "proxy/origin/health_event.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {

class HealthMonitor final : private HealthCheckHost {
 public:
  // `tell` writes to the log, from the monitor's thread.
  explicit HealthMonitor(Teller tell);
  ~HealthMonitor() { stop(); }
  HealthMonitor(const HealthMonitor&) = delete;
  HealthMonitor& operator=(const HealthMonitor&) = delete;

  // Main thread. From now on this generation's endpoints are checked; those
  // that are as they were go on without a break. The thread begins with the
  // first check that there is. `own_listeners`: an endpoint that resolves to
  // one is a loop.
  void adopt(GenerationPtr generation, std::vector<Address> own_listeners);
  // Main thread; before the log goes.
  void stop();

 private:
  class Sink final : public EventSink {
   public:
    explicit Sink(const Teller& tell) : tell_(tell) {}
    void attach(EventLoop& /*loop*/) override {}
    void onExchange(const ExchangeEvent& /*event*/) override {}
    void onLifecycle(const LifecycleEvent& event) override { tell_(event); }

   private:
    const Teller& tell_;
  };

  // HealthCheckHost
  [[nodiscard]] WorkerContext& worker() override { return worker_; }
  [[nodiscard]] const std::shared_ptr<Resolver>& resolver() override { return resolver_; }
  [[nodiscard]] std::uint64_t random() override { return random_(); }
  void onChecked(HealthCheck& check, const Diagnosis* diagnosis) override;

  void run();
  void use(const GenerationPtr& generation, std::vector<Address> own_listeners);
  struct Checks {
    std::shared_ptr<CheckedOrigin> origin;
    std::vector<std::unique_ptr<HealthCheck>> of;  // by host
  };
  // Others than before are behind a name.
  void checkHosts(const CheckedOrigin& origin);
  [[nodiscard]] std::unique_ptr<HealthCheck> startCheck(const std::shared_ptr<CheckedOrigin>& origin, std::size_t host);
  void bury(Checks& checks);
  [[nodiscard]] Checks checksOf(const OriginConfig& origin, const OriginRuntime& runtime, std::vector<Checks>& before);

  const Teller tell_;
  EventLoop loop_;
  Sink sink_{tell_};
  ProxyCounters counters_;  // of no interest to anybody
  WorkerContext worker_{loop_, sink_, counters_};
  std::shared_ptr<Resolver> resolver_;
  Random random_ = Random::seeded();
  std::vector<Checks> checks_;  // by origin that has any
  std::thread thread_;
};

}  // namespace gatewhy
