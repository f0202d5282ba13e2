// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/h2_origin_connection.h"

#include <cerrno>
#include <utility>
#include <variant>

#include "proxy/http/h2/h2_code.h"
#include "proxy/net/peer_progress.h"
#include "proxy/origin/h2_origin_stream.h"

namespace gatewhy {
namespace {

constexpr int kReadsInH2Turn = 16;  // 1 MiB, then others get their turn

}  // namespace

H2OriginConnection::H2OriginConnection(EventLoop& loop, const H2OriginSettings& settings, const H2Patience& patience,
                                       const Redaction& redaction, std::unique_ptr<Link> link, bool readable)
    : OriginConnection(loop, Sharing::Shared),
      loop_(loop),
      redaction_(redaction),
      link_(std::move(link)),
      readable_(readable),
      liveness_(loop, patience, *this),
      room_(loop, [this] { noteRoom(); }),
      http2_(settings, *this),
      after_turn_(loop, [this] { afterTurn(); }) {
  link_->watch.setHandler(this);
  scheduleWrite();  // our SETTINGS
  if (readable_) {
    link_->watch.kick();
  }
}

H2OriginConnection::~H2OriginConnection() = default;

std::unique_ptr<OriginStream> H2OriginConnection::open(const OriginStreamSetup& setup) {
  return std::make_unique<H2OriginStream>(*this, setup);
}

std::uint32_t H2OriginConnection::room() const {
  return stopped_ || !takesMore() ? 0 : room_.left(http2_.most(), http2_.streams(), leases());
}

StreamFault H2OriginConnection::refusal() const {
  if (goaway_) {
    return *goaway_;
  }
  return {.how = StreamFault::How::NoRoom};
}

// ---- streams --------------------------------------------------------------

void H2OriginConnection::add(H2StreamId id, H2OriginStream& stream) {
  streams_.add(id, stream);
  liveness_.onBusy();
  scheduleWrite();
}

void H2OriginConnection::remove(H2StreamId id) {
  if (streams_.remove(id)) {
    http2_.release(id);
    if (streams_.empty()) {
      liveness_.onIdle();
    }
    scheduleWrite();
  }
}

void H2OriginConnection::onInterim(H2StreamId stream, ResponseHead& head) {
  if (H2OriginStream* found = streams_.find(stream)) {
    spoken_.push_back(stream);
    found->onInterim(head);
  }
}

void H2OriginConnection::onResponseHead(H2StreamId stream, ResponseHead& head, bool ends) {
  room_.onAnswered();
  if (H2OriginStream* found = streams_.find(stream)) {
    spoken_.push_back(stream);
    found->onHead(head, ends);
  }
}

void H2OriginConnection::onBody(H2StreamId stream, std::string_view data) {
  H2OriginStream* found = streams_.find(stream);
  if (found == nullptr) {
    http2_.consume(stream, data.size());
    return;
  }
  if (spoken_.empty() || spoken_.back() != stream) {
    spoken_.push_back(stream);
  }
  found->onBody(data);
}

void H2OriginConnection::onEnd(H2StreamId stream, std::string_view trailers) {
  if (H2OriginStream* found = streams_.find(stream)) {
    found->onEnd(trailers);
  }
}

void H2OriginConnection::onReset(H2StreamId stream, const StreamFault& fault) {
  if (fault.how == StreamFault::How::Reset && fault.code == numberOf(H2Code::RefusedStream)) {
    room_.onRefused();
  }
  onStreamFault(stream, fault);
}

void H2OriginConnection::onStreamFault(H2StreamId stream, const Fault& fault) {
  if (H2OriginStream* found = streams_.find(stream)) {
    found->onBroken(fault);
  }
}

void H2OriginConnection::onWritable(H2StreamId stream) {
  H2OriginStream* found = streams_.find(stream);
  if (found != nullptr && !socket_blocked_) {
    found->onWritable();
  }
}

void H2OriginConnection::onRequestSent(H2StreamId stream) {
  if (H2OriginStream* found = streams_.find(stream)) {
    found->onRequestSent();
  }
}

// ---- reading and writing --------------------------------------------------

void H2OriginConnection::onIo(bool readable, bool writable) {
  readable_ = readable_ || readable;
  turning_ = true;
  if (writable && socket_blocked_) {
    write();
  }
  read();
  turning_ = false;
  afterTurn();
}

void H2OriginConnection::read() {
  for (int reads = 0; readable_ && state_ != State::Over && !stopped_; ++reads) {
    if (reads == kReadsInH2Turn) {
      link_->watch.kick();
      return;
    }
    if (!readOnce()) {
      return;
    }
  }
}

// False: there is no more to be read now.
bool H2OriginConnection::readOnce() {
  const auto buffer = loop_.readBuffer();
  const IoResult got = link_->transport.read(buffer.data(), buffer.size());
  if (got.status != IoStatus::Ok) {
    readable_ = false;
    if (got.status == IoStatus::Ended || write_fault_) {
      onEnded();
    }
    return false;
  }
  readable_ = !got.drained || link_->watch.peerClosed();
  received_ += got.size;
  liveness_.onBytes();
  const bool goes_on = http2_.feed({buffer.data(), got.size}, loop_.turnTime());  // else onConnectionFault() said why
  std::vector<H2StreamId> spoken;
  spoken.swap(spoken_);
  for (const H2StreamId id : spoken) {
    if (H2OriginStream* stream = streams_.find(id)) {
      stream->onBatchEnd();
    }
  }
  if (spoken_.empty()) {
    spoken.clear();
    spoken_.swap(spoken);  // keeps its room
  }
  return goes_on;
}

// Not from within an observer's call: output() may tell of streams itself.
void H2OriginConnection::write() {
  while (!write_fault_) {
    const std::string_view output = http2_.output();
    if (output.empty()) {
      break;
    }
    const IoResult result = link_->transport.write(output.data(), output.size());
    if (result.status == IoStatus::Ended) {
      // What the origin said before it refused is still readable.
      write_fault_ = link_->transport.fault();
      if (!stopped_) {
        readable_ = true;
        link_->watch.kick();
      }
      return;
    }
    written_ += result.size;
    http2_.sent(result.size);
    if (result.size < output.size()) {
      if (!std::exchange(socket_blocked_, true)) {
        tellOfFullSocket();
      }
      return;
    }
  }
  if (std::exchange(socket_blocked_, false)) {
    streams_.forEach([this](H2OriginStream& stream) {
      if (!socket_blocked_) {
        stream.onWritable();
      }
    });
  }
}

// Bodies wait for it that have found room until now, and nothing wakes them.
void H2OriginConnection::tellOfFullSocket() {
  streams_.forEach([](H2OriginStream& stream) { stream.onSocketFull(); });
}

std::uint64_t H2OriginConnection::taken() const {
  return bytesTakenByPeer(link_->transport, written_);
}

void H2OriginConnection::scheduleWrite() {
  if (!turning_) {
    after_turn_.schedule();
  }
}

// What callbacks have left to be done.
void H2OriginConnection::afterTurn() {
  if (!socket_blocked_) {
    write();
  }
  if (stopped_) {
    return;
  }
  if (leases() == 0 && !takesMore()) {
    leavePool();  // parked, and not to be used again
  }
}

// The pool has let go of it. The origin is told, as far as the socket takes it.
void H2OriginConnection::stop() {
  stopped_ = true;
  liveness_.stop();
  room_.stop();
  link_->watch.stop();
  if (state_ != State::Over) {
    http2_.closeToNewStreams();
  }
  scheduleWrite();  // before it is buried, outside of whatever has called
}

// ---- the connection -------------------------------------------------------

// Its own word explains the end better than the end itself.
void H2OriginConnection::onEnded() {
  state_ = State::Over;
  const TransportFault fault = link_->transport.fault();
  const auto refused = std::exchange(write_fault_, fault);  // nothing is written any more
  if (goaway_) {
    breakAll(*goaway_);
    return;
  }
  if (const auto* tls = std::get_if<TlsFault>(&fault)) {
    breakAll(*tls);
    return;
  }
  EndFault end = std::get<EndFault>(fault);
  // A failed write took the socket's error with it, and the read behind it says
  // FIN: ECONNRESET there was the RST, EPIPE comes after a real FIN.
  const auto* broken = refused ? std::get_if<EndFault>(&*refused) : nullptr;
  if (broken != nullptr && broken->error == ECONNRESET) {
    end = *broken;
    end.on_write = true;
  }
  breakAll(end);
}

void H2OriginConnection::onConnectionFault(const StreamFault& fault) {
  state_ = State::Over;
  breakAll(fault);
  scheduleWrite();  // the GOAWAY
}

// Each may end, be tried again elsewhere, and take others with it.
void H2OriginConnection::breakAll(const Fault& fault) {
  streams_.forEach([&fault](H2OriginStream& stream) { stream.onBroken(fault); });
}

void H2OriginConnection::onSettings() {
  noteStreams(http2_.peerSettings().max_concurrent_streams);
  if (state_ == State::Opening) {
    state_ = State::Open;
    liveness_.onSettings(!streams_.empty());
  }
  noteRoom();
}

void H2OriginConnection::onGoAway(const StreamFault& fault) {
  goaway_ = fault;
  noteRoom();
  scheduleWrite();
}

void H2OriginConnection::onPingDue(std::uint64_t opaque) {
  http2_.ping(opaque);
  scheduleWrite();
}

void H2OriginConnection::onLate(const StreamFault& fault) {
  turning_ = true;
  http2_.fail(fault);
  turning_ = false;
  afterTurn();
}

}  // namespace gatewhy
