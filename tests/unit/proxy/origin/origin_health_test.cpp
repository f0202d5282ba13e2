// SPDX-License-Identifier: Apache-2.0
// The endpoints of an origin together, as two workers see them, and what the
// log says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/origin/health_event.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy::test::origin_health {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = Verdict::Kind;

constexpr Verdict kRefused{
    .source = HealthSource::Passive, .kind = Kind::Bad, .cause = Cause::ConnectionRefused, .client = 1};
constexpr Verdict kCheckFailed{
    .source = HealthSource::Check, .kind = Kind::Bad, .cause = Cause::ConnectionTimeout, .client = 0};
constexpr Verdict kCheckPassed{.source = HealthSource::Check, .kind = Kind::Good};

class OriginHealthTest : public testing::Test {
 protected:
  explicit OriginHealthTest(std::size_t endpoints = 4) {
    config_.name = "shop";
    config_.eject = EjectConfig{.failures = 1, .duration = 10s};
    config_.health = HealthConfig{};
    config_.health->unhealthy = 1;
    config_.health->healthy = 1;
    for (std::size_t i = 0; i < endpoints; ++i) {
      config_.endpoints.push_back({.url = "http://shop-" + std::to_string(i), .unix_path = {}});
      states_.push_back(std::make_shared<EndpointState>());
    }
  }
  OriginHealth worker() const { return {config_, states_, state_}; }
  [[nodiscard]] std::vector<std::size_t> used(OriginHealth& worker) const {
    worker.look(now_);
    std::vector<std::size_t> used;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (worker.usable(i)) {
        used.push_back(i);
      }
    }
    return used;
  }

  OriginConfig config_;
  std::vector<std::shared_ptr<EndpointState>> states_;
  std::shared_ptr<OriginState> state_ = std::make_shared<OriginState>();
  TimePoint now_ = std::chrono::time_point_cast<std::chrono::milliseconds>(EventLoop::now());
};

TEST_F(OriginHealthTest, WhatOneWorkerFindsTheOtherKnows) {
  OriginHealth one = worker();
  OriginHealth other = worker();
  EXPECT_THAT(used(other), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(one.report(1, kRefused, now_), HealthChange::Ejected);
  EXPECT_THAT(used(other), ElementsAre(0, 2, 3));
  EXPECT_TRUE(other.setDrained(3, true, now_));
  EXPECT_THAT(used(one), ElementsAre(0, 2));
  EXPECT_EQ(one.report(2, kCheckFailed, now_), HealthChange::Down);
  EXPECT_THAT(used(other), ElementsAre(0));
  now_ += 10s;
  EXPECT_THAT(used(one), ElementsAre(0, 1)) << "the ejection is over";
  EXPECT_EQ(states_[1]->health_changes.of(HealthChange::Ejected), 1U);
}

TEST_F(OriginHealthTest, TheLastUsableEndpointIsNotEjected) {
  config_.panic_percent = 0;
  OriginHealth one = worker();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(one.report(i, kRefused, now_), HealthChange::Ejected);
  }
  EXPECT_EQ(one.report(3, kRefused, now_), HealthChange::None);
  EXPECT_THAT(used(one), ElementsAre(3));
}

TEST_F(OriginHealthTest, TooFewLeftByEjectionsIsAPanicToldOnce) {
  OriginHealth one = worker();
  OriginHealth other = worker();
  EXPECT_EQ(one.report(0, kRefused, now_), HealthChange::Ejected);
  EXPECT_EQ(one.report(1, kRefused, now_), HealthChange::Ejected);
  EXPECT_THAT(used(one), ElementsAre(2, 3)) << "half of them is not less than half";
  EXPECT_FALSE(one.takePanicChange());
  EXPECT_EQ(one.report(2, kRefused, now_), HealthChange::Ejected);
  EXPECT_THAT(used(one), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(used(other), ElementsAre(0, 1, 2, 3));
  const auto begins = one.takePanicChange();
  ASSERT_TRUE(begins);
  EXPECT_TRUE(begins->begins);
  EXPECT_EQ(begins->in_use, 1U);
  EXPECT_EQ(begins->allowed, 4U);
  EXPECT_FALSE(one.takePanicChange());
  EXPECT_FALSE(other.takePanicChange());
  EXPECT_TRUE(one.wouldPanic(now_));
}

TEST_F(OriginHealthTest, PanicIgnoresNeitherChecksNorOperators) {
  OriginHealth one = worker();
  EXPECT_EQ(one.report(0, kCheckFailed, now_), HealthChange::Down);
  EXPECT_TRUE(one.setDrained(1, true, now_));
  EXPECT_EQ(one.report(2, kRefused, now_), HealthChange::Ejected);
  EXPECT_THAT(used(one), ElementsAre(3)) << "one of the two that are allowed";
  EXPECT_EQ(one.report(3, kCheckFailed, now_), HealthChange::Down);
  EXPECT_THAT(used(one), ElementsAre(2)) << "none of one: the ejection is ignored";
  EXPECT_EQ(one.report(2, kCheckFailed, now_), HealthChange::Down);
  EXPECT_THAT(used(one), ElementsAre());
}

TEST_F(OriginHealthTest, SaysWhyNobodyIsThereAndForHowLong) {
  config_.panic_percent = 0;
  OriginHealth one = worker();
  EXPECT_FALSE(one.backIn(now_)) << "nobody is out";
  EXPECT_EQ(one.report(0, kRefused, now_), HealthChange::Ejected);
  states_[0]->words.say(HealthSource::Passive, "ECONNREFUSED from 10.0.0.7");
  now_ += 7s;
  EXPECT_EQ(one.backIn(now_), 3s) << "what is left, not the whole";
  EXPECT_EQ(one.report(1, kCheckFailed, now_), HealthChange::Down);
  EXPECT_TRUE(one.setDrained(2, true, now_));
  const auto lines = one.absences(now_);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], testing::MatchesRegex("http://shop-0: ejected since 20.*Z, for another 3.0 s, "
                                              "connection_refused: ECONNREFUSED from 10.0.0.7"));
  EXPECT_THAT(lines[1], testing::MatchesRegex("http://shop-1: down by its check since 20.*Z, connection_timeout"));
  EXPECT_THAT(lines[2], testing::MatchesRegex("http://shop-2: drained by an operator since 20.*Z"));
}

TEST_F(OriginHealthTest, WhoComesBackGetsItsShareByAndBy) {
  config_.slow_start = 10s;
  OriginHealth one = worker();
  EXPECT_THAT(used(one), ElementsAre(0, 1, 2, 3));
  EXPECT_FALSE(one.anySlow());
  EXPECT_EQ(one.report(0, kCheckFailed, now_), HealthChange::Down);
  EXPECT_EQ(one.report(0, kCheckPassed, now_), HealthChange::Up);
  EXPECT_THAT(used(one), ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(one.anySlow());
  const auto sharesOf = [&](TimePoint when) {
    constexpr int kLots = 1000;
    int taken = 0;
    for (int i = 0; i < kLots; ++i) {
      taken += one.heldBack(0, i / static_cast<double>(kLots), when) ? 0 : 1;
    }
    return taken;
  };
  EXPECT_NEAR(sharesOf(now_), 50, 1) << "never nothing";
  EXPECT_NEAR(sharesOf(now_ + 3s), 300, 1);
  EXPECT_NEAR(sharesOf(now_ + 9s), 900, 1);
  EXPECT_EQ(sharesOf(now_ + 10s), 1000);
  EXPECT_FALSE(one.heldBack(1, 0.99, now_)) << "it was never out";
  now_ += 10s;
  one.look(now_);
  EXPECT_FALSE(one.anySlow());
}

TEST_F(OriginHealthTest, ForgottenChecksAreSeenAtOnce) {
  OriginHealth one = worker();
  EXPECT_EQ(one.report(0, kCheckFailed, now_), HealthChange::Down);
  EXPECT_THAT(used(one), ElementsAre(1, 2, 3));
  worker().forgetChecks();
  EXPECT_THAT(used(one), ElementsAre(0, 1, 2, 3));
}

// ---- names with several addresses --------------------------------------

class NamedHostsTest : public OriginHealthTest {
 protected:
  // The first endpoint's name has three addresses, the second is one host.
  NamedHostsTest() : OriginHealthTest(2) { resolve({"10.0.0.1", "10.0.0.2", "10.0.0.3"}); }
  void resolve(const std::vector<std::string>& ips) {
    ResolvedAddresses answer;
    answer.ttl_s = 30;
    for (const std::string& ip : ips) {
      answer.addresses.push_back(*Address::fromIp(ip, 0));
    }
    states_[0]->name.learn(Failure{DnsFault{.status = DnsStatus::NoData}}, answer, 8080, 1h, now_);
  }
};

TEST_F(NamedHostsTest, EachAddressHasAHealthOfItsOwn) {
  OriginHealth one = worker();
  OriginHealth other = worker();
  ASSERT_EQ(one.hosts().size(), 4U);
  EXPECT_EQ(nameOf(config_, one.host(1)), "http://shop-0 (10.0.0.2:8080)");
  EXPECT_EQ(nameOf(config_, one.host(3)), "http://shop-1");
  EXPECT_EQ(one.report(1, kRefused, now_), HealthChange::Ejected);
  other.look(now_);
  EXPECT_TRUE(other.usable(0));
  EXPECT_FALSE(other.usable(1));
  EXPECT_TRUE(other.usable(2));
  EXPECT_THAT(one.absences(now_), ElementsAre(testing::StartsWith("http://shop-0 (10.0.0.2:8080): ejected since ")));
  EXPECT_EQ(states_[0]->health_changes.of(HealthChange::Ejected), 1U) << "counted by endpoint";
}

TEST_F(NamedHostsTest, AnOperatorDrainsAllOfThemAlsoThoseToCome) {
  OriginHealth one = worker();
  EXPECT_TRUE(one.setDrained(0, true, now_));
  EXPECT_FALSE(one.setDrained(0, true, now_)) << "it was already";
  resolve({"10.0.0.3", "10.0.0.4"});
  OriginHealth later = worker();
  later.look(now_);
  EXPECT_FALSE(later.usable(0) || later.usable(1));
  EXPECT_TRUE(later.usable(2));
  EXPECT_THAT(later.absences(now_),
              ElementsAre(HasSubstr("drained by an operator"), HasSubstr("drained by an operator")));
}

TEST_F(NamedHostsTest, PanicAndTheLastOneAreCountedInHosts) {
  OriginHealth one = worker();
  EXPECT_EQ(one.report(0, kRefused, now_), HealthChange::Ejected);
  EXPECT_EQ(one.report(1, kRefused, now_), HealthChange::Ejected);
  one.look(now_);
  EXPECT_FALSE(one.panics()) << "two of four are left";
  EXPECT_EQ(one.report(2, kRefused, now_), HealthChange::Ejected);
  one.look(now_);
  EXPECT_TRUE(one.panics());
  EXPECT_EQ(one.report(3, kRefused, now_), HealthChange::None) << "it is the last one";
}

TEST_F(NamedHostsTest, WhoIsGoneCountsForNothing) {
  OriginHealth one = worker();
  EXPECT_EQ(one.report(0, kRefused, now_), HealthChange::Ejected);
  std::vector<OriginHost> hosts = one.hosts();
  hosts[0].state = hosts[1].state = nullptr;
  one.setHosts(hosts);
  one.look(now_);
  EXPECT_FALSE(one.usable(0) || one.usable(1));
  EXPECT_TRUE(one.usable(2) && one.usable(3));
  EXPECT_FALSE(one.takes(0, now_));
  EXPECT_EQ(one.report(0, kRefused, now_), HealthChange::None) << "a request that was on its way";
  EXPECT_THAT(one.absences(now_), testing::IsEmpty());
}

// ---- what the log says ------------------------------------------------

class HealthEventTest : public OriginHealthTest {
 protected:
  std::string told(HealthChange change, const Diagnosis* diagnosis) {
    std::string line;
    tellHealthChange([&](const LifecycleEvent& event) { appendJson(line, event, std::chrono::system_clock::now()); },
                     config_, worker().host(0), change, diagnosis, now_);
    return line;
  }
};

TEST_F(HealthEventTest, NamesTheHostOfAName) {
  ResolvedAddresses answer;
  answer.addresses = {*Address::fromIp("10.0.0.1", 0), *Address::fromIp("10.0.0.2", 0)};
  const HostChange change =
      states_[0]->name.learn(Failure{DnsFault{.status = DnsStatus::NoData}}, answer, 8080, 1h, now_);
  const std::string up = told(HealthChange::Up, nullptr);
  EXPECT_THAT(up, HasSubstr(R"("message":"http://shop-0 (10.0.0.1:8080) passes its check")"));
  EXPECT_THAT(up, HasSubstr(R"("endpoint":"http://shop-0","address":"10.0.0.1:8080","state":"up")"));
  std::string line;
  tellHosts([&](const LifecycleEvent& event) { appendJson(line, event, std::chrono::system_clock::now()); }, config_, 0,
            change);
  EXPECT_THAT(line, HasSubstr(R"("event":"hosts")"));
  EXPECT_THAT(line, HasSubstr(R"("message":"http://shop-0 has 2 addresses, each a host")"));
  EXPECT_THAT(line, HasSubstr(R"("hosts":2,"joined":["10.0.0.1:8080","10.0.0.2:8080"]})"));
}

TEST_F(HealthEventTest, SaysStateSourceAndTheWholeDiagnosis) {
  Diagnosis diagnosis = diagnose(
      Observation{.phase = Phase::Connect, .fault = ConnectFault{.call = ConnectCall::SoError, .error = ECONNREFUSED}},
      {});
  OriginHealth one = worker();
  EXPECT_EQ(one.report(0, kRefused, now_), HealthChange::Ejected);
  const std::string eject = told(HealthChange::Ejected, &diagnosis);
  EXPECT_THAT(eject, HasSubstr(R"("severity":"WARN","event":"eject")"));
  EXPECT_THAT(eject, HasSubstr(R"("message":"http://shop-0 is out of use for 10 s: )"));
  EXPECT_THAT(eject, HasSubstr(R"("state":"ejected","source":"passive","cause":"connection_refused","for_ms":10000)"));
  EXPECT_THAT(eject, HasSubstr(R"("diagnosis":{"cause":"connection_refused","phase":"connect")"));
  EXPECT_THAT(eject, HasSubstr(R"("errno_name":"ECONNREFUSED")"));
  EXPECT_EQ(states_[0]->words.of(HealthSource::Passive), diagnosis.summary);
  const std::string down = told(HealthChange::Down, &diagnosis);
  EXPECT_THAT(down, HasSubstr(R"("severity":"ERROR","event":"health")"));
  EXPECT_THAT(down, HasSubstr(R"("state":"down","source":"check","cause":"connection_refused")"));
  EXPECT_THAT(told(HealthChange::Up, nullptr), HasSubstr(R"("state":"up","source":"check"})"));
  EXPECT_THAT(told(HealthChange::Recovered, nullptr), HasSubstr(R"("state":"up","source":"passive"})"));
  EXPECT_EQ(told(HealthChange::None, nullptr), "");
}

}  // namespace
}  // namespace gatewhy::test::origin_health
