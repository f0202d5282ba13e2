// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_server_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <iterator>

#include "proxy/http/h2/h2_callbacks.h"

namespace gatewhy {

H2ServerSession::H2ServerSession(const H2ServerSettings& settings, H2ServerObserver& observer)
    : H2Session(Role::Server, {.header_list = settings.header_list, .trailers = settings.trailers}, observer),
      settings_(settings),
      observer_(observer),
      request_({.head = settings.head,
                .list = settings.header_list,
                .extended_connect = settings.extended_connect,
                .https = settings.https}) {
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.header_list},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, settings.extended_connect ? 1U : 0U},
  };
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, entries, std::size(entries));
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(settings.connection_window));
}

// ---- requests --------------------------------------------------------------

void H2ServerSession::judge(const H2FrameHead& frame) {
  payload_seen_ = 0;
  dependency_ = 0;
  stopUploads();
  if (frame.type == H2FrameType::Headers && early_.size() != 0 &&
      streams_.size() + early_.size() >= settings_.streams) {
    makePlace();
  }
  if (frame.type == H2FrameType::Priority && frame.stream == 0) {
    breakConnection(H2Code::ProtocolError, "PRIORITY of no stream");
  }
  const auto fault = log_.onFrame(frame);
  if (fault == H2StreamLog::Fault::Backwards) {
    breakConnection(H2Code::ProtocolError, "a stream below one that was opened before");
  } else if (fault == H2StreamLog::Fault::Closed) {
    breakConnection(H2Code::StreamClosed, "the client had ended the stream");
  }
}

// Priorities are not followed, and nghttp2 then passes over what is wrong with
// them: a stream that depends on itself (RFC 7540 section 5.3.1).
void H2ServerSession::watch(std::string_view payload) {
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

// To its client a stream is over with END_STREAM, also while its origin has
// still to say so; one that was reset keeps its place until then.
bool H2ServerSession::hasPlace() const {
  if (streams_.size() < settings_.streams) {
    return true;
  }
  const auto answered = static_cast<std::size_t>(std::ranges::count_if(streams_, [](const auto& entry) {
    return entry.second.incoming == H2Stream::Incoming::Whole && entry.second.outgoing == H2Stream::Outgoing::Sent;
  }));
  return answered <= settings_.streams && streams_.size() - answered < settings_.streams;
}

bool H2ServerSession::beginStream(H2StreamId id) {
  if (hasPlace()) {
    return true;
  }
  submitReset(id, H2Code::RefusedStream);
  onFlood(guard_.onRefusedStream(now_));
  return false;
}

void H2ServerSession::takeHeadField(std::string_view name, std::string_view value) {
  request_.take(name, value, observer_.redaction());
}

void H2ServerSession::endHead(H2StreamId id, bool ends) {
  guard_.onStream(now_);
  const std::string key = request_.opensWebSocket() ? observer_.webSocketKey() : std::string();
  const auto fault = request_.finish(ends, key, observer_.redaction());
  if (fault && request_.malformed()) {
    submitReset(id, H2Code::ProtocolError);
    onProvokedReset();
    observer_.onRequestFault(id, request_.head(), *fault, H2Remedy::Reset);
    return;
  }
  H2Stream& stream = streams_[id];
  stream.open_at = now_;
  takeTurns(id);
  if (ends) {
    stream.incoming = H2Stream::Incoming::Whole;
  } else if (fault) {
    stream.incoming = H2Stream::Incoming::Refused;
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

bool H2ServerSession::isAwaited(const H2Stream& stream) const {
  return stream.incoming != H2Stream::Incoming::Over;
}

// Malformed (RFC 9113 section 8.1.1), but a reset would cut off an answer that nobody needs the rest for.
bool H2ServerSession::bearsShortEnd(H2StreamId id, H2Stream& stream, const ParseFault& fault) {
  if (stream.outgoing == H2Stream::Outgoing::None) {
    return false;
  }
  stream.incoming = H2Stream::Incoming::Whole;
  observer_.onShortEnd(id, fault);
  return true;
}

// ---- answers ---------------------------------------------------------------

void H2ServerSession::submitInterim(H2StreamId id, std::uint16_t status, std::string_view fields) {
  const H2Stream* stream = find(id);
  if (stream == nullptr || stream->outgoing != H2Stream::Outgoing::None) {
    return;
  }
  fields_.clear();
  fields_.status(status);
  fields_.lines(fields);
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, id, nullptr, fields_.data(), fields_.size(), nullptr);
}

void H2ServerSession::submitHead(H2StreamId id, std::uint16_t status, std::string_view fields, bool ends) {
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->outgoing != H2Stream::Outgoing::None) {
    return;
  }
  fields_.clear();
  fields_.status(status);
  fields_.lines(fields);
  const nghttp2_data_provider body = H2Callbacks::body();
  stream->outgoing = ends ? H2Stream::Outgoing::Ending : H2Stream::Outgoing::Begun;
  nghttp2_submit_response(session_.get(), id, fields_.data(), fields_.size(), ends ? nullptr : &body);
}

void H2ServerSession::onEndSent(H2StreamId id, H2Stream& stream) {
  if (stream.incoming != H2Stream::Incoming::Whole && !stream.tunnel) {
    stream.incoming = H2Stream::Incoming::Over;
    early_.add(id, now_);
    onDropped(id, 0);
  }
}

void H2ServerSession::onDropped(H2StreamId id, std::size_t size) {
  early_.onDropped(id, size);
  if (nghttp2_session_get_stream_local_window_size(session_.get(), id) == 0 && early_.remove(id)) {
    submitReset(id, H2Code::NoError);  // it could not go on
  }
  stopUploads();
}

// RFC 9113 section 8.1.
void H2ServerSession::stopUploads() {
  while (const auto due = early_.takeDue(now_)) {
    submitReset(*due, H2Code::NoError);
  }
}

// Where a client takes a stream for over, and nghttp2 does not yet.
void H2ServerSession::makePlace() {
  while (const auto oldest = early_.takeOldest()) {
    submitReset(*oldest, H2Code::NoError);
  }
  produce();
}

void H2ServerSession::announceShutdown() {
  if (state_ == State::Open) {
    state_ = State::Draining;
    nghttp2_submit_shutdown_notice(session_.get());
  }
}

}  // namespace gatewhy
