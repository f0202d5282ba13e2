// SPDX-License-Identifier: Apache-2.0
// What of a request's time was sending, waiting and receiving.
#include "proxy/origin/stream_times.h"

#include <gtest/gtest.h>

#include <optional>

namespace gatewhy::test::stream_times {
namespace {

TimePoint at(int ms) {
  return TimePoint{} + std::chrono::milliseconds(ms);
}

struct Row {
  const char* what;
  StreamTimes times;
  std::optional<double> send, wait, receive;  // where it ends at 100
};

TEST(StreamTimes, EachRowIsSo) {
  const Row rows[] = {
      {"nothing was sent", {}, {}, {}, {}},
      {"the request is on its way", {.began = at(10)}, 90, {}, {}},
      {"it is sent", {.began = at(10), .sent = at(30)}, 20, 70, {}},
      {"it was answered", {.began = at(10), .sent = at(30), .first_byte = at(60)}, 20, 30, 40},
      {"it awaits 100", {.began = at(10), .awaiting_since = at(20)}, 10, 80, {}},
      {"answered instead of 100", {.began = at(10), .awaiting_since = at(20), .first_byte = at(60)}, 10, 40, 40},
      {"sent behind 100",
       {.began = at(10), .awaiting_since = at(20), .sent = at(50), .first_byte = at(60)},
       40,
       10,
       40},
      {"answered before it was sent", {.began = at(10), .sent = at(60), .first_byte = at(30)}, 50, {}, 70},
      {"answered and never sent", {.began = at(10), .first_byte = at(30)}, 90, {}, 70},
      {"the peer spoke first", {.first_byte = at(30)}, {}, {}, 70},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Timings timings;
    row.times.addTo(timings, at(100));
    EXPECT_EQ(timings.send, row.send);
    EXPECT_EQ(timings.wait, row.wait);
    EXPECT_EQ(timings.receive, row.receive);
  }
}

}  // namespace
}  // namespace gatewhy::test::stream_times
