// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/h2_origin_stream.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "proxy/http/h2/h2_code.h"
#include "proxy/origin/interim_limits.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kMisdirected = 421;

}  // namespace

H2OriginStream::H2OriginStream(H2OriginConnection& connection, const OriginStreamSetup& setup)
    : connection_(&connection),
      setup_(setup),
      clock_(setup.loop, setup.timeouts, *this),
      phase_since_(setup.loop.turnTime()) {}

void H2OriginStream::leave() {
  clock_.stop();
  reading_ = Reading::Over;
  if (connection_ != nullptr) {
    std::exchange(connection_, nullptr)->remove(id_);
  }
}

void H2OriginStream::fail(Phase phase, Fault fault) {
  setup_.owner.onStreamFailed(phase, std::move(fault));  // which leaves
}

// ---- the request ----------------------------------------------------------

void H2OriginStream::begin() {
  H2OriginSession& http2 = connection_->http2();
  setup_.scratch.clear();
  setup_.owner.appendHead(setup_.scratch);
  const bool has_body = setup_.head.body != BodyKind::None;
  head_size_ = setup_.scratch.view().size();
  output_before_ = http2.produced();
  received_before_ = connection_->received();
  was_idle_ = http2.streams() == 0;
  times_.began = setup_.loop.turnTime();
  id_ = http2.openStream({.head = setup_.scratch.view(),
                          .method = setup_.head.method,
                          .https = connection_->transport().tls(),
                          .ends = !has_body,
                          .mend = setup_.origin.strictness == Strictness::Report});
  if (id_ == 0) {
    fail(Phase::RequestWrite, connection_->refusal());
    return;
  }
  sending_ = !has_body ? Sending::Flushing : setup_.head.expect_continue ? Sending::AwaitContinue : Sending::Body;
  connection_->add(id_, *this);
  if (owesContinue()) {
    times_.awaiting_since = times_.began;
    await();
  } else if (waitsToLeave()) {
    clock_.await(OriginClock::Wait::Send);
  }
  setup_.observer.onUploadReady();
}

void H2OriginStream::sendData(std::string_view data) {
  if (connection_ == nullptr || whole()) {
    return;
  }
  stopOwingContinue();
  connection_->http2().submitData(id_, data, false);
  afterWriting();
}

void H2OriginStream::sendEnd(std::string_view data, std::string_view trailers) {
  if (connection_ == nullptr || whole()) {
    return;
  }
  stopOwingContinue();
  sending_ = Sending::Flushing;
  H2OriginSession& http2 = connection_->http2();
  if (trailers.empty()) {
    http2.submitData(id_, data, true);
  } else {
    if (!data.empty()) {
      http2.submitData(id_, data, false);
    }
    http2.submitEnd(id_, trailers);
  }
  afterWriting();
}

bool H2OriginStream::blocked() const {
  return connection_ != nullptr && (connection_->http2().blocked(id_) || (connection_->socketBlocked() && !whole()));
}

bool H2OriginStream::sendBlocked() const {
  return sending_ == Sending::Unsent || blocked();
}

std::size_t H2OriginStream::buffered() const {
  return connection_ != nullptr ? connection_->http2().kept(id_) : 0;
}

// Who is waited for now that bytes have gone, or have not.
void H2OriginStream::afterWriting() {
  if (connection_ == nullptr) {
    return;  // what was told of it has ended it
  }
  connection_->scheduleWrite();
  if (waitsToLeave()) {
    clock_.await(OriginClock::Wait::Send);
  } else if (whole()) {
    await();
  }
}

void H2OriginStream::onSocketFull() {
  if (waitsToLeave()) {
    clock_.await(OriginClock::Wait::Send);
  }
}

void H2OriginStream::onWritable() {
  if (waitsToLeave()) {
    return;
  }
  clock_.stopSending();
  await();
  if (!whole()) {
    setup_.observer.onUploadDrained();
  }
}

void H2OriginStream::onRequestSent() {
  sending_ = Sending::Sent;
  times_.sent = EventLoop::now();
  clock_.stopSending();
  if (awaitsHead()) {
    phase_since_ = std::max(phase_since_, times_.sent);
  }
  await();
}

void H2OriginStream::stopOwingContinue() {
  if (sending_ != Sending::AwaitContinue) {
    return;
  }
  sending_ = Sending::Body;
  times_.awaiting_since = TimePoint{};
  if (clock_.waitsFor() == OriginClock::Wait::Continue) {
    clock_.stop();  // from here the client, or the writing, is waited for
  }
}

bool H2OriginStream::owesContinue() const {
  return awaitsHead() && setup_.head.expect_continue && sending_ <= Sending::AwaitContinue;
}

void H2OriginStream::await() {
  using Wait = OriginClock::Wait;
  switch (reading_) {
    case Reading::Head:
      if (waitsToLeave()) {
        return;  // for the origin to take it
      }
      if (owesContinue()) {
        clock_.await(Wait::Continue);
      } else if (whole()) {
        clock_.await(Wait::Head);
      }  // else the client is waited for
      return;
    case Reading::Body:
      clock_.await(Wait::Body);
      return;
    case Reading::Over:
      return;
  }
}

// The socket is everybody's: what the origin's windows took is this request's.
// While it is the socket that has no room, what the origin's TCP takes is progress.
OriginClock::View H2OriginStream::view() {
  if (connection_->socketBlocked() && !connection_->http2().windowClosed(id_)) {
    connection_took_ = connection_->taken();
  }
  return {.transport = nullptr,
          .written = connection_->http2().bodySent(id_) + connection_took_,
          .sent_at = times_.sent,
          .since = phase_since_,
          .answering = received_ != 0};
}

void H2OriginStream::onLate(Phase phase, const TimerFault& fault) {
  if (fault.timer == Timer::Send && connection_->http2().windowClosed(id_)) {
    fail(phase, StreamFault{.how = StreamFault::How::Stalled,
                            .stream = connection_->http2().windowClosed(0) ? 0 : id_,
                            .limit_ms = fault.limit_ms,
                            .elapsed_ms = fault.elapsed_ms});
    return;
  }
  fail(phase, fault);
}

// ---- the response ---------------------------------------------------------

void H2OriginStream::noteBytes(std::size_t size) {
  last_byte_ = setup_.loop.turnTime();
  if (times_.first_byte == TimePoint{}) {
    times_.first_byte = last_byte_;
  }
  received_ += size;
}

void H2OriginStream::onInterim(const ResponseHead& head) {
  noteBytes(head.bytes.size());
  interim_bytes_ += head.bytes.size();
  interims_.push_back(head.status);
  if (interims_.size() > kMostInterims || interim_bytes_ > kMostInterimBytes) {
    fail(Phase::ResponseHead,
         DecisionFault{
             .cause = Cause::ResponseTooManyInterim, .detail = {}, .size = interims_.size(), .limit = kMostInterims});
    return;
  }
  if (head.status == 100) {
    stopOwingContinue();
  }
  setup_.observer.onInterim(head);
}

void H2OriginStream::onHead(const ResponseHead& head, bool ends) {
  noteBytes(head.bytes.size());
  if (head.status == kMisdirected && setup_.owner.repeatsMisdirected()) {
    fail(Phase::ResponseHead, StreamFault{.how = StreamFault::How::Misdirected, .stream = id_});
    return;
  }
  reading_ = Reading::Body;
  phase_since_ = setup_.loop.turnTime();
  body_ = head.body;
  content_length_ = head.content_length;
  setup_.observer.onResponseHead(head);
  if (ends) {
    onEnd({});
  } else {
    await();
  }
}

void H2OriginStream::onBody(std::string_view data) {
  noteBytes(data.size());
  phase_since_ = last_byte_;
  body_received_ += data.size();
  unconsumed_ += data.size();
  setup_.observer.onResponseData(data);
  if (reading_ == Reading::Body && !setup_.observer.clientBlocked()) {
    giveWindowBack();
    await();
  }
}

void H2OriginStream::onEnd(std::string_view trailers) {
  if (reading_ == Reading::Body) {
    setup_.owner.onStreamComplete(false, std::string(trailers));  // the last word: we may be buried
  }
}

void H2OriginStream::onBatchEnd() {
  setup_.observer.onBatchEnd();
}

void H2OriginStream::resumeBody() {
  if (connection_ == nullptr) {
    return;
  }
  giveWindowBack();
  if (clock_.waitsFor() == OriginClock::Wait::Body) {
    await();  // the silence was ours
  }
}

void H2OriginStream::giveWindowBack() {
  if (unconsumed_ != 0) {
    connection_->http2().consume(id_, std::exchange(unconsumed_, 0));
    connection_->scheduleWrite();
  }
}

void H2OriginStream::onBroken(const Fault& fault) {
  const bool malformed = std::holds_alternative<ParseFault>(fault);
  fail(malformed && awaitsHead() ? Phase::ResponseHead : phase(), fault);
}

// ---- evidence -------------------------------------------------------------

Phase H2OriginStream::phase() const {
  switch (reading_) {
    case Reading::Head:
      return exchangePhase();
    case Reading::Body:
      return Phase::ResponseBody;
    case Reading::Over:
      return Phase::Routing;
  }
  return Phase::Internal;
}

double H2OriginStream::waitedMs() const {
  return times_.sent == TimePoint{} || !awaitsHead() ? 0 : millisBetween(times_.sent, EventLoop::now());
}

const SSL* H2OriginStream::tlsSession() const {
  return connection_ != nullptr ? connection_->transport().ssl() : nullptr;
}

const H2OriginSession* H2OriginStream::http2() const {
  return connection_ != nullptr ? &connection_->http2() : nullptr;
}

// Of the request, as far as the kernel took it: 0 where it took nothing.
std::uint64_t H2OriginStream::written() const {
  return connection_->written() <= output_before_ ? 0 : head_size_ + connection_->http2().bodySent(id_);
}

void H2OriginStream::describe(Observation& seen) const {
  seen.elapsed_ms = millisBetween(phase_since_, EventLoop::now());
  seen.bytes.request_complete = sending_ == Sending::Sent;
  seen.bytes.response_received = received_;
  seen.bytes.body_received = body_received_;
  seen.connection.protocol = "h2";
  seen.connection.stream = id_;
  if (reading_ == Reading::Head) {
    seen.bytes.interims = interims_;
    seen.bytes.head_received = received_ - interim_bytes_;
    if (last_byte_ != TimePoint{}) {
      seen.bytes.silent_ms = millisBetween(last_byte_, EventLoop::now());
    }
  } else if (reading_ == Reading::Body) {
    if (body_ == BodyKind::Length) {
      seen.bytes.body_expected = content_length_;
    } else {
      seen.bytes.last_line = "chunked";  // it has an end of its own
    }
  }
  if (connection_ == nullptr) {
    return;
  }
  seen.bytes.request_written = written();
  seen.request.awaits_continue = owesContinue();
  // Where others used it too, or it had something to say since, it was no idle one that the origin gave up.
  seen.connection.reused = setup_.reused && was_idle_ && connection_->received() == received_before_;
  seen.connection.tls = connection_->transport().tls();
  seen.connection.requests_on_connection = connection_->requests;
  seen.tcp = connection_->transport().tcpInfo();
  if (connection_->transport().tls()) {
    seen.bytes.tls_plain_written =
        static_cast<std::uint64_t>(BIO_number_written(SSL_get_wbio(connection_->transport().ssl())));
  }
}

}  // namespace gatewhy
