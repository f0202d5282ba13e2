// SPDX-License-Identifier: Apache-2.0
// Getting a connection, writing the request, and every way to fail. Reading
// the response is in attempt_response.cpp.
#include "proxy/exchange/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace gatewhy {
namespace {

constexpr std::uint32_t kTcpSlackMs = 250;  // the kernel counts in jiffies, and its clock started a little later

}  // namespace

Attempt::Attempt(WorkerContext& worker, AttemptObserver& observer, AttemptRequest request)
    : worker_(worker),
      observer_(observer),
      request_(std::move(request)),
      parser_(HeadLimits{.section = request_.origin->limits.response_head,
                         .start_line = 0,
                         .field = request_.origin->limits.response_head / 4,
                         .fields = 256}),
      timer_(worker.loop, [this] { onTimer(); }),
      started_(EventLoop::now()),
      phase_since_(started_) {
  parser_.expect(request_.head->method);
}

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
  phase_since_ = EventLoop::now();
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
  address_failures_ = std::move(connected.failures);
  worker_.loop.deferDelete(std::move(connector_));
  auto connection = std::make_unique<OriginConnection>();
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
  failures.pop_back();
  address_failures_ = std::move(failures);
  fail(std::move(furthest));
}

// ---- writing the request ----------------------------------------------

void Attempt::begin(std::unique_ptr<OriginConnection> connection) {
  state_ = State::Head;
  connection_ = std::move(connection);
  connection_->link->watch.setHandler(this);
  peer_address_ = connection_->peer_address;
  ++connection_->requests;
  phase_since_ = write_began_ = EventLoop::now();
  if (connection_->readable && !reused_) {
    // The peer spoke or closed before it was asked: look before writing.
    pump();
    if (state_ != State::Head) {
      return;
    }
  }
  worker_.scratch.clear();
  appendRequestHead(worker_.scratch, *request_.head, request_.forward);
  ready_ = true;
  if (request_.head->body == BodyKind::None) {
    request_done_ = true;
  }
  write(worker_.scratch);
  if (state_ == State::Head) {
    observer_.onUploadReady();
  }
}

void Attempt::sendBody(std::string_view data, bool last, std::string_view trailers) {
  if (state_ == State::Done || request_done_) {
    return;
  }
  request_done_ = last;
  if (write_fault_) {
    return;  // nobody takes it; the response, or the fault, decides
  }
  if (request_.head->body != BodyKind::Chunked) {
    write(data);
    return;
  }
  std::string& framed = worker_.scratch;
  framed.clear();
  if (!data.empty()) {
    fmt::format_to(std::back_inserter(framed), "{:x}\r\n", data.size());
    framed.append(data).append("\r\n");
  }
  if (last) {
    framed.append("0\r\n").append(trailers).append("\r\n");
  }
  write(framed);
}

// Writes at once what the socket takes; the rest waits in out_ for a wake-up.
void Attempt::write(std::string_view data) {
  if (out_.empty() && !data.empty()) {
    const IoResult sent = connection_->link->transport.write(data.data(), data.size());
    switch (sent.status) {
      case IoStatus::Ok:
        request_bytes_ += sent.size;
        data.remove_prefix(sent.size);
        break;
      case IoStatus::WouldBlock:
        break;
      case IoStatus::Ended:
        onWriteBroken();
        return;
    }
  }
  out_.append(data);
  if (!out_.empty()) {
    timer_kind_ = Timer::Send;
    timer_.arm(request_.origin->timeouts.send);
  } else if (request_done_) {
    onRequestWritten();
  }
}

void Attempt::flush() {
  while (out_at_ < out_.size()) {
    const IoResult sent = connection_->link->transport.write(out_.data() + out_at_, out_.size() - out_at_);
    if (sent.status == IoStatus::WouldBlock) {
      return;
    }
    if (sent.status == IoStatus::Ended) {
      onWriteBroken();
      return;
    }
    request_bytes_ += sent.size;
    out_at_ += sent.size;
    timer_.arm(request_.origin->timeouts.send);  // progress
  }
  out_.clear();
  out_at_ = 0;
  timer_.cancel();
  if (state_ == State::Tunnel) {
    armWait();
    observer_.onUploadDrained();
  } else if (request_done_) {
    onRequestWritten();
  } else {
    observer_.onUploadDrained();
  }
}

void Attempt::onRequestWritten() {
  if (write_ended_ == TimePoint{}) {
    write_ended_ = EventLoop::now();
    if (state_ == State::Head) {
      phase_since_ = write_ended_;
    }
  }
  armWait();
}

// The peer refuses our bytes. What it said before that is still readable
// (measured: data first, then ECONNRESET), so reading decides.
void Attempt::onWriteBroken() {
  if (write_fault_) {
    return;
  }
  write_fault_ = connection_->link->transport.fault();
  out_.clear();
  out_at_ = 0;
  if (state_ == State::Head || state_ == State::Body || state_ == State::Tunnel) {
    connection_->readable = true;
    connection_->link->watch.kick();  // not from inside a write that the client's reader called
    armWait();
  }
}

void Attempt::sendTunnel(std::string_view data) {
  if (state_ == State::Tunnel && !write_fault_) {
    write(data);
    if (out_.empty()) {
      armWait();
    }
  }
}

void Attempt::closeTunnelWrite() {
  if (state_ == State::Tunnel && !write_fault_) {
    connection_->link->transport.shutdownWrite();
  }
}

// ---- events -----------------------------------------------------------

void Attempt::onIo(bool readable, bool writable) {
  if (readable) {
    connection_->readable = true;
  }
  if (pending_end_) {
    settleEnd();
    return;
  }
  if (writable && !out_.empty()) {
    flush();
  }
  if (state_ != State::Done && connection_ && connection_->readable) {
    pump();
  }
}

void Attempt::resumeRead() {
  if (connection_ && state_ != State::Done) {
    if (timer_kind_ == Timer::ResponseIdle) {
      armWait();  // the silence was ours
    }
    if (connection_->readable) {
      connection_->link->watch.kick();
    }
  }
}

void Attempt::armWait() {
  const OriginTimeouts& limits = request_.origin->timeouts;
  if (state_ == State::Head) {
    if (!request_done_ || !out_.empty()) {
      return;  // the client's or the send timer runs
    }
    timer_kind_ = Timer::ResponseHead;
    // Looked at once after `send`: has the peer's TCP acknowledged the request?
    const bool check_first =
        limits.send.count() != 0 && (limits.response_head.count() == 0 || limits.send < limits.response_head);
    timer_.arm(check_first ? limits.send : limits.response_head);
  } else if (state_ == State::Body) {
    timer_kind_ = Timer::ResponseIdle;
    timer_.arm(limits.response_idle);
  } else if (state_ == State::Tunnel) {
    timer_kind_ = Timer::Tunnel;
    timer_.arm(limits.response_idle);
  }
}

void Attempt::onTimer() {
  if (pending_end_) {
    settleEnd();
    return;
  }
  const OriginTimeouts& limits = request_.origin->timeouts;
  const auto timedOut = [&](Phase phase, Timer timer, Millis limit, TimePoint since) {
    fail(observe(phase, TimerFault{.timer = timer,
                                   .limit_ms = static_cast<std::uint32_t>(limit.count()),
                                   .elapsed_ms = millisBetween(since, EventLoop::now())}));
  };
  switch (timer_kind_) {
    case Timer::Queue:
      request_.pool->leaveQueue(*this);
      timedOut(Phase::Routing, Timer::Queue, limits.connect, started_);
      return;
    case Timer::Send:
      timedOut(Phase::RequestWrite, Timer::Send, limits.send, phase_since_);
      return;
    case Timer::ResponseHead:
      onWaitTimer();
      return;
    case Timer::ResponseIdle:
      if (observer_.clientBlocked()) {
        return;  // the client's own timer runs; resumeRead() starts this one again
      }
      timedOut(Phase::ResponseBody, Timer::ResponseIdle, limits.response_idle, phase_since_);
      return;
    default:
      timedOut(Phase::Upgrade, Timer::Tunnel, limits.response_idle, phase_since_);
      return;
  }
}

// Bytes of the request that the peer's TCP has not acknowledged, with the
// kernel trying (retransmits) or the peer's window shut.
bool Attempt::requestStuck(const TcpSnapshot& tcp) const {
  if (tcp.notsent_bytes == 0 && tcp.unacked == 0) {
    return false;
  }
  const auto limit = static_cast<std::uint32_t>(request_.origin->timeouts.send.count());
  if (tcp.snd_wnd_known && tcp.snd_wnd == 0) {
    return tcp.last_data_sent_ms + kTcpSlackMs >= limit;  // probes of a shut window carry no data
  }
  return tcp.retransmits > 0 && tcp.last_ack_recv_ms + kTcpSlackMs >= limit;
}

void Attempt::onWaitTimer() {
  const OriginTimeouts& limits = request_.origin->timeouts;
  const double waited = millisBetween(write_ended_, EventLoop::now());
  const auto limit_ms = static_cast<double>(limits.response_head.count());
  const bool head_timer = limits.response_head.count() != 0 && waited + 0.5 >= limit_ms;
  const auto tcp = response_bytes_ == 0 ? connection_->link->transport.tcpInfo() : std::nullopt;
  if (!head_timer && tcp && requestStuck(*tcp)) {
    fail(observe(Phase::RequestWrite, TimerFault{.timer = Timer::Send,
                                                 .limit_ms = static_cast<std::uint32_t>(limits.send.count()),
                                                 .elapsed_ms = waited}));
    return;
  }
  if (!head_timer) {
    // Acknowledged, or moving: what is left of response_head, or look again.
    timer_.arm(
        limits.response_head.count() == 0
            ? limits.send
            : Millis(std::max<std::int64_t>(1, limits.response_head.count() - static_cast<std::int64_t>(waited))));
    return;
  }
  fail(observe(Phase::ResponseHead, TimerFault{.timer = Timer::ResponseHead,
                                               .limit_ms = static_cast<std::uint32_t>(limits.response_head.count()),
                                               .elapsed_ms = waited}));
}

// ---- evidence and the one way out -------------------------------------

Observation Attempt::observe(Phase phase, Fault fault) const {
  Observation seen;
  seen.phase = phase;
  seen.fault = std::move(fault);
  seen.elapsed_ms = millisBetween(phase_since_, EventLoop::now());
  seen.connection.endpoint = endpointUrl();
  seen.connection.peer_address = peerAddress();
  seen.connection.reused = reused_;
  seen.connection.idle_ms = idle_ms_;
  seen.bytes.request_written = request_bytes_;
  seen.bytes.request_complete = request_done_ && out_.empty() && !write_fault_;
  seen.bytes.response_received = response_bytes_;
  seen.bytes.body_received = decoder_.received();
  seen.bytes.body_expected = state_ == State::Body ? decoder_.expected() : std::nullopt;
  if (state_ == State::Head) {
    seen.bytes.last_line = std::string(parser_.lastCompleteLine().substr(0, 128));
  } else if (state_ == State::Body && decoder_.kind() == BodyKind::Chunked) {
    seen.bytes.last_line = "chunked";
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

std::string Attempt::endpointUrl() const {
  return endpoint_chosen_ ? request_.origin->endpoints[endpoint_].url : std::string();
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

Timings Attempt::timings() const {
  Timings t = connector_ ? connector_->timings() : connect_timings_;
  const TimePoint end = ended_ != TimePoint{} ? ended_ : EventLoop::now();
  const auto until = [&](TimePoint next) { return next != TimePoint{} ? next : end; };
  if (write_began_ != TimePoint{}) {
    t.send = millisBetween(write_began_, until(write_ended_));
  }
  if (write_ended_ != TimePoint{} && (first_byte_ == TimePoint{} || first_byte_ >= write_ended_)) {
    t.wait = millisBetween(write_ended_, until(first_byte_));
  }
  if (first_byte_ != TimePoint{}) {
    t.receive = millisBetween(first_byte_, end);
  }
  t.total = millisBetween(started_, end);
  return t;
}

}  // namespace gatewhy
