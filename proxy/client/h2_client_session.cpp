// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/h2_client_session.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "proxy/exchange/admission.h"
#include "proxy/exchange/upgrade.h"
#include "proxy/net/peer_progress.h"

namespace gatewhy {
namespace {

constexpr int kReadsInTurn = 8;
// Of a stream, that a connection has: an upload that nobody takes keeps one, and
// nghttp2 opens the connection's again when half of it has been taken.
constexpr std::uint64_t kWindows = 8;
constexpr std::uint32_t kMostWindow = (1U << 31U) - 1;
constexpr std::uint32_t kMostHeaderList = 1U << 20U;
constexpr std::chrono::milliseconds kRoundTrip{1000};  // for what was on its way when we said GOAWAY

H2ServerSettings settingsFor(const Http2Config& config, const ClientLimits& limits, bool https) {
  H2ServerSettings settings;
  settings.streams = config.streams;
  settings.stream_window = config.window != 0 ? config.window : kMostWindow;
  settings.connection_window =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(kWindows * settings.stream_window, kMostWindow));
  settings.header_list = config.header_list != 0 ? config.header_list : kMostHeaderList;
  settings.head = requestHeadLimits(limits);
  settings.https = https;
  return settings;
}

}  // namespace

H2ClientSession::H2ClientSession(WorkerContext& worker, ClientSessionHost& host, const ClientWire& wire,
                                 const Http2Config& config)
    : worker_(worker),
      host_(host),
      wire_(wire),
      http2_(settingsFor(config, worker.generation->shared->config->limits, wire.facts.tls), *this),
      after_turn_(worker.loop, [this] { afterTurn(); }),
      uploads_due_(worker.loop, [this] {
        http2_.at(EventLoop::now());
        http2_.stopUploads();
        afterTurn();
      }) {
  scheduleWrite();  // our SETTINGS
}

H2ClientSession::~H2ClientSession() {
  worker_.memory.account(-accounted_);
}

// ---- reading and writing --------------------------------------------------

void H2ClientSession::onIo(bool readable, bool writable) {
  readable_ = readable_ || readable;
  if (writable && socket_blocked_) {
    write();
  }
  turning_ = true;
  read();
  turning_ = false;
  afterTurn();
}

void H2ClientSession::read() {
  int reads = 0;
  while (readable_ && state_ != State::Over && !fault_ && !worker_.memory.isCritical()) {
    if (++reads > kReadsInTurn) {
      wire_.link.watch.kick();
      return;
    }
    const auto buffer = worker_.loop.readBuffer();
    const IoResult got = wire_.link.transport.read(buffer.data(), buffer.size());
    switch (got.status) {
      case IoStatus::WouldBlock:
        readable_ = false;
        return;
      case IoStatus::Ended:
        readable_ = false;
        onEnded();
        return;
      case IoStatus::Ok:
        if (!http2_.feed({buffer.data(), got.size}, worker_.loop.turnTime())) {
          return;  // onConnectionFault() has said why
        }
        break;
    }
  }
}

// Not from within an observer's call: output() may tell of streams itself.
void H2ClientSession::write() {
  http2_.at(worker_.loop.turnTime());
  while (state_ != State::Over) {
    const std::string_view output = http2_.output();
    if (output.empty()) {
      break;
    }
    const IoResult result = wire_.link.transport.write(output.data(), output.size());
    if (result.status == IoStatus::Ended) {
      onEnded();
      return;
    }
    sent_ += result.size;
    http2_.sent(result.size);
    if (result.size < output.size()) {
      socket_blocked_ = true;
      tellSent();
      return;
    }
  }
  const bool room_again = std::exchange(socket_blocked_, false);
  tellSent();
  if (room_again) {
    for (const H2StreamId id : open()) {
      onWritable(id);
    }
  }
}

void H2ClientSession::scheduleWrite() {
  if (!turning_) {
    after_turn_.schedule();
  }
}

void H2ClientSession::schedulePump(H2StreamId stream) {
  to_pump_.push_back(stream);
  after_turn_.schedule();
}

void H2ClientSession::awaitSent(H2StreamId stream) {
  to_tell_.push_back(stream);
}

// What callbacks have left to be done.
void H2ClientSession::afterTurn() {
  if (state_ == State::Over) {
    return;
  }
  turn_.swap(to_pump_);
  for (const H2StreamId id : turn_) {
    if (H2ClientStream* stream = find(id)) {
      stream->pump();
    }
  }
  turn_.clear();
  if (!socket_blocked_) {
    write();
  }
  accountBuffers();
  awaitUploads();
  rest();
}

void H2ClientSession::awaitUploads() {
  const auto due = http2_.uploadsDue();
  if (due && !uploads_due_.armed()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - EventLoop::now());
    uploads_due_.arm(std::max(left, std::chrono::milliseconds(1)));
  }
}

std::vector<H2StreamId> H2ClientSession::open() const {
  std::vector<H2StreamId> ids;
  ids.reserve(streams_.size());
  for (const auto& [id, stream] : streams_) {
    ids.push_back(id);
  }
  return ids;
}

void H2ClientSession::tellSent() {
  turn_.swap(to_tell_);
  for (const H2StreamId id : turn_) {
    if (H2ClientStream* stream = find(id)) {
      stream->onSent();
    }
  }
  turn_.clear();
}

std::uint64_t H2ClientSession::taken() const {
  return bytesTakenByPeer(wire_.link.transport, sent_);
}

// The client's side of the connection is over: FIN is no half-close here, for
// whoever sends it neither answers a PING nor opens a window any more.
void H2ClientSession::onEnded() {
  if (const auto* broken = std::get_if<TlsFault>(&wire_.link.transport.fault())) {
    tell(*broken);
    end(Farewell::Close);
    return;
  }
  if (said_) {
    tell(*said_);  // an error of ours, as the client sees it: the close only follows
  } else {
    breakAll(std::get<EndFault>(wire_.link.transport.fault()));
  }
  end(Farewell::Close);
}

void H2ClientSession::breakAll(const Fault& fault) {
  for (const H2StreamId id : open()) {
    if (H2ClientStream* stream = find(id)) {
      stream->onBroken(fault);
    }
  }
}

// ---- requests -------------------------------------------------------------

H2ClientStream* H2ClientSession::find(H2StreamId stream) {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : found->second.get();
}

H2ClientStream& H2ClientSession::add(H2StreamId stream, RequestHead& head) {
  host_.onSessionBusy();
  wire_.clock.stop();
  auto made = std::make_unique<H2ClientStream>(*this, stream, std::move(head));
  H2ClientStream& added = *made;
  streams_.insert_or_assign(stream, std::move(made));
  return added;
}

void H2ClientSession::onRequestHead(H2StreamId stream, RequestHead& head, const H2RequestFacts& facts) {
  head.must_switch = !facts.protocol.empty();
  wire_.quota.onRequest();
  add(stream, head).begin();
  if (wire_.quota.spent(limits(), worker_.loop.turnTime())) {
    drain(kRoundTrip);
  }
}

void H2ClientSession::onRequestFault(H2StreamId stream, RequestHead& head, const ParseFault& fault, H2Remedy remedy) {
  H2ClientStream& refused = add(stream, head);
  if (remedy == H2Remedy::Reset) {
    refused.refuseSilently(fault);
  } else {
    refused.refuse(fault);
  }
}

void H2ClientSession::onBody(H2StreamId stream, std::string_view data) {
  if (H2ClientStream* found = find(stream)) {
    found->onBody(data);
  } else {
    http2_.consume(stream, data.size());
  }
}

void H2ClientSession::onEnd(H2StreamId stream, std::string_view trailers) {
  if (H2ClientStream* found = find(stream)) {
    found->onEnd(trailers);
  }
}

void H2ClientSession::onShortEnd(H2StreamId stream, const ParseFault& fault) {
  if (H2ClientStream* found = find(stream)) {
    found->onShortEnd(fault);
  }
}

void H2ClientSession::onReset(H2StreamId stream, const StreamFault& fault) {
  onStreamFault(stream, fault);
}

void H2ClientSession::onStreamFault(H2StreamId stream, const Fault& fault) {
  if (H2ClientStream* found = find(stream)) {
    found->onBroken(fault);
  }
}

void H2ClientSession::onWritable(H2StreamId stream) {
  if (H2ClientStream* found = find(stream)) {
    found->onWritable();
  }
}

void H2ClientSession::onFinished(H2StreamId stream) {
  if (H2ClientStream* found = find(stream)) {
    found->onFinished();
  }
}

void H2ClientSession::onStreamOver(H2ClientStream& stream) {
  const auto found = streams_.find(stream.id());
  if (found == streams_.end() || found->second.get() != &stream) {
    return;
  }
  http2_.release(stream.id());
  worker_.loop.deferDelete(std::move(found->second));
  streams_.erase(found);
  scheduleWrite();
}

std::string H2ClientSession::webSocketKey() {
  return gatewhy::webSocketKey();
}

// ---- the connection -------------------------------------------------------

void H2ClientSession::onConnectionFault(const StreamFault& fault) {
  fault_ = fault;
  tell(fault);
  scheduleWrite();
}

// A fault that meets no request has an event of its own.
void H2ClientSession::tell(const Fault& fault) {
  if (streams_.empty()) {
    RequestHead none;
    add(0, none).refuseSilently(fault);
  } else {
    breakAll(fault);
  }
}

void H2ClientSession::onGoAway(const StreamFault& fault) {
  if (fault.code != static_cast<std::uint32_t>(H2Code::NoError)) {
    said_ = fault;
  }
  if (state_ == State::Open || state_ == State::Announced) {
    state_ = State::Closing;
    scheduleWrite();
  }
}

void H2ClientSession::closeSoon() {
  if (state_ == State::Open || state_ == State::Announced) {
    state_ = State::Closing;
    http2_.announceShutdown();
    http2_.closeToNewStreams();
    scheduleWrite();
  }
}

// GOAWAY in two steps (RFC 9113 section 6.8): the ping comes back behind what
// the client had sent before it knew.
void H2ClientSession::drain(std::chrono::milliseconds grace) {
  if (state_ != State::Open) {
    return;
  }
  state_ = State::Announced;
  http2_.announceShutdown();
  http2_.ping(0);
  if (streams_.empty()) {
    wire_.clock.await(ClientClock::Wait::Request, std::max(grace, std::chrono::milliseconds(1)));
  }
  scheduleWrite();
}

void H2ClientSession::onPong(std::uint64_t /*opaque*/) {
  if (state_ == State::Announced) {
    state_ = State::Closing;
    http2_.closeToNewStreams();
    scheduleWrite();
  }
}

void H2ClientSession::onLate(ClientClock::Wait wait) {
  if (wait != ClientClock::Wait::Request && wait != ClientClock::Wait::Head) {
    return;
  }
  if (state_ == State::Open) {
    drain(kRoundTrip);
  } else {
    closeSoon();
    afterTurn();
  }
}

// Where nothing runs: the next request is waited for, or it is over.
void H2ClientSession::rest() {
  if (state_ == State::Over || !streams_.empty()) {
    return;
  }
  if (fault_ || state_ == State::Closing) {
    if (!http2_.hasOutput()) {
      end(Farewell::Linger);
    } else if (fault_ && socket_blocked_) {
      end(Farewell::Close);  // it would not read the GOAWAY
    }
    return;
  }
  if (wire_.clock.awaits() == ClientClock::Wait::Nothing) {
    if (worker_.draining && state_ == State::Open) {
      drain(kRoundTrip);
      return;
    }
    wire_.clock.await(ClientClock::Wait::Request,
                      state_ == State::Announced ? kRoundTrip : limits().client_idle_timeout);
    if (state_ == State::Open) {
      host_.onSessionIdle();
    }
  }
}

void H2ClientSession::abortForDrain() {
  for (const H2StreamId id : open()) {
    if (H2ClientStream* stream = find(id)) {
      stream->onDrainDeadline();
    }
  }
  closeSoon();
  if (!socket_blocked_) {
    write();
  }
  if (state_ != State::Over) {
    end(Farewell::Close);
  }
}

void H2ClientSession::resumeAfterShortage() {
  if (readable_ && state_ != State::Over) {
    wire_.link.watch.kick();
  }
}

void H2ClientSession::end(Farewell farewell) {
  if (state_ != State::Over) {
    state_ = State::Over;
    host_.onSessionOver(farewell);
  }
}

void H2ClientSession::close() {
  state_ = State::Over;
  for (auto& [id, stream] : streams_) {
    stream->abandon();
    worker_.loop.deferDelete(std::move(stream));
  }
  streams_.clear();
}

void H2ClientSession::accountBuffers() {
  if (!worker_.counters.memory.limited()) {
    return;
  }
  std::size_t holds = http2_.memory();
  for (const auto& [id, stream] : streams_) {
    holds += stream->holds();
  }
  const auto now = static_cast<std::int64_t>(holds);
  worker_.memory.account(now - accounted_);
  accounted_ = now;
}

}  // namespace gatewhy
