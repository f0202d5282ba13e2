// SPDX-License-Identifier: Apache-2.0
// When an endpoint is taken out of use and when it comes back, by a clock that
// the test turns.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "proxy/origin/endpoint_health.h"

namespace gatewhy::test::endpoint_health {
namespace {

using namespace std::chrono_literals;
using Kind = Verdict::Kind;
using Standing = EndpointHealth::Standing;

class EndpointHealthTest : public testing::Test {
 protected:
  HealthChange bad(Cause cause = Cause::ConnectionRefused) {
    return tell({.source = HealthSource::Passive, .kind = Kind::Bad, .cause = cause, .client = 1});
  }
  HealthChange doubtful(std::uint64_t client) {
    return tell(
        {.source = HealthSource::Passive, .kind = Kind::Doubtful, .cause = Cause::ResponseTimeout, .client = client});
  }
  HealthChange good() { return tell({}); }
  HealthChange check(bool passes) {
    return tell({.source = HealthSource::Check,
                 .kind = passes ? Kind::Good : Kind::Bad,
                 .cause = Cause::ConnectionTimeout,
                 .client = 0});
  }
  HealthChange tell(const Verdict& verdict) {
    return health_.report(verdict, rules_, now_, [this] { return spare_; });
  }
  void eject() {
    for (std::uint32_t i = 1; i < rules_.failures; ++i) {
      EXPECT_EQ(bad(), HealthChange::None);
    }
    EXPECT_EQ(bad(), HealthChange::Ejected);
  }
  [[nodiscard]] std::chrono::milliseconds outFor() const {
    const auto why = health_.why(now_);
    return why && why->until ? std::chrono::duration_cast<std::chrono::milliseconds>(*why->until - now_) : 0ms;
  }

  HealthRules rules_{.failures = 5, .span = 10s, .healthy = 2, .unhealthy = 3};
  TimePoint now_{1000s};
  bool spare_ = true;
  EndpointHealth health_;
};

TEST_F(EndpointHealthTest, FiveFailuresInARowEject) {
  eject();
  EXPECT_EQ(health_.standing(now_), Standing::Ejected);
  EXPECT_EQ(outFor(), 10s);
  const auto why = health_.why(now_);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->source, HealthSource::Passive);
  EXPECT_EQ(why->cause, Cause::ConnectionRefused);
  EXPECT_EQ(why->since, now_);
  EXPECT_EQ(bad(), HealthChange::None) << "it is out already";
  now_ += 10s;
  EXPECT_TRUE(health_.usable(now_));
}

// Connections that were begun while it dropped everything time out when it is
// long back.
TEST_F(EndpointHealthTest, WhatBeganBeforeItCameBackSaysNothing) {
  const auto failsSince = [this](TimePoint began) {
    return tell({.source = HealthSource::Passive,
                 .kind = Kind::Bad,
                 .cause = Cause::ConnectionTimeout,
                 .client = 1,
                 .began = began});
  };
  eject();
  now_ += 10s;
  const TimePoint before = now_;
  now_ += 1s;
  EXPECT_EQ(good(), HealthChange::Recovered);
  for (std::uint32_t i = 0; i < 2 * rules_.failures; ++i) {
    EXPECT_EQ(failsSince(before), HealthChange::None);
  }
  EXPECT_FALSE(health_.failing());
  for (std::uint32_t i = 1; i < rules_.failures; ++i) {
    EXPECT_EQ(failsSince(now_), HealthChange::None);
  }
  EXPECT_EQ(failsSince(now_), HealthChange::Ejected);
}

TEST_F(EndpointHealthTest, ASuccessEndsTheRow) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(i % 4 == 3 ? good() : bad(), HealthChange::None);
    EXPECT_EQ(health_.failing(), i % 4 != 3);
  }
  EXPECT_TRUE(health_.usable(now_));
}

TEST_F(EndpointHealthTest, TheLastOneIsNotEjected) {
  spare_ = false;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(bad(), HealthChange::None);
  }
  spare_ = true;
  EXPECT_EQ(bad(), HealthChange::Ejected);
}

TEST_F(EndpointHealthTest, NothingEjectsWhereThatIsOff) {
  rules_.failures = 0;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(bad(), HealthChange::None);
  }
}

TEST_F(EndpointHealthTest, RepetitionDoublesUpToFiveMinutes) {
  eject();
  for (const auto expected : {20s, 40s, 80s, 160s, 300s, 300s}) {
    now_ += outFor();
    EXPECT_TRUE(health_.usable(now_));
    EXPECT_EQ(bad(), HealthChange::Ejected) << "nothing has succeeded: one more is enough";
    EXPECT_EQ(outFor(), expected);
  }
  EXPECT_EQ(health_.ejectionsInRow(), 7U);
}

TEST_F(EndpointHealthTest, RepetitionIsForgottenAfterFiveMinutesInUse) {
  eject();
  now_ += outFor();
  EXPECT_EQ(good(), HealthChange::Recovered);
  EXPECT_EQ(good(), HealthChange::None);
  now_ += 4min;
  eject();
  EXPECT_EQ(outFor(), 20s);
  now_ += outFor() + 5min;
  EXPECT_EQ(good(), HealthChange::Recovered);
  eject();
  EXPECT_EQ(outFor(), 10s);
}

TEST_F(EndpointHealthTest, ALongFirstEjectionStaysAsLong) {
  rules_.span = 1h;
  eject();
  EXPECT_EQ(outFor(), 1h);
  now_ += outFor();
  EXPECT_EQ(bad(), HealthChange::Ejected);
  EXPECT_EQ(outFor(), 1h);
}

TEST_F(EndpointHealthTest, ASuccessWhileItIsOutChangesNothing) {
  eject();
  now_ += 1s;
  EXPECT_EQ(good(), HealthChange::None);
  EXPECT_EQ(health_.standing(now_), Standing::Ejected);
}

TEST_F(EndpointHealthTest, OneStrangerWithASlowUrlEjectsNobody) {
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(doubtful(7), HealthChange::None);
  }
  EXPECT_TRUE(health_.usable(now_));
  EXPECT_EQ(good(), HealthChange::None);
  EXPECT_EQ(doubtful(8), HealthChange::None) << "something has succeeded in between";
  EXPECT_TRUE(health_.usable(now_));
}

TEST_F(EndpointHealthTest, TwoClientsWithoutASuccessDo) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(doubtful(7), HealthChange::None);
  }
  EXPECT_EQ(doubtful(8), HealthChange::Ejected);
}

TEST_F(EndpointHealthTest, ChecksNeedSeveralInARow) {
  EXPECT_EQ(health_.checkState(), EndpointHealth::CheckState::Unknown);
  EXPECT_TRUE(health_.usable(now_)) << "unknown is in use";
  EXPECT_EQ(check(false), HealthChange::None);
  EXPECT_EQ(check(false), HealthChange::None);
  EXPECT_EQ(check(false), HealthChange::Down);
  EXPECT_EQ(health_.standing(now_), Standing::Down);
  EXPECT_EQ(health_.why(now_)->source, HealthSource::Check);
  EXPECT_EQ(health_.why(now_)->cause, Cause::ConnectionTimeout);
  EXPECT_EQ(check(false), HealthChange::None);
  EXPECT_EQ(check(true), HealthChange::None);
  EXPECT_EQ(check(false), HealthChange::None);
  EXPECT_EQ(check(true), HealthChange::None);
  now_ += 5s;
  EXPECT_EQ(check(true), HealthChange::Up);
  EXPECT_TRUE(health_.usable(now_));
  EXPECT_EQ(health_.returned(now_), now_);
}

TEST_F(EndpointHealthTest, TheFirstSuccessfulCheckIsEnough) {
  EXPECT_EQ(check(false), HealthChange::None);
  EXPECT_EQ(check(true), HealthChange::Up);
  EXPECT_EQ(check(true), HealthChange::None);
}

TEST_F(EndpointHealthTest, ChecksThatAreGoneTakeNobodyOut) {
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(check(false));
  }
  EXPECT_TRUE(health_.forgetChecks());
  EXPECT_TRUE(health_.usable(now_));
  EXPECT_FALSE(health_.forgetChecks());
}

TEST_F(EndpointHealthTest, RequestsSayNothingAgainstChecksNorTheOtherWayRound) {
  eject();
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(check(false));
  }
  EXPECT_EQ(health_.standing(now_), Standing::Down);
  EXPECT_EQ(good(), HealthChange::None);
  EXPECT_EQ(health_.standing(now_), Standing::Down);
  EXPECT_EQ(check(true), HealthChange::None);
  EXPECT_EQ(check(true), HealthChange::Up);
  EXPECT_EQ(health_.standing(now_), Standing::Ejected);
}

TEST_F(EndpointHealthTest, AnOperatorIsObeyedFirst) {
  EXPECT_TRUE(health_.setDrained(true, now_));
  EXPECT_FALSE(health_.setDrained(true, now_ + 1s));
  eject();
  EXPECT_EQ(health_.standing(now_), Standing::Drained);
  EXPECT_EQ(health_.why(now_)->source, HealthSource::Drain);
  EXPECT_EQ(health_.why(now_)->cause, std::nullopt);
  now_ += 1min;
  EXPECT_TRUE(health_.setDrained(false, now_));
  EXPECT_TRUE(health_.usable(now_));
  EXPECT_EQ(health_.returned(now_), now_);
}

// However many workers see the threshold passed, one of them has it to tell.
TEST_F(EndpointHealthTest, EveryTransitionIsSomebodysAndOnlyHis) {
  constexpr int kThreads = 4, kEach = 2000;
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    EndpointHealth health;
    std::atomic<int> ejected{0}, down{0}, drained{0};
    std::vector<std::thread> workers;
    for (int i = 0; i < kThreads; ++i) {
      workers.emplace_back([&] {
        for (int n = 0; n < kEach; ++n) {
          const Verdict failure{
              .source = HealthSource::Passive, .kind = Kind::Bad, .cause = Cause::ConnectionRefused, .client = 1};
          Verdict checked = failure;
          checked.source = HealthSource::Check;
          const auto always = [] { return true; };
          ejected += health.report(failure, rules_, now_, always) == HealthChange::Ejected ? 1 : 0;
          down += health.report(checked, rules_, now_, always) == HealthChange::Down ? 1 : 0;
          drained += health.setDrained(true, now_) ? 1 : 0;
        }
      });
    }
    for (std::thread& worker : workers) {
      worker.join();
    }
    EXPECT_EQ(ejected, 1);
    EXPECT_EQ(down, 1);
    EXPECT_EQ(drained, 1);
  }
}

Diagnosis failureIn(Phase phase, Fault fault, Blame blame = Blame::Origin) {
  Diagnosis diagnosis;
  diagnosis.cause = Cause::ResponseTimeout;
  diagnosis.phase = phase;
  diagnosis.blame = blame;
  diagnosis.observation.fault = std::move(fault);
  return diagnosis;
}

TEST(VerdictOn, WhatSpeaksOfTheEndpoint) {
  const EndFault end;
  EXPECT_EQ(verdictOn(failureIn(Phase::Dns, DnsFault{}, Blame::Dns)), Kind::Bad);
  EXPECT_EQ(verdictOn(failureIn(Phase::Connect, ConnectFault{}, Blame::Network)), Kind::Bad);
  EXPECT_EQ(verdictOn(failureIn(Phase::TlsHandshake, TlsFault{})), Kind::Bad);
  EXPECT_EQ(verdictOn(failureIn(Phase::RequestWrite, end)), Kind::Bad);
  EXPECT_EQ(verdictOn(failureIn(Phase::ResponseHead, end)), Kind::Bad);
}

TEST(VerdictOn, WhatOneClientCanBringAbout) {
  Diagnosis cut = failureIn(Phase::ResponseHead, EndFault{});
  cut.observation.bytes.response_received = 9;
  EXPECT_EQ(verdictOn(cut), Kind::Doubtful);
  EXPECT_EQ(verdictOn(failureIn(Phase::ResponseHead, TimerFault{})), Kind::Doubtful);
  EXPECT_EQ(verdictOn(failureIn(Phase::RequestWrite, TimerFault{})), Kind::Doubtful);
  EXPECT_EQ(verdictOn(failureIn(Phase::ResponseHead, ParseFault{})), Kind::Doubtful);
  EXPECT_EQ(verdictOn(failureIn(Phase::ResponseBody, TimerFault{})), Kind::Doubtful);
  EXPECT_EQ(verdictOn(failureIn(Phase::Upgrade, UpgradeFault{})), Kind::Doubtful);
}

TEST(VerdictOn, WhatSaysNothingOfIt) {
  for (const Blame blame : {Blame::Client, Blame::Proxy, Blame::Config}) {
    EXPECT_EQ(verdictOn(failureIn(Phase::TlsHandshake, TlsFault{}, blame)), std::nullopt);
  }
  Diagnosis stale = failureIn(Phase::ResponseHead, EndFault{});
  stale.cause = Cause::StaleConnection;
  EXPECT_EQ(verdictOn(stale), std::nullopt);
  EXPECT_EQ(verdictOn(failureIn(Phase::Routing, TimerFault{})), std::nullopt);
}

}  // namespace
}  // namespace gatewhy::test::endpoint_health
