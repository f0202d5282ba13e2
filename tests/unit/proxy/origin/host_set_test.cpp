// SPDX-License-Identifier: Apache-2.0
// Which hosts there are behind a name, by answers that the test makes up and a
// clock that it turns.
#include "proxy/origin/host_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/origin/endpoint_state.h"

namespace gatewhy::test::host_set {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

FamilyAnswer addresses(const std::vector<std::string>& ips, std::uint32_t ttl_s = 30) {
  ResolvedAddresses answer;
  answer.ttl_s = ttl_s;
  for (const std::string& ip : ips) {
    answer.addresses.push_back(*Address::fromIp(ip, 0));
  }
  return answer;
}

FamilyAnswer fault(DnsStatus status) {
  DnsFault fault;
  fault.status = status;
  return Failure{fault};
}

const FamilyAnswer kNone = fault(DnsStatus::NoData);
const FamilyAnswer kOutage = fault(DnsStatus::ServFail);

class HostSetTest : public testing::Test {
 protected:
  HostChange learn(const FamilyAnswer& v6, const FamilyAnswer& v4) { return watch_.learn(v6, v4, 8080, 1h, now_); }
  [[nodiscard]] std::vector<std::string> hosts() const {
    std::vector<std::string> texts;
    const auto set = watch_.hosts();
    EXPECT_EQ(watch_.isOneHost(), set == nullptr);
    for (std::size_t i = 0; set != nullptr && i < set->hosts.size(); ++i) {
      texts.push_back(set->hosts[i].text);
    }
    return texts;
  }
  [[nodiscard]] std::shared_ptr<EndpointState> stateOf(const std::string& text) const {
    const auto set = watch_.hosts();
    for (std::size_t i = 0; set != nullptr && i < set->hosts.size(); ++i) {
      if (set->hosts[i].text == text) {
        return set->hosts[i].state;
      }
    }
    return nullptr;
  }

  NameWatch watch_;
  TimePoint now_{1000s};
};

TEST_F(HostSetTest, ANameWithOneAddressOfEachFamilyIsOneHost) {
  EXPECT_FALSE(learn(addresses({"2001:db8::1"}), addresses({"10.0.0.1"})).any());
  EXPECT_THAT(hosts(), IsEmpty());
  EXPECT_FALSE(learn(kNone, addresses({"10.0.0.1"})).any());
  EXPECT_FALSE(learn(kNone, kNone).any());
  EXPECT_THAT(hosts(), IsEmpty());
}

TEST_F(HostSetTest, SeveralOfOneFamilyMakeEachAddressAHost) {
  const HostChange change = learn(addresses({"2001:db8::1"}), addresses({"10.0.0.2", "10.0.0.1"}));
  EXPECT_THAT(hosts(), ElementsAre("10.0.0.1:8080", "10.0.0.2:8080", "[2001:db8::1]:8080"));
  EXPECT_EQ(change.joined, hosts());
  EXPECT_EQ(change.hosts, 3U);
  EXPECT_EQ(watch_.hosts()->hosts[0].address.port(), 8080);
}

TEST_F(HostSetTest, TheSameAddressTwiceIsOneHost) {
  EXPECT_FALSE(learn(kNone, addresses({"10.0.0.1", "10.0.0.1"})).any());
  EXPECT_THAT(hosts(), IsEmpty());
}

TEST_F(HostSetTest, AnAddressThatStaysKeepsItsState) {
  learn(kNone, addresses({"10.0.0.1", "10.0.0.2"}));
  const auto kept = stateOf("10.0.0.2:8080");
  const HostChange change = learn(kNone, addresses({"10.0.0.3", "10.0.0.2"}));
  EXPECT_THAT(change.joined, ElementsAre("10.0.0.3:8080"));
  EXPECT_THAT(change.left, ElementsAre("10.0.0.1:8080"));
  EXPECT_THAT(hosts(), ElementsAre("10.0.0.2:8080", "10.0.0.3:8080"));
  EXPECT_EQ(stateOf("10.0.0.2:8080"), kept);
  EXPECT_FALSE(learn(kNone, addresses({"10.0.0.2", "10.0.0.3"})).any()) << "the order says nothing";
}

TEST_F(HostSetTest, OneAddressThatIsLeftIsTheNameAgain) {
  learn(kNone, addresses({"10.0.0.1", "10.0.0.2"}));
  const HostChange change = learn(kNone, addresses({"10.0.0.1"}));
  EXPECT_THAT(change.left, ElementsAre("10.0.0.1:8080", "10.0.0.2:8080"));
  EXPECT_EQ(change.hosts, 0U);
  EXPECT_THAT(hosts(), IsEmpty());
}

TEST_F(HostSetTest, AnOutageOfDnsKeepsTheHostsForAsLongAsStaleSays) {
  learn(kNone, addresses({"10.0.0.1", "10.0.0.2"}, 30));
  const auto kept = stateOf("10.0.0.1:8080");
  now_ += 31s;
  EXPECT_FALSE(learn(kOutage, kOutage).any());
  EXPECT_EQ(stateOf("10.0.0.1:8080"), kept);
  ASSERT_TRUE(watch_.hosts()->facts.stale);
  EXPECT_EQ(watch_.hosts()->facts.stale->status, DnsStatus::ServFail);
  EXPECT_NEAR(watch_.hosts()->facts.stale->age_ms, 1000, 1);
  EXPECT_FALSE(learn(kNone, addresses({"10.0.0.1", "10.0.0.2"}, 30)).any());
  EXPECT_FALSE(watch_.hosts()->facts.stale) << "DNS is back";
  now_ += 30s + 1h;
  EXPECT_EQ(learn(kOutage, kOutage).left.size(), 2U);
  EXPECT_THAT(hosts(), IsEmpty());
}

// Only who says that there is none takes the hosts away.
TEST_F(HostSetTest, WhatIsNoAnswerTakesNoHostAway) {
  learn(kNone, addresses({"10.0.0.1", "10.0.0.2"}));
  for (const DnsStatus status : {DnsStatus::Timeout, DnsStatus::Refused, DnsStatus::ServerUnreachable,
                                 DnsStatus::FormErr, DnsStatus::NotImp, DnsStatus::BadReply, DnsStatus::LocalFailure}) {
    EXPECT_FALSE(learn(fault(status), fault(status)).any()) << name(status);
  }
  EXPECT_EQ(hosts().size(), 2U);
  EXPECT_EQ(learn(kNone, fault(DnsStatus::NxDomain)).left.size(), 2U);
}

TEST_F(HostSetTest, WhatAResolverGivesInPlaceOfAnAnswerIsNone) {
  learn(kNone, addresses({"10.0.0.1", "10.0.0.2"}));
  FamilyAnswer stale = addresses({"10.0.0.2"});
  stale->facts.stale = StaleDns{.status = DnsStatus::Timeout, .age_ms = 5};
  EXPECT_FALSE(learn(kNone, stale).any());
  EXPECT_THAT(hosts(), ElementsAre("10.0.0.1:8080", "10.0.0.2:8080"));
}

TEST_F(HostSetTest, AFamilyThatFailsKeepsItsOwnAddressesOnly) {
  learn(addresses({"2001:db8::1", "2001:db8::2"}), addresses({"10.0.0.1"}));
  const HostChange change = learn(kOutage, addresses({"10.0.0.7"}));
  EXPECT_THAT(change.joined, ElementsAre("10.0.0.7:8080"));
  EXPECT_THAT(change.left, ElementsAre("10.0.0.1:8080"));
  EXPECT_THAT(hosts(), ElementsAre("10.0.0.7:8080", "[2001:db8::1]:8080", "[2001:db8::2]:8080"));
}

TEST_F(HostSetTest, ANameThatIsNoMoreHasNoHosts) {
  learn(kNone, addresses({"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(learn(fault(DnsStatus::NxDomain), fault(DnsStatus::NxDomain)).left.size(), 2U);
  EXPECT_THAT(hosts(), IsEmpty());
}

struct Life {
  const char* name;
  FamilyAnswer v6, v4;
  std::chrono::milliseconds life;
};

class HostSetLifeTest : public HostSetTest, public testing::WithParamInterface<Life> {};

TEST_P(HostSetLifeTest, DnsIsAskedAgain) {
  EXPECT_TRUE(watch_.claim(now_)) << "nothing is known yet";
  learn(GetParam().v6, GetParam().v4);
  now_ += GetParam().life - 1ms;
  EXPECT_FALSE(watch_.claim(now_));
  now_ += 1ms;
  EXPECT_TRUE(watch_.claim(now_));
}

INSTANTIATE_TEST_SUITE_P(
    After, HostSetLifeTest,
    testing::Values(Life{"TheTtl", kNone, addresses({"10.0.0.1", "10.0.0.2"}, 30), 30s},
                    Life{"TheLesserTtl", addresses({"2001:db8::1"}, 7), addresses({"10.0.0.1", "10.0.0.2"}, 30), 7s},
                    Life{"NoTtl", kNone, addresses({"10.0.0.1"}, 0), 5s},
                    Life{"AVeryLongTtl", kNone, addresses({"10.0.0.1"}, 1'000'000), 1h},
                    Life{"AnOutage", kOutage, kOutage, 5s},
                    Life{"AnOutageOfOneFamily", kOutage, addresses({"10.0.0.1"}, 30), 5s},
                    Life{"NoSuchName", fault(DnsStatus::NxDomain), fault(DnsStatus::NxDomain), 5s}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(HostSetTest, OneAsksAndWhoDiesWithTheQuestionIsReplaced) {
  EXPECT_TRUE(watch_.claim(now_));
  EXPECT_FALSE(watch_.claim(now_)) << "somebody asks already";
  now_ += 30s;
  EXPECT_TRUE(watch_.claim(now_)) << "and has never told";
}

}  // namespace
}  // namespace gatewhy::test::host_set
