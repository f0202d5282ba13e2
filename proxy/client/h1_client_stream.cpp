// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/h1_client_stream.h"

#include <utility>

#include "proxy/client/h1_client_session.h"
#include "proxy/exchange/admission.h"
#include "proxy/net/peer_progress.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kSettleTime{1000};

}  // namespace

H1ClientStream::H1ClientStream(EventLoop& loop, const HeadLimits& limits, std::uint64_t generation)
    : parser_(limits),
      answer_(*this),
      upload_(loop, Timer::ClientBody, [this] { onLook(upload_, session_->received()); }),
      download_(loop, Timer::ClientWrite,
                [this] { onLook(download_, bytesTakenByPeer(wire_->link.transport, wire_->output.written())); }),
      leaving_(loop, [this] { onLeaveLook(); }),
      generation_(generation) {}

H1ClientStream::State H1ClientStream::state() const {
  if (state_ != State::Body) {
    return state_;
  }
  if (exchange_->inTunnel()) {
    return State::Tunnel;
  }
  return exchange_->bodyDone() ? State::Awaiting : State::Body;
}

// ---- the request --------------------------------------------------------

std::string_view H1ClientStream::take(std::string_view bytes) {
  bytes = use(bytes);
  behind_ = 0;
  return bytes;
}

std::string_view H1ClientStream::use(std::string_view bytes) {
  while (!bytes.empty()) {
    switch (state()) {
      case State::Idle:
      case State::Head:
        bytes = takeHead(bytes);
        break;
      case State::Body:
        if (!exchange_->wantsBody()) {
          return bytes;
        }
        bytes = takeBody(bytes);
        break;
      case State::Tunnel:
        if (!exchange_->wantsBody()) {
          return bytes;
        }
        exchange_->onBody(bytes, false, {});
        return {};
      case State::Awaiting:
      case State::Settling:
      case State::Over:
        return bytes;
    }
  }
  return {};
}

std::string_view H1ClientStream::takeHead(std::string_view bytes) {
  WorkerContext& worker = session_->worker();
  if (!parser_.started()) {
    session_->host().onSessionBusy();
    // The first byte of a request: from here the head has its own limit.
    wire_->clock.await(ClientClock::Wait::Head, session_->limits().client_head_timeout);
  }
  const ParseStep step = parser_.feed(bytes);
  bytes.remove_prefix(step.consumed);
  behind_ = bytes.size();
  switch (step.status) {
    case ParseStatus::NeedMore:
      state_ = parser_.started() ? State::Head : State::Idle;  // empty lines are no request
      if (worker.memory.isShort()) {
        refuse(memoryFault(worker.memory.use()));  // it would be kept
      }
      return {};
    case ParseStatus::Error:
      refuse(parser_.fault(worker.redaction()));
      return {};  // what follows cannot be framed
    case ParseStatus::Done:
      begin();
      return bytes;
  }
  return {};
}

void H1ClientStream::begin() {
  state_ = State::Body;
  wire_->clock.stop();
  wire_->quota.onRequest();
  const RequestHead& head = parser_.head();
  decoder_.start(head.body, head.content_length);
  exchange_ = session_->host().newExchange(*this, head);
  exchange_->begin();
  if (exchange_ && halfClosed()) {
    watchForLeaving();  // pipelined: its FIN came before its turn
  }
}

void H1ClientStream::refuse(Fault fault) {
  Observation seen = observe(std::move(fault));
  session_->host().onSessionBusy();
  wire_->clock.stop();
  state_ = State::Body;  // its end is not known
  exchange_ = session_->host().newExchange(*this, parser_.head());
  exchange_->reject(std::move(seen));
}

std::string_view H1ClientStream::takeBody(std::string_view bytes) {
  const BodyDecoder::Step step = decoder_.feed(bytes);
  bytes.remove_prefix(step.consumed);
  behind_ = bytes.size();
  if (step.status == ParseStatus::Error) {
    exchange_->onClientFault(observe(decoder_.fault(session_->worker().redaction())));
    return {};
  }
  if (!step.data.empty() || decoder_.done()) {
    exchange_->onBody(step.data, decoder_.done(), decoder_.done() ? decoder_.trailers() : std::string());
  }
  return bytes;
}

SpliceResult H1ClientStream::splice() {
  const std::uint64_t ahead = state() == State::Body ? decoder_.ahead() : 0;
  if (ahead < kSpliceFrom) {
    return {.status = SpliceStatus::Unsupported};
  }
  const SpliceResult got = exchange_->spliceBody(wire_->link.transport, ahead);
  if (got.status == SpliceStatus::Ok) {
    decoder_.skip(got.size);
  }
  return got;
}

std::size_t H1ClientStream::holds() {
  return parser_.head().bytes.size() + (exchange_ ? exchange_->buffered() : 0);
}

// ---- the answer -----------------------------------------------------------

void H1ClientStream::onWritten(SocketOutput::Step step) {
  session_->note(step);
}

void H1ClientStream::sendHead(const AnswerHead& head) {
  last_ = answer_.sendHead(head, parser_.head().version_minor == 0, head.close || mustClose());
}

// The connection ends with this answer where the client says so, where it has
// been used for long enough, or where bytes of the request would be left unread
// in front of the next one.
bool H1ClientStream::mustClose() {
  WorkerContext& worker = session_->worker();
  return !parser_.head().keep_alive || !exchange_->bodyDone() || worker.draining || lastRequest() ||
         wire_->facts.refused.has_value() || wire_->quota.spent(session_->limits(), worker.loop.turnTime());
}

// It has sent FIN, and nothing of a later request is held here.
bool H1ClientStream::lastRequest() const {
  return behind_ == 0 && session_->heardAll();
}

void H1ClientStream::sendData(std::string_view data) {
  answer_.sendData(data, session_->worker().scratch);
}

void H1ClientStream::sendEnd(std::string_view data, std::string_view trailers) {
  if (!data.empty()) {
    sendData(data);
  }
  answer_.sendEnd(trailers);
  if (state() == State::Tunnel) {
    wire_->output.shutdownWrite();
  }
}

void H1ClientStream::resumeBody() {
  if (session_->hasInput()) {
    wire_->link.watch.kick();
  } else {
    watchProgress();
  }
}

void H1ClientStream::openTunnel() {
  upload_.stop();
  if (lastRequest()) {
    onTunnelHeard();  // its FIN came before the switch
  }
  resumeBody();
}

bool H1ClientStream::halfClosed() const {
  return session_->halfClosed();
}

// What the kernel has taken counts, unless the client has shut its side: then it
// may have gone for good.
std::optional<bool> H1ClientStream::delivered() {
  if (!halfClosed()) {
    return true;
  }
  ClientClock& clock = wire_->clock;
  const std::optional<bool> known = wire_->output.arrived();
  if (known) {
    state_ = State::Body;
    clock.stop();
  } else if (state_ != State::Settling) {
    state_ = State::Settling;
    upload_.stop();
    clock.await(ClientClock::Wait::Delivery, kSettleTime);
  }
  return known;
}

void H1ClientStream::settle() {
  if (const auto arrived = delivered()) {
    exchange_->onSettled(*arrived);
  }
}

// Neither acknowledged nor refused: nothing says that it was lost.
void H1ClientStream::settleUnknown() {
  state_ = State::Body;
  exchange_->onSettled(true);
}

Disposition H1ClientStream::dispositionAfter(Ending ending) const {
  switch (ending) {
    case Ending::Complete:
      return last_ || !exchange_->bodyDone() ? Disposition::Close : Disposition::KeepAlive;
    case Ending::Broken:
      // A body that the close of the connection would end must not end with an orderly one.
      return answer_.showsItsEnd() && !sendBlocked() ? Disposition::Close : Disposition::Reset;
    case Ending::Abandoned:
      return Disposition::Reset;
    case Ending::Silent:
      return Disposition::Drop;
  }
  return Disposition::Reset;
}

void H1ClientStream::finishExchange(Ending ending) {
  const Disposition disposition = dispositionAfter(ending);
  flush();
  wire_->clock.stop();
  const bool whole = exchange_->bodyDone();
  abandon();
  session_->onStreamOver(disposition, whole);  // the last word: it is given back
}

void H1ClientStream::abandon() {
  state_ = State::Over;
  if (exchange_) {
    session_->worker().loop.deferDelete(std::move(exchange_));
  }
}

// ---- the client's end of stream ---------------------------------------

void H1ClientStream::onClientReset(int error) {
  onClientBroken(EndFault{.how = EndFault::How::Reset, .error = error});
}

void H1ClientStream::onClientBroken(Fault fault) {
  exchange_->onClientFault(
      exchange_->inTunnel()
          ? observe(DecisionFault{.cause = Cause::TunnelResetByClient, .detail = {}, .size = {}, .limit = {}})
          : observe(std::move(fault)));
}

// A client that has said all and waits, or one that has left.
void H1ClientStream::onClientFin(const EndFault& end) {
  const bool upload = state() == State::Body && !exchange_->responding();
  if (!upload && !wire_->output.ends() && session_->connectionDead()) {
    onClientLeft(true);  // a RST shared the FIN's edge, and no other will tell of it
    return;
  }
  switch (state()) {
    case State::Body:
      if (upload) {
        exchange_->onClientFault(observe(end));
      }  // else answered before the upload ended: it does not send the rest
      return;
    case State::Awaiting:
      watchForLeaving();
      return;
    case State::Tunnel:
      onTunnelHeard();
      return;
    case State::Idle:
    case State::Head:
    case State::Settling:
    case State::Over:
      return;  // no exchange, or it has ended its side already
  }
}

// The request is whole and the client's sending side is shut.
void H1ClientStream::watchForLeaving() {
  exchange_->noteHalfClose();
  switch (session_->limits().client_abort) {
    case ClientAbort::Finish:
      return;
    case ClientAbort::Cancel:
      onClientLeft(false);
      return;
    case ClientAbort::Probe:
      if (parser_.head().version_minor != 0) {
        leaving_.begin(exchange_->responding(), wire_->output.written());
      }
      return;
  }
}

void H1ClientStream::onLeaveLook() {
  if (state() == State::Settling || state() == State::Tunnel) {
    return;
  }
  const SocketOutput& output = wire_->output;
  LeavingWatch::Verdict verdict = LeavingWatch::Verdict::Waits;
  if (exchange_->responding()) {
    verdict = leaving_.duringAnswer(output.written(), output.unsent());
  } else if (exchange_->waiting()) {
    verdict = leaving_.beforeAnswer();
  }
  switch (verdict) {
    case LeavingWatch::Verdict::Waits:
      return;
    case LeavingWatch::Verdict::Probe:
      session_->note(wire_->output.send(LeavingWatch::kProbe, false));
      return;
    case LeavingWatch::Verdict::Left:
      onClientLeft(false);
      return;
  }
}

void H1ClientStream::onClientGone() {
  onClientLeft(true);
}

// No answer can reach it: what the origin still works on is cancelled.
void H1ClientStream::onClientLeft(bool reset) {
  if (exchange_->inTunnel()) {
    onClientReset(0);
  } else {
    exchange_->onClientFault(observe(EndFault{.how = EndFault::How::Fin, .reset_after_fin = reset}));
  }
}

Observation H1ClientStream::observe(Fault fault) {
  Observation seen{.phase = Phase::ClientRequest, .fault = std::move(fault)};
  seen.elapsed_ms = wire_->clock.waitedMs();
  seen.tcp = wire_->link.transport.tcpInfo();
  if (exchange_) {
    seen.bytes.request_complete = exchange_->bodyDone();
    seen.bytes.body_received = decoder_.received();
    seen.bytes.body_expected = exchange_->bodyDone() ? std::nullopt : decoder_.expected();
    seen.bytes.last_line = std::string(parser_.head().methodToken());
  }
  return seen;
}

// ---- progress -----------------------------------------------------------

void H1ClientStream::watchProgress() {
  if (!exchange_ || state_ == State::Settling) {
    return;
  }
  const ClientLimits& limits = session_->limits();
  // A tunnel's two ends speak when they like.
  const ProgressLimits expected{.idle = limits.client_body_timeout,
                                .minimum_rate = exchange_->dialogue() ? 0 : limits.client_minimum_rate};
  upload_.watch(!halfClosed() && !exchange_->inTunnel() && exchange_->waitsForBody(), expected, session_->received());
  download_.watch(wire_->output.waits(), expected, std::nullopt);
}

void H1ClientStream::onLook(TransferClock& clock, std::uint64_t moved) {
  if (const auto fault = clock.look(moved)) {
    exchange_->onClientFault(observe(*fault));
  }
}

}  // namespace gatewhy
