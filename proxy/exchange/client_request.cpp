// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/client_request.h"

#include <utility>

namespace gatewhy {
namespace {

// A crowd's worth is not kept for ever, nor is what one giant has grown.
constexpr std::size_t kMostKept = 256;
constexpr std::size_t kMostHeadKept = 4UL * 1024;
constexpr std::size_t kMostBufferKept = 128UL * 1024;

}  // namespace

ClientRequest::ClientRequest(EventLoop& loop, const HeadLimits& limits, std::uint64_t generation)
    : parser(limits),
      write_timer(loop, [this] { user_->onWriteTimer(); }),
      leave_timer(loop, [this] { user_->onLeaveTimer(); }),
      generation_(generation) {}

void ClientRequests::setLimits(const HeadLimits& limits) {
  limits_ = limits;
  ++generation_;
  free_.clear();
}

std::unique_ptr<ClientRequest> ClientRequests::take(ClientTimers& user) {
  std::unique_ptr<ClientRequest> request;
  if (free_.empty()) {
    request.reset(new ClientRequest(loop_, limits_, generation_));
  } else {
    request = std::move(free_.back());
    free_.pop_back();
  }
  request->user_ = &user;
  return request;
}

void ClientRequests::giveBack(std::unique_ptr<ClientRequest> request) {
  request->write_timer.cancel();
  request->leave_timer.cancel();
  request->upload.reset();
  request->download.reset();
  request->user_ = nullptr;
  if (request->generation_ == generation_ && free_.size() < kMostKept &&
      request->parser.head().bytes.capacity() <= kMostHeadKept && request->buffer.capacity() <= kMostBufferKept) {
    request->parser.reset();
    request->decoder.start(BodyKind::None, 0);
    free_.push_back(std::move(request));
  }
}

}  // namespace gatewhy
