// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "proxy/loop/event_loop.h"

namespace gatewhy {
namespace {

using std::chrono::milliseconds;

// More durations than the loop keeps lists for: lists go and come while
// deadlines of other durations are running.
TEST(Deadline, EveryOneOfManyDurationsFiresOnceAndCanBeArmedAgain) {
  constexpr int kDurations = 80;
  EventLoop loop;
  std::vector<int> fired;
  std::vector<std::unique_ptr<Deadline>> deadlines(kDurations);
  for (int i = 0; i < kDurations; ++i) {
    deadlines[i] = std::make_unique<Deadline>(loop, [&, i] {
      fired.push_back(i);
      EXPECT_FALSE(deadlines[i]->armed());
      if (fired.size() < kDurations) {
        return;
      }
      if (fired.size() == kDurations) {
        deadlines[0]->arm(milliseconds(1));  // its list has been empty for long
        return;
      }
      loop.stop();
    });
  }
  for (int i = kDurations - 1; i >= 0; --i) {
    deadlines[i]->arm(milliseconds(1 + i));
  }
  loop.run();
  ASSERT_EQ(fired.size(), kDurations + 1U);
  EXPECT_EQ(fired.back(), 0);
  fired.pop_back();
  std::sort(fired.begin(), fired.end());
  for (int i = 0; i < kDurations; ++i) {
    EXPECT_EQ(fired[i], i);
  }
}

TEST(Deadline, CancelledAndReplacedOnesDoNotFire) {
  EventLoop loop;
  int early = 0;
  int late = 0;
  Deadline cancelled(loop, [&] { ++early; });
  Deadline replaced(loop, [&] { ++late; });
  Deadline end(loop, [&] { loop.stop(); });
  cancelled.arm(milliseconds(1));
  replaced.arm(milliseconds(1));
  replaced.arm(milliseconds(5));
  cancelled.cancel();
  end.arm(milliseconds(20));
  loop.run();
  EXPECT_EQ(early, 0);
  EXPECT_EQ(late, 1);
  end.arm(milliseconds(0));
  EXPECT_FALSE(end.armed()) << "0 is off";
}

}  // namespace
}  // namespace gatewhy
