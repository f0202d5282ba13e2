// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/ticket_keys.h"

#include <gtest/gtest.h>

namespace gatewhy::test {
namespace {

using std::chrono::seconds;

class TicketKeysTest : public ::testing::Test {
 protected:
  static constexpr seconds kPeriod{100};
  [[nodiscard]] TicketKeys::Time at(int second) const { return begin_ + seconds(second); }

  TicketKeys keys_{kPeriod};
  TicketKeys::Time begin_ = std::chrono::steady_clock::now();
};

TEST_F(TicketKeysTest, OneKeySealsForAPeriod) {
  const auto first = keys_.sealing(at(0));
  ASSERT_TRUE(first);
  EXPECT_EQ(keys_.sealing(at(99))->name, first->name);
  const auto second = keys_.sealing(at(100));
  EXPECT_NE(second->name, first->name);
  EXPECT_NE(second->cipher, first->cipher);
  EXPECT_NE(second->mac, first->mac);
}

TEST_F(TicketKeysTest, ATicketOpensForAPeriodAfterItsKeyWasReplaced) {
  const auto first = keys_.sealing(at(0));
  EXPECT_EQ(keys_.opening(first->name, at(99))->cipher, first->cipher);
  const auto second = keys_.sealing(at(150));
  EXPECT_EQ(keys_.opening(first->name, at(199))->mac, first->mac);
  EXPECT_FALSE(keys_.opening(first->name, at(200)));
  EXPECT_TRUE(keys_.opening(second->name, at(200)));
  EXPECT_FALSE(keys_.opening(second->name, at(350))) << "also where nothing was sealed since";
}

TEST_F(TicketKeysTest, AForeignNameOpensNothing) {
  const auto first = keys_.sealing(at(0));
  auto other = first->name;
  other[15] ^= 1U;
  EXPECT_FALSE(keys_.opening(other, at(0)));
}

}  // namespace
}  // namespace gatewhy::test
