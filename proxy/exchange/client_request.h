// SPDX-License-Identifier: Apache-2.0
// What a client connection needs only while a request is on it. The worker
// lends it from the first byte of a request to the end of its exchange, so
// that an idle connection holds none of it, and the buffers that one request
// has grown serve the next one, whoever sends that.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/progress_clock.h"
#include "proxy/http/h1_parser.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

// Told when a timer of the request expires.
class ClientTimers {
 public:
  virtual void onWriteTimer() = 0;  // has the client taken bytes meanwhile?
  virtual void onLeaveTimer() = 0;  // has it left?

 protected:
  ~ClientTimers() = default;
};

class ClientRequest {
 public:
  RequestParser parser;
  BodyDecoder decoder;
  Deadline write_timer, leave_timer;
  ProgressClock upload, download;  // of the client; write_timer looks at the second
  std::string buffer;              // empty; the capacity is what is lent

 private:
  friend class ClientRequests;
  ClientRequest(EventLoop& loop, const HeadLimits& limits, std::uint64_t generation);

  ClientTimers* user_ = nullptr;
  std::uint64_t generation_;  // of the limits
};

// One worker's stock of them.
class ClientRequests {
 public:
  explicit ClientRequests(EventLoop& loop) : loop_(loop) {}

  // For what is taken from now on; what is lent keeps the limits it has.
  void setLimits(const HeadLimits& limits);
  // Ready for a new request. `user` gives it back before it dies.
  [[nodiscard]] std::unique_ptr<ClientRequest> take(ClientTimers& user);
  void giveBack(std::unique_ptr<ClientRequest> request);

 private:
  EventLoop& loop_;
  HeadLimits limits_;
  std::uint64_t generation_ = 0;
  std::vector<std::unique_ptr<ClientRequest>> free_;
};

}  // namespace gatewhy
