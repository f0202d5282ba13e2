// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/client_census.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace gatewhy {
namespace {

using CountedAs = ClientCensus::Kind;

TEST(ClientCensus, EachClientHasItsOwnLimit) {
  ClientCensus census;
  const auto first = census.take(CountedAs::Connection, 1, 2);
  auto second = census.take(CountedAs::Connection, 1, 2);
  EXPECT_TRUE(first.held() && second.held());
  EXPECT_FALSE(census.take(CountedAs::Connection, 1, 2).held());
  EXPECT_TRUE(census.take(CountedAs::Connection, 2, 2).held());
  EXPECT_TRUE(census.take(CountedAs::Handshake, 1, 1).held());
  second.release();
  EXPECT_TRUE(census.take(CountedAs::Connection, 1, 2).held());
}

TEST(ClientCensus, KeepsNothingOfWhoHasLeft) {
  ClientCensus census;
  {
    std::vector<ClientCensus::Place> places;
    for (std::uint64_t client = 0; client < 1000; ++client) {
      places.push_back(census.take(CountedAs::Connection, client, 1));
      places.push_back(census.take(CountedAs::Handshake, client, 1));
    }
    EXPECT_EQ(1000U, census.clients());
  }
  EXPECT_EQ(0U, census.clients());
  EXPECT_FALSE(census.take(CountedAs::Connection, 1, 0).held());
  EXPECT_EQ(0U, census.clients());
}

TEST(ClientCensus, CountsOverAllThreads) {
  ClientCensus census;
  constexpr std::uint32_t kLimit = 50;
  std::vector<std::vector<ClientCensus::Place>> held(4);
  std::vector<std::thread> threads;
  threads.reserve(held.size());
  for (auto& mine : held) {
    threads.emplace_back([&census, &mine] {
      for (int i = 0; i < 1000; ++i) {
        if (auto place = census.take(CountedAs::Connection, 7, kLimit); place.held()) {
          mine.push_back(std::move(place));
        }
        if (i % 3 == 0 && !mine.empty()) {
          mine.pop_back();
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::size_t sum = 0;
  for (const auto& mine : held) {
    sum += mine.size();
  }
  EXPECT_LE(sum, kLimit);
  auto& rest = held.front();
  for (auto place = census.take(CountedAs::Connection, 7, kLimit); place.held();
       place = census.take(CountedAs::Connection, 7, kLimit)) {
    rest.push_back(std::move(place));
    ++sum;
  }
  EXPECT_EQ(kLimit, sum);  // none was lost or counted twice
}

}  // namespace
}  // namespace gatewhy
