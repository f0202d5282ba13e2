// SPDX-License-Identifier: Apache-2.0
#include "daemon/health/health_check.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "daemon/request_text.h"
#include "proxy/http/grpc_health.h"
#include "proxy/net/proxy_protocol.h"
#include "proxy/net/x509_facts.h"
#include "proxy/origin/http1_required.h"

namespace gatewhy {
namespace {

// So that the phase that hangs speaks before the limit of the whole.
constexpr std::chrono::milliseconds kCheckGrace{100};
constexpr std::chrono::milliseconds kFirstWithin{1000};
constexpr std::uint64_t kFirstSteps = 50;
// Each interval is longer or shorter by up to a tenth, in steps: of each
// duration the loop keeps a list, and looks at all of them.
constexpr std::int64_t kJitterPart = 10;
constexpr std::int64_t kJitterSteps = 8;
// Who says that he is well at such length is believed before he has finished.
constexpr std::uint64_t kLongestBody = 64 * kKiB;

OriginConfig checkedOrigin(const OriginConfig& origin, std::size_t endpoint) {
  OriginConfig checked = origin;
  const HealthConfig& health = *origin.health;
  checked.endpoints = {origin.endpoints[endpoint]};
  EndpointConfig& only = checked.endpoints.front();
  only.backup = false;
  only.port = health.port == 0 || only.scheme == EndpointScheme::Unix ? only.port : health.port;
  only.http = health.grpc ? EndpointHttp::Http2 : only.http;  // there is no gRPC over HTTP/1.1
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
  if (health.connectionOnly()) {
    return {};
  }
  std::vector<std::string> fields{"User-Agent: gatewhy/" GATEWHY_VERSION " (health check)"};
  if (health.grpc) {
    fields.insert(fields.end(), {"Content-Type: application/grpc", "TE: trailers", "Transfer-Encoding: chunked"});
  }
  for (const auto& [name, value] : health.headers) {
    if (equalsIgnoreCase(name, "User-Agent")) {
      fields.front() = fmt::format("{}: {}", name, value);
    } else {
      fields.push_back(fmt::format("{}: {}", name, value));
    }
  }
  auto head = requestHead(health.grpc ? "POST" : std::string_view(health.method),
                          health.grpc ? kHealthCall : std::string_view(health.path),
                          health.host.empty() ? authorityOf(endpoint) : health.host, fields);
  return head ? std::move(head).value() : RequestHead{};
}

// The host's, with the port of the check.
std::optional<Address> addressOf(const OriginHost& host, const EndpointConfig& endpoint) {
  return host.address ? Address::fromIp(host.address->ip(), endpoint.port) : std::nullopt;
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

HealthCheck::HealthCheck(HealthCheckHost& monitor, std::shared_ptr<CheckedOrigin> origin, std::size_t host)
    : monitor_(monitor),
      origin_(std::move(origin)),
      settings_(*origin_->config.health),
      of_(origin_->health.host(host)),
      host_(host),
      checked_(checkedOrigin(origin_->config, of_.endpoint)),
      runtime_(apart(origin_->runtime)),
      pool_(monitor.worker().loop, checked_, runtime_.endpoints, runtime_.state, [] {}),
      head_(headOf(settings_, checked_.endpoints.front())),
      next_(monitor.worker().loop, [this] { begin(); }),
      overall_(monitor.worker().loop, [this] { onOverallTimeout(); }) {}

HealthCheck::~HealthCheck() {
  stop();
}

void HealthCheck::start() {
  const std::int64_t within = std::min(settings_.interval, kFirstWithin).count();
  const auto step = static_cast<std::int64_t>(monitor_.random() % kFirstSteps);
  next_.arm(Millis(1 + within * step / static_cast<std::int64_t>(kFirstSteps)));
}

void HealthCheck::stop() {
  next_.cancel();
  overall_.cancel();
  release();
}

void HealthCheck::release() {
  EventLoop& loop = monitor_.worker().loop;
  if (attempt_) {
    attempt_->cancel();
    loop.deferDelete(std::move(attempt_));
  }
  if (connector_) {
    connector_->cancel();
    loop.deferDelete(std::move(connector_));
  }
}

// ---- one check --------------------------------------------------------

void HealthCheck::begin() {
  generation_ = monitor_.worker().generation;
  resolver_ = monitor_.resolver();
  began_ = EventLoop::now();
  repeated_ = false;
  overall_.arm(settings_.timeout + kCheckGrace);
  if (settings_.connectionOnly()) {
    beginConnection();
  } else {
    beginRequest();
  }
}

void HealthCheck::beginRequest() {
  WorkerContext& worker = monitor_.worker();
  body_ = 0;
  answer_ = {};
  identity_ = RequestIdentity();
  identity_.assign("", "", worker.ids);
  AttemptRequest plan;
  plan.head = &head_;
  plan.origin = &checked_;
  plan.runtime = &runtime_;
  plan.pool = &pool_;
  plan.address = addressOf(of_, checked_.endpoints.front());
  plan.own_listeners = &generation_->own_listeners;
  plan.resolver = resolver_.get();
  plan.redaction = &generation_->shared->config->log.redaction;
  plan.forward.hop_name = {};  // a request of our own, not one that passes through
  plan.forward.scheme = checked_.endpoints.front().scheme == EndpointScheme::Https ? "https" : "http";
  plan.forward.request_id = identity_.requestId();
  plan.forward.traceparent = identity_.traceparent();
  plan.forward.route = &route_;
  plan.brief = true;
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
  connector_ = Connector::create(monitor_.worker().loop, *resolver_,
                                 ConnectTarget{.endpoint = &endpoint,
                                               .address = addressOf(of_, endpoint),
                                               .brief = true,
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

void HealthCheck::onUploadReady() {
  if (settings_.grpc) {
    attempt_->sendEnd(healthRequest(*settings_.grpc), {});
  }
}

void HealthCheck::onResponseHead(const ResponseHead& head) {
  if (settings_.grpc) {
    const GrpcEnd end = grpcEndOf(head);
    answer_.status = end.status;
    answer_.message = end.message;
    if (const auto complaint = healthHeadComplaint(head)) {
      refuse(Phase::ResponseHead, *complaint);
    }
  } else if (!isExpected(settings_, head.status)) {
    refuse(Phase::ResponseHead, fmt::format("answered {}, not {}", head.status, expectText(settings_)));
  }
}

void HealthCheck::onResponseData(std::string_view data) {
  body_ += data.size();
  if (settings_.grpc) {
    answer_.content += data;
    if (body_ > kLongestHealthAnswer) {
      refuse(Phase::ResponseBody, fmt::format("gave an answer of more than {} bytes", kLongestHealthAnswer));
    }
  } else if (body_ > kLongestBody) {
    succeed();
  }
}

void HealthCheck::onResponseEnd(const std::string& trailers, bool /*extra_data*/) {
  if (!settings_.grpc) {
    succeed();
    return;
  }
  const bool in_head = trailers.empty() && answer_.status;  // an answer without messages
  const GrpcEnd end = in_head ? GrpcEnd{.status = answer_.status, .message = answer_.message} : grpcEndOf(trailers);
  if (const auto complaint = healthComplaint(end, answer_.content)) {
    refuse(in_head ? Phase::ResponseHead : Phase::ResponseBody, *complaint);
  } else {
    succeed();
  }
}

// It answered, and not as one does who is well. `complaint` ends the sentence.
void HealthCheck::refuse(Phase phase, std::string_view complaint) {
  const std::string asked = !settings_.grpc           ? settings_.path
                            : settings_.grpc->empty() ? std::string("the gRPC server")
                                                      : fmt::format("the gRPC service {}", *settings_.grpc);
  fail(attempt_->observe(phase, DecisionFault{.cause = Cause::HealthStatusUnexpected,
                                              .detail = fmt::format("{} {}", asked, complaint),
                                              .size = {},
                                              .limit = {}}));
}

// Who wants HTTP/1.1 is asked so at once, as a request would be.
void HealthCheck::onAttemptFailed(Observation seen, std::vector<AddressFailure> /*addresses*/) {
  if (requiresHttp1(seen.fault) && checked_.endpoints.front().http == EndpointHttp::Negotiated && !repeated_) {
    repeated_ = true;
    release();
    beginRequest();
    return;
  }
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
    of_.state->noteCertificate(term);
    of_.whole->noteCertificate(term);
  }
  const std::int64_t interval = settings_.interval.count();
  const auto step = static_cast<std::int64_t>(monitor_.random() % (2 * kJitterSteps + 1)) - kJitterSteps;
  next_.arm(Millis(std::max<std::int64_t>(1, interval + interval / kJitterPart * step / kJitterSteps)));
  monitor_.onChecked(*this, diagnosis ? &*diagnosis : nullptr);
}

}  // namespace gatewhy
