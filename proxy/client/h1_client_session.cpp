// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/h1_client_session.h"

#include <netinet/tcp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <variant>

#include "proxy/exchange/admission.h"

namespace gatewhy {
namespace {

constexpr int kReadsPerTurn = 16;
constexpr std::size_t kHeadRead = 16UL * 1024;
constexpr std::size_t kPipelineLimit = 16UL * 1024;  // bytes of later requests held while one is answered

}  // namespace

H1ClientSession::H1ClientSession(WorkerContext& worker, H1ClientStreams& streams, ClientSessionHost& host,
                                 const ClientWire& wire)
    : worker_(worker), streams_(streams), host_(host), wire_(wire) {}

H1ClientSession::~H1ClientSession() {
  worker_.memory.account(-accounted_);
}

H1ClientStream::State H1ClientSession::streamState() const {
  if (state_ == State::Over) {
    return H1ClientStream::State::Over;
  }
  return stream_ ? stream_->state() : H1ClientStream::State::Idle;
}

H1ClientStream& H1ClientSession::stream() {
  if (!stream_) {
    stream_ = streams_.take(*this);
  }
  return *stream_;
}

void H1ClientSession::onIo(bool readable, bool writable) {
  readable_ = readable_ || readable;
  if (streamState() == H1ClientStream::State::Settling) {
    stream_->settle();
    return;
  }
  if (wire_.output.broken()) {
    onEnded();
    return;
  }
  if (halfClosed() && running() && connectionDead()) {
    stream_->onClientGone();
    return;
  }
  if (writable && wire_.output.unsent()) {
    note(wire_.output.flush());
    if (running() && !wire_.output.unsent() && !wire_.output.broken()) {
      stream_->onDrained();
    }
  }
  pump();
}

// ---- reading ----------------------------------------------------------

void H1ClientSession::pump() {
  pumping_ = true;
  if (!in_.empty()) {
    processHeld();
  }
  read();
  // A reader that is paused still learns that its client is gone.
  if (readable_ && running() && !halfClosed() && !wantsRead() && connectionDead()) {
    stream_->onClientReset(ECONNRESET);
  }
  pumping_ = false;
  accountBuffers();
  if (stream_) {
    stream_->watchProgress();
  }
}

void H1ClientSession::read() {
  int reads = 0;
  while (readable_ && wantsRead() && !heldBack()) {
    if (++reads > kReadsPerTurn) {
      wire_.link.watch.kick();
      return;
    }
    if (!running() || !readSpliced()) {
      readOnce();
    }
  }
}

void H1ClientSession::readOnce() {
  tolerateBareFin();
  const auto buffer = worker_.loop.readBuffer();
  const std::size_t room = running() ? stream_->bodyRoom() : kHeadRead;
  const IoResult got = wire_.link.transport.read(buffer.data(), std::min(buffer.size(), room));
  if (got.status == IoStatus::WouldBlock) {
    readable_ = false;
  } else if (got.status == IoStatus::Ended) {
    readable_ = false;
    onEnded();
  } else {
    onBytes({buffer.data(), got.size});
    // A short read has drained the socket. Only where the request is whole
    // may that be trusted: a FIN or RST can share the edge with the data.
    if (got.drained && !wire_.link.watch.peerClosed() && running() && stream_->isWhole()) {
      readable_ = false;
    }
  }
}

// A step of a big body whose length is known. False: it is to be read.
bool H1ClientSession::readSpliced() {
  const SpliceResult got = stream_->splice();
  switch (got.status) {
    case SpliceStatus::Unsupported:
      return false;
    case SpliceStatus::Ok:
      received_ += got.size;
      return true;
    case SpliceStatus::WouldBlock:
      readable_ = false;
      return true;
    case SpliceStatus::Ended:
      readable_ = false;
      onEnded();
      return true;
  }
  return false;
}

// While memory is short bodies stay in the kernel, and their senders wait; heads
// are read as long as they can be answered.
bool H1ClientSession::heldBack() {
  return running() ? worker_.memory.isShort() : worker_.memory.isCritical();
}

bool H1ClientSession::wantsRead() const {
  switch (streamState()) {
    case H1ClientStream::State::Idle:
    case H1ClientStream::State::Head:
      return true;
    case H1ClientStream::State::Body:
    case H1ClientStream::State::Tunnel:
      return !halfClosed() && in_.empty() && stream_->wantsBody();
    case H1ClientStream::State::Awaiting:
      return !halfClosed() && in_.size() < kPipelineLimit;
    case H1ClientStream::State::Settling:
    case H1ClientStream::State::Over:
      return false;
  }
  return false;
}

// A TLS client that shuts TCP without close_notify could not be answered: for
// OpenSSL the session is broken by it. Where the request is whole nothing can
// have been cut off, and it is an end like any other.
void H1ClientSession::tolerateBareFin() {
  SSL* const ssl = wire_.link.transport.ssl();
  if (ssl == nullptr) {
    return;
  }
  if (streamState() == H1ClientStream::State::Awaiting) {
    SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
  } else {
    SSL_clear_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
  }
}

void H1ClientSession::onBytes(std::string_view bytes) {
  received_ += bytes.size();
  if (in_.empty()) {
    in_.assign(process(bytes));
  } else {
    in_.append(bytes);
    processHeld();
  }
}

void H1ClientSession::processHeld() {
  const std::string held = std::exchange(in_, std::string());
  in_.assign(process(held));
  if (halfClosed() && !running()) {
    onEnded();  // what the FIN left behind is no whole request
  } else if (heardAll() && streamState() == H1ClientStream::State::Tunnel) {
    stream_->onTunnelHeard();
  }
}

// Uses what it can; returns what has to wait.
std::string_view H1ClientSession::process(std::string_view bytes) {
  while (!bytes.empty() && state_ != State::Over) {
    bytes = stream().take(bytes);
    if (stream_) {
      return bytes;
    }
  }
  return {};
}

bool H1ClientSession::connectionDead() const {
  const auto tcp = wire_.link.transport.tcpInfo();
  return tcp && tcp->state == TCP_CLOSE;
}

void H1ClientSession::onEnded() {
  if (const auto* broken = std::get_if<TlsFault>(&wire_.link.transport.fault())) {
    onTlsBroken(*broken);
    return;
  }
  const auto end = std::get<EndFault>(wire_.link.transport.fault());
  if (!running()) {
    state_ = State::HalfClosed;
    if (streamState() == H1ClientStream::State::Head) {
      stream_->refuse(end);
    } else {
      this->end(Farewell::Close);
    }
    return;
  }
  const bool orderly =
      end.how == EndFault::How::Fin || end.how == EndFault::How::CloseNotify || end.how == EndFault::How::TlsTruncated;
  if (!orderly || wire_.output.broken()) {
    stream_->onClientReset(end.error);
    return;
  }
  state_ = State::HalfClosed;
  stream_->onClientFin(end);
}

// An alert, or bytes that are no record. It says something about the client
// also where no request is under way.
void H1ClientSession::onTlsBroken(const TlsFault& fault) {
  if (running()) {
    stream_->onClientBroken(fault);
  } else {
    state_ = State::HalfClosed;
    stream().refuse(fault);
  }
}

// ---- writing ------------------------------------------------------------

void H1ClientSession::note(SocketOutput::Step step) {
  switch (step) {
    case SocketOutput::Step::Kept:
      return;
    case SocketOutput::Step::Sent:
      if (stream_) {
        stream_->onAllSent();
      }
      return;
    case SocketOutput::Step::Blocked:
      accountBuffers();
      if (stream_) {
        stream_->watchProgress();
      }
      return;
    case SocketOutput::Step::Broke:
      wire_.link.watch.kick();  // told from the loop, not from inside the exchange's call
      return;
  }
}

// ---- one request after the other ----------------------------------------

void H1ClientSession::onStreamOver(Disposition disposition, bool whole) {
  streams_.giveBack(std::move(stream_));
  switch (disposition) {
    case Disposition::KeepAlive:
      next();
      return;
    case Disposition::Close: {
      const bool all_read = whole && !hasInput() && !wire_.link.transport.tls();
      end(all_read ? Farewell::Close : halfClosed() ? Farewell::Shut : Farewell::Linger);
      return;
    }
    case Disposition::Reset:
      end(Farewell::Reset);
      return;
    case Disposition::Drop:
      end(Farewell::Close);
      return;
  }
}

void H1ClientSession::next() {
  wire_.clock.await(ClientClock::Wait::Request, limits().client_idle_timeout);
  if (in_.empty()) {
    host_.onSessionIdle();
  }
  if (!pumping_ && (hasInput() || halfClosed())) {
    wire_.link.watch.kick();
  }
}

void H1ClientSession::end(Farewell farewell) {
  state_ = State::Over;
  in_.clear();
  host_.onSessionOver(farewell);
}

void H1ClientSession::close() {
  state_ = State::Over;
  if (stream_) {
    stream_->abandon();
    streams_.giveBack(std::move(stream_));
  }
}

void H1ClientSession::onLate(ClientClock::Wait wait) {
  switch (wait) {
    case ClientClock::Wait::Request:
    case ClientClock::Wait::Head:
      if (streamState() == H1ClientStream::State::Head) {
        stream_->refuse(TimerFault{.timer = Timer::ClientHead,
                                   .limit_ms = static_cast<std::uint32_t>(limits().client_head_timeout.count()),
                                   .elapsed_ms = wire_.clock.waitedMs()});
      } else {
        end(halfClosed() ? Farewell::Shut : Farewell::Linger);  // idle: closed politely, a request may be on its way
      }
      return;
    case ClientClock::Wait::Delivery:
      stream_->settleUnknown();
      return;
    case ClientClock::Wait::Nothing:
    case ClientClock::Wait::Opening:
    case ClientClock::Wait::Goodbye:
      return;  // the connection's
  }
}

void H1ClientSession::drain(std::chrono::milliseconds grace) {
  // Also one that has just been accepted: its first request may be on its way.
  if (streamState() == H1ClientStream::State::Idle) {
    wire_.clock.limit(std::max(grace, std::chrono::milliseconds(1)));
  }
}

void H1ClientSession::abortForDrain() {
  if (running()) {
    stream_->onDrainDeadline();
  } else {
    end(Farewell::Close);
  }
}

// ---- memory ---------------------------------------------------------------

bool H1ClientSession::refuseSlowHead(std::chrono::milliseconds grace) {
  if (streamState() != H1ClientStream::State::Head || wire_.clock.waitedMs() < static_cast<double>(grace.count())) {
    return false;
  }
  stream_->refuse(memoryFault(worker_.memory.use()));
  return true;
}

void H1ClientSession::resumeAfterShortage() {
  if (readable_ && state_ != State::Over) {
    wire_.link.watch.kick();
  }
}

void H1ClientSession::accountBuffers() {
  const std::size_t holds = in_.size() + wire_.output.size() + (stream_ ? stream_->holds() : 0);
  const auto now = static_cast<std::int64_t>(holds);
  worker_.memory.account(now - accounted_);
  accounted_ = now;
}

}  // namespace gatewhy
