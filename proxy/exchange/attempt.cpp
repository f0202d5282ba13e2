// SPDX-License-Identifier: Apache-2.0
// Getting a connection, and every way to fail. Writing the request is in
// attempt_request.cpp, reading the response in attempt_response.cpp.
#include "proxy/exchange/attempt.h"

#include <openssl/ssl.h>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "proxy/net/tls_record.h"
#include "proxy/net/x509_facts.h"

namespace gatewhy {
namespace {

HeadLimits headLimits(const OriginLimits& limits, const ClientLimits& both_ways) {
  return HeadLimits{.section = limits.response_head, .start_line = 0, .field = 0, .fields = both_ways.fields};
}

}  // namespace

Attempt::Attempt(WorkerContext& worker, AttemptObserver& observer, const AttemptRequest& request)
    : worker_(worker),
      observer_(observer),
      request_(request),
      timer_(worker.loop, [this] { onTimer(); }),
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
  timer_.cancel();
  request_.pool->leaveQueue(*this);
  if (connector_) {
    worker_.loop.deferDelete(std::move(connector_));
  }
  releaseConnection(false);
  if (counted_) {
    counted_ = false;
    request_.pool->requestEnded(endpoint_);
  }
}

// ---- getting a connection ---------------------------------------------

void Attempt::start(const std::vector<std::size_t>& tried) {
  PoolRefusal refusal{};
  auto grant = request_.pool->request(*this, tried, request_.fresh, refusal);
  if (grant) {
    use(std::move(*grant));
    return;
  }
  switch (refusal) {
    case PoolRefusal::Queued:
      state_ = State::Queued;
      timer_kind_ = Timer::Queue;
      timer_.arm(request_.origin->timeouts.connect);  // no key of its own: a place is worth what a handshake is
      return;
    case PoolRefusal::QueueFull:
      fail(observe(Phase::Routing, DecisionFault{.cause = Cause::OriginConnectionLimit,
                                                 .detail = {},
                                                 .size = request_.runtime->state->waiting.load(),
                                                 .limit = request_.origin->limits.pending}));
      return;
    case PoolRefusal::NoHealthyEndpoint: {
      std::string causes;
      for (std::size_t i = 0; i < request_.origin->endpoints.size(); ++i) {
        if (const auto cause = request_.pool->state(i).lastCause()) {
          fmt::format_to(std::back_inserter(causes), "{}{} ejected after {}", causes.empty() ? "" : "; ",
                         request_.origin->endpoints[i].url, name(*cause));
        }
      }
      fail(observe(
          Phase::Routing,
          DecisionFault{.cause = Cause::NoHealthyEndpoint, .detail = std::move(causes), .size = {}, .limit = {}}));
      return;
    }
  }
}

void Attempt::onGrant(Grant grant) {
  timer_.cancel();
  use(std::move(grant));
}

void Attempt::use(Grant grant) {
  endpoint_ = grant.endpoint;
  endpoint_chosen_ = true;
  request_.forward.endpoint = &request_.origin->endpoints[endpoint_];
  request_.pool->requestBegan(endpoint_);
  counted_ = true;
  upload_ = std::move(grant.upload);
  phase_since_ = worker_.loop.turnTime();
  if (grant.connection) {
    reused_ = true;
    idle_ms_ = millisBetween(grant.connection->idle_since, phase_since_);
    begin(std::move(grant.connection));
  } else {
    connect(std::move(grant.slot));
  }
}

void Attempt::connect(ConnectionSlot slot) {
  state_ = State::Connecting;
  slot_ = std::move(slot);
  const EndpointConfig& endpoint = *request_.forward.endpoint;
  if (endpoint.scheme == EndpointScheme::Https && request_.runtime->tls == nullptr) {
    fail(observe(Phase::TlsHandshake,
                 request_.runtime->tls_setup_fault.value_or(TlsFault{.failure = TlsFailure::Setup})));
    return;
  }
  connector_ = Connector::create(worker_.loop, *request_.resolver,
                                 ConnectTarget{.endpoint = &endpoint,
                                               .timeouts = &request_.origin->timeouts,
                                               .tls = request_.runtime->tls.get(),
                                               .own_listeners = request_.own_listeners},
                                 *this);
  connector_->start();
}

void Attempt::onConnected(Connected connected) {
  connect_timings_ = connected.timings;
  dns_ = std::move(connected.dns);
  address_failures_ = std::move(connected.failures);
  worker_.loop.deferDelete(std::move(connector_));
  if (const SSL* ssl = connected.link->transport.ssl(); ssl != nullptr) {
    request_.pool->state(endpoint_).noteCertificateExpiry(expiryOf(SSL_get0_peer_certificate(ssl)));
    observer_.onFindings(tlsRecordOf(ssl).findings);
  }
  auto connection = std::make_unique<OriginConnection>(
      worker_.loop, headLimits(request_.origin->limits, worker_.generation->shared->config->limits));
  connection->link = std::move(connected.link);
  connection->slot = std::move(slot_);
  connection->peer_address = std::move(connected.peer_address);
  connection->readable = connected.readable;
  begin(std::move(connection));
}

void Attempt::onConnectFailed(std::vector<AddressFailure> failures) {
  connect_timings_ = failures.back().timings;
  worker_.loop.deferDelete(std::move(connector_));
  Observation furthest = std::move(failures.back().observation);
  dns_ = furthest.connection.dns;
  failures.pop_back();
  address_failures_ = std::move(failures);
  fail(std::move(furthest));
}

// ---- evidence and the one way out -------------------------------------

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
  seen.bytes.request_written = request_bytes_;
  seen.bytes.request_complete = request_done_ && out_.empty() && !write_fault_;
  seen.bytes.response_received = response_bytes_;
  seen.bytes.body_received = decoder_.received();
  seen.bytes.body_expected = state_ == State::Body ? decoder_.expected() : std::nullopt;
  if (state_ == State::Head && connection_) {
    seen.bytes.last_line = connection_->parser.lastCompleteLine(worker_.redaction()).substr(0, 128);
    seen.bytes.interims = interims_;
    seen.bytes.head_received = response_bytes_ - interim_bytes_;
    if (last_byte_ != TimePoint{}) {
      seen.bytes.silent_ms = millisBetween(last_byte_, EventLoop::now());
    }
    seen.request.awaits_continue = owesContinue();
  } else if (state_ == State::Body && decoder_.kind() == BodyKind::Chunked) {
    seen.bytes.last_line = "chunked";
  }
  if (request_.forward.upgrade && state_ < State::Body) {
    seen.request.upgrade = request_.head->valueOf(FieldId::Upgrade);
  }
  if (connection_) {
    const Transport& transport = connection_->link->transport;
    seen.connection.tls = transport.tls();
    seen.connection.requests_on_connection = connection_->requests;
    seen.tcp = transport.tcpInfo();
    if (transport.tls()) {
      seen.bytes.tls_plain_written = static_cast<std::uint64_t>(BIO_number_written(SSL_get_wbio(transport.ssl())));
    }
  }
  return seen;
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

void Attempt::releaseConnection(bool reusable) {
  slot_ = ConnectionSlot();
  upload_.release();
  if (!connection_) {
    return;
  }
  connection_->link->watch.setHandler(nullptr);
  if (reusable) {
    request_.pool->park(endpoint_, std::move(connection_));
  } else {
    connection_->link->watch.stop();
    worker_.loop.deferDelete(std::move(connection_));
  }
}

std::string_view Attempt::endpointUrl() const {
  return endpoint_chosen_ ? std::string_view(request_.origin->endpoints[endpoint_].url) : std::string_view();
}

std::string Attempt::peerAddress() const {
  return connector_ ? connector_->peerAddress() : peer_address_;
}

Phase Attempt::exchangePhase() const {
  return request_done_ && out_.empty() && !write_fault_ ? Phase::ResponseHead : Phase::RequestWrite;
}

Phase Attempt::phase() const {
  switch (state_) {
    case State::Connecting:
      return connector_ ? connector_->phase() : Phase::Connect;
    case State::Head:
      return exchangePhase();
    case State::Body:
      return Phase::ResponseBody;
    case State::Tunnel:
      return Phase::Upgrade;
    case State::Idle:
    case State::Queued:
    case State::Done:
      return Phase::Routing;
  }
  return Phase::Internal;
}

double Attempt::waitedMs() const {
  return write_ended_ == TimePoint{} || state_ != State::Head ? 0 : millisBetween(write_ended_, EventLoop::now());
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

Timings Attempt::timings() const {
  Timings t = connector_ ? connector_->timings() : connect_timings_;
  const TimePoint end = ended_ != TimePoint{} ? ended_ : EventLoop::now();
  const auto until = [&](TimePoint next) { return next != TimePoint{} ? next : end; };
  // Who waits for 100 (Continue) sends nothing meanwhile.
  const TimePoint sent = write_ended_ != TimePoint{} ? write_ended_ : expecting_since_;
  if (write_began_ != TimePoint{}) {
    t.send = millisBetween(write_began_, until(sent));
  }
  if (sent != TimePoint{} && (first_byte_ == TimePoint{} || first_byte_ >= sent)) {
    t.wait = millisBetween(sent, until(first_byte_));
  }
  if (first_byte_ != TimePoint{}) {
    t.receive = millisBetween(first_byte_, end);
  }
  t.total = millisBetween(started_, end);
  return t;
}

}  // namespace gatewhy
