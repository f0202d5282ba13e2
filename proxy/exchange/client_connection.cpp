// SPDX-License-Identifier: Apache-2.0
// Reading: heads and bodies. What comes before HTTP is in
// client_connection_begin.cpp; writing, timers and the end are in
// client_connection_end.cpp.
#include "proxy/exchange/client_connection.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>

#include "proxy/exchange/admission.h"
#include "proxy/exchange/client_address.h"
#include "proxy/net/peer_progress.h"

namespace gatewhy {
namespace {

constexpr int kRequestReadsPerTurn = 16;
constexpr std::uint64_t kLingerBytes = 64UL * 1024 * 1024;  // read and dropped behind an answer that closes
constexpr std::size_t kHeadRead = 16UL * 1024;
constexpr std::size_t kPipelineLimit = 16UL * 1024;  // bytes of later requests held while one is answered

}  // namespace

ClientConnection::ClientConnection(WorkerContext& worker, ConnectionOwner& owner, AcceptedClient accepted)
    : worker_(worker),
      owner_(owner),
      tls_(std::move(accepted.tls)),
      transport_(std::move(accepted.fd)),
      state_(accepted.proxy_protocol ? State::ProxyHeader : State::Head),
      read_timer_(worker.loop, [this] { onReadTimer(); }) {
  facts_.ip = accepted.peer.ip();
  facts_.port = accepted.peer.port();
  facts_.address = accepted.peer.bytes();
  if (accepted.overloaded) {
    facts_.refused = Cause::ProxyOverloaded;
  }
  facts_.redirects_to_https = accepted.redirects_to_https;
  facts_.trusted = isTrusted(accepted.peer, worker.generation->shared->config->trusted_proxies);
  proxy_sender_refused_ = accepted.proxy_senders != nullptr && !accepted.proxy_senders->empty() && !facts_.ip.empty() &&
                          !isTrusted(accepted.peer, *accepted.proxy_senders);
  worker_.counters.client_connections.fetch_add(1, std::memory_order_relaxed);
}

ClientConnection::~ClientConnection() {
  worker_.memory.account(-buffered_);
  watch_.stop();
  exchange_.reset();
  returnRequest();
  worker_.counters.client_connections.fetch_sub(1, std::memory_order_relaxed);
}

void ClientConnection::onIo(bool readable, bool writable) {
  readable_ = readable_ || readable;
  if (settling_) {
    if (const auto arrived = delivered()) {
      exchange_->onSettled(*arrived);
    }
    return;
  }
  switch (state_) {
    case State::ProxyHeader:
      readProxyHeader();
      return;
    case State::Handshake:
      driveHandshake();
      return;
    case State::Closed:
      return;
    case State::Head:
    case State::Exchange:
    case State::Linger:
      break;
  }
  if (write_broken_) {
    onEnded();
    return;
  }
  if (half_closed_ && state_ == State::Exchange && connectionDead()) {
    onClientLeft(true);
    return;
  }
  if (writable && unsent()) {
    flush();
    if (!unsent() && exchange_ && !write_broken_) {
      exchange_->onClientDrained();
    }
  }
  pump();
}

ClientRequest& ClientConnection::request() {
  if (!request_) {
    request_ = worker_.requests.take(*this);
    if (out_.empty()) {
      out_.swap(request_->buffer);
    }
  }
  return *request_;
}

void ClientConnection::returnRequest() {
  copies_ = false;
  if (pipe_) {
    worker_.pipes.giveBack(std::move(pipe_));
    boundUnsentBytes(transport_.fd());
  }
  if (request_) {
    if (out_.empty()) {
      out_.swap(request_->buffer);
    }
    worker_.requests.giveBack(std::move(request_));
  }
}

// ---- refusing -----------------------------------------------------------

void ClientConnection::rejectConnection(Observation fault) {
  beBusy();
  state_ = State::Exchange;
  read_timer_.cancel();
  exchange_ = std::make_unique<Exchange>(worker_, *this, request().parser.head());
  exchange_->reject(std::move(fault));
}

Observation ClientConnection::observe(Fault fault) const {
  Observation seen{.phase = Phase::ClientRequest, .fault = std::move(fault)};
  seen.elapsed_ms = millisBetween(read_timer_since_, EventLoop::now());
  seen.tcp = transport_.tcpInfo();
  if (exchange_) {
    seen.bytes.request_complete = exchange_->bodyDone();
    seen.bytes.body_received = request_->decoder.received();
    seen.bytes.body_expected = exchange_->bodyDone() ? std::nullopt : request_->decoder.expected();
    seen.bytes.last_line = std::string(request_->parser.head().methodToken());
  }
  return seen;
}

// ---- reading ----------------------------------------------------------

bool ClientConnection::wantsRead() const {
  switch (state_) {
    case State::Head:
    case State::Linger:
      return true;
    case State::Exchange:
      if (!exchange_ || half_closed_) {
        return false;
      }
      if (exchange_->inTunnel() || !exchange_->bodyDone()) {
        return exchange_->wantsBody() && in_.empty();
      }
      return in_.size() < kPipelineLimit;
    case State::ProxyHeader:
    case State::Handshake:
    case State::Closed:
      return false;
  }
  return false;
}

void ClientConnection::pump() {
  if (pumping_) {
    return;
  }
  pumping_ = true;
  if (!in_.empty()) {
    processHeld();
  }
  int reads = 0;
  while (readable_ && wantsRead() && !waitsForMemory()) {
    if (++reads > kRequestReadsPerTurn) {
      watch_.kick();
      break;
    }
    tolerateBareFin();
    const auto buffer = worker_.loop.readBuffer();
    const IoResult got = transport_.read(buffer.data(), std::min(buffer.size(), readRoom()));
    if (got.status == IoStatus::WouldBlock) {
      readable_ = false;
    } else if (got.status == IoStatus::Ended) {
      readable_ = false;
      onEnded();
    } else {
      onBytes({buffer.data(), got.size});
      // A short read has drained the socket. Only where the request is whole
      // may that be trusted: a FIN or RST can share the edge with the data.
      if (got.drained && !watch_.peerClosed() && exchange_ && exchange_->bodyDone()) {
        readable_ = false;
      }
    }
  }
  // A reader that is paused still learns that its client is gone.
  if (readable_ && state_ == State::Exchange && exchange_ && !wantsRead() && !half_closed_ && connectionDead()) {
    onExchangeEnded(EndFault{.how = EndFault::How::Reset, .error = ECONNRESET});
  }
  pumping_ = false;
  accountBuffers();
  updateTimers();
}

// While memory is short bodies stay in the kernel, and their senders wait;
// heads are read, for they are answered.
bool ClientConnection::waitsForMemory() {
  memory_short_ = state_ == State::Exchange && worker_.memory.isShort();
  return memory_short_;
}

void ClientConnection::resumeAfterShortage() {
  if (memory_short_) {
    memory_short_ = false;
    watch_.kick();
  }
}

void ClientConnection::accountBuffers() {
  std::size_t holds = in_.size() + (out_.size() - out_at_);
  if (request_ && state_ != State::Closed) {
    holds += request_->parser.head().bytes.size() + (exchange_ ? exchange_->buffered() : 0);
  }
  const auto now = static_cast<std::int64_t>(holds);
  worker_.memory.account(now - buffered_);
  buffered_ = now;
}

// What comes with a head is kept while its request waits for the origin.
std::size_t ClientConnection::readRoom() const {
  return state_ == State::Exchange && exchange_ ? exchange_->bodyRoom() : kHeadRead;
}

bool ClientConnection::connectionDead() const {
  const auto tcp = transport_.tcpInfo();
  return tcp && tcp->state == TCP_CLOSE;
}

void ClientConnection::onBytes(std::string_view bytes) {
  received_ += bytes.size();
  if (!in_.empty()) {
    in_.append(bytes);
    processHeld();
  } else {
    in_.assign(process(bytes));
    in_hand_ = 0;
  }
}

void ClientConnection::processHeld() {
  const std::string held = std::exchange(in_, std::string());
  in_.assign(process(held));
  in_hand_ = 0;
  if (half_closed_ && state_ == State::Head) {
    onEnded();  // what the FIN left behind is no whole request
  }
}

// Uses what it can; returns what has to wait.
std::string_view ClientConnection::process(std::string_view bytes) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::Head:
        bytes = onHeadBytes(bytes);
        break;
      case State::Exchange:
        if (!exchange_) {
          return {};
        }
        if (exchange_->inTunnel()) {
          if (!exchange_->wantsBody()) {
            return bytes;
          }
          exchange_->onClientTunnelData(bytes);
          return {};
        }
        if (exchange_->bodyDone() || !exchange_->wantsBody()) {
          return bytes;
        }
        bytes = onBodyBytes(bytes);
        break;
      case State::Linger:
        lingered_ += bytes.size();
        if (lingered_ > kLingerBytes) {
          close();
        }
        return {};
      case State::ProxyHeader:
      case State::Handshake:
      case State::Closed:
        return {};
    }
  }
  return {};
}

std::string_view ClientConnection::onHeadBytes(std::string_view bytes) {
  RequestParser& parser = request().parser;
  if (!parser.started()) {
    beBusy();
    // The first byte of a request: from here the head has its own limit.
    read_timer_kind_ = Timer::ClientHead;
    read_timer_since_ = worker_.loop.turnTime();
    read_timer_.arm(worker_.generation->shared->config->limits.client_head_timeout);
  }
  const ParseStep step = parser.feed(bytes);
  bytes.remove_prefix(step.consumed);
  in_hand_ = bytes.size();
  switch (step.status) {
    case ParseStatus::NeedMore:
      if (worker_.memory.isShort()) {
        rejectConnection(observe(memoryFault(worker_.memory.use())));  // it would be kept
      }
      return {};
    case ParseStatus::Error:
      rejectConnection(observe(parser.fault(worker_.redaction())));
      return {};  // what follows cannot be framed
    case ParseStatus::Done:
      startExchange();
      return bytes;
  }
  return {};
}

void ClientConnection::startExchange() {
  state_ = State::Exchange;
  read_timer_.cancel();
  const RequestHead& head = request_->parser.head();
  request_->decoder.start(head.body, head.content_length);
  exchange_ = std::make_unique<Exchange>(worker_, *this, head);
  exchange_->begin();
  if (half_closed_ && exchange_ && state_ == State::Exchange) {
    watchForLeaving();  // pipelined: its FIN came before its turn
  }
}

std::string_view ClientConnection::onBodyBytes(std::string_view bytes) {
  BodyDecoder& decoder = request_->decoder;
  const BodyDecoder::Step step = decoder.feed(bytes);
  bytes.remove_prefix(step.consumed);
  in_hand_ = bytes.size();
  if (step.status == ParseStatus::Error) {
    exchange_->onClientFault(observe(decoder.fault(worker_.redaction())));
    return {};
  }
  if (!step.data.empty() || decoder.done()) {
    exchange_->onBody(step.data, decoder.done(), decoder.done() ? decoder.trailers() : std::string());
  }
  return bytes;
}

// ---- the client's end of stream ---------------------------------------

void ClientConnection::onEnded() {
  EndFault end;
  if (const auto* seen = std::get_if<EndFault>(&transport_.fault())) {
    end = *seen;
  } else {
    end.how = EndFault::How::Error;  // a broken TLS record or an alert: nothing more can be said on it
  }
  switch (state_) {
    case State::Head:
      half_closed_ = true;
      if (requestStarted()) {
        Observation seen = observe(end);
        seen.bytes.request_complete = false;
        rejectConnection(std::move(seen));
      } else {
        close();
      }
      return;
    case State::Exchange:
      onExchangeEnded(end);
      return;
    case State::ProxyHeader:
    case State::Handshake:
    case State::Linger:
    case State::Closed:
      close();
      return;
  }
}

}  // namespace gatewhy
