// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_origin_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "diagnostics/peer_name.h"
#include "proxy/http/h2/h2_callbacks.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kFirstFinal = 200;
constexpr std::uint16_t kSwitched = 101;
constexpr std::uint32_t kFirstUnusable = 1U << 31;  // of stream ids

// What a 101 says that switches to the protocol of an extended CONNECT.
std::string switchingLines(const H2OriginRequest& request) {
  std::string lines;
  lines.append("upgrade: ").append(request.protocol).append("\r\n");
  if (!request.websocket_accept.empty()) {
    lines.append("sec-websocket-accept: ").append(request.websocket_accept).append("\r\n");
  }
  return lines;
}

}  // namespace

H2OriginSession::H2OriginSession(const H2OriginSettings& settings, H2OriginObserver& observer)
    : H2Session(Role::Client, {.header_list = settings.header_list, .trailers = settings.trailers}, observer),
      settings_(settings),
      observer_(observer),
      response_(settings.head, settings.header_list) {
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.header_list},
  };
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, entries, std::size(entries));
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(settings.connection_window));
  nghttp2_session_set_next_stream_id(session_.get(), settings.first_stream);
}

// ---- requests --------------------------------------------------------------

H2StreamId H2OriginSession::openStream(const H2OriginRequest& request) {
  fields_.clear();
  if (room() == 0 || !fields_.request(request.head, request.https, request.protocol)) {
    return 0;
  }
  const nghttp2_data_provider body = H2Callbacks::body();
  const H2StreamId id = nghttp2_submit_request(session_.get(), nullptr, fields_.data(), fields_.size(),
                                               request.ends ? nullptr : &body, nullptr);
  if (id <= 0) {
    return 0;
  }
  log_.onOpened(id);
  H2Stream& stream = streams_[id];
  stream.incoming = H2Stream::Incoming::Awaited;
  stream.outgoing = request.ends ? H2Stream::Outgoing::Ending : H2Stream::Outgoing::Begun;
  stream.method = request.method;
  stream.mend = request.mend;
  stream.window = settings_.stream_window;
  if (!request.protocol.empty()) {
    stream.tunnel = true;
    stream.switching = switchingLines(request);
  }
  if (nghttp2_session_get_next_stream_id(session_.get()) >= kFirstUnusable) {
    closeToNewStreams();
  }
  return id;
}

std::size_t H2OriginSession::room() const {
  if (state_ != State::Open || fault_) {
    return 0;
  }
  return most() - std::min<std::size_t>(most(), streams_.size());
}

std::uint32_t H2OriginSession::most() const {
  return std::min(settings_.streams, settled_ ? peerSettings().max_concurrent_streams : settings_.first_streams);
}

// ---- what comes ------------------------------------------------------------

void H2OriginSession::judge(const H2FrameHead& frame) {
  if (!settled_ && (frame.type != H2FrameType::Settings || frame.has(kH2Ack))) {
    refuseBeginning();
    return;
  }
  if (frame.type == H2FrameType::PushPromise) {
    breakConnection(H2Code::ProtocolError, "a push, which our SETTINGS refuse");
  }
  if (log_.onFrame(frame) == H2StreamLog::Fault::Closed) {
    breakConnection(H2Code::StreamClosed, "the origin had ended the stream");
  }
}

// Most often it is another protocol.
void H2OriginSession::refuseBeginning() {
  breakConnection(H2Code::ProtocolError, "the connection does not begin with SETTINGS");
  constexpr std::size_t kFirstBytes = 32;
  const std::string first = std::string(scanner_.lastHead()).append(behind_.substr(0, kFirstBytes - kH2FrameHead));
  if (const std::string_view peer = identifyPeer(first); peer != "binary" && !peer.starts_with("HTTP/2")) {
    fault_->excerpt = first;
    fault_->stream = 0;
    fault_->frame.clear();
  }
}

void H2OriginSession::takeSettings() {
  settled_ = true;
  if (!fault_) {
    observer_.onSettings();
  }
}

void H2OriginSession::beginHead(H2StreamId id) {
  const H2Stream& stream = *find(id);
  response_.begin({.method = stream.method, .mend = stream.mend, .switching = stream.switching});
}

void H2OriginSession::takeHeadField(std::string_view name, std::string_view value) {
  response_.take(name, value, observer_.redaction());
}

void H2OriginSession::endHead(H2StreamId id, bool ends) {
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->incoming != H2Stream::Incoming::Awaited) {
    return;
  }
  if (const auto fault = response_.finish(ends, observer_.redaction())) {
    breakStream(id, *stream, response_.malformed() ? H2Code::ProtocolError : H2Code::Cancel, *fault);
    return;
  }
  ResponseHead& head = response_.head();
  if (head.status < kFirstFinal && (head.status != kSwitched || stream->switching.empty())) {
    endInterim(id, *stream, ends);
    return;
  }
  guard_.onUseful(now_);
  stream->tunnel = head.status == kSwitched;
  stream->declared = response_.bodyLength();
  stream->bodiless = !stream->tunnel && head.body == BodyKind::None;
  stream->incoming = ends ? H2Stream::Incoming::Whole : H2Stream::Incoming::Coming;
  observer_.onResponseHead(id, head, ends);
}

void H2OriginSession::endInterim(H2StreamId id, H2Stream& stream, bool ends) {
  const bool switches = response_.head().status == kSwitched;  // RFC 9113 section 8.6
  if (!switches && !ends) {
    observer_.onInterim(id, response_.head());
    return;
  }
  StreamFault fault = protocolFault(id, numberOf(H2Code::ProtocolError));
  fault.detail =
      switches ? "101 (Switching Protocols), which HTTP/2 does not have" : "an interim response ends the stream";
  breakStream(id, stream, H2Code::ProtocolError, fault);
}

// The streams that the origin has not taken up are over; nghttp2 closes them.
void H2OriginSession::afterGoAway(const StreamFault& fault) {
  std::vector<H2StreamId> left_out;
  for (const auto& [id, stream] : streams_) {
    if (id > fault.last_stream) {
      left_out.push_back(id);
    }
  }
  std::sort(left_out.begin(), left_out.end());
  for (const H2StreamId id : left_out) {
    H2Stream* stream = find(id);
    if (stream == nullptr || stream->incoming == H2Stream::Incoming::Over) {
      continue;
    }
    const bool awaited = isAwaited(*stream);
    overStream(id, *stream);
    if (awaited) {
      StreamFault own = fault;
      own.stream = id;
      observer_.onReset(id, own);
    }
  }
}

bool H2OriginSession::isAwaited(const H2Stream& stream) const {
  return stream.incoming == H2Stream::Incoming::Awaited || stream.incoming == H2Stream::Incoming::Coming ||
         (stream.tunnel && stream.incoming == H2Stream::Incoming::Whole);
}

// RFC 9113 section 8.1: an origin that wants no more of the request says so by
// RST_STREAM(NO_ERROR) behind END_STREAM. Some leave that out.
bool H2OriginSession::isWholeWithoutEnd(const H2Stream& stream) const {
  return stream.incoming == H2Stream::Incoming::Coming && stream.declared == stream.received;
}

// A stream that uses up all it gets gets more, until the path is full.
void H2OriginSession::onConsumed(H2StreamId id, H2Stream& stream) {
  if (stream.unconsumed != 0 || stream.window >= settings_.most_stream_window ||
      stream.received - stream.window_mark < stream.window || stream.incoming != H2Stream::Incoming::Coming) {
    return;
  }
  stream.window = std::min(2 * stream.window, settings_.most_stream_window);
  stream.window_mark = stream.received;
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, id,
                                        static_cast<std::int32_t>(stream.window));
}

// ---- what the origin's SETTINGS say ----------------------------------------

bool H2OriginSession::extendedConnect() const {
  return settled_ && nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

H2PeerSettings H2OriginSession::peerSettings() const {
  const auto value = [this](nghttp2_settings_id id) { return nghttp2_session_get_remote_settings(session_.get(), id); };
  return {.header_table_size = value(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE),
          .max_concurrent_streams = value(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
          .initial_window_size = value(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE),
          .max_frame_size = value(NGHTTP2_SETTINGS_MAX_FRAME_SIZE),
          .max_header_list_size = value(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE),
          .enable_connect_protocol = extendedConnect()};
}

}  // namespace gatewhy
