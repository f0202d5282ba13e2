// SPDX-License-Identifier: Apache-2.0
// The half of H2ServerSession that takes what comes.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "diagnostics/h2_words.h"
#include "proxy/http/evidence_limits.h"
#include "proxy/http/h2/h2_server_session.h"

namespace gatewhy {
namespace {

// A block of fields may unpack to so many times its limit until it ends the
// connection. Until then its request alone is refused.
constexpr std::uint64_t kBombFactor = 16;

}  // namespace

bool H2ServerSession::feed(std::string_view bytes, H2Instant now) {
  assert(activity_ == Activity::None);
  now_ = now;
  while (!bytes.empty() && state_ != State::Over) {
    const H2FrameScanner::Step step = scanner_.next(bytes);
    std::size_t size = step.taken;
    if (!step.head) {
      watchPriority(bytes.substr(0, size));
    } else if (judge(*step.head) && scanner_.payload() != 0) {
      const std::size_t payload = scanner_.next(bytes.substr(size)).taken;
      watchPriority(bytes.substr(size, payload));
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

void H2ServerSession::take(std::string_view segment) {
  activity_ = Activity::Receiving;
  const ssize_t taken =
      nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(segment.data()), segment.size());
  activity_ = Activity::None;
  if (taken >= 0 || fault_) {
    return;
  }
  fault_ = std::make_unique<StreamFault>(protocolFault(0, static_cast<std::uint32_t>(H2Code::ProtocolError)));
  fault_->detail = nghttp2_strerror(static_cast<int>(taken));
  if (taken == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
    fault_->detail = "the connection does not begin with the preface of HTTP/2";
    fault_->frame.clear();
  }
}

// Before anything is done about the frame.
bool H2ServerSession::judge(const H2FrameHead& frame) {
  frame_ = frame;
  payload_seen_ = 0;
  dependency_ = 0;
  moved_ = false;
  invalid_ = 0;
  const H2ServerStream* stream = find(frame.stream);
  const bool open = stream != nullptr && stream->request != H2ServerStream::Request::Over;
  onFlood(guard_.onFrame(frame, open, now_));
  if (frame.type == H2FrameType::Priority && frame.stream == 0) {
    breakConnection(H2Code::ProtocolError, "PRIORITY of no stream");
  }
  const auto fault = log_.onFrame(frame);
  if (fault == H2StreamLog::Fault::Backwards) {
    breakConnection(H2Code::ProtocolError, "a stream below one that was opened before");
  } else if (fault == H2StreamLog::Fault::Closed) {
    breakConnection(H2Code::StreamClosed, "the client had ended the stream");
  }
  return !fault_;
}

// Priorities are not followed, and nghttp2 then passes over what is wrong with
// them: a stream that depends on itself (RFC 7540 section 5.3.1).
void H2ServerSession::watchPriority(std::string_view payload) {
  constexpr std::size_t kPriority = 5;  // octets
  constexpr std::size_t kDependency = 4;
  constexpr std::uint32_t kStreamBits = 0x7fffffff;
  constexpr unsigned kOctet = 8;
  if (frame_.type != H2FrameType::Priority || frame_.stream == 0 || frame_.length != kPriority) {
    return;  // of another size: for nghttp2 to refuse
  }
  for (const char octet : payload) {
    if (payload_seen_++ < kDependency) {
      dependency_ = dependency_ << kOctet | static_cast<std::uint8_t>(octet);
    }
  }
  if (payload_seen_ >= kDependency && (dependency_ & kStreamBits) == static_cast<std::uint32_t>(frame_.stream)) {
    breakConnection(H2Code::ProtocolError, "a stream depends on itself");
  }
}

// ---- blocks of fields ------------------------------------------------------

void H2ServerSession::beginBlock(H2StreamId id, bool request) {
  block_size_ = 0;
  block_ = Block::Ignored;
  if (!request) {
    const H2ServerStream* stream = find(id);
    if (stream != nullptr && stream->request == H2ServerStream::Request::Coming) {
      block_ = Block::Trailers;
      trailers_.begin();
    }
  } else if (streams_.size() >= settings_.streams) {
    submitReset(id, H2Code::RefusedStream);
    onFlood(guard_.onRefusedStream(now_));
  } else {
    block_ = Block::Request;
    request_.begin();
  }
}

void H2ServerSession::takeField(std::string_view name, std::string_view value) {
  constexpr std::uint64_t kOverhead = 32;  // RFC 9113 section 6.5.2
  const std::uint64_t most = kBombFactor * std::max(settings_.header_list, settings_.trailers);
  block_size_ += name.size() + value.size() + kOverhead;
  if (block_size_ > most) {
    onFlood(H2FloodVerdict{H2Flood::HeaderBomb, block_size_, most});
    return;
  }
  switch (block_) {
    case Block::Request:
      request_.take(name, value, observer_.redaction());
      break;
    case Block::Trailers:
      trailers_.take(name, value, observer_.redaction());
      break;
    case Block::Ignored:
      break;
  }
}

void H2ServerSession::endBlock(H2StreamId id, bool ends) {
  if (fault_) {
    return;
  }
  switch (std::exchange(block_, Block::Ignored)) {
    case Block::Request:
      endHead(id, ends);
      break;
    case Block::Trailers:
      endTrailers(id, ends);
      break;
    case Block::Ignored: {
      H2ServerStream* stream = find(id);
      if (stream != nullptr && ends && stream->request == H2ServerStream::Request::Refused) {
        stream->request = H2ServerStream::Request::Whole;
      }
      break;
    }
  }
}

void H2ServerSession::endHead(H2StreamId id, bool ends) {
  guard_.onStream(now_);
  const std::string key = request_.opensWebSocket() ? observer_.webSocketKey() : std::string();
  const auto fault = request_.finish(ends, key, observer_.redaction());
  if (fault && request_.malformed()) {
    submitReset(id, H2Code::ProtocolError);
    onFlood(guard_.onProvokedReset(now_));
    observer_.onRequestFault(id, request_.head(), *fault, H2Remedy::Reset);
    return;
  }
  H2ServerStream& stream = streams_[id];
  takeTurns(id);
  if (ends) {
    stream.request = H2ServerStream::Request::Whole;
  } else if (fault) {
    stream.request = H2ServerStream::Request::Refused;
  }
  if (fault) {
    observer_.onRequestFault(id, request_.head(), *fault, H2Remedy::Answer);
    return;
  }
  RequestHead& head = request_.head();
  if (head.has_content_length) {
    stream.declared = head.content_length;
  }
  stream.tunnel = !request_.protocol().empty();
  observer_.onRequestHead(id, head, {.ends = ends, .protocol = std::string(request_.protocol())});
}

// Streams are served by turns, whatever the client would like (RFC 9218 section
// 10 leaves it to servers): one long answer must not hold up the others.
void H2ServerSession::takeTurns(H2StreamId id) {
  const nghttp2_extpri by_turns{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
  nghttp2_session_change_extpri_stream_priority(session_.get(), id, &by_turns, 1);
}

void H2ServerSession::endTrailers(H2StreamId id, bool ends) {
  H2ServerStream* stream = find(id);
  if (stream == nullptr || stream->request != H2ServerStream::Request::Coming) {
    return;
  }
  if (!ends) {
    StreamFault fault = protocolFault(id, static_cast<std::uint32_t>(H2Code::ProtocolError));
    fault.detail = "a second block of fields does not end the stream";
    breakStream(id, *stream, fault);
  } else if (trailers_.fault()) {
    breakStream(id, *stream, *trailers_.fault());
  } else {
    endRequest(id, *stream, trailers_.lines());
  }
}

// ---- bodies ----------------------------------------------------------------

void H2ServerSession::takeBody(H2StreamId id, std::string_view data) {
  if (!std::exchange(moved_, true)) {
    guard_.onUseful(now_);
  }
  H2ServerStream* stream = find(id);
  if (stream == nullptr || stream->request != H2ServerStream::Request::Coming || fault_) {
    nghttp2_session_consume(session_.get(), id, data.size());
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
  if (stream != nullptr && stream->request == H2ServerStream::Request::Coming) {
    breakStream(id, *stream,
                ParseFault{.error = ParseError::BodyLengthDiffers,
                           .offset = *stream->declared,
                           .header_name = "content-length",
                           .size = *stream->declared + 1,
                           .limit = *stream->declared});
  }
}

void H2ServerSession::endData(H2StreamId id, bool ends) {
  if (!ends) {
    if (!moved_ && frame_.length != 0) {
      onFlood(guard_.onPadding(now_));
    }
    return;
  }
  H2ServerStream* stream = find(id);
  if (stream == nullptr || fault_) {
    return;
  }
  if (stream->request == H2ServerStream::Request::Refused) {
    stream->request = H2ServerStream::Request::Whole;
  } else if (stream->request == H2ServerStream::Request::Coming) {
    endRequest(id, *stream, {});
  }
}

void H2ServerSession::endRequest(H2StreamId id, H2ServerStream& stream, std::string_view trailers) {
  if (stream.declared && stream.received != *stream.declared) {
    breakStream(id, stream,
                ParseFault{.error = ParseError::BodyLengthDiffers,
                           .offset = stream.received,
                           .header_name = "content-length",
                           .size = stream.received,
                           .limit = *stream.declared});
    return;
  }
  stream.request = H2ServerStream::Request::Whole;
  observer_.onEnd(id, trailers);
}

void H2ServerSession::breakStream(H2StreamId id, H2ServerStream& stream, const Fault& fault) {
  stream.request = H2ServerStream::Request::Over;
  stream.answer = H2ServerStream::Answer::Sent;
  stream.drop();
  submitReset(id, H2Code::ProtocolError);
  onFlood(guard_.onProvokedReset(now_));
  observer_.onStreamFault(id, fault);
}

// ---- the client gives up ---------------------------------------------------

void H2ServerSession::takeReset(H2StreamId id, std::uint32_t code) {
  H2ServerStream* stream = find(id);
  if (stream == nullptr || stream->request == H2ServerStream::Request::Over || fault_) {
    return;
  }
  if (stream->answer == H2ServerStream::Answer::None) {
    onFlood(guard_.onEarlyReset(now_));
  }
  stream->request = H2ServerStream::Request::Over;
  stream->answer = H2ServerStream::Answer::Sent;
  stream->drop();
  StreamFault fault = faultOfFrame(StreamFault::How::Reset, code);
  fault.stream = id;
  observer_.onReset(id, fault);
}

void H2ServerSession::takeGoAway(std::int32_t last, std::uint32_t code, std::string_view debug) {
  if (fault_) {
    return;
  }
  StreamFault fault = faultOfFrame(StreamFault::How::GoAway, code);
  fault.last_stream = last;
  fault.detail = debug.substr(0, kMostEvidence);
  if (state_ == State::Open) {
    state_ = State::Draining;
  }
  observer_.onGoAway(fault);
}

void H2ServerSession::takePing(bool ack, const std::uint8_t* opaque) {
  if (ack && !fault_) {
    std::uint64_t value = 0;
    std::memcpy(&value, opaque, sizeof value);
    observer_.onPong(value);
  }
}

// ---- faults ----------------------------------------------------------------

void H2ServerSession::onFlood(const H2FloodGuard::Verdict& verdict) {
  if (!verdict || fault_) {
    return;
  }
  fault_ = std::make_unique<StreamFault>(protocolFault(0, static_cast<std::uint32_t>(H2Code::EnhanceYourCalm)));
  fault_->how = StreamFault::How::Flood;
  fault_->flood = name(verdict->kind);
  fault_->detail = description(verdict->kind);
  fault_->size = verdict->count;
  fault_->limit = verdict->limit;
}

void H2ServerSession::breakConnection(H2Code code, std::string_view detail) {
  if (!fault_) {
    fault_ = std::make_unique<StreamFault>(protocolFault(frame_.stream, static_cast<std::uint32_t>(code)));
    fault_->detail = detail;
  }
}

// Of the frame that came last.
StreamFault H2ServerSession::faultOfFrame(StreamFault::How how, std::uint32_t code) const {
  StreamFault fault;
  fault.how = how;
  fault.code = code;
  fault.frame = h2FrameName(static_cast<std::uint8_t>(frame_.type));
  fault.offset = scanner_.frameOffset();
  return fault;
}

StreamFault H2ServerSession::protocolFault(H2StreamId id, std::uint32_t code) const {
  StreamFault fault = faultOfFrame(StreamFault::How::Protocol, code);
  fault.stream = id;
  fault.detail = invalid_ != 0 ? nghttp2_strerror(invalid_) : h2CodeMeaning(code);
  return fault;
}

}  // namespace gatewhy
