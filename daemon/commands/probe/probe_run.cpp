// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/probe/probe_run.h"

#include <openssl/ssl.h>

#include <sys/socket.h>

#include <ctime>
#include <memory>

#include "daemon/commands/probe/pinned_resolver.h"
#include "proxy/exchange/attempt.h"
#include "proxy/exchange/request_identity.h"
#include "proxy/exchange/response_check.h"
#include "proxy/net/x509_facts.h"

namespace gatewhy {
namespace {

// So that the phase that hangs speaks before the limit of the whole.
constexpr std::chrono::milliseconds kOverallGrace{100};

// A probe tells its event itself.
class NoSink final : public EventSink {
 public:
  void attach(EventLoop& /*loop*/) override {}
  void onExchange(const ExchangeEvent& /*event*/) override {}
  void onLifecycle(const LifecycleEvent& /*event*/) override {}
};

TlsSessionFacts factsOf(const SSL* ssl) {
  TlsSessionFacts facts;
  facts.protocol = SSL_get_version(ssl);
  if (const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl)) {
    facts.cipher = SSL_CIPHER_get_name(cipher);
  }
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  facts.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  const X509* leaf = SSL_get0_peer_certificate(ssl);
  if (leaf == nullptr) {
    return facts;
  }
  facts.subject = nameText(X509_get_subject_name(leaf));
  facts.issuer = nameText(X509_get_issuer_name(leaf));
  facts.not_after = timeText(X509_get0_notAfter(leaf));
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(leaf)) == 1) {
    facts.days = days - (seconds < 0 && days == 0 ? 1 : 0);
  }
  return facts;
}

class Run final : public AttemptObserver {
 public:
  Run(ConfigPtr config, const RequestHead& head, const std::vector<Address>& pinned)
      : head_(head),
        origin_(config->origins.front()),
        resolver_(pinned.empty() ? Resolver::create(loop_, config->dns) : pinnedResolver(loop_, pinned)),
        worker_(loop_, sink_, counters_),
        overall_(loop_, [this] { onOverallTimeout(); }),
        config_(std::move(config)) {}

  ProbeResult carryOut() {
    auto generation = Generation::create(config_, states_);
    if (!generation) {  // needs a listener; there is none
      result_.cause = Cause::ProxyInternalError;
      return result_;
    }
    worker_.generation = std::make_shared<WorkerGeneration>();
    worker_.generation->shared = *generation;
    const OriginRuntime& runtime = (*generation)->origins.front();
    OriginPool pool(loop_, origin_, runtime.endpoints, runtime.state, [] {});
    RequestIdentity identity;
    identity.assign("", "", worker_.ids);
    const std::vector<Address> no_listeners;
    AttemptRequest plan;
    plan.head = &head_;
    plan.origin = &origin_;
    plan.runtime = &runtime;
    plan.pool = &pool;
    plan.own_listeners = &no_listeners;
    plan.resolver = resolver_.get();
    plan.redaction = &config_->log.redaction;
    plan.forward.hop_name = {};  // a probe is a client: nobody must take its request for a loop
    plan.forward.scheme = origin_.endpoints.front().scheme == EndpointScheme::Https ? "https" : "http";
    plan.forward.request_id = identity.requestId();
    plan.forward.traceparent = identity.traceparent();
    plan.forward.route = &config_->routes.front();

    const auto timestamp = std::chrono::system_clock::now();
    began_ = EventLoop::now();
    loop_.post([&] {
      if (origin_.timeouts.exchange.count() != 0) {
        overall_.arm(origin_.timeouts.exchange + kOverallGrace);
      }
      attempt_ = std::make_unique<Attempt>(worker_, *this, plan);
      attempt_->start({});
    });
    loop_.run();
    report(plan, timestamp);
    attempt_.reset();
    loop_.stop();
    loop_.run();  // what was buried dies while its pool and its TLS context live
    return std::move(result_);
  }

 private:
  // ---- AttemptObserver

  void onUploadReady() override {
    if (const SSL* ssl = attempt_->stream()->tlsSession()) {
      result_.tls = factsOf(ssl);
    }
  }
  void onInterim(const ResponseHead& head) override {
    check_.interim(head);
    result_.interims.push_back(head.status);
  }
  void onResponseHead(const ResponseHead& head) override {
    check_.head(head_, config_->routes.front(), head, std::chrono::system_clock::now());
    noteHead(head);
  }
  void noteHead(const ResponseHead& head) {
    if (const H2OriginSession* http2 = attempt_->stream()->http2()) {
      result_.http2 = http2->peerSettings();
    }
    result_.status = head.status;
    result_.reason = head.reason();
    for (const Field& field : head.fields) {
      result_.headers.emplace_back(head.name(field), head.value(field));
    }
  }
  void onResponseData(std::string_view data) override { result_.body_size += data.size(); }
  void onFindings(FindingSet findings) override { check_.note(findings); }
  void onResponseEnd(const std::string& /*trailers*/, bool extra_data) override {
    check_.end(result_.body_size, extra_data);
    result_.findings = check_.found();
    end();
  }
  void onTunnelOpen(const ResponseHead& head) override {
    noteHead(head);
    end();
  }
  void onAttemptFailed(Observation observation, std::vector<AddressFailure> addresses) override {
    recordAddresses(std::move(addresses));
    diagnosis_ = diagnose(std::move(observation), config_->diagnostics.policy);
    end();
  }

  void onOverallTimeout() {
    const TimerFault fault{.timer = Timer::Exchange,
                           .limit_ms = static_cast<std::uint32_t>(origin_.timeouts.exchange.count()),
                           .elapsed_ms = millisBetween(began_, EventLoop::now()),
                           .longest_phase = attempt_->longestPhase()};
    diagnosis_ = diagnose(attempt_->observe(Phase::Internal, fault), config_->diagnostics.policy);
    end();
  }

  void end() {
    overall_.cancel();
    loop_.stop();
  }

  // ---- the event

  void recordAddresses(std::vector<AddressFailure> addresses) {
    for (AddressFailure& address : addresses) {
      tries_.push_back(TryRecord{.endpoint = origin_.endpoints.front().url,
                                 .peer_address = std::move(address.peer_address),
                                 .connection_reused = false,
                                 .timings = address.timings,
                                 .diagnosis = diagnose(std::move(address.observation), config_->diagnostics.policy)});
    }
  }

  void report(const AttemptRequest& plan, std::chrono::system_clock::time_point timestamp) {
    recordAddresses(attempt_->takeAddressFailures());
    // After a failure the connector has gone; the evidence kept the address.
    result_.peer_address = diagnosis_ ? diagnosis_->observation.connection.peer_address : attempt_->peerAddress();
    result_.timings = attempt_->timings();
    tries_.push_back(attempt_->record());
    tries_.back().peer_address = result_.peer_address;
    tries_.back().diagnosis = diagnosis_;
    result_.timings.total = millisBetween(began_, EventLoop::now());
    result_.answered = !diagnosis_.has_value();
    if (diagnosis_) {
      result_.cause = diagnosis_->cause;
    }
    ExchangeEvent event;
    event.timestamp = timestamp;
    event.request_id = plan.forward.request_id;
    event.trace_id = traceIdOf(plan.forward.traceparent);
    event.method = head_.methodToken();
    event.path = head_.path();
    event.query = head_.query();
    event.scheme = plan.forward.scheme;
    event.server_address = head_.host;
    event.protocol_version = result_.http2 ? "2" : "1.1";
    event.user_agent = head_.valueOf(FieldId::UserAgent);
    event.status = event.origin_status = result_.status;
    if (result_.status != 0) {
      event.generated_by = GeneratedBy::Origin;
      event.response_body_size = result_.body_size;
    }
    event.outcome = diagnosis_ ? Outcome::Failure : Outcome::Success;
    event.origin = origin_.name;
    event.endpoint = tries_.back().endpoint;
    event.peer_address = result_.peer_address;
    event.peer_protocol_version = tries_.back().peer_protocol_version;
    event.connection_reused = false;
    event.attempts = static_cast<std::uint32_t>(tries_.size());
    event.tries = &tries_;
    event.timings = result_.timings;
    event.diagnosis = diagnosis_ ? &*diagnosis_ : nullptr;
    event.findings = event.told_findings = check_.found();
    appendJson(result_.event, event);
    result_.event.pop_back();  // the newline
  }

  EventLoop loop_;  // declared first: outlives all that uses it
  const RequestHead& head_;
  const OriginConfig& origin_;  // of config_
  NoSink sink_;
  ProxyCounters counters_;
  SharedStates states_;
  std::unique_ptr<Resolver> resolver_;
  WorkerContext worker_;
  Deadline overall_;
  ConfigPtr config_;
  TimePoint began_{};
  std::unique_ptr<Attempt> attempt_;
  std::vector<TryRecord> tries_;
  std::optional<Diagnosis> diagnosis_;
  ResponseCheck check_{true};
  ProbeResult result_;
};

}  // namespace

ProbeResult runProbe(const ConfigPtr& config, const RequestHead& head, const std::vector<Address>& pinned) {
  return Run(config, head, pinned).carryOut();
}

std::vector<Address> resolveAll(const Config& config) {
  const OriginConfig& origin = config.origins.front();
  const EndpointConfig& endpoint = origin.endpoints.front();
  EventLoop loop;
  const auto resolver = Resolver::create(loop, config.dns);
  Deadline deadline(loop, [&loop] { loop.stop(); });
  std::vector<Address> v6, v4;
  int answers = 0;
  const auto handle = resolver->resolve(endpoint.absolute ? endpoint.host + '.' : endpoint.host,
                                        [&](int family, const FamilyAnswer& answer) {
                                          if (answer.ok()) {
                                            for (const Address& address : answer->addresses) {
                                              if (const auto with_port = Address::fromIp(address.ip(), endpoint.port)) {
                                                (family == AF_INET6 ? v6 : v4).push_back(*with_port);
                                              }
                                            }
                                          }
                                          if (++answers == 2) {
                                            loop.stop();
                                          }
                                        });
  deadline.arm(origin.timeouts.resolve);
  loop.run();
  v6.insert(v6.end(), v4.begin(), v4.end());
  return v6;
}

}  // namespace gatewhy
