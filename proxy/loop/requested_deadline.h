// SPDX-License-Identifier: Apache-2.0
// A deadline at a time that a peer has chosen. The loop keeps a list for each
// duration that it has ever been asked for, so strangers must not choose them:
// this one is reached by steps that are powers of two, each of which leaves less
// than half of the way. As exact as Deadline is.
#pragma once

#include <functional>
#include <utility>

#include "proxy/loop/event_loop.h"

namespace gatewhy {

class RequestedDeadline {
 public:
  // As of Deadline.
  RequestedDeadline(EventLoop& loop, std::function<void()> on_expired)
      : on_expired_(std::move(on_expired)), step_(loop, [this] { onStep(); }) {}

  void arm(TimePoint at);  // replaces an earlier one
  void cancel() noexcept { step_.cancel(); }
  [[nodiscard]] bool armed() const noexcept { return step_.armed(); }

 private:
  void onStep();

  TimePoint at_{};
  std::function<void()> on_expired_;
  Deadline step_;
};

}  // namespace gatewhy
