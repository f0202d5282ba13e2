// SPDX-License-Identifier: Apache-2.0
// The reading half of Attempt: interim and final heads, body, tunnel, and how
// a connection's end is judged.
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>

#include "proxy/exchange/attempt.h"
#include "proxy/exchange/upgrade.h"

namespace gatewhy {
namespace {

constexpr int kResponseReadsPerTurn = 32;  // 2 MiB, then others get their turn
// Below it a copy through the cache costs less than the pipe's two calls.
constexpr std::uint64_t kSpliceTail = 64UL * 1024;
constexpr std::uint64_t kSpliceFrom = 4 * kSpliceTail;
constexpr std::size_t kMaxInterims = 32;
constexpr std::uint64_t kMaxInterimBytes = 64 * 1024UL;
constexpr std::chrono::milliseconds kResetGrace{50};  // how long a FIN waits for the RST that explains it

}  // namespace

void Attempt::pump() {
  if (pumping_) {
    return;
  }
  pumping_ = true;
  int reads = 0;
  while (state_ != State::Done && connection_->readable && !observer_.clientBlocked()) {
    if (++reads > kResponseReadsPerTurn) {
      connection_->link->watch.kick();
      break;
    }
    if (pumpSpliced()) {
      continue;
    }
    const auto buffer = worker_.loop.readBuffer();
    const IoResult got = connection_->link->transport.read(buffer.data(), buffer.size());
    if (got.status == IoStatus::WouldBlock) {
      connection_->readable = false;
    } else if (got.status == IoStatus::Ended) {
      connection_->readable = false;
      onOriginEnded();
    } else {
      // `drained` spares the EAGAIN only where the message turns out to be
      // complete: a FIN or RST may have come in the same edge as the data.
      const bool drained = got.drained && !connection_->link->watch.peerClosed();
      if (drained) {
        connection_->readable = false;
      }
      onBytes({buffer.data(), got.size});
      if (state_ != State::Done && connection_ && drained) {
        connection_->readable = true;
      }
    }
  }
  pumping_ = false;
}

// A step of a big body whose length is known and whose both sides are plain:
// the kernel moves it. The last part is read like any other body, so that
// where the message ends is judged in one place. False: copy this step.
bool Attempt::pumpSpliced() {
  if (!splice_ || state_ != State::Body || decoder_.ahead() < kSpliceFrom || connection_->link->transport.tls()) {
    return false;
  }
  SplicePipe* pipe = observer_.splicePipe();
  if (pipe == nullptr) {
    return false;
  }
  const std::uint64_t most = decoder_.ahead() - kSpliceTail;
  const SpliceResult got = connection_->link->transport.readInto(
      *pipe, static_cast<std::size_t>(std::min<std::uint64_t>(most, pipe->capacity())));
  switch (got.status) {
    case SpliceStatus::Unsupported:
      splice_ = false;
      return false;
    case SpliceStatus::WouldBlock:
      connection_->readable = false;
      return true;
    case SpliceStatus::Ended:
      connection_->readable = false;
      onOriginEnded();
      return true;
    case SpliceStatus::Ok:
      break;
  }
  response_bytes_ += got.size;
  decoder_.skip(got.size);
  phase_since_ = EventLoop::now();
  timer_.arm(request_.origin->timeouts.response_idle);
  observer_.onResponseSpliced(got.size);
  return true;
}

void Attempt::onBytes(std::string_view bytes) {
  if (first_byte_ == TimePoint{}) {
    first_byte_ = worker_.loop.turnTime();
  }
  response_bytes_ += bytes.size();
  last_byte_ = worker_.loop.turnTime();
  while (state_ == State::Head && !bytes.empty()) {
    bytes = onHeadBytes(bytes);
  }
  if (state_ == State::Body) {
    onBodyBytes(bytes);
  } else if (state_ == State::Tunnel && !bytes.empty()) {
    phase_since_ = EventLoop::now();
    armWait();
    observer_.onTunnelData(bytes);
  }
  if (state_ != State::Done) {
    observer_.onBatchEnd();
  }
}

std::string_view Attempt::onHeadBytes(std::string_view bytes) {
  const ParseStep step = connection_->parser.feed(bytes);
  bytes.remove_prefix(step.consumed);
  switch (step.status) {
    case ParseStatus::NeedMore:
      return {};
    case ParseStatus::Error:
      fail(observe(Phase::ResponseHead, connection_->parser.fault(worker_.redaction())));
      return {};
    case ParseStatus::Done:
      onHeadDone();
      return bytes;
  }
  return {};
}

void Attempt::onHeadDone() {
  const ResponseHead& head = connection_->parser.head();
  if (head.status == 101) {
    onSwitching();
    return;
  }
  if (head.status < 200) {
    onInterimDone();
    return;
  }
  state_ = State::Body;
  phase_since_ = worker_.loop.turnTime();
  decoder_.start(head.body, head.content_length,
                 BodyLimits{.mend_sizes = request_.origin->strictness == Strictness::Report});
  observer_.onResponseHead(head);
}

void Attempt::onInterimDone() {
  interim_bytes_ += connection_->parser.head().bytes.size();
  interims_.push_back(connection_->parser.head().status);
  if (interims_.size() > kMaxInterims || interim_bytes_ > kMaxInterimBytes) {
    fail(observe(
        Phase::ResponseHead,
        DecisionFault{
            .cause = Cause::ResponseTooManyInterim, .detail = {}, .size = interims_.size(), .limit = kMaxInterims}));
    return;
  }
  if (connection_->parser.head().status == 100) {
    stopOwingContinue();
  }
  observer_.onInterim(connection_->parser.head());
  if (state_ == State::Head) {
    connection_->parser.reset();
    connection_->parser.expect(request_.head->method);
  }
}

void Attempt::onSwitching() {
  if (auto refusal = judgeSwitch(*request_.head, request_.forward.upgrade, connection_->parser.head())) {
    fail(observe(Phase::Upgrade, std::move(*refusal)));
    return;
  }
  state_ = State::Tunnel;
  phase_since_ = EventLoop::now();
  armWait();
  observer_.onTunnelOpen(connection_->parser.head());
}

void Attempt::onBodyBytes(std::string_view bytes) {
  if (!decoder_.done() && !bytes.empty()) {
    phase_since_ = worker_.loop.turnTime();
  }
  while (state_ == State::Body && !decoder_.done() && !bytes.empty()) {
    const BodyDecoder::Step step = decoder_.feed(bytes);
    bytes.remove_prefix(step.consumed);
    if (step.status == ParseStatus::Error) {
      fail(observe(Phase::ResponseBody, decoder_.fault(worker_.redaction())));
      return;
    }
    if (const FindingSet mended = decoder_.takeMended(); !mended.empty()) {
      out_of_step_ = true;
      observer_.onFindings(mended);
    }
    if (!step.data.empty()) {
      observer_.onResponseData(step.data);
    }
  }
  if (state_ != State::Body) {
    return;
  }
  if (decoder_.done()) {
    complete(!bytes.empty());
  } else {
    armWait();
  }
}

// The message has ended. Bytes after its end belong to no request: the
// connection is out of step and is not used again.
void Attempt::complete(bool extra_data) {
  ended_ = EventLoop::now();
  timer_.cancel();
  const bool reusable = connection_->parser.head().keep_alive && decoder_.kind() != BodyKind::UntilClose &&
                        !extra_data && !out_of_step_ && request_done_ && out_.empty() && !write_fault_ &&
                        !connection_->link->watch.peerClosed() && !connection_->link->transport.hasBufferedInput();
  state_ = State::Done;
  answered_ = true;
  request_.pool->state(endpoint_).recordSuccess();
  if (counted_) {
    counted_ = false;
    request_.pool->requestEnded(endpoint_);
  }
  releaseConnection(reusable);
  observer_.onResponseEnd(decoder_.trailers(), extra_data);  // the last word: we may be buried
}

// ---- the end of the stream --------------------------------------------

void Attempt::onOriginEnded() {
  const TransportFault& fault = connection_->link->transport.fault();
  if (const auto* tls = std::get_if<TlsFault>(&fault)) {
    fail(observe(state_ == State::Body ? Phase::ResponseBody : exchangePhase(), *tls));
    return;
  }
  const EndFault end = std::get<EndFault>(fault);
  switch (state_) {
    case State::Head:
      onHeadEnded(end);
      return;
    case State::Body:
      onBodyEnded(end);
      return;
    case State::Tunnel:
      if (end.how == EndFault::How::Reset || end.how == EndFault::How::Error) {
        fail(observe(Phase::Upgrade, end));
      } else {
        observer_.onTunnelOriginClosed();
      }
      return;
    case State::Idle:
    case State::Queued:
    case State::Connecting:
    case State::Done:
      return;
  }
}

void Attempt::onHeadEnded(const EndFault& end) {
  // A failed write took the socket's error with it, and the read behind it
  // says FIN: ECONNRESET there was the RST, EPIPE comes after a real FIN.
  const auto* broken = write_fault_ ? std::get_if<EndFault>(&*write_fault_) : nullptr;
  const bool reset_on_write = broken != nullptr && broken->error == ECONNRESET;
  if (response_bytes_ != 0 || reused_ || reset_on_write || end.how != EndFault::How::Fin) {
    EndFault judged = end;
    if (response_bytes_ == 0 && broken != nullptr) {
      judged = *broken;
      judged.on_write = true;
    }
    fail(observe(exchangePhase(), judged));
    return;
  }
  // FIN without a byte. Had the peer closed before our request reached it, its
  // TCP answers the request with RST; if it read the request first, with
  // nothing more. Where the request is not acknowledged yet, wait for either.
  pending_end_ = end;
  const auto tcp = connection_->link->transport.tcpInfo();
  const bool open_question =
      tcp && tcp->state != TCP_CLOSE && !connection_->link->transport.tls() && tcp->bytes_acked < request_bytes_;
  if (open_question) {
    timer_.arm(kResetGrace);
  } else {
    settleEnd();
  }
}

void Attempt::settleEnd() {
  EndFault end = *pending_end_;
  const auto tcp = connection_->link->transport.tcpInfo();
  end.reset_after_fin = (tcp && tcp->state == TCP_CLOSE) || write_fault_.has_value();
  pending_end_.reset();
  fail(observe(exchangePhase(), end));
}

void Attempt::onBodyEnded(const EndFault& end) {
  const bool orderly = end.how == EndFault::How::Fin || end.how == EndFault::How::CloseNotify;
  if (orderly && decoder_.finish()) {
    complete(false);
    return;
  }
  fail(observe(Phase::ResponseBody, end));
}

}  // namespace gatewhy
