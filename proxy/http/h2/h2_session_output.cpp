// SPDX-License-Identifier: Apache-2.0
// The half of H2Session that makes what goes out.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include "proxy/http/h2/h2_session.h"

namespace gatewhy {
namespace {

// Beside the frames of control, which nghttp2 sends in front of all bodies.
constexpr std::size_t kMostOutput = std::size_t{64} * 1024;

}  // namespace

// ---- output ----------------------------------------------------------------

std::string_view H2Session::output() {
  produce();
  announce();
  return std::string_view(out_).substr(out_at_);
}

void H2Session::sent(std::size_t size) {
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

bool H2Session::hasOutput() const {
  return out_at_ < out_.size() || (state_ != State::Over && nghttp2_session_want_write(session_.get()) != 0);
}

bool H2Session::done() const {
  return !hasOutput() && (state_ == State::Over || nghttp2_session_want_read(session_.get()) == 0);
}

bool H2Session::outputFull() const {
  return out_.size() - out_at_ >= kMostOutput;
}

// Frames of control all, bodies while there is room. Within nghttp2 it is left
// to whoever called that.
void H2Session::produce() {
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
void H2Session::announce() {
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

void H2Session::tell(Notice& notice) {
  if (find(notice.stream) == nullptr) {
    return;
  }
  switch (notice.kind) {
    case Notice::Kind::Writable:
      observer_.onWritable(notice.stream);
      break;
    case Notice::Kind::Finished:
      tellFinished(notice.stream);
      break;
    case Notice::Kind::Broken:
      observer_.onStreamFault(notice.stream, *notice.fault);
      break;
    case Notice::Kind::Unsent:
      observer_.onReset(notice.stream, *notice.fault);
      break;
  }
}

// The connection is at its end: GOAWAY, where it is ours to send, and no more.
void H2Session::end() {
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

H2BodyRead H2Session::readBody(H2StreamId id, std::size_t most) {
  H2Stream* stream = find(id);
  if (stream == nullptr) {
    return {.what = H2BodyRead::What::Gone};
  }
  const bool ending = stream->outgoing == H2Stream::Outgoing::Ending;
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
  fields_.clear();
  fields_.lines(stream->trailers);
  nghttp2_submit_trailer(session_.get(), id, fields_.data(), fields_.size());
  return {.what = H2BodyRead::What::LastBeforeTrailers, .size = size};
}

void H2Session::sendBody(H2StreamId id, std::string_view frame_head, std::size_t size) {
  H2Stream* stream = find(id);
  assert(stream != nullptr);  // readBody() had it in the same call of nghttp2
  out_.append(frame_head);
  out_.append(stream->front().substr(0, size));
  stream->take(size);
  stream->sent += size;
  stream->open_at = body_at_ = now_;
  if (size != 0) {
    guard_.onUseful(now_);
  }
  if (stream->awaited && stream->left() == 0) {
    stream->awaited = false;
    notices_.push_back({.kind = Notice::Kind::Writable, .stream = id});
  }
}

void H2Session::noteEndSent(H2StreamId id) {
  H2Stream* stream = find(id);
  guard_.onUseful(now_);
  if (stream == nullptr || stream->incoming == H2Stream::Incoming::Over) {
    return;
  }
  stream->outgoing = H2Stream::Outgoing::Sent;
  notices_.push_back({.kind = Notice::Kind::Finished, .stream = id});
  onEndSent(id, *stream);
}

// nghttp2 resets streams for what it finds wrong with their frames.
void H2Session::noteResetSent(H2StreamId id, std::uint32_t code) {
  if (role_ == Role::Server) {
    noteReplySent();
  }
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->incoming == H2Stream::Incoming::Over) {
    return;
  }
  onProvokedReset();
  giveUp(Notice::Kind::Broken, id, *stream, protocolFault(id, code));
}

// The stream is over for nghttp2; its observer hears of it when that has returned.
void H2Session::giveUp(Notice::Kind kind, H2StreamId id, H2Stream& stream, StreamFault fault) {
  const bool awaited = isAwaited(stream);
  overStream(id, stream);
  if (awaited) {
    notices_.push_back({.kind = kind, .stream = id, .fault = std::make_unique<StreamFault>(std::move(fault))});
  }
}

// nghttp2 ends connections for what it finds wrong with their frames.
void H2Session::noteGoAwaySent(std::uint32_t code, std::string_view reason) {
  if (fault_ || code == numberOf(H2Code::NoError)) {
    return;
  }
  goaway_sent_ = true;
  fault_ = std::make_unique<StreamFault>(protocolFault(0, code));
  if (!reason.empty()) {
    fault_->detail = reason;
  }
}

void H2Session::noteReplySent() {
  onFlood(guard_.onReply());
}

// A head that is too long for nghttp2, or a request that waited for its turn
// until the peer's GOAWAY. One whose stream is gone matters to nobody.
void H2Session::noteNotSent(H2StreamId id, int error) {
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->incoming == H2Stream::Incoming::Over) {
    return;
  }
  if (role_ == Role::Server) {
    if (error == NGHTTP2_ERR_FRAME_SIZE_ERROR) {
      submitReset(id, H2Code::InternalError);
    }
    return;
  }
  if (error == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED && goaway_) {
    StreamFault fault = *goaway_;
    fault.stream = id;
    giveUp(Notice::Kind::Unsent, id, *stream, std::move(fault));
    return;
  }
  StreamFault fault;
  fault.code = numberOf(H2Code::InternalError);
  fault.stream = id;
  fault.detail = nghttp2_strerror(error);
  giveUp(Notice::Kind::Broken, id, *stream, std::move(fault));
}

void H2Session::wake(H2StreamId id, H2Stream& stream) {
  if (stream.deferred) {
    stream.deferred = false;
    nghttp2_session_resume_data(session_.get(), id);
  }
}

}  // namespace gatewhy
