// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet/fleet_view.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/fleet/fleet_text.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

FleetView::Time at(int seconds) {
  return FleetView::Time(std::chrono::seconds(1'769'860'800 + seconds));  // 2026-01-31T12:00:00Z
}

std::string event(const std::string& name, const std::string& instance, int sequence, const json& more = json::object(),
                  const std::string& boot = "0a") {
  json made{{"event", name},
            {"service", {{"instance", {{"id", instance}}}}},
            {"boot_id", boot},
            {"sequence", sequence},
            {"timestamp", "2026-01-31T12:00:00.000000Z"}};
  made.update(more);
  return made.dump();
}

std::string failure(const std::string& instance, int sequence, const std::string& address = "10.0.0.1:80") {
  return event("exchange", instance, sequence,
               {{"origin", "shop"},
                {"request_id", fmt::format("{}-{}", instance, sequence)},
                {"peer", {{"address", address}}},
                {"http", {{"response", {{"status_code", 502}}}}},
                {"diagnosis", {{"cause", "connection_refused"}, {"summary", "refused"}}}});
}

std::string success(const std::string& instance, int sequence, const std::string& address = "10.0.0.1:80") {
  return event("exchange", instance, sequence, {{"origin", "shop"}, {"peer", {{"address", address}}}});
}

std::vector<std::string> gapWords(const FleetView& view, int now) {
  std::vector<std::string> words;
  for (const FleetGap& gap : view.gaps(at(now))) {
    words.push_back(gap.words());
  }
  return words;
}

TEST(SequenceSetTest, KnowsWhatIsMissing) {
  SequenceSet set;
  for (const std::uint64_t number : {5U, 3U, 4U, 9U, 1U}) {
    EXPECT_TRUE(set.insert(number));
  }
  EXPECT_FALSE(set.insert(4));
  EXPECT_THAT(set.gaps(), ElementsAre(SequenceSet::Range{2, 2}, SequenceSet::Range{6, 8}));
  EXPECT_EQ(set.first(), 1U);
  EXPECT_EQ(set.last(), 9U);
  set.insert(2, 7);
  EXPECT_THAT(set.gaps(), ElementsAre(SequenceSet::Range{8, 8}));
  EXPECT_EQ(set.countIn({5, 8}), 3U);
  EXPECT_TRUE(set.contains(7));
  EXPECT_FALSE(set.contains(8));
}

TEST(FleetViewTest, EachEventCountsOnceHoweverOftenItComes) {
  FleetView view;
  EXPECT_TRUE(view.add(failure("gw-1", 2), at(1)));
  EXPECT_FALSE(view.add(failure("gw-1", 2), at(2)));
  EXPECT_TRUE(view.add(failure("gw-2", 2), at(2)));
  EXPECT_TRUE(view.add(failure("gw-1", 1), at(3)));
  EXPECT_FALSE(view.add("no json", at(3)));
  EXPECT_FALSE(view.add(R"({"event":"exchange"})", at(3))) << "not numbered";
  EXPECT_EQ(view.duplicates(), 1U);
  ASSERT_THAT(view.failures(), SizeIs(1));
  EXPECT_EQ(view.failures()[0].failures, 3U);
  EXPECT_EQ(view.failures()[0].by_instance.at("gw-1"), 2U);
  EXPECT_THAT(view.recent(), SizeIs(3));
}

TEST(FleetViewTest, GapsAreNamed) {
  FleetView view;
  for (const int number : {1, 2, 6, 7}) {
    view.add(success("gw-2", number), at(number));
  }
  EXPECT_THAT(gapWords(view, 10), ElementsAre("gw-2, boot 0a, 3–5 missing: not told"));
  view.add(event("message", "gw-2", 8, {{"lost_lines", 2}, {"lost_sequences", {"4-5"}}}), at(8));
  EXPECT_THAT(gapWords(view, 10), ElementsAre("gw-2, boot 0a, 3–5 missing: 2 dropped, told by it; 1 not told"));
  view.add(event("message", "gw-2", 9, {{"lost_sequences", {"3-3"}}}), at(9));
  EXPECT_THAT(gapWords(view, 10), ElementsAre("gw-2, boot 0a, 3–5 missing: 3 dropped, told by it"));
  EXPECT_EQ(view.instances(at(10))[0].dropped, 3U);
  view.add(success("gw-2", 4), at(10));  // late
  EXPECT_THAT(gapWords(view, 10), SizeIs(2));
}

TEST(FleetViewTest, AnEndWithoutStopIsNamed) {
  FleetView view;
  view.add(event("start", "gw-1", 1), at(0));
  view.add(success("gw-1", 131), at(1));
  EXPECT_THAT(gapWords(view, 5), SizeIs(1)) << "it may still run";
  EXPECT_THAT(gapWords(view, 60), ElementsAre(HasSubstr("2–130"), "gw-1, boot 0a, ended without stop after 131"));
  // A run that follows says the same at once.
  view.add(event("start", "gw-1", 1, json::object(), "0b"), at(3));
  EXPECT_THAT(gapWords(view, 5), ElementsAre(HasSubstr("2–130"), "gw-1, boot 0a, ended without stop after 131"));
  EXPECT_EQ(view.instances(at(5))[0].boot, "0b");
  // What is replayed of the old run makes it no younger.
  view.add(event("stop", "gw-1", 132), at(4));
  EXPECT_EQ(view.instances(at(5))[0].boot, "0b");
  EXPECT_EQ(view.instances(at(5))[0].state, InstanceState::Running);
  EXPECT_THAT(gapWords(view, 5), ElementsAre(HasSubstr("2–130")));
}

TEST(FleetViewTest, SilentIsNotStopped) {
  FleetView view;
  view.add(event("start", "gw-1", 1, {{"version", "1.2"}, {"config_hash", "abc"}}), at(0));
  view.add(event("start", "gw-2", 1), at(0));
  view.add(event("start", "gw-3", 1), at(0));
  view.add(event("stop", "gw-2", 2), at(1));
  view.add(event("drain", "gw-3", 2), at(1));
  const auto states = [&view](int now) {
    std::vector<InstanceState> out;
    for (const InstanceView& one : view.instances(at(now))) {
      out.push_back(one.state);
    }
    return out;
  };
  EXPECT_THAT(states(5), ElementsAre(InstanceState::Running, InstanceState::Stopped, InstanceState::Draining));
  EXPECT_THAT(states(14), ElementsAre(InstanceState::Silent, InstanceState::Stopped, InstanceState::Silent));
  view.add(event("heartbeat", "gw-1", 2), at(14));
  EXPECT_THAT(states(14), ElementsAre(InstanceState::Running, InstanceState::Stopped, InstanceState::Silent));
  EXPECT_EQ(view.instances(at(14))[0].version, "1.2");
  EXPECT_EQ(view.instances(at(14))[0].config_hash, "abc");
  EXPECT_NEAR(view.instances(at(14))[0].skew_ms, -14000, 1);
  EXPECT_THAT(fleetText(view, at(14)), HasSubstr("clock 14.0 s behind"));
}

TEST(FleetViewTest, HeartbeatsCountWhatIsNotSent) {
  FleetView view;
  const auto beat = [&view](const std::string& instance, int sequence, int count) {
    view.add(event("heartbeat", instance, sequence, {{"exchanges_by_origin", {fmt::format("shop {}", count)}}}), at(0));
  };
  beat("gw-1", 1, 1000);
  beat("gw-2", 1, 500);
  for (int i = 0; i < 20; ++i) {
    view.add(failure("gw-1", 2 + i), at(1));
  }
  EXPECT_EQ(view.failures()[0].vantage.vantage, Vantage::NotEnough) << "gw-2 has said nothing of exchanges since";
  beat("gw-1", 22, 1100);
  beat("gw-2", 2, 600);
  const VantageVerdict verdict = view.failures()[0].vantage;
  EXPECT_EQ(verdict.vantage, Vantage::WayFromThere);
  EXPECT_EQ(verdict.words, "1 of 2 gatewhys, 20 % of the requests of gw-1: the way from there");
}

TEST(FleetViewTest, HeartbeatsAloneTellWhoSeesACause) {
  FleetView view;
  const auto beat = [&view](const std::string& instance, int sequence, int exchanges, int failures) {
    view.add(event("heartbeat", instance, sequence,
                   {{"exchanges_by_origin", {fmt::format("shop {}", exchanges)}},
                    {"failures_by_cause", {fmt::format("shop connection_refused {}", failures)}}}),
             at(sequence));
  };
  beat("gw-1", 1, 1000, 10);
  beat("gw-2", 1, 2000, 500);
  EXPECT_EQ(view.vantageByHeartbeats("shop", "connection_refused").vantage, Vantage::Nobody);
  beat("gw-1", 2, 1100, 10);
  beat("gw-2", 2, 2100, 600);
  EXPECT_EQ(view.vantageByHeartbeats("shop", "connection_refused").words,
            "1 of 2 gatewhys, all requests of gw-2: the way from there");
  EXPECT_EQ(view.vantageByHeartbeats("shop", "dns_timeout").vantage, Vantage::Nobody);
}

TEST(FleetViewTest, TextAndJsonSayTheSame) {
  FleetView view;
  view.add(event("start", "gw-1", 1, {{"version", "1.2"}, {"config_hash", "abc"}}), at(0));
  view.add(failure("gw-1", 3), at(1));
  view.add(failure("gw-1", 4), at(1));
  const std::string text = fleetText(view, at(2));
  EXPECT_THAT(text, HasSubstr("gatewhys: 1 of 1 running"));
  EXPECT_THAT(text, HasSubstr("version 1.2  config abc  3 events, 2 failures"));
  EXPECT_THAT(text, HasSubstr("connection_refused"));
  EXPECT_THAT(text, HasSubstr("2 missing: not told"));
  EXPECT_THAT(text, HasSubstr("gw-1-4"));
  const json said = json::parse(fleetJson(view, at(2)));
  EXPECT_EQ(said["instances"][0]["state"], "running");
  EXPECT_EQ(said["failures"][0]["failures"], 2);
  EXPECT_EQ(said["gaps"][0]["words"], "gw-1, boot 0a, 2 missing: not told");
  EXPECT_EQ(said["recent"][1]["request_id"], "gw-1-4");
}

// ---- vantage

VantageVerdict judge(const std::vector<VantageCount>& counts, const std::vector<AddressCount>& addresses = {}) {
  return judgeVantage(counts, addresses);
}

TEST(VantageTest, EverywhereIsTheOrigin) {
  const auto verdict = judge({{"a", 100, 50}, {"b", 80, 40}, {"c", 120, 70}});
  EXPECT_EQ(verdict.vantage, Vantage::Origin);
  EXPECT_EQ(verdict.words, "3 of 3 gatewhys: the origin");
}

TEST(VantageTest, OneOfThreeIsTheWayFromThere) {
  const auto verdict = judge({{"gw-fra-1", 100, 0}, {"gw-fra-2", 40, 40}, {"gw-ams-1", 90, 0}});
  EXPECT_EQ(verdict.vantage, Vantage::WayFromThere);
  EXPECT_EQ(verdict.words, "1 of 3 gatewhys, all requests of gw-fra-2: the way from there");
  EXPECT_THAT(verdict.not_by, ElementsAre("gw-fra-1", "gw-ams-1"));
}

TEST(VantageTest, AllButOnlyToOneAddress) {
  const auto verdict = judge({{"a", 100, 50}, {"b", 80, 40}}, {{"10.0.0.1:80", 90, 90}, {"10.0.0.2:80", 90, 0}});
  EXPECT_EQ(verdict.vantage, Vantage::OneAddress);
  EXPECT_EQ(verdict.words, "2 of 2 gatewhys, but only to one address, 10.0.0.1:80");
  EXPECT_EQ(judge({{"a", 100, 50}, {"b", 80, 40}}, {{"10.0.0.1:80", 90, 90}}).vantage, Vantage::Origin);
  EXPECT_EQ(judge({{"a", 100, 50}, {"b", 80, 40}}, {{"1", 90, 60}, {"2", 90, 30}}).vantage, Vantage::Origin);
}

TEST(VantageTest, TooLittleTrafficTellsNothing) {
  EXPECT_EQ(judge({}).vantage, Vantage::Nobody);
  EXPECT_EQ(judge({{"a", 100, 0}}).vantage, Vantage::Nobody);
  EXPECT_EQ(judge({{"a", 100, 1}, {"b", 100, 0}}).words, "too few failures to tell");
  EXPECT_EQ(judge({{"a", 100, 50}}).words, "only a sends it requests: not enough traffic to tell");
  // b had no request that could have failed.
  EXPECT_EQ(judge({{"a", 100, 50}, {"b", 3, 0}}).words, "seen by a; not enough traffic elsewhere to tell");
  EXPECT_EQ(judge({{"a", 100, 50}, {"b", 9, 0}}).vantage, Vantage::NotEnough);
  EXPECT_EQ(judge({{"a", 100, 50}, {"b", 10, 0}}).vantage, Vantage::WayFromThere);
}

TEST(VantageTest, WhatClientsOrGatewhyDoHasNoWay) {
  const std::vector<VantageCount> counts{{"a", 100, 50}, {"b", 100, 40}, {"c", 100, 0}};
  EXPECT_EQ(judgeVantage("client_closed_request", counts, {}).words, "2 of 3 gatewhys: what clients do");
  EXPECT_EQ(judgeVantage("proxy_fd_exhausted", counts, {}).words, "2 of 3 gatewhys: gatewhy itself");
  EXPECT_EQ(judgeVantage("client_closed_request", counts, {}).vantage, Vantage::NoWay);
  EXPECT_EQ(judgeVantage("dns_timeout", counts, {}).vantage, Vantage::WayFromThere);
  EXPECT_EQ(judgeVantage("a_cause_of_a_later_version", counts, {}).vantage, Vantage::WayFromThere);
}

TEST(VantageTest, ChanceAloneIsNoPlace) {
  // One in a thousand elsewhere is not what a sees.
  EXPECT_EQ(judge({{"a", 1000, 500}, {"b", 10'000, 10}}).vantage, Vantage::WayFromThere);
  EXPECT_EQ(judge({{"a", 10'000, 9}, {"b", 10'000, 11}}).words, "too few failures to tell");
}

}  // namespace
}  // namespace gatewhy
