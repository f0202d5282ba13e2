// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/h1_origin_stream.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <utility>

#include "proxy/origin/stream_times.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kResetGrace{50};  // how long a FIN waits for the RST that explains it

}  // namespace

H1OriginStream::H1OriginStream(H1OriginConnection& connection, const OriginStreamSetup& setup)
    : connection_(&connection),
      setup_(setup),
      sender_(connection.link->transport, setup_.pipes),
      reader_(connection.parser, setup_, *this),
      pump_(connection, setup_, reader_, *this),
      clock_(setup.loop, setup.timeouts, *this),
      phase_since_(setup.loop.turnTime()) {}

void H1OriginStream::leave() {
  state_ = State::Left;
  reader_.stop();
  pump_.stop();
  clock_.stop();
  if (connection_ != nullptr) {
    sender_.stop();
    std::exchange(connection_, nullptr)->link->watch.setHandler(nullptr);
  }
}

void H1OriginStream::fail(Phase phase, Fault fault) {
  setup_.owner.onStreamFailed(phase, std::move(fault));  // which leaves
}

// ---- the request ------------------------------------------------------

void H1OriginStream::begin() {
  connection_->carry(setup_.head, setup_.origin.strictness, *this);
  if (connection_->readable && !setup_.reused) {
    // The peer spoke or closed before it was asked: look before writing.
    pump_.run();
    if (state_ != State::Open || reader_.state() != Reading::Head) {
      return;
    }
  }
  setup_.scratch.clear();
  setup_.owner.appendHead(setup_.scratch);
  sender_.begin(setup_.scratch.view(), setup_.head.body, setup_.head.expect_continue && !reader_.wasContinued(),
                setup_.loop.turnTime());
  afterWriting();
  if (owesContinue()) {
    await();
  }
  if (awaitsHead()) {
    setup_.observer.onUploadReady();
  }
}

void H1OriginStream::send(std::string_view data, bool last, std::string_view trailers) {
  if (reader_.state() == Reading::Tunnel) {
    sendTunnel(data, last);
    return;
  }
  if (state_ == State::Left || sender_.whole()) {
    return;
  }
  stopOwingContinue();
  const bool was_refused = sender_.refused();  // nobody takes it then; the response, or the fault, decides
  sender_.writeBody(data, last, trailers, setup_.scratch);
  if (!was_refused) {
    afterWriting();
  }
}

void H1OriginStream::sendTunnel(std::string_view data, bool last) {
  if (sender_.refused()) {
    return;
  }
  if (!data.empty()) {
    sender_.write(data);
    afterWriting();
  }
  if (last) {
    sender_.shutdownWrite();
  }
}

SplicePipe* H1OriginStream::splicePipe() {
  return state_ == State::Open ? sender_.splicePipe() : nullptr;
}

// The rest is written at once: only the pipe waits for this.
void H1OriginStream::flush() {
  if (state_ != State::Left && sender_.waits()) {
    sender_.flush();
    afterWriting();
  }
}

void H1OriginStream::onTakesMore() {
  sender_.flush();
  if (sender_.refused()) {
    afterWriting();
    return;
  }
  if (sender_.waits()) {
    return;
  }
  clock_.stopSending();
  afterWriting();
  if (!sender_.whole()) {
    await();
  }
  if (reader_.state() == Reading::Tunnel || !sender_.whole()) {
    setup_.observer.onUploadDrained();
  }
}

// Who is waited for now that bytes have gone, or have not, or are refused.
void H1OriginStream::afterWriting() {
  if (state_ == State::Settling) {
    return;  // that has its own time
  }
  if (sender_.refused()) {
    // What the peer said before it refused is still readable (measured: data
    // first, then ECONNRESET), so reading decides.
    clock_.stopSending();
    connection_->readable = true;
    connection_->link->watch.kick();  // not from inside a write that the client's reader called
    await();
    return;
  }
  if (sender_.waits()) {
    clock_.await(OriginClock::Wait::Send);
    return;
  }
  if (sender_.sent() && awaitsHead() && sender_.sentAt() > phase_since_) {
    phase_since_ = sender_.sentAt();
  }
  if (sender_.whole()) {
    await();
  }
}

void H1OriginStream::stopOwingContinue() {
  if (sender_.stopAwaiting() && clock_.waitsFor() == OriginClock::Wait::Continue) {
    clock_.stop();  // from here the client, or the writing, is waited for
  }
}

bool H1OriginStream::owesContinue() const {
  return awaitsHead() && setup_.head.expect_continue && sender_.state() <= RequestSender::State::AwaitContinue;
}

bool H1OriginStream::sendBlocked() const {
  return sender_.state() == RequestSender::State::Unsent || sender_.waits();
}

// ---- events -----------------------------------------------------------

void H1OriginStream::onIo(bool readable, bool writable) {
  if (readable) {
    connection_->readable = true;
  }
  if (state_ == State::Settling) {
    settleEnd();
    return;
  }
  if (writable && sender_.waits()) {
    onTakesMore();
  }
  if (state_ != State::Left && connection_->readable) {
    pump_.run();
  }
}

void H1OriginStream::resumeBody() {
  if (state_ == State::Left) {
    return;
  }
  if (clock_.waitsFor() == OriginClock::Wait::Body) {
    await();  // the silence was ours
  }
  if (connection_->readable) {
    connection_->link->watch.kick();
  }
}

void H1OriginStream::await() {
  using Wait = OriginClock::Wait;
  if (state_ != State::Open) {
    return;
  }
  switch (reader_.state()) {
    case Reading::Head:
      if (sender_.waits()) {
        return;  // for the peer to take it
      }
      if (owesContinue()) {
        clock_.await(Wait::Continue);
      } else if (sender_.whole()) {
        clock_.await(Wait::Head);
      }  // else the client is waited for
      return;
    case Reading::Body:
      clock_.await(Wait::Body);
      return;
    case Reading::Tunnel:
      clock_.await(Wait::Tunnel);
      return;
    case Reading::Over:
      return;
  }
}

OriginClock::View H1OriginStream::view() {
  return {.transport = &transport(),
          .written = sender_.written(),
          .sent_at = sender_.sentAt(),
          .since = phase_since_,
          .answering = reader_.received() != 0};
}

// ---- the response -----------------------------------------------------

// The message has ended. Bytes after its end belong to no request: the
// connection is out of step and is not used again.
void H1OriginStream::onReadComplete(bool extra_data) {
  connection_->in_step = reader_.keepsInStep() && !extra_data && sender_.sent() &&
                         !connection_->link->watch.peerClosed() && !transport().hasBufferedInput();
  setup_.owner.onStreamComplete(extra_data, reader_.trailers());  // the last word: we may be buried
}

// ---- the end of the connection ----------------------------------------

void H1OriginStream::onEnded() {
  const TransportFault& fault = transport().fault();
  if (const auto* tls = std::get_if<TlsFault>(&fault)) {
    fail(reader_.state() == Reading::Body ? Phase::ResponseBody : exchangePhase(), *tls);
    return;
  }
  const EndFault end = std::get<EndFault>(fault);
  switch (reader_.state()) {
    case Reading::Head:
      onHeadEnded(end);
      return;
    case Reading::Body:
      onBodyEnded(end);
      return;
    case Reading::Tunnel:
      if (end.how == EndFault::How::Reset || end.how == EndFault::How::Error) {
        fail(Phase::Upgrade, end);
      } else {
        setup_.observer.onTunnelOriginClosed();
      }
      return;
    case Reading::Over:
      return;
  }
}

void H1OriginStream::onHeadEnded(const EndFault& end) {
  const auto* broken = sender_.refused() ? std::get_if<EndFault>(&*sender_.fault()) : nullptr;
  const auto judged = judge_.judge(end, {.reused = setup_.reused,
                                         .answered = reader_.received() != 0,
                                         .broken = broken,
                                         .tls = transport().tls(),
                                         .written = sender_.written()});
  if (judged) {
    fail(exchangePhase(), *judged);
    return;
  }
  state_ = State::Settling;
  if (judge_.resetMayFollow(transport().tcpInfo())) {
    clock_.awaitReset(kResetGrace);
  } else {
    settleEnd();
  }
}

void H1OriginStream::settleEnd() {
  fail(exchangePhase(), judge_.settle(transport().tcpInfo(), sender_.refused()));
}

void H1OriginStream::onBodyEnded(const EndFault& end) {
  const bool orderly = end.how == EndFault::How::Fin || end.how == EndFault::How::CloseNotify;
  if (orderly && reader_.endsBody()) {
    onReadComplete(false);
    return;
  }
  fail(Phase::ResponseBody, end);
}

// ---- evidence ---------------------------------------------------------

Phase H1OriginStream::phase() const {
  switch (reader_.state()) {
    case Reading::Head:
      return exchangePhase();
    case Reading::Body:
      return Phase::ResponseBody;
    case Reading::Tunnel:
      return Phase::Upgrade;
    case Reading::Over:
      return Phase::Routing;
  }
  return Phase::Internal;
}

double H1OriginStream::waitedMs() const {
  return sender_.sentAt() == TimePoint{} || !awaitsHead() ? 0 : millisBetween(sender_.sentAt(), EventLoop::now());
}

void H1OriginStream::describe(Observation& seen) const {
  seen.elapsed_ms = millisBetween(phase_since_, EventLoop::now());
  seen.bytes.request_written = sender_.written();
  seen.bytes.request_complete = sender_.sent();
  reader_.describe(seen);
  if (connection_ == nullptr) {
    return;
  }
  seen.request.awaits_continue = owesContinue();
  seen.connection.tls = transport().tls();
  seen.connection.requests_on_connection = connection_->requests;
  seen.tcp = transport().tcpInfo();
  if (transport().tls()) {
    seen.bytes.tls_plain_written = static_cast<std::uint64_t>(BIO_number_written(SSL_get_wbio(transport().ssl())));
  }
}

void H1OriginStream::addTimings(Timings& timings, TimePoint end) const {
  StreamTimes{.began = sender_.beganAt(),
              .awaiting_since = sender_.awaitingSince(),
              .sent = sender_.sentAt(),
              .first_byte = reader_.firstByteAt()}
      .addTo(timings, end);
}

}  // namespace gatewhy
