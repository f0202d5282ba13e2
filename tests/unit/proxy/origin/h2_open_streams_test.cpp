// SPDX-License-Identifier: Apache-2.0
// Streams by their ids, also where some go, or come, while all are told something.
#include "proxy/origin/h2_open_streams.h"

#include <gtest/gtest.h>

#include <array>

namespace gatewhy::test::h2_open_streams {
namespace {

class H2OpenStreamsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const H2StreamId id : {1, 3, 5, 7}) {
      add(id);
    }
  }
  // A stream is its own id here.
  void add(H2StreamId id) { open_.add(id, ids_.at(static_cast<std::size_t>(id)) = id); }

  std::array<H2StreamId, 16> ids_{};
  H2OpenStreams<H2StreamId> open_;
  std::vector<H2StreamId> told_;
};

TEST_F(H2OpenStreamsTest, AStreamIsFoundUntilItIsRemoved) {
  ASSERT_NE(open_.find(5), nullptr);
  EXPECT_EQ(*open_.find(5), 5);
  EXPECT_TRUE(open_.remove(5));
  EXPECT_EQ(open_.find(5), nullptr);
  EXPECT_FALSE(open_.remove(5));
  EXPECT_EQ(*open_.find(7), 7);
}

TEST_F(H2OpenStreamsTest, IdsOfNoStreamAreNotFound) {
  for (const H2StreamId id : {0, 2, 9}) {
    EXPECT_EQ(open_.find(id), nullptr) << id;
    EXPECT_FALSE(open_.remove(id)) << id;
  }
  EXPECT_EQ(H2OpenStreams<H2StreamId>().find(1), nullptr);
}

TEST_F(H2OpenStreamsTest, ItIsEmptyBehindTheLast) {
  for (const H2StreamId id : {3, 1, 7}) {
    EXPECT_TRUE(open_.remove(id));
    EXPECT_FALSE(open_.empty());
  }
  EXPECT_TRUE(open_.remove(5));
  EXPECT_TRUE(open_.empty());
}

TEST_F(H2OpenStreamsTest, WhatIsEndedBeforeItsTurnIsNotTold) {
  open_.forEach([this](H2StreamId id) {
    told_.push_back(id);
    static_cast<void>(open_.remove(id));
    if (id == 3) {
      static_cast<void>(open_.remove(5));
    }
  });
  EXPECT_EQ(told_, (std::vector<H2StreamId>{1, 3, 7}));
  EXPECT_TRUE(open_.empty());
}

TEST_F(H2OpenStreamsTest, WhatEndsBehindItsTurnSkipsNone) {
  open_.forEach([this](H2StreamId id) {
    told_.push_back(id);
    static_cast<void>(open_.remove(1));
  });
  EXPECT_EQ(told_, (std::vector<H2StreamId>{1, 3, 5, 7}));
}

TEST_F(H2OpenStreamsTest, WhatIsOpenedMeanwhileIsNotTold) {
  open_.forEach([this](H2StreamId id) {
    told_.push_back(id);
    add(id + 8);
  });
  EXPECT_EQ(told_, (std::vector<H2StreamId>{1, 3, 5, 7}));
  EXPECT_NE(open_.find(15), nullptr);
}

TEST_F(H2OpenStreamsTest, OfNoneNothingIsTold) {
  H2OpenStreams<H2StreamId> none;
  none.forEach([this](H2StreamId id) { told_.push_back(id); });
  EXPECT_TRUE(told_.empty());
}

}  // namespace
}  // namespace gatewhy::test::h2_open_streams
