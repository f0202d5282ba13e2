// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/attempt.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <ctime>
#include <iterator>

#include "proxy/exchange/health_report.h"
#include "proxy/exchange/upgrade.h"
#include "proxy/net/certificate_term.h"
#include "proxy/net/proxy_protocol.h"
#include "proxy/net/tls_record.h"
#include "proxy/origin/http1_required.h"
#include "proxy/origin/new_origin_connection.h"

namespace gatewhy {

Attempt::Attempt(WorkerContext& worker, AttemptObserver& observer, const AttemptRequest& request)
    : worker_(worker),
      observer_(observer),
      request_(request),
      started_(worker.loop.turnTime()),
      phase_since_(started_) {}

Attempt::~Attempt() {
  cancel();
}

void Attempt::cancel() {
  if (state_ == State::Done) {
    return;  // buried: pool and generation may be gone
  }
  state_ = State::Done;
  if (queue_timer_) {
    queue_timer_->cancel();
  }
  request_.pool->leaveQueue(*this);
  if (connector_) {
    connector_->cancel();
    worker_.loop.deferDelete(std::move(connector_));
  }
  endLease();
}

// ---- getting a connection ---------------------------------------------

void Attempt::start(const std::vector<std::size_t>& tried) {
  tried_ = tried;
  PoolRefusal refusal{};
  request_.pool->refreshNames(*request_.resolver);
  auto lease = request_.pool->request(*this, request_.fresh, refusal);
  reportPanic(worker_.sink, *request_.pool);
  if (lease) {
    use(std::move(*lease));
    return;
  }
  switch (refusal) {
    case PoolRefusal::Queued:
      enqueue();
      return;
    case PoolRefusal::QueueFull:
      fail(observe(Phase::Routing, DecisionFault{.cause = Cause::OriginConnectionLimit,
                                                 .detail = {},
                                                 .size = request_.runtime->state->waiting.load(),
                                                 .limit = request_.origin->limits.pending}));
      return;
    case PoolRefusal::NoHealthyEndpoint:
      fail(nobodyHealthy());
      return;
  }
}

// Which endpoints there are, and for each since when and why it gets nothing.
Observation Attempt::nobodyHealthy() const {
  const OriginHealth& health = request_.pool->health();
  const TimePoint now = EventLoop::now();
  DecisionFault fault{.cause = Cause::NoHealthyEndpoint, .detail = {}, .size = {}, .limit = {}};
  fault.endpoints = health.absences(now);
  fault.detail = fmt::format("{}", fmt::join(fault.endpoints, "; "));
  if (const auto wait = health.backIn(now)) {
    fault.retry_after_s =
        static_cast<std::uint32_t>(std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(*wait).count()));
  }
  return observe(Phase::Routing, std::move(fault));
}

void Attempt::enqueue() {
  state_ = State::Queued;
  queue_timer_.emplace(worker_.loop, [this] { onQueueTimer(); });
  queue_timer_->arm(request_.origin->timeouts.connect);  // no key of its own: a place is worth what a handshake is
}

void Attempt::onQueueTimer() {
  const Millis limit = request_.origin->timeouts.connect;
  request_.pool->leaveQueue(*this);
  Observation late = observe(Phase::Routing, TimerFault{.timer = Timer::Queue,
                                                        .limit_ms = static_cast<std::uint32_t>(limit.count()),
                                                        .elapsed_ms = millisBetween(started_, EventLoop::now())});
  if (!request_.body_here) {
    late.bytes.last_line = "its body is still coming: such requests hold at most half of limits.connections";
  }
  fail(std::move(late));
}

void Attempt::noteBodyHere() {
  request_.body_here = true;
  lease_.bodyArrived();
  if (state_ == State::Queued) {
    request_.pool->bodyArrived(*this);  // may begin at once
  }
}

void Attempt::onLease(Lease lease) {
  queue_timer_->cancel();
  use(std::move(lease));
}

void Attempt::use(Lease lease) {
  lease_ = std::move(lease);
  endpoint_ = lease_.endpoint();
  endpoint_chosen_ = true;
  request_.forward.endpoint = &request_.origin->endpoints[request_.pool->health().host(endpoint_).endpoint];
  phase_since_ = worker_.loop.turnTime();
  if (OriginConnection* const connection = lease_.connection()) {
    reused_ = true;
    idle_ms_ = connection->idleMs(phase_since_);
    begin(*connection);
  } else {
    connect();
  }
}

// Another one has opened a connection for us too, or not.
void Attempt::onOpened() {
  request_.pool->proceed(lease_, *this);
  if (OriginConnection* const connection = lease_.connection()) {
    connect_timings_.connect = millisBetween(phase_since_, EventLoop::now());
    begin(*connection);
  } else {
    connect();
  }
}

void Attempt::onOpeningFailed(const std::vector<AddressFailure>& failures) {
  const Observation& furthest = failures.back().observation;
  const double waited = millisBetween(phase_since_, EventLoop::now());
  (furthest.phase == Phase::Dns            ? connect_timings_.resolve
   : furthest.phase == Phase::TlsHandshake ? connect_timings_.tls_handshake
                                           : connect_timings_.connect) = waited;
  dns_ = furthest.connection.dns;
  address_failures_.assign(failures.begin(), failures.end() - 1);
  fail(furthest);
}

void Attempt::connect() {
  state_ = State::Connecting;
  if (lease_.waits()) {
    return;  // onOpened(), or onOpeningFailed()
  }
  const EndpointConfig& endpoint = *request_.forward.endpoint;
  if (endpoint.scheme == EndpointScheme::Https && request_.runtime->tls == nullptr) {
    fail(observe(Phase::TlsHandshake,
                 request_.runtime->tls_setup_fault.value_or(TlsFault{.failure = TlsFailure::Setup})));
    return;
  }
  request_.pool->refreshName(endpoint_, *request_.resolver);
  const OriginHost& host = request_.pool->health().host(endpoint_);
  const auto named = host.address ? host.whole->name.hosts() : nullptr;
  connector_ = Connector::create(
      worker_.loop, *request_.resolver,
      ConnectTarget{.endpoint = &endpoint,
                    .address = request_.address ? request_.address : host.address,
                    .dns = named != nullptr ? named->facts : DnsFacts(),
                    .brief = request_.brief,
                    .timeouts = &request_.origin->timeouts,
                    .tls = request_.runtime->tls.get(),
                    .http = lease_.http(),
                    .own_listeners = request_.own_listeners,
                    .proxy_header = proxyHeader(request_.origin->send_proxy_protocol,
                                                request_.client ? &request_.client->addresses : nullptr)},
      *this);
  connector_->start();
}

void Attempt::onConnected(Connected connected) {
  connect_timings_ = connected.timings;
  dns_ = std::move(connected.dns);
  address_failures_ = std::move(connected.failures);
  worker_.loop.deferDelete(std::move(connector_));
  if (const SSL* ssl = connected.link->transport.ssl(); ssl != nullptr) {
    const CertificateTerm term = termOf(SSL_get0_peer_certificate(ssl));
    request_.pool->state(endpoint_).noteCertificate(term);
    request_.pool->health().host(endpoint_).whole->noteCertificate(term);
    FindingSet findings = tlsRecordOf(ssl).findings;
    if (const auto expires = expiryFinding(expiryNotice(term, std::time(nullptr)))) {
      findings.add(*expires);
    }
    observer_.onFindings(findings);
  }
  auto connection =
      newOriginConnection(worker_.loop, *request_.origin, worker_.generation->shared->config->limits.fields,
                          request_.pool->state(endpoint_).streams(), *request_.redaction, std::move(connected));
  connection->client = request_.client.get();
  begin(request_.pool->adopt(lease_, std::move(connection)));
}

void Attempt::onConnectFailed(std::vector<AddressFailure> failures) {
  request_.pool->onOpeningFailed(lease_, failures);
  if (state_ == State::Done) {
    return;  // one of those who waited has taken us with it
  }
  connect_timings_ = failures.back().timings;
  worker_.loop.deferDelete(std::move(connector_));
  Observation furthest = std::move(failures.back().observation);
  dns_ = furthest.connection.dns;
  failures.pop_back();
  address_failures_ = std::move(failures);
  fail(std::move(furthest));
}

// ---- the stream -------------------------------------------------------

void Attempt::begin(OriginConnection& connection) {
  state_ = State::Streaming;
  peer_address_ = connection.peer_address;
  ++connection.requests;
  stream_ = connection.open({.loop = worker_.loop,
                             .scratch = worker_.scratch,
                             .pipes = worker_.pipes,
                             .redaction = *request_.redaction,
                             .head = *request_.head,
                             .origin = *request_.origin,
                             .timeouts = request_.timeouts != nullptr ? *request_.timeouts : request_.origin->timeouts,
                             .owner = *this,
                             .observer = observer_,
                             .reused = reused_});
  http_version_ = stream_->http2() != nullptr ? "2" : "1.1";
  stream_->begin();
}

bool Attempt::owesContinue() const {
  return stream_ ? stream_->owesContinue() : state_ != State::Done && request_.head->expect_continue;
}

std::optional<UpgradeFault> Attempt::judgeSwitch(const ResponseHead& head) {
  auto fault = gatewhy::judgeSwitch(*request_.head, request_.forward.upgrade, head);
  if (!fault) {
    reportSuccess(worker_.sink, *request_.pool, endpoint_);
  }
  return fault;
}

void Attempt::onStreamComplete(bool extra_data, const std::string& trailers) {
  ended_ = EventLoop::now();
  state_ = State::Done;
  answered_ = true;
  reportSuccess(worker_.sink, *request_.pool, endpoint_);
  endLease();
  observer_.onResponseEnd(trailers, extra_data);  // the last word: we may be buried
}

void Attempt::onStreamFailed(Phase phase, Fault fault) {
  if (requiresHttp1(fault) && request_.forward.endpoint->http == EndpointHttp::Negotiated) {
    if (request_.pool->state(endpoint_).holdToHttp1(worker_.loop.turnTime())) {
      FindingSet told;
      told.add(Finding::Http11Required);
      observer_.onFindings(told);
    }
  }
  fail(observe(phase, std::move(fault)));
}

bool Attempt::repeatsMisdirected() {
  return request_.forward.endpoint->http == EndpointHttp::Negotiated && observer_.canRepeat();
}

void Attempt::fail(Observation observation) {
  if (state_ == State::Done) {
    return;
  }
  ended_ = EventLoop::now();
  std::vector<AddressFailure> addresses = std::move(address_failures_);
  cancel();
  observer_.onAttemptFailed(std::move(observation), std::move(addresses));  // the last word: we may be buried
}

void Attempt::endLease() {
  if (stream_) {
    stream_->leave();
  }
  lease_.end();
}

// ---- evidence ---------------------------------------------------------

Observation Attempt::observe(Phase phase, Fault fault) const {
  Observation seen;
  seen.phase = phase;
  seen.fault = std::move(fault);
  seen.elapsed_ms = millisBetween(phase_since_, EventLoop::now());
  seen.connection.endpoint = std::string(endpointUrl());
  seen.connection.peer_address = peerAddress();
  seen.connection.reused = reused_;
  seen.connection.idle_ms = idle_ms_;
  seen.connection.dns = dns_;
  if (stream_) {
    stream_->describe(seen);
  }
  if (request_.forward.upgrade && state_ != State::Done && (!stream_ || stream_->awaitsHead())) {
    seen.request.upgrade = request_.head->valueOf(FieldId::Upgrade);
  }
  return seen;
}

std::string_view Attempt::endpointUrl() const {
  return endpoint_chosen_ ? std::string_view(request_.forward.endpoint->url) : std::string_view();
}

std::string Attempt::peerAddress() const {
  return connector_ ? connector_->peerAddress() : peer_address_;
}

Phase Attempt::phase() const {
  switch (state_) {
    case State::Connecting:
      return connector_ ? connector_->phase() : Phase::Connect;
    case State::Streaming:
      return stream_->phase();
    case State::Idle:
    case State::Queued:
    case State::Done:
      return Phase::Routing;
  }
  return Phase::Internal;
}

Phase Attempt::longestPhase() const {
  const Timings t = timings();
  Phase longest = phase();
  double most = -1;
  const auto weigh = [&](const std::optional<double>& ms, Phase phase) {
    if (ms && *ms > most) {
      most = *ms;
      longest = phase;
    }
  };
  weigh(t.resolve, Phase::Dns);
  weigh(t.connect, Phase::Connect);
  weigh(t.tls_handshake, Phase::TlsHandshake);
  weigh(t.send, Phase::RequestWrite);
  weigh(t.wait, Phase::ResponseHead);
  weigh(t.receive, Phase::ResponseBody);
  return longest;
}

TryRecord Attempt::record() const {
  return {.endpoint = std::string(endpointUrl()),
          .peer_address = peerAddress(),
          .connection_reused = reused_,
          .timings = timings(),
          .diagnosis = {},
          .peer_protocol_version = http_version_};
}

Timings Attempt::timings() const {
  Timings t = connector_ ? connector_->timings() : connect_timings_;
  const TimePoint end = ended_ != TimePoint{} ? ended_ : EventLoop::now();
  if (stream_) {
    stream_->addTimings(t, end);
  }
  t.total = millisBetween(started_, end);
  return t;
}

}  // namespace gatewhy
