// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/h1_client_streams.h"

#include <utility>

#include "proxy/client/h1_client_session.h"

namespace gatewhy {
namespace {

// A crowd's worth is not kept for ever, nor is what one giant has grown.
constexpr std::size_t kMostKept = 256;
constexpr std::size_t kMostHeadKept = 4UL * 1024;
constexpr std::size_t kMostBufferKept = 128UL * 1024;

}  // namespace

void H1ClientStreams::setLimits(const HeadLimits& limits) {
  limits_ = limits;
  ++generation_;
  free_.clear();
}

std::unique_ptr<H1ClientStream> H1ClientStreams::take(H1ClientSession& session) {
  std::unique_ptr<H1ClientStream> stream;
  if (free_.empty()) {
    stream.reset(new H1ClientStream(loop_, limits_, generation_));
  } else {
    stream = std::move(free_.back());
    free_.pop_back();
  }
  stream->session_ = &session;
  stream->wire_ = &session.wire();
  stream->state_ = H1ClientStream::State::Idle;
  stream->answer_.begin(stream->wire_->output);
  stream->last_ = false;
  stream->wire_->output.swapBuffer(stream->buffer_);
  return stream;
}

// It may be running: it lives on, and stays Over until it is taken again.
void H1ClientStreams::giveBack(std::unique_ptr<H1ClientStream> stream) {
  SocketOutput& output = stream->wire_->output;
  output.endMessage();
  output.swapBuffer(stream->buffer_);
  stream->upload_.reset();
  stream->download_.reset();
  stream->leaving_.stop();
  if (stream->generation_ == generation_ && free_.size() < kMostKept &&
      stream->parser_.head().bytes.capacity() <= kMostHeadKept && stream->buffer_.capacity() <= kMostBufferKept) {
    stream->parser_.reset();
    stream->decoder_.start(BodyKind::None, 0);
    free_.push_back(std::move(stream));
  } else {
    loop_.deferDelete(std::move(stream));
  }
}

}  // namespace gatewhy
