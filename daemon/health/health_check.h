// SPDX-License-Identifier: Apache-2.0
// The active check of one host: at intervals one connection, and one request on
// it, or one call of the gRPC health protocol, where that is asked for, through
// the connector, the TLS settings and the classifier that requests go through.
// The monitor's thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "diagnostics/diagnosis.h"
#include "proxy/exchange/attempt.h"
#include "proxy/exchange/generation.h"
#include "proxy/exchange/request_identity.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/net/connector.h"
#include "proxy/net/resolver.h"
#include "proxy/origin/health_event.h"
#include "proxy/origin/host_refresh.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {

class HealthCheck;

// An origin whose hosts are checked, as configured; shared by their checks.
struct CheckedOrigin {
  // `tell` outlives it.
  CheckedOrigin(const OriginConfig& of, const OriginRuntime& runtime_of, const Teller& tell)
      : config(of),
        runtime(runtime_of),
        seen_hosts(runtime.state->host_changes.load()),
        health(of, runtime_of.endpoints, runtime_of.state),
        refresh(config, runtime.endpoints, runtime.state,
                [this, &tell](std::size_t endpoint, const HostChange& change) {
                  tellHosts(tell, config, endpoint, change);
                }) {}
  const OriginConfig config;
  const OriginRuntime runtime;
  std::uint32_t seen_hosts;  // OriginState::host_changes, read before the hosts
  OriginHealth health;
  HostRefresh refresh;
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
  // Of a host of an origin that has `health`, by its index there; the request
  // was seen to be well-formed when the configuration was loaded.
  HealthCheck(HealthCheckHost& monitor, std::shared_ptr<CheckedOrigin> origin, std::size_t host);
  ~HealthCheck() override;

  // The first one comes within a second, or within the interval.
  void start();
  // No more checks; one that is running is given up without a word.
  void stop();

  [[nodiscard]] CheckedOrigin& origin() const { return *origin_; }
  // The host; its index changes where others come and go.
  [[nodiscard]] const OriginHost& of() const { return of_; }
  [[nodiscard]] std::size_t host() const { return host_; }
  void setHost(std::size_t host) { host_ = host; }

 private:
  void begin();
  void beginRequest();
  void beginConnection();
  void onOverallTimeout();
  void succeed() { end(std::nullopt); }
  void refuse(Phase phase, std::string_view complaint);
  void fail(Observation seen);
  void end(std::optional<Diagnosis> diagnosis);
  void release();

  // AttemptObserver
  void onUploadReady() override;
  void onResponseHead(const ResponseHead& head) override;
  void onResponseData(std::string_view data) override;
  void onResponseEnd(const std::string& trailers, bool extra_data) override;
  [[nodiscard]] bool canRepeat() const override { return !repeated_; }
  void onAttemptFailed(Observation seen, std::vector<AddressFailure> addresses) override;
  // ConnectObserver
  void onConnected(Connected connected) override;
  void onConnectFailed(std::vector<AddressFailure> failures) override;

  HealthCheckHost& monitor_;
  const std::shared_ptr<CheckedOrigin> origin_;
  const HealthConfig& settings_;  // of it
  const OriginHost of_;
  std::size_t host_;
  OriginConfig checked_;   // the endpoint alone, with the check's port and limits
  OriginRuntime runtime_;  // apart from that of requests: a check takes none of their places
  OriginPool pool_;
  RequestHead head_;
  const RouteConfig route_;
  RequestIdentity identity_;
  Deadline next_, overall_;
  // What an answer of gRPC has said so far.
  struct GrpcAnswerSoFar {
    std::optional<std::uint32_t> status;  // in its head
    std::string message;
    std::string content;
  };
  // Of the check that is running:
  WorkerGenerationPtr generation_;
  std::shared_ptr<Resolver> resolver_;
  std::unique_ptr<Attempt> attempt_;
  std::unique_ptr<Connector> connector_;
  TimePoint began_{};
  std::uint64_t body_ = 0;
  GrpcAnswerSoFar answer_;
  bool repeated_ = false;  // over HTTP/1.1, as the endpoint wants it
};

}  // namespace gatewhy
