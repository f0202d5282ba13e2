// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/client/h1_client_stream.h"

namespace gatewhy {

// One worker's stock of them.
class H1ClientStreams {
 public:
  explicit H1ClientStreams(EventLoop& loop) : loop_(loop) {}

  // For what is taken from now on; what is lent keeps the limits it has.
  void setLimits(const HeadLimits& limits);
  // Ready for a new request of `session`, which gives it back before it dies.
  [[nodiscard]] std::unique_ptr<H1ClientStream> take(H1ClientSession& session);
  void giveBack(std::unique_ptr<H1ClientStream> stream);

 private:
  EventLoop& loop_;
  HeadLimits limits_;
  std::uint64_t generation_ = 0;
  std::vector<std::unique_ptr<H1ClientStream>> free_;
};

}  // namespace gatewhy
