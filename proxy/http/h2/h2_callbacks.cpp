// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_callbacks.h"

#include <limits>
#include <string_view>

#include "proxy/http/h2/h2_session.h"

namespace gatewhy {
namespace {

std::string_view textOf(const std::uint8_t* octets, std::size_t size) {
  return {reinterpret_cast<const char*>(octets), size};
}

std::string_view textOf(nghttp2_rcbuf* buffer) {
  const nghttp2_vec octets = nghttp2_rcbuf_get_buf(buffer);
  return textOf(octets.base, octets.len);
}

}  // namespace

nghttp2_session_callbacks* H2Callbacks::makeTable() {
  nghttp2_session_callbacks* table = nullptr;
  if (nghttp2_session_callbacks_new(&table) != 0) {
    return nullptr;
  }
  nghttp2_session_callbacks_set_on_begin_headers_callback(table, onBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback2(table, onHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(table, onFrame);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table, onInvalidFrame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, onData);
  nghttp2_session_callbacks_set_on_frame_send_callback(table, onSent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(table, onNotSent);
  nghttp2_session_callbacks_set_send_data_callback(table, sendBody);
  return table;
}

nghttp2_option* H2Callbacks::makeOptions() {
  constexpr std::size_t kNever = std::numeric_limits<std::uint32_t>::max();
  constexpr std::size_t kMostHead = 1U << 20;
  nghttp2_option* options = nullptr;
  if (nghttp2_option_new(&options) != 0) {
    return nullptr;
  }
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_no_http_messaging(options, 1);  // judged with evidence by the session
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_option_set_max_send_header_block_length(options, kMostHead);
  // Counted by H2FloodGuard, which tells what it counted.
  nghttp2_option_set_max_outbound_ack(options, kNever);
  nghttp2_option_set_stream_reset_rate_limit(options, kNever, kNever);
  nghttp2_option_set_max_continuations(options, kNever);
  return options;
}

nghttp2_session* H2Callbacks::open(H2Session& owner, bool server) {
  static const nghttp2_session_callbacks* const table = makeTable();
  static const nghttp2_option* const options = makeOptions();
  nghttp2_session* session = nullptr;
  if (table == nullptr || options == nullptr) {
    return nullptr;
  }
  const auto make = server ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  return make(&session, table, &owner, options) == 0 ? session : nullptr;
}

nghttp2_data_provider H2Callbacks::body() {
  nghttp2_data_provider provider{};
  provider.read_callback = readBody;
  return provider;
}

int H2Callbacks::onBeginHeaders(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
  owner(user).beginBlock(frame->hd.stream_id, frame->headers.cat == NGHTTP2_HCAT_REQUEST);
  return 0;
}

int H2Callbacks::onHeader(nghttp2_session* /*session*/, const nghttp2_frame* /*frame*/, nghttp2_rcbuf* name,
                          nghttp2_rcbuf* value, std::uint8_t /*flags*/, void* user) {
  owner(user).takeField(textOf(name), textOf(value));
  return 0;
}

int H2Callbacks::onFrame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
  H2Session& session = owner(user);
  const H2StreamId stream = frame->hd.stream_id;
  const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_DATA:
      session.endData(stream, ends);
      break;
    case NGHTTP2_HEADERS:
      session.endBlock(stream, ends);
      break;
    case NGHTTP2_RST_STREAM:
      session.takeReset(stream, frame->rst_stream.error_code);
      break;
    case NGHTTP2_SETTINGS:
      if (!ack) {
        session.takeSettings();
      }
      break;
    case NGHTTP2_PING:
      session.takePing(ack, frame->ping.opaque_data);
      break;
    case NGHTTP2_GOAWAY:
      session.takeGoAway(frame->goaway.last_stream_id, frame->goaway.error_code,
                         textOf(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
      break;
    default:
      break;
  }
  return 0;
}

int H2Callbacks::onInvalidFrame(nghttp2_session* /*session*/, const nghttp2_frame* /*frame*/, int error, void* user) {
  owner(user).noteInvalid(error);
  return 0;
}

int H2Callbacks::onData(nghttp2_session* /*session*/, std::uint8_t /*flags*/, std::int32_t stream,
                        const std::uint8_t* data, std::size_t size, void* user) {
  owner(user).takeBody(stream, textOf(data, size));
  return 0;
}

int H2Callbacks::onSent(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
  H2Session& session = owner(user);
  switch (frame->hd.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
      if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        session.noteEndSent(frame->hd.stream_id);
      }
      break;
    case NGHTTP2_RST_STREAM:
      session.noteResetSent(frame->hd.stream_id, frame->rst_stream.error_code);
      break;
    case NGHTTP2_PING:
    case NGHTTP2_SETTINGS:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        session.noteReplySent();
      }
      break;
    case NGHTTP2_GOAWAY:
      session.noteGoAwaySent(frame->goaway.error_code,
                             textOf(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
      break;
    default:
      break;
  }
  return 0;
}

int H2Callbacks::onNotSent(nghttp2_session* /*session*/, const nghttp2_frame* frame, int error, void* user) {
  if (frame->hd.type == NGHTTP2_HEADERS) {
    owner(user).noteNotSent(frame->hd.stream_id, error);
  }
  return 0;
}

ssize_t H2Callbacks::readBody(nghttp2_session* /*session*/, std::int32_t stream, std::uint8_t* /*buffer*/,
                              std::size_t most, std::uint32_t* flags, nghttp2_data_source* /*source*/, void* user) {
  const H2BodyRead read = owner(user).readBody(stream, most);
  switch (read.what) {
    case H2BodyRead::What::Nothing:
      return NGHTTP2_ERR_DEFERRED;
    case H2BodyRead::What::NoRoom:
      return NGHTTP2_ERR_PAUSE;
    case H2BodyRead::What::Gone:
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    case H2BodyRead::What::Some:
      break;
    case H2BodyRead::What::Last:
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      break;
    case H2BodyRead::What::LastBeforeTrailers:
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      break;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  return static_cast<ssize_t>(read.size);
}

int H2Callbacks::sendBody(nghttp2_session* /*session*/, nghttp2_frame* frame, const std::uint8_t* frame_head,
                          std::size_t size, nghttp2_data_source* /*source*/, void* user) {
  owner(user).sendBody(frame->hd.stream_id, textOf(frame_head, kH2FrameHead), size);
  return 0;
}

}  // namespace gatewhy
