// SPDX-License-Identifier: Apache-2.0
// The half of H2Session that takes what comes.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "diagnostics/h2_words.h"
#include "proxy/http/evidence_limits.h"
#include "proxy/http/h2/h2_session.h"

namespace gatewhy {
namespace {

// A block of fields may unpack to so many times its limit until it ends the
// connection. Until then its request alone is refused.
constexpr std::uint64_t kBombFactor = 16;

}  // namespace

bool H2Session::feed(std::string_view bytes, H2Instant now) {
  assert(activity_ == Activity::None);
  now_ = now;
  while (!bytes.empty() && state_ != State::Over) {
    const H2FrameScanner::Step step = scanner_.next(bytes);
    std::size_t size = step.taken;
    if (!step.head) {
      watch(bytes.substr(0, size));
    } else if (takeFrameHead(*step.head, bytes.substr(size)) && scanner_.payload() != 0) {
      const std::size_t payload = scanner_.next(bytes.substr(size)).taken;
      watch(bytes.substr(size, payload));
      size += payload;
    }
    if (!fault_) {
      take(bytes.substr(0, size));
    }
    bytes.remove_prefix(size);
    // What nghttp2 thinks of a frame shows in what it wants to send, and is to
    // be told of that frame.
    if (fault_ || nghttp2_session_want_write(session_.get()) != 0) {
      produce();
      announce();
    }
  }
  return state_ != State::Over;
}

void H2Session::take(std::string_view segment) {
  activity_ = Activity::Receiving;
  const ssize_t taken =
      nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(segment.data()), segment.size());
  activity_ = Activity::None;
  if (taken >= 0 || fault_) {
    return;
  }
  fault_ = std::make_unique<StreamFault>(protocolFault(0, numberOf(H2Code::ProtocolError)));
  fault_->detail = nghttp2_strerror(static_cast<int>(taken));
  if (taken == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
    fault_->detail = "the connection does not begin with the preface of HTTP/2";
    fault_->frame.clear();
  }
}

// Before anything is done about the frame.
bool H2Session::takeFrameHead(const H2FrameHead& frame, std::string_view behind) {
  frame_ = frame;
  behind_ = behind;
  moved_ = false;
  invalid_ = 0;
  const H2Stream* stream = find(frame.stream);
  judge(frame);
  if (frame.type == H2FrameType::Settings && !frame.has(kH2Ack)) {
    noteOpenWindows();
  }
  onFlood(guard_.onFrame(frame, stream != nullptr && stream->incoming != H2Stream::Incoming::Over, now_));
  return !fault_;
}

// SETTINGS_INITIAL_WINDOW_SIZE may close them.
void H2Session::noteOpenWindows() {
  for (auto& [id, stream] : streams_) {
    if (nghttp2_session_get_stream_remote_window_size(session_.get(), id) > 0) {
      stream.open_at = now_;
    }
  }
}

// ---- blocks of fields ------------------------------------------------------

void H2Session::beginBlock(H2StreamId id, bool opens) {
  block_size_ = 0;
  block_ = Block::Ignored;
  const H2Stream* stream = find(id);
  if (stream == nullptr ? opens && beginStream(id) : stream->incoming == H2Stream::Incoming::Awaited) {
    block_ = Block::Head;
    beginHead(id);
  } else if (stream != nullptr && stream->incoming == H2Stream::Incoming::Coming) {
    block_ = Block::Trailers;
    trailers_.begin();
  }
}

void H2Session::takeField(std::string_view name, std::string_view value) {
  constexpr std::uint64_t kOverhead = 32;  // RFC 9113 section 6.5.2
  const std::uint64_t most = kBombFactor * std::max(limits_.header_list, limits_.trailers);
  block_size_ += name.size() + value.size() + kOverhead;
  if (block_size_ > most) {
    onFlood(H2FloodVerdict{H2Flood::HeaderBomb, block_size_, most});
    return;
  }
  switch (block_) {
    case Block::Head:
      takeHeadField(name, value);
      break;
    case Block::Trailers:
      trailers_.take(name, value, observer_.redaction());
      break;
    case Block::Ignored:
      break;
  }
}

void H2Session::endBlock(H2StreamId id, bool ends) {
  if (fault_) {
    return;
  }
  switch (std::exchange(block_, Block::Ignored)) {
    case Block::Head:
      endHead(id, ends);
      break;
    case Block::Trailers:
      endTrailers(id, ends);
      break;
    case Block::Ignored:
      if (ends) {
        endDropped(id);
      }
      break;
  }
}

void H2Session::endTrailers(H2StreamId id, bool ends) {
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->incoming != H2Stream::Incoming::Coming) {
    return;
  }
  if (!ends) {
    StreamFault fault = protocolFault(id, numberOf(H2Code::ProtocolError));
    fault.detail = "a second block of fields does not end the stream";
    breakStream(id, *stream, H2Code::ProtocolError, fault);
  } else if (trailers_.fault()) {
    breakStream(id, *stream, H2Code::ProtocolError, *trailers_.fault());
  } else {
    endMessage(id, *stream, trailers_.lines());
  }
}

// ---- bodies ----------------------------------------------------------------

void H2Session::takeBody(H2StreamId id, std::string_view data) {
  if (!std::exchange(moved_, true)) {
    guard_.onUseful(now_);
  }
  if (role_ == Role::Client) {
    nghttp2_session_consume_connection(session_.get(), data.size());
  }
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->incoming != H2Stream::Incoming::Coming || fault_) {
    if (stream != nullptr) {
      giveBack(id, *stream, data.size());
    } else if (role_ == Role::Server) {
      nghttp2_session_consume_connection(session_.get(), data.size());
    }
    onDropped(id, data.size());
    return;
  }
  stream->unconsumed += data.size();
  const std::uint64_t room = stream->declared ? *stream->declared - stream->received : data.size();
  const bool too_long = data.size() > room;
  const std::string_view taken = data.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(room, data.size())));
  stream->received += taken.size();
  if (!taken.empty()) {
    observer_.onBody(id, taken);
  }
  // The observer may have let it go.
  stream = too_long ? find(id) : nullptr;
  if (stream != nullptr && stream->incoming == H2Stream::Incoming::Coming) {
    breakStream(id, *stream, H2Code::ProtocolError,
                stream->bodiless ? ParseFault{.error = ParseError::BodyUnexpected}
                                 : ParseFault{.error = ParseError::BodyLengthDiffers,
                                              .offset = *stream->declared,
                                              .header_name = "content-length",
                                              .size = *stream->declared + 1,
                                              .limit = *stream->declared});
  }
}

void H2Session::endData(H2StreamId id, bool ends) {
  if (!ends && !moved_ && frame_.length != 0) {
    onFlood(guard_.onPadding(now_));
  }
  H2Stream* stream = find(id);
  if (fault_) {
    return;
  }
  switch (stream != nullptr ? stream->incoming : H2Stream::Incoming::Over) {
    case H2Stream::Incoming::Awaited: {
      StreamFault fault = protocolFault(id, numberOf(H2Code::ProtocolError));
      fault.detail = "DATA before the head of the message";
      breakStream(id, *stream, H2Code::ProtocolError, fault);
      break;
    }
    case H2Stream::Incoming::Coming:
      if (ends) {
        endMessage(id, *stream, {});
      }
      break;
    case H2Stream::Incoming::Refused:
    case H2Stream::Incoming::Over:
      if (ends) {
        endDropped(id);
      }
      break;
    case H2Stream::Incoming::Whole:
      break;
  }
}

void H2Session::endDropped(H2StreamId id) {
  H2Stream* stream = find(id);
  if (stream != nullptr && stream->incoming == H2Stream::Incoming::Refused) {
    stream->incoming = H2Stream::Incoming::Whole;
  }
  onEndDropped(id);
}

void H2Session::endMessage(H2StreamId id, H2Stream& stream, std::string_view trailers) {
  if (stream.declared && stream.received != *stream.declared) {
    const ParseFault fault{.error = ParseError::BodyLengthDiffers,
                           .offset = stream.received,
                           .header_name = "content-length",
                           .size = stream.received,
                           .limit = *stream.declared};
    if (!bearsShortEnd(id, stream, fault)) {
      breakStream(id, stream, H2Code::ProtocolError, fault);
    }
    return;
  }
  stream.incoming = H2Stream::Incoming::Whole;
  observer_.onEnd(id, trailers);
}

void H2Session::breakStream(H2StreamId id, H2Stream& stream, H2Code code, const Fault& fault) {
  overStream(id, stream);
  submitReset(id, code);
  onProvokedReset();
  observer_.onStreamFault(id, fault);
}

// ---- the peer gives up -----------------------------------------------------

void H2Session::takeReset(H2StreamId id, std::uint32_t code) {
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->incoming == H2Stream::Incoming::Over || fault_) {
    onEndDropped(id);
    return;
  }
  if (stream->outgoing == H2Stream::Outgoing::None) {
    onFlood(guard_.onEarlyReset(now_));
  }
  const bool awaited = isAwaited(*stream);
  const bool whole = code == numberOf(H2Code::NoError) && isWholeWithoutEnd(*stream);
  overStream(id, *stream);
  if (whole) {
    observer_.onEnd(id, {});
  } else if (awaited) {
    StreamFault fault = saidFault(StreamFault::How::Reset, code);
    fault.stream = id;
    observer_.onReset(id, fault);
  }
}

void H2Session::takeGoAway(std::int32_t last, std::uint32_t code, std::string_view debug) {
  if (fault_) {
    return;
  }
  StreamFault fault = saidFault(StreamFault::How::GoAway, code);
  fault.last_stream = last;
  fault.detail = debug.substr(0, kMostEvidence);
  if (state_ == State::Open) {
    state_ = State::Draining;
  }
  goaway_ = std::make_unique<StreamFault>(fault);
  observer_.onGoAway(fault);
  afterGoAway(fault);
}

void H2Session::takePing(bool ack, const std::uint8_t* opaque) {
  if (ack && !fault_) {
    std::uint64_t value = 0;
    std::memcpy(&value, opaque, sizeof value);
    observer_.onPong(value);
  }
}

// ---- faults ----------------------------------------------------------------

void H2Session::onFlood(const H2FloodGuard::Verdict& verdict) {
  if (!verdict || fault_) {
    return;
  }
  fault_ = std::make_unique<StreamFault>(protocolFault(0, numberOf(H2Code::EnhanceYourCalm)));
  fault_->how = StreamFault::How::Flood;
  fault_->flood = name(verdict->kind);
  fault_->detail = description(verdict->kind);
  fault_->size = verdict->count;
  fault_->limit = verdict->limit;
}

void H2Session::breakConnection(H2Code code, std::string_view detail) {
  if (!fault_) {
    fault_ = std::make_unique<StreamFault>(protocolFault(frame_.stream, numberOf(code)));
    fault_->detail = detail;
  }
}

// What a frame of the peer says.
StreamFault H2Session::saidFault(StreamFault::How how, std::uint32_t code) const {
  StreamFault fault;
  fault.how = how;
  fault.code = code;
  fault.frame = h2FrameName(static_cast<std::uint8_t>(frame_.type));
  fault.offset = scanner_.frameOffset();
  return fault;
}

// What is wrong with a frame of the peer.
StreamFault H2Session::protocolFault(H2StreamId id, std::uint32_t code) const {
  StreamFault fault = saidFault(StreamFault::How::Protocol, code);
  fault.stream = id;
  fault.detail = invalid_ != 0 ? nghttp2_strerror(invalid_) : h2CodeMeaning(code);
  return fault;
}

}  // namespace gatewhy
