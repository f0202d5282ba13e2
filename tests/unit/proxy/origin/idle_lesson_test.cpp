// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/idle_lesson.h"

#include <gtest/gtest.h>

namespace gatewhy {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const TimePoint kStart{seconds(1000)};

TEST(IdleLessonTest, CautiousBeforeAnythingIsKnown) {
  const IdleLesson lesson;
  EXPECT_FALSE(lesson.limit(kStart));
  EXPECT_EQ(lesson.timeout(kStart), IdleLesson::kCautious);
}

TEST(IdleLessonTest, StaysBelowWhatTheOriginGrants) {
  IdleLesson lesson;
  lesson.noteClosed(seconds(5), kStart);
  ASSERT_TRUE(lesson.limit(kStart));
  EXPECT_EQ(lesson.limit(kStart)->value, seconds(5));
  EXPECT_EQ(lesson.limit(kStart)->source, IdleLesson::Source::Closed);
  EXPECT_EQ(lesson.timeout(kStart), milliseconds(4500));
  lesson.noteClosed(seconds(50), kStart + seconds(50));
  EXPECT_EQ(lesson.timeout(kStart), seconds(48)) << "a margin of two seconds is enough";
  lesson.noteClosed(seconds(300), kStart + seconds(400));
  EXPECT_EQ(lesson.timeout(kStart), IdleLesson::kLongest);
}

TEST(IdleLessonTest, OneThatKeepsNothingIsKnownToo) {
  IdleLesson lesson;
  lesson.noteClosed(milliseconds(3), kStart);
  EXPECT_EQ(lesson.timeout(kStart), milliseconds(1));
}

// All connections end with the process, the young ones too.
TEST(IdleLessonTest, ARestartTeachesNothing) {
  IdleLesson lesson;
  lesson.noteClosed(seconds(5), kStart);
  lesson.noteClosed(seconds(5), kStart + seconds(10));
  for (int i = 0; i < 20; ++i) {
    lesson.noteClosed(milliseconds(10 + i), kStart + seconds(20) + milliseconds(i));
  }
  EXPECT_EQ(lesson.limit(kStart)->value, seconds(5));
}

TEST(IdleLessonTest, TwoClosingsLowerIt) {
  IdleLesson lesson;
  lesson.noteClosed(seconds(5), kStart);
  lesson.noteClosed(seconds(2), kStart + seconds(10));
  EXPECT_EQ(lesson.limit(kStart)->value, seconds(5));
  lesson.noteClosed(milliseconds(2010), kStart + seconds(20));
  EXPECT_EQ(lesson.limit(kStart)->value, milliseconds(2010));
}

TEST(IdleLessonTest, WhatTheOriginSaysCounts) {
  IdleLesson lesson;
  lesson.noteSaid("timeout=7, max=100");
  EXPECT_EQ(lesson.limit(kStart)->value, seconds(7));
  EXPECT_EQ(lesson.limit(kStart)->source, IdleLesson::Source::Said);
  lesson.noteSaid("max=3, Timeout = 8");
  EXPECT_EQ(lesson.limit(kStart)->value, seconds(8));
  for (const char* nonsense : {"", "max=3", "timeout", "timeout=", "timeout=-1", "timeout=x", ",,,"}) {
    lesson.noteSaid(nonsense);
    EXPECT_EQ(lesson.limit(kStart)->value, seconds(8)) << nonsense;
  }
  lesson.noteSaid("timeout=99999999999");
  EXPECT_EQ(lesson.timeout(kStart), IdleLesson::kLongest);
  lesson.noteClosed(seconds(3), kStart);
  EXPECT_EQ(lesson.limit(kStart)->value, seconds(3)) << "it closes earlier than it says";
}

// A firewall in between forgets connections and closes none.
TEST(IdleLessonTest, StaleConnectionsLowerItForAWhile) {
  IdleLesson lesson;
  lesson.noteClosed(IdleLesson::kWatched, kStart);
  lesson.noteStale(seconds(20), kStart);
  EXPECT_EQ(lesson.limit(kStart)->source, IdleLesson::Source::Closed) << "once is chance";
  lesson.noteStale(seconds(30), kStart + milliseconds(100));
  EXPECT_EQ(lesson.limit(kStart)->source, IdleLesson::Source::Closed) << "the same moment";
  lesson.noteStale(seconds(25), kStart + seconds(60));
  EXPECT_EQ(lesson.limit(kStart + seconds(61))->source, IdleLesson::Source::Stale);
  EXPECT_EQ(lesson.limit(kStart + seconds(61))->value, seconds(30));
  EXPECT_EQ(lesson.limit(kStart + minutes(12))->source, IdleLesson::Source::Closed) << "tried again";
}

}  // namespace
}  // namespace gatewhy
