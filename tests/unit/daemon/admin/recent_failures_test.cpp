// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/recent_failures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatewhy {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;
using testing::ElementsAre;

class RecentFailuresTest : public testing::Test {
 protected:
  static constexpr system_clock::time_point kStart{seconds(1000)};
  static constexpr std::uint64_t kFirst = 1000U * 1000000U;

  static void add(RecentFailures& failures, std::string_view request_id, Cause cause = Cause::ConnectionRefused,
                  std::string_view origin = "shop", int second = 0, std::size_t padding = 0) {
    Diagnosis diagnosis;
    diagnosis.cause = cause;
    diagnosis.status = 521;
    ExchangeEvent event;
    event.timestamp = kStart + seconds(second);
    event.request_id = request_id;
    event.origin = origin;
    event.outcome = Outcome::Failure;
    event.diagnosis = &diagnosis;
    failures.add(event, "{\"request_id\":\"" + std::string(request_id) + "\"}" + std::string(padding, ' ') + "\n");
  }
  static std::vector<std::string> idsOf(const RecentFailures::Page& page) {
    std::vector<std::string> ids;
    for (const FailurePtr& record : page.records) {
      ids.push_back(record->request_id);
    }
    return ids;
  }
};

TEST_F(RecentFailuresTest, GivesWhatCameAfter) {
  RecentFailures failures({}, kStart);
  EXPECT_EQ(failures.lastId(), kFirst - 1);
  for (const char* id : {"a", "b", "c", "d"}) {
    add(failures, id);
  }
  const auto first = failures.after(kFirst - 1, {}, 3);
  EXPECT_THAT(idsOf(first), ElementsAre("a", "b", "c"));
  EXPECT_EQ(first.records.front()->json, "{\"request_id\":\"a\"}") << "without the line's end";
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.missed, 0U);
  const auto second = failures.after(first.next, {}, 3);
  EXPECT_THAT(idsOf(second), ElementsAre("d"));
  EXPECT_FALSE(second.more);
  EXPECT_EQ(second.next, failures.lastId());
  EXPECT_THAT(idsOf(failures.after(second.next, {}, 3)), ElementsAre());
  EXPECT_THAT(idsOf(failures.after(second.next + 100, {}, 3)), ElementsAre()) << "an id from the future";
  EXPECT_THAT(idsOf(failures.newest({}, 2)), ElementsAre("c", "d"));
}

TEST_F(RecentFailuresTest, CountsWhatWasOverwritten) {
  RecentFailures failures({.records = 2, .bytes = 1000000}, kStart);
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    add(failures, id);
  }
  const auto page = failures.after(kFirst, {}, 10);
  EXPECT_THAT(idsOf(page), ElementsAre("d", "e"));
  EXPECT_EQ(page.missed, 2U) << "b and c; a had been seen";
  EXPECT_EQ(failures.after(0, {}, 10).missed, 0U) << "who asks for all there is has missed nothing";
}

TEST_F(RecentFailuresTest, IsBoundedByOctets) {
  RecentFailures failures({.records = 1000, .bytes = 10000}, kStart);
  for (const char* id : {"a", "b", "c"}) {
    add(failures, id, Cause::ConnectionRefused, "shop", 0, 4500);
  }
  EXPECT_THAT(idsOf(failures.newest({}, 10)), ElementsAre("b", "c"));
  add(failures, "huge", Cause::ConnectionRefused, "shop", 0, 50000);
  EXPECT_THAT(idsOf(failures.newest({}, 10)), ElementsAre("huge")) << "the newest is always there";
}

TEST_F(RecentFailuresTest, FloodOverwritesItselfAndNotTheRareOnes) {
  RecentFailures failures({.records = 6, .bytes = 1000000}, kStart);
  add(failures, "rare", Cause::TlsCertificateExpired, "shop");
  add(failures, "elsewhere", Cause::ConnectionRefused, "blog");
  add(failures, "early", Cause::ResponseTimeout, "shop");
  for (int i = 0; i < 10000; ++i) {
    add(failures, "flood-" + std::to_string(i), Cause::ConnectionRefused, "shop");
  }
  add(failures, "late", Cause::ResponseTimeout, "shop");
  EXPECT_THAT(idsOf(failures.newest({}, 10)),
              ElementsAre("rare", "elsewhere", "early", "flood-9998", "flood-9999", "late"));
  EXPECT_THAT(idsOf(failures.newest({.request_id = "rare"}, 10)), ElementsAre("rare"));
  const auto page = failures.after(kFirst, {}, 10);
  EXPECT_THAT(idsOf(page), ElementsAre("elsewhere", "early", "flood-9998", "flood-9999", "late"));
  EXPECT_EQ(page.missed, 9998U) << "holes in the middle are counted";
  EXPECT_EQ(failures.after(page.next, {}, 10).missed, 0U);
  EXPECT_EQ(failures.after(kFirst - 1000, {}, 10).missed, 9998U) << "what an earlier run had is not known";
}

TEST_F(RecentFailuresTest, SharesThatAreEqualLoseTheirOldest) {
  RecentFailures failures({.records = 2, .bytes = 1000000}, kStart);
  add(failures, "a", Cause::ConnectionRefused);
  add(failures, "b", Cause::ResponseTimeout);
  add(failures, "c", Cause::TlsCertificateExpired);
  EXPECT_THAT(idsOf(failures.newest({}, 10)), ElementsAre("b", "c")) << "the newcomer stays";
  add(failures, "d", Cause::ConnectionRefused);
  EXPECT_THAT(idsOf(failures.newest({}, 10)), ElementsAre("c", "d"));
}

TEST_F(RecentFailuresTest, LargeOnesMakeRoomForEachOther) {
  RecentFailures failures({.records = 1000, .bytes = 20000}, kStart);
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    add(failures, id, Cause::ConnectionRefused);
  }
  for (const char* id : {"large-1", "large-2", "large-3"}) {
    add(failures, id, Cause::ResponseTimeout, "shop", 0, 8000);
  }
  EXPECT_THAT(idsOf(failures.newest({}, 10)), ElementsAre("a", "b", "c", "d", "e", "large-2", "large-3"));
}

TEST_F(RecentFailuresTest, Filters) {
  RecentFailures failures({}, kStart);
  add(failures, "a", Cause::ConnectionRefused, "shop");
  add(failures, "b", Cause::ResponseTimeout, "shop");
  add(failures, "c", Cause::ConnectionRefused, "");
  EXPECT_THAT(idsOf(failures.newest({.cause = Cause::ConnectionRefused}, 10)), ElementsAre("a", "c"));
  EXPECT_THAT(idsOf(failures.newest({.origin = "shop"}, 10)), ElementsAre("a", "b"));
  EXPECT_THAT(idsOf(failures.newest({.origin = ""}, 10)), ElementsAre("c"));
  EXPECT_THAT(idsOf(failures.newest({.request_id = "b"}, 10)), ElementsAre("b"));
  EXPECT_THAT(idsOf(failures.newest({.cause = Cause::ResponseTimeout}, 1)), ElementsAre("b"));
  const auto page = failures.after(kFirst - 1, {.cause = Cause::ConnectionRefused}, 1);
  EXPECT_THAT(idsOf(page), ElementsAre("a"));
  EXPECT_TRUE(page.more);
  EXPECT_THAT(idsOf(failures.after(page.next, {.cause = Cause::ConnectionRefused}, 1)), ElementsAre("c"));
}

TEST_F(RecentFailuresTest, GivesTheNewestOfEachKind) {
  RecentFailures failures({}, kStart);
  add(failures, "rare", Cause::ResponseTimeout, "shop");
  add(failures, "lost", Cause::NoRoute, "");
  add(failures, "other", Cause::ConnectionRefused, "rest");
  for (const char* id : {"a", "b", "c"}) {
    add(failures, id, Cause::ConnectionRefused, "shop");
  }
  EXPECT_THAT(idsOf(failures.newest({}, 10, 1)), ElementsAre("rare", "lost", "other", "c"));
  EXPECT_THAT(idsOf(failures.newest({}, 10, 2)), ElementsAre("rare", "lost", "other", "b", "c"));
  EXPECT_THAT(idsOf(failures.newest({}, 3, 1)), ElementsAre("lost", "other", "c"));
  EXPECT_THAT(idsOf(failures.newest({.origin = "shop"}, 10, 1)), ElementsAre("rare", "c"));
}

TEST_F(RecentFailuresTest, FindsByTheTimeOfTheExchange) {
  RecentFailures failures({}, kStart);
  add(failures, "late", Cause::ConnectionRefused, "shop", 5);
  add(failures, "long", Cause::ResponseTimeout, "shop", 1);  // began before, ended after
  add(failures, "last", Cause::ConnectionRefused, "shop", 6);
  EXPECT_THAT(idsOf(failures.startedSince(kStart + seconds(5), {}, 10)), ElementsAre("late", "last"));
}

}  // namespace
}  // namespace gatewhy
