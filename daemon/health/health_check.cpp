// SPDX-License-Identifier: Apache-2.0
#include "daemon/health/health_check.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "daemon/commands/request_text.h"
#include "proxy/net/proxy_protocol.h"
#include "proxy/net/x509_facts.h"

namespace gatewhy {
namespace {

// So that the phase that hangs speaks before the limit of the whole.
constexpr std::chrono::milliseconds kCheckGrace{100};
constexpr std::chrono::milliseconds kFirstWithin{1000};
// Each interval is longer or shorter by up to a tenth, in steps: of one
// duration the loop keeps a list.
constexpr std::int64_t kJitterPart = 10;
constexpr std::int64_t kJitterSteps = 16;
// Who says that he is well at such length is believed before he has finished.
constexpr std::uint64_t kLongestBody = 64 * kKiB;

OriginConfig checkedOrigin(const OriginConfig& origin, std::size_t endpoint) {
  OriginConfig checked = origin;
  const HealthConfig& health = *origin.health;
  checked.endpoints = {origin.endpoints[endpoint]};
  EndpointConfig& only = checked.endpoints.front();
  only.backup = false;
  only.port = health.port == 0 || only.scheme == EndpointScheme::Unix ? only.port : health.port;
  checked.eject.reset();
  checked.health.reset();
  checked.slow_start = Millis{0};
  checked.keep_alive.idle = 0;
  checked.limits.connections = 0;
  for (Millis* limit : {&checked.timeouts.resolve, &checked.timeouts.connect, &checked.timeouts.tls_handshake,
                        &checked.timeouts.send, &checked.timeouts.response_head, &checked.timeouts.response_idle}) {
    *limit = limit->count() == 0 ? health.timeout : std::min(*limit, health.timeout);
  }
  checked.timeouts.exchange = health.timeout;
  return checked;
}

std::string authorityOf(const EndpointConfig& endpoint) {
  if (endpoint.scheme == EndpointScheme::Unix) {
    return "localhost";
  }
  const std::string host = endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
  constexpr std::uint16_t kHttp = 80, kHttps = 443;
  const bool usual = endpoint.port == (endpoint.scheme == EndpointScheme::Https ? kHttps : kHttp);
  return usual ? host : fmt::format("{}:{}", host, endpoint.port);
}

RequestHead headOf(const HealthConfig& health, const EndpointConfig& endpoint) {
  if (health.path.empty()) {
    return {};
  }
  std::vector<std::string> fields{"User-Agent: gatewhy/" GATEWHY_VERSION " (health check)"};
  for (const auto& [name, value] : health.headers) {
    if (equalsIgnoreCase(name, "User-Agent")) {
      fields.front() = fmt::format("{}: {}", name, value);
    } else {
      fields.push_back(fmt::format("{}: {}", name, value));
    }
  }
  auto head =
      requestHead(health.method, health.path, health.host.empty() ? authorityOf(endpoint) : health.host, fields);
  return head ? std::move(head).value() : RequestHead{};
}

OriginRuntime apart(const OriginRuntime& of_requests) {
  OriginRuntime own;
  own.tls = of_requests.tls;
  own.tls_setup_fault = of_requests.tls_setup_fault;
  own.endpoints = {std::make_shared<EndpointState>()};
  own.state = std::make_shared<OriginState>();
  return own;
}

bool isExpected(const HealthConfig& health, std::uint16_t status) {
  return std::any_of(health.expect.begin(), health.expect.end(),
                     [status](const StatusRange& range) { return status >= range.first && status <= range.last; });
}

std::string expectText(const HealthConfig& health) {
  std::string text;
  for (const StatusRange& range : health.expect) {
    text += text.empty() ? "" : ", ";
    text += range.first == range.last ? fmt::format("{}", range.first) : fmt::format("{}-{}", range.first, range.last);
  }
  return text;
}

}  // namespace

HealthCheck::HealthCheck(HealthCheckHost& host, std::shared_ptr<CheckedOrigin> origin, std::size_t endpoint)
    : host_(host),
      origin_(std::move(origin)),
      settings_(*origin_->config.health),
      endpoint_(endpoint),
      checked_(checkedOrigin(origin_->config, endpoint)),
      runtime_(apart(origin_->runtime)),
      pool_(host.worker().loop, checked_, runtime_.endpoints, runtime_.state, [] {}),
      head_(headOf(settings_, checked_.endpoints.front())),
      next_(host.worker().loop, [this] { begin(); }),
      overall_(host.worker().loop, [this] { onOverallTimeout(); }) {}

HealthCheck::~HealthCheck() {
  stop();
}

void HealthCheck::start() {
  const auto within = static_cast<std::uint64_t>(std::min(settings_.interval, kFirstWithin).count());
  next_.arm(Millis(1 + static_cast<Millis::rep>(host_.random() % within)));
}

void HealthCheck::stop() {
  next_.cancel();
  overall_.cancel();
  release();
}

void HealthCheck::release() {
  EventLoop& loop = host_.worker().loop;
  if (attempt_) {
    attempt_->cancel();
    loop.deferDelete(std::move(attempt_));
  }
  if (connector_) {
    loop.deferDelete(std::move(connector_));
  }
}

// ---- one check --------------------------------------------------------

void HealthCheck::begin() {
  generation_ = host_.worker().generation;
  resolver_ = host_.resolver();
  began_ = EventLoop::now();
  body_ = 0;
  overall_.arm(settings_.timeout + kCheckGrace);
  if (settings_.path.empty()) {
    beginConnection();
  } else {
    beginRequest();
  }
}

void HealthCheck::beginRequest() {
  WorkerContext& worker = host_.worker();
  identity_ = RequestIdentity();
  identity_.assign("", "", worker.ids);
  AttemptRequest plan;
  plan.head = &head_;
  plan.origin = &checked_;
  plan.runtime = &runtime_;
  plan.pool = &pool_;
  plan.own_listeners = &generation_->own_listeners;
  plan.resolver = resolver_.get();
  plan.redaction = &generation_->shared->config->log.redaction;
  plan.forward.hop_name = {};  // a request of our own, not one that passes through
  plan.forward.scheme = checked_.endpoints.front().scheme == EndpointScheme::Https ? "https" : "http";
  plan.forward.request_id = identity_.requestId();
  plan.forward.traceparent = identity_.traceparent();
  plan.forward.route = &route_;
  plan.body_here = true;
  AttemptObserver& self = *this;
  attempt_ = std::make_unique<Attempt>(worker, self, plan);
  attempt_->start({});  // may fail at once
}

void HealthCheck::beginConnection() {
  const EndpointConfig& endpoint = checked_.endpoints.front();
  if (endpoint.scheme == EndpointScheme::Https && runtime_.tls == nullptr) {
    Observation seen;
    seen.phase = Phase::TlsHandshake;
    seen.fault = runtime_.tls_setup_fault.value_or(TlsFault{.failure = TlsFailure::Setup});
    seen.connection.endpoint = endpoint.url;
    fail(std::move(seen));
    return;
  }
  connector_ = Connector::create(host_.worker().loop, *resolver_,
                                 ConnectTarget{.endpoint = &endpoint,
                                               .timeouts = &checked_.timeouts,
                                               .tls = runtime_.tls.get(),
                                               .http = endpoint.http,
                                               .own_listeners = &generation_->own_listeners,
                                               .proxy_header = proxyHeader(checked_.send_proxy_protocol, nullptr)},
                                 *this);
  connector_->start();
}

void HealthCheck::onConnected(Connected connected) {
  if (const SSL* ssl = connected.link->transport.ssl(); ssl != nullptr) {
    runtime_.endpoints.front()->noteCertificate(termOf(SSL_get0_peer_certificate(ssl)));
  }
  succeed();
}

void HealthCheck::onConnectFailed(std::vector<AddressFailure> failures) {
  fail(std::move(failures.back().observation));
}

void HealthCheck::onResponseHead(const ResponseHead& head) {
  if (!isExpected(settings_, head.status)) {
    fail(attempt_->observe(Phase::ResponseHead,
                           DecisionFault{.cause = Cause::HealthStatusUnexpected,
                                         .detail = fmt::format("{} answered {}, not {}", settings_.path, head.status,
                                                               expectText(settings_)),
                                         .size = {},
                                         .limit = {}}));
  }
}

void HealthCheck::onResponseData(std::string_view data) {
  body_ += data.size();
  if (body_ > kLongestBody) {
    succeed();
  }
}

void HealthCheck::onAttemptFailed(Observation seen, std::vector<AddressFailure> /*addresses*/) {
  fail(std::move(seen));
}

void HealthCheck::onOverallTimeout() {
  TimerFault fault{.timer = Timer::Exchange,
                   .limit_ms = static_cast<std::uint32_t>(settings_.timeout.count()),
                   .elapsed_ms = millisBetween(began_, EventLoop::now())};
  if (attempt_) {
    fault.longest_phase = attempt_->longestPhase();
    fail(attempt_->observe(Phase::Internal, fault));
    return;
  }
  fault.longest_phase = connector_ ? connector_->phase() : Phase::Connect;
  Observation seen;
  seen.phase = Phase::Internal;
  seen.fault = fault;
  seen.connection.endpoint = checked_.endpoints.front().url;
  seen.connection.peer_address = connector_ ? connector_->peerAddress() : std::string();
  fail(std::move(seen));
}

void HealthCheck::fail(Observation seen) {
  const Config& config = *generation_->shared->config;
  redactEvidence(seen, config.log.redaction);
  end(diagnose(std::move(seen), config.diagnostics.policy));
}

void HealthCheck::end(std::optional<Diagnosis> diagnosis) {
  overall_.cancel();
  release();
  generation_.reset();
  if (const CertificateTerm term = runtime_.endpoints.front()->certificateTerm(); term.not_after != 0) {
    origin_->runtime.endpoints[endpoint_]->noteCertificate(term);
  }
  const std::int64_t interval = settings_.interval.count();
  const auto step = static_cast<std::int64_t>(host_.random() % (2 * kJitterSteps + 1)) - kJitterSteps;
  next_.arm(Millis(std::max<std::int64_t>(1, interval + interval / kJitterPart * step / kJitterSteps)));
  host_.onChecked(*this, diagnosis ? &*diagnosis : nullptr);
}

}  // namespace gatewhy
