// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/h1_response_reader.h"

#include <algorithm>
#include <utility>

#include "proxy/origin/interim_limits.h"

namespace gatewhy {

void H1ResponseReader::stop() {
  state_ = State::Over;
  parser_ = nullptr;
}

void H1ResponseReader::fail(Phase phase, Fault fault) {
  owner_.onReadFault(phase, std::move(fault));
}

void H1ResponseReader::onBytes(std::string_view bytes) {
  last_byte_ = setup_.loop.turnTime();
  if (first_byte_ == TimePoint{}) {
    first_byte_ = last_byte_;
  }
  received_ += bytes.size();
  while (state_ == State::Head && !bytes.empty()) {
    bytes = onHeadBytes(bytes);
  }
  if (state_ == State::Body) {
    onBodyBytes(bytes);
  } else if (state_ == State::Tunnel && !bytes.empty()) {
    owner_.onMoved(EventLoop::now());
    owner_.onMoreAwaited();
    setup_.observer.onResponseData(bytes);
  }
  if (state_ != State::Over) {
    setup_.observer.onBatchEnd();
  }
}

void H1ResponseReader::onSpliced(std::size_t size) {
  received_ += size;
  decoder_.skip(size);
  owner_.onMoved(EventLoop::now());
  owner_.onMoreAwaited();
}

std::string_view H1ResponseReader::onHeadBytes(std::string_view bytes) {
  const ParseStep step = parser_->feed(bytes);
  bytes.remove_prefix(step.consumed);
  switch (step.status) {
    case ParseStatus::NeedMore:
      return {};
    case ParseStatus::Error:
      fail(Phase::ResponseHead, parser_->fault(setup_.redaction));
      return {};
    case ParseStatus::Done:
      onHeadDone();
      return bytes;
  }
  return {};
}

void H1ResponseReader::onHeadDone() {
  const ResponseHead& head = parser_->head();
  const bool success = head.status / 100 == 2;
  if (head.status == 101 || (success && setup_.head.must_switch)) {
    onSwitching();
    return;
  }
  if (head.status < 200) {
    onInterimDone();
    return;
  }
  state_ = State::Body;
  owner_.onMoved(setup_.loop.turnTime());
  decoder_.start(head.body, head.content_length,
                 BodyLimits{.mend_sizes = setup_.origin.strictness == Strictness::Report});
  setup_.observer.onResponseHead(head);
}

void H1ResponseReader::onInterimDone() {
  const ResponseHead& head = parser_->head();
  interim_bytes_ += head.bytes.size();
  interims_.push_back(head.status);
  if (interims_.size() > kMostInterims || interim_bytes_ > kMostInterimBytes) {
    fail(Phase::ResponseHead,
         DecisionFault{
             .cause = Cause::ResponseTooManyInterim, .detail = {}, .size = interims_.size(), .limit = kMostInterims});
    return;
  }
  if (head.status == 100) {
    owner_.onContinue();
  }
  setup_.observer.onInterim(head);
  if (state_ == State::Head) {
    parser_->reset();
    parser_->expect(setup_.head.method);
  }
}

void H1ResponseReader::onSwitching() {
  if (auto refusal = setup_.owner.judgeSwitch(parser_->head())) {
    fail(Phase::Upgrade, std::move(*refusal));
    return;
  }
  state_ = State::Tunnel;
  owner_.onMoved(EventLoop::now());
  owner_.onMoreAwaited();
  setup_.observer.onTunnelOpen(parser_->head());
}

void H1ResponseReader::onBodyBytes(std::string_view bytes) {
  if (!decoder_.done() && !bytes.empty()) {
    owner_.onMoved(setup_.loop.turnTime());
  }
  while (state_ == State::Body && !decoder_.done() && !bytes.empty()) {
    const BodyDecoder::Step step = decoder_.feed(bytes);
    bytes.remove_prefix(step.consumed);
    if (step.status == ParseStatus::Error) {
      fail(Phase::ResponseBody, decoder_.fault(setup_.redaction));
      return;
    }
    if (const FindingSet mended = decoder_.takeMended(); !mended.empty()) {
      out_of_step_ = true;
      setup_.observer.onFindings(mended);
    }
    if (!step.data.empty()) {
      setup_.observer.onResponseData(step.data);
    }
  }
  if (state_ != State::Body) {
    return;
  }
  if (decoder_.done()) {
    owner_.onReadComplete(!bytes.empty());
  } else {
    owner_.onMoreAwaited();
  }
}

bool H1ResponseReader::wasContinued() const {
  return std::find(interims_.begin(), interims_.end(), 100) != interims_.end();
}

bool H1ResponseReader::keepsInStep() const {
  return parser_->head().keep_alive && decoder_.kind() != BodyKind::UntilClose && !out_of_step_;
}

void H1ResponseReader::describe(Observation& seen) const {
  seen.bytes.response_received = received_;
  seen.bytes.body_received = decoder_.received();
  seen.bytes.body_expected = state_ == State::Body ? decoder_.expected() : std::nullopt;
  if (state_ == State::Head) {
    seen.bytes.last_line = parser_->lastCompleteLine(setup_.redaction).substr(0, 128);
    seen.bytes.interims = interims_;
    seen.bytes.head_received = received_ - interim_bytes_;
    if (last_byte_ != TimePoint{}) {
      seen.bytes.silent_ms = millisBetween(last_byte_, EventLoop::now());
    }
  } else if (state_ == State::Body && decoder_.kind() == BodyKind::Chunked) {
    seen.bytes.last_line = "chunked";
  }
}

}  // namespace gatewhy
