// SPDX-License-Identifier: Apache-2.0
// The active check of one endpoint: at intervals one connection, and one
// request on it where a path is given, through the connector, the TLS settings
// and the classifier that requests go through. The monitor's thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "diagnostics/diagnosis.h"
#include "proxy/exchange/attempt.h"
#include "proxy/exchange/generation.h"
#include "proxy/exchange/request_identity.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/net/connector.h"
#include "proxy/net/resolver.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {

class HealthCheck;

// An origin whose endpoints are checked, as configured; shared by their checks.
struct CheckedOrigin {
  CheckedOrigin(const OriginConfig& of, const OriginRuntime& runtime_of)
      : config(of), runtime(runtime_of), health(of, runtime_of.endpoints, runtime_of.state) {}
  const OriginConfig config;
  const OriginRuntime runtime;
  OriginHealth health;
};

// Implemented by the monitor.
class HealthCheckHost {
 public:
  // What the next check is to be made with. They hold until it is over.
  [[nodiscard]] virtual WorkerContext& worker() = 0;
  [[nodiscard]] virtual const std::shared_ptr<Resolver>& resolver() = 0;
  [[nodiscard]] virtual std::uint64_t random() = 0;
  // After each check. `diagnosis`: why it failed, null where it did not.
  virtual void onChecked(HealthCheck& check, const Diagnosis* diagnosis) = 0;

 protected:
  ~HealthCheckHost() = default;
};

class HealthCheck final : public Deferred, private AttemptObserver, private ConnectObserver {
 public:
  // Of an endpoint of an origin that has `health`; the request was seen to be
  // well-formed when the configuration was loaded.
  HealthCheck(HealthCheckHost& host, std::shared_ptr<CheckedOrigin> origin, std::size_t endpoint);
  ~HealthCheck() override;

  // The first one comes within a second, or within the interval.
  void start();
  // No more checks; one that is running is given up without a word.
  void stop();

  [[nodiscard]] CheckedOrigin& origin() const { return *origin_; }
  [[nodiscard]] std::size_t endpoint() const { return endpoint_; }

 private:
  void begin();
  void beginRequest();
  void beginConnection();
  void onOverallTimeout();
  void succeed() { end(std::nullopt); }
  void fail(Observation seen);
  void end(std::optional<Diagnosis> diagnosis);
  void release();

  // AttemptObserver
  void onResponseHead(const ResponseHead& head) override;
  void onResponseData(std::string_view data) override;
  void onResponseEnd(const std::string& /*trailers*/, bool /*extra_data*/) override { succeed(); }
  void onTunnelOpen(const ResponseHead& /*head*/) override { succeed(); }
  void onAttemptFailed(Observation seen, std::vector<AddressFailure> addresses) override;
  // ConnectObserver
  void onConnected(Connected connected) override;
  void onConnectFailed(std::vector<AddressFailure> failures) override;

  HealthCheckHost& host_;
  const std::shared_ptr<CheckedOrigin> origin_;
  const HealthConfig& settings_;  // of it
  const std::size_t endpoint_;
  OriginConfig checked_;   // the endpoint alone, with the check's port and limits
  OriginRuntime runtime_;  // apart from that of requests: a check takes none of their places
  OriginPool pool_;
  RequestHead head_;
  const RouteConfig route_;
  RequestIdentity identity_;
  Deadline next_, overall_;
  // Of the check that is running:
  WorkerGenerationPtr generation_;
  std::shared_ptr<Resolver> resolver_;
  std::unique_ptr<Attempt> attempt_;
  std::unique_ptr<Connector> connector_;
  TimePoint began_{};
  std::uint64_t body_ = 0;
};

}  // namespace gatewhy
