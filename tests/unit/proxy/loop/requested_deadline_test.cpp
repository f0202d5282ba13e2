// SPDX-License-Identifier: Apache-2.0
#include "proxy/loop/requested_deadline.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace gatewhy {
namespace {

using std::chrono::milliseconds;

TEST(RequestedDeadline, FiresOnceAndNeverEarly) {
  EventLoop loop;
  constexpr int kDeadlines = 70;  // past a power of two, at it and before it
  int left = kDeadlines;
  std::vector<TimePoint> at(kDeadlines);
  std::vector<std::unique_ptr<RequestedDeadline>> deadlines(kDeadlines);
  for (int i = 0; i < kDeadlines; ++i) {
    deadlines[i] = std::make_unique<RequestedDeadline>(loop, [&, i] {
      EXPECT_GE(EventLoop::now(), at[i]) << i;
      EXPECT_FALSE(deadlines[i]->armed());
      if (--left == 0) {
        loop.stop();
      }
    });
    at[i] = EventLoop::now() + milliseconds(i) + std::chrono::microseconds(300);
    deadlines[i]->arm(at[i]);
  }
  loop.run();
  EXPECT_EQ(left, 0);
}

TEST(RequestedDeadline, CancelledAndReplacedOnesDoNotFire) {
  EventLoop loop;
  int fired = 0;
  RequestedDeadline cancelled(loop, [&] { ++fired; });
  RequestedDeadline replaced(loop, [&] { ++fired; });
  RequestedDeadline end(loop, [&] { loop.stop(); });
  const TimePoint now = EventLoop::now();
  cancelled.arm(now + milliseconds(3));
  replaced.arm(now + milliseconds(3));
  replaced.arm(now + milliseconds(9));
  cancelled.cancel();
  end.arm(now + milliseconds(20));
  loop.run();
  EXPECT_EQ(fired, 1);
}

}  // namespace
}  // namespace gatewhy
