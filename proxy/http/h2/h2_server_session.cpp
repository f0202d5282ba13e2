// SPDX-License-Identifier: Apache-2.0
// What the owner asks for, and what goes out. What comes in: h2_server_input.cpp.
#include "proxy/http/h2/h2_server_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <new>

#include "diagnostics/h2_words.h"
#include "proxy/http/h2/h2_fields.h"
#include "proxy/http/h2/h2_server_callbacks.h"

namespace gatewhy {
namespace {

// Beside the frames of control, which nghttp2 sends in front of all bodies.
constexpr std::size_t kMostOutput = std::size_t{64} * 1024;

H2FloodLimits floodLimits(const H2ServerSettings& settings) {
  constexpr std::uint32_t kFrame = 16 * 1024;  // SETTINGS_MAX_FRAME_SIZE
  H2FloodLimits limits;
  const std::uint32_t block = std::max(limits.header_block, 2 * settings.header_list);
  limits.continuations += (block - limits.header_block) / kFrame;
  limits.header_block = block;
  return limits;
}

std::uint32_t numberOf(H2Code code) {
  return static_cast<std::uint32_t>(code);
}

}  // namespace

void H2ServerSession::Delete::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

H2ServerSession::H2ServerSession(const H2ServerSettings& settings, H2ServerObserver& observer)
    : settings_(settings),
      observer_(observer),
      session_(H2ServerCallbacks::open(*this)),
      scanner_(kH2Preface.size()),
      guard_(floodLimits(settings)),
      request_({.head = settings.head,
                .list = settings.header_list,
                .extended_connect = settings.extended_connect,
                .https = settings.https}),
      trailers_(settings.trailers) {
  if (!session_) {
    throw std::bad_alloc();
  }
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

H2ServerSession::~H2ServerSession() = default;

H2ServerStream* H2ServerSession::find(H2StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

const H2ServerStream* H2ServerSession::find(H2StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

// ---- output ----------------------------------------------------------------

std::string_view H2ServerSession::output() {
  produce();
  announce();
  return std::string_view(out_).substr(out_at_);
}

void H2ServerSession::sent(std::size_t size) {
  out_at_ += size;
  assert(out_at_ <= out_.size());
  if (produced_ - (out_.size() - out_at_) >= reply_mark_) {
    reply_mark_ = produced_;
    guard_.onSent();
  }
  if (out_at_ == out_.size()) {
    out_.clear();
    out_at_ = 0;
    rest();
  } else if (out_at_ > kMostOutput) {
    out_.erase(0, out_at_);
    out_at_ = 0;
  }
}

bool H2ServerSession::hasOutput() const {
  return out_at_ < out_.size() || (state_ != State::Over && nghttp2_session_want_write(session_.get()) != 0);
}

bool H2ServerSession::done() const {
  return !hasOutput() && (state_ == State::Over || nghttp2_session_want_read(session_.get()) == 0);
}

bool H2ServerSession::outputFull() const {
  return out_.size() - out_at_ >= kMostOutput;
}

// Frames of control all, bodies while there is room. Within nghttp2 it is left
// to whoever called that.
void H2ServerSession::produce() {
  if (state_ == State::Over || activity_ == Activity::Receiving || activity_ == Activity::Sending) {
    return;
  }
  const Activity before = activity_;
  const std::size_t had = out_.size();
  activity_ = Activity::Sending;
  const std::uint8_t* octets = nullptr;
  ssize_t size = 0;
  while ((size = nghttp2_session_mem_send(session_.get(), &octets)) > 0) {
    out_.append(reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size));
  }
  activity_ = before;
  produced_ += out_.size() - had;
  if (size < 0 && !fault_) {
    fault_ = std::make_unique<StreamFault>(protocolFault(0, numberOf(H2Code::InternalError)));
    fault_->detail = nghttp2_strerror(static_cast<int>(size));
  }
}

// What an observer does about it may lead to more, for this loop to tell.
void H2ServerSession::announce() {
  if (activity_ != Activity::None) {
    return;
  }
  activity_ = Activity::Announcing;
  for (std::size_t at = 0; at < notices_.size() && state_ != State::Over; ++at) {
    Notice notice = std::move(notices_[at]);
    tell(notice);
    produce();
  }
  notices_.clear();
  activity_ = Activity::None;
  if (fault_ && state_ != State::Over) {
    end();
  }
}

void H2ServerSession::tell(Notice& notice) {
  H2ServerStream* stream = find(notice.stream);
  if (stream == nullptr) {
    return;
  }
  switch (notice.kind) {
    case Notice::Kind::Writable:
      observer_.onWritable(notice.stream);
      break;
    case Notice::Kind::Finished:
      observer_.onFinished(notice.stream);
      break;
    case Notice::Kind::Broken:
      observer_.onStreamFault(notice.stream, *notice.fault);
      break;
  }
}

// The connection is at its end: GOAWAY, where it is ours to send, and no more.
void H2ServerSession::end() {
  const StreamFault fault = *fault_;
  if (!goaway_sent_) {
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()),
                          fault.code, reinterpret_cast<const std::uint8_t*>(fault.detail.data()), fault.detail.size());
    produce();
  }
  state_ = State::Over;
  observer_.onConnectionFault(fault);
}

// ---- bodies ----------------------------------------------------------------

H2BodyRead H2ServerSession::readBody(H2StreamId id, std::size_t most) {
  H2ServerStream* stream = find(id);
  if (stream == nullptr) {
    return {.what = H2BodyRead::What::Gone};
  }
  const bool ending = stream->answer == H2ServerStream::Answer::Ending;
  if (stream->left() == 0 && !ending) {
    stream->deferred = true;
    return {.what = H2BodyRead::What::Nothing};
  }
  if (outputFull()) {
    return {.what = H2BodyRead::What::NoRoom};
  }
  const std::size_t size = std::min(most, stream->front().size());
  if (!ending || size != stream->left()) {
    return {.what = H2BodyRead::What::Some, .size = size};
  }
  if (stream->trailers.empty()) {
    return {.what = H2BodyRead::What::Last, .size = size};
  }
  H2FieldList fields;
  fields.lines(stream->trailers);
  nghttp2_submit_trailer(session_.get(), id, fields.data(), fields.size());
  return {.what = H2BodyRead::What::LastBeforeTrailers, .size = size};
}

void H2ServerSession::sendBody(H2StreamId id, std::string_view frame_head, std::size_t size) {
  H2ServerStream* stream = find(id);
  assert(stream != nullptr);  // readBody() had it in the same call of nghttp2
  out_.append(frame_head);
  out_.append(stream->front().substr(0, size));
  stream->take(size);
  stream->sent += size;
  if (size != 0) {
    guard_.onUseful(now_);
  }
  if (stream->awaited && stream->left() == 0) {
    stream->awaited = false;
    notices_.push_back({.kind = Notice::Kind::Writable, .stream = id});
  }
}

void H2ServerSession::noteEndSent(H2StreamId id) {
  H2ServerStream* stream = find(id);
  guard_.onUseful(now_);
  if (stream == nullptr || stream->request == H2ServerStream::Request::Over) {
    return;
  }
  stream->answer = H2ServerStream::Answer::Sent;
  notices_.push_back({.kind = Notice::Kind::Finished, .stream = id});
  if (stream->request != H2ServerStream::Request::Whole && !stream->tunnel) {
    stream->request = H2ServerStream::Request::Over;
    submitReset(id, H2Code::NoError);
  }
}

// nghttp2 resets streams for what it finds wrong with their frames.
void H2ServerSession::noteResetSent(H2StreamId id, std::uint32_t code) {
  noteReplySent();
  H2ServerStream* stream = find(id);
  if (stream == nullptr || stream->request == H2ServerStream::Request::Over) {
    return;
  }
  stream->request = H2ServerStream::Request::Over;
  stream->answer = H2ServerStream::Answer::Sent;
  stream->drop();
  onFlood(guard_.onProvokedReset(now_));
  notices_.push_back(
      {.kind = Notice::Kind::Broken, .stream = id, .fault = std::make_unique<StreamFault>(protocolFault(id, code))});
}

// nghttp2 ends connections for what it finds wrong with their frames.
void H2ServerSession::noteGoAwaySent(std::uint32_t code, std::string_view reason) {
  if (fault_ || code == numberOf(H2Code::NoError)) {
    return;
  }
  goaway_sent_ = true;
  fault_ = std::make_unique<StreamFault>(protocolFault(0, code));
  if (!reason.empty()) {
    fault_->detail = reason;
  }
}

void H2ServerSession::noteReplySent() {
  onFlood(guard_.onReply());
}

// A head that is too long for nghttp2. One whose stream is gone matters to nobody.
void H2ServerSession::noteNotSent(H2StreamId id, int error) {
  H2ServerStream* stream = find(id);
  if (stream != nullptr && error == NGHTTP2_ERR_FRAME_SIZE_ERROR) {
    submitReset(id, H2Code::InternalError);
  }
}

void H2ServerSession::wake(H2StreamId id, H2ServerStream& stream) {
  if (stream.deferred) {
    stream.deferred = false;
    nghttp2_session_resume_data(session_.get(), id);
  }
}

// ---- answers ---------------------------------------------------------------

void H2ServerSession::submitInterim(H2StreamId id, std::uint16_t status, std::string_view fields) {
  const H2ServerStream* stream = find(id);
  if (stream == nullptr || stream->answer != H2ServerStream::Answer::None) {
    return;
  }
  H2FieldList list;
  list.status(status);
  list.lines(fields);
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, id, nullptr, list.data(), list.size(), nullptr);
}

void H2ServerSession::submitHead(H2StreamId id, std::uint16_t status, std::string_view fields, bool ends) {
  H2ServerStream* stream = find(id);
  if (stream == nullptr || stream->answer != H2ServerStream::Answer::None) {
    return;
  }
  H2FieldList list;
  list.status(status);
  list.lines(fields);
  const nghttp2_data_provider body = H2ServerCallbacks::body();
  stream->answer = ends ? H2ServerStream::Answer::Ending : H2ServerStream::Answer::Begun;
  nghttp2_submit_response(session_.get(), id, list.data(), list.size(), ends ? nullptr : &body);
}

void H2ServerSession::submitData(H2StreamId id, std::string_view data, bool ends) {
  H2ServerStream* stream = find(id);
  if (stream == nullptr || stream->answer != H2ServerStream::Answer::Begun) {
    return;
  }
  if (ends) {
    stream->answer = H2ServerStream::Answer::Ending;
  }
  // What is kept goes first: then nothing is gained by lending.
  stream->lend(data);
  wake(id, *stream);
  produce();
  stream->keepLent();
  stream->awaited = stream->awaited || stream->left() != 0;
  announce();
}

void H2ServerSession::submitEnd(H2StreamId id, std::string_view trailers) {
  H2ServerStream* stream = find(id);
  if (stream == nullptr || stream->answer != H2ServerStream::Answer::Begun) {
    return;
  }
  stream->trailers.assign(trailers);
  stream->answer = H2ServerStream::Answer::Ending;
  wake(id, *stream);
}

void H2ServerSession::reset(H2StreamId id, H2Code code) {
  H2ServerStream* stream = find(id);
  if (stream == nullptr || stream->request == H2ServerStream::Request::Over) {
    return;
  }
  stream->request = H2ServerStream::Request::Over;
  stream->answer = H2ServerStream::Answer::Sent;
  stream->drop();
  submitReset(id, code);
}

void H2ServerSession::submitReset(H2StreamId id, H2Code code) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, numberOf(code));
}

// ---- flow ------------------------------------------------------------------

void H2ServerSession::consume(H2StreamId id, std::size_t size) {
  H2ServerStream* stream = find(id);
  if (stream == nullptr || state_ == State::Over) {
    return;
  }
  const auto used = std::min<std::uint64_t>(size, stream->unconsumed);
  stream->unconsumed -= used;
  nghttp2_session_consume(session_.get(), id, static_cast<std::size_t>(used));
}

bool H2ServerSession::blocked(H2StreamId id) const {
  return kept(id) != 0;
}

std::size_t H2ServerSession::kept(H2StreamId id) const {
  const H2ServerStream* stream = find(id);
  return stream == nullptr ? 0 : stream->left();
}

bool H2ServerSession::windowClosed(H2StreamId id) const {
  return nghttp2_session_get_stream_remote_window_size(session_.get(), id) <= 0 ||
         nghttp2_session_get_remote_window_size(session_.get()) <= 0;
}

std::uint64_t H2ServerSession::bodySent(H2StreamId id) const {
  const H2ServerStream* stream = find(id);
  return stream == nullptr ? 0 : stream->sent;
}

void H2ServerSession::release(H2StreamId id) {
  const H2ServerStream* stream = find(id);
  if (stream == nullptr) {
    return;
  }
  consume(id, static_cast<std::size_t>(stream->unconsumed));
  if (stream->answer != H2ServerStream::Answer::Sent || stream->request == H2ServerStream::Request::Coming) {
    // A tunnel whose client has not ended its side: the answer is whole.
    reset(id, stream->answer == H2ServerStream::Answer::Sent ? H2Code::NoError : H2Code::Cancel);
  }
  streams_.erase(id);
}

void H2ServerSession::rest() {
  if (streams_.empty() && block_ == Block::Ignored) {
    std::string().swap(out_);
    request_.rest();
  }
}

// ---- connection ------------------------------------------------------------

void H2ServerSession::announceShutdown() {
  if (state_ == State::Open) {
    state_ = State::Draining;
    nghttp2_submit_shutdown_notice(session_.get());
  }
}

void H2ServerSession::closeToNewStreams() {
  if (state_ != State::Over) {
    state_ = State::Draining;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()),
                          NGHTTP2_NO_ERROR, nullptr, 0);
  }
}

void H2ServerSession::fail(const StreamFault& fault) {
  if (state_ == State::Over || fault_) {
    return;
  }
  fault_ = std::make_unique<StreamFault>(fault);
  announce();
}

void H2ServerSession::ping(std::uint64_t opaque) {
  std::array<std::uint8_t, sizeof opaque> octets{};
  std::copy_n(reinterpret_cast<const std::uint8_t*>(&opaque), octets.size(), octets.begin());
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, octets.data());
}

std::size_t H2ServerSession::memory() const {
  std::size_t bytes = out_.size() - out_at_;
  for (const auto& [id, stream] : streams_) {
    bytes += stream.left();
  }
  return bytes;
}

}  // namespace gatewhy
