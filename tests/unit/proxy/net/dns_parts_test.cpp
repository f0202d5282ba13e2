// SPDX-License-Identifier: Apache-2.0
// The resolver's parts that need no socket: reply parser, cache, hosts file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "proxy/net/dns_cache.h"
#include "proxy/net/dns_reply.h"
#include "proxy/net/dns_verdict.h"
#include "proxy/net/hosts_file.h"
#include "tests/support/dns_script.h"

namespace gatewhy {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

std::span<const std::uint8_t> asBytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// "a.test" A IN with an empty OPT record.
const std::string kQuery(
    "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x01"
    "a\x04test\x00\x00\x01\x00\x01"
    "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00",
    35);

std::string reply(const std::vector<DnsRule>& rules) {
  return answerDns(kQuery, rules).value();
}

const std::vector<DnsRule> kRich{{"a.test", "A", "cname", {"b.test"}, 90},
                                 {.name = "b.test",
                                  .type = "A",
                                  .action = "addresses",
                                  .values = {"192.0.2.1", "192.0.2.2"},
                                  .ttl = 80,
                                  .ede = 3,
                                  .ede_text = "stale"}};

TEST(DnsReply, ReadsARichAnswer) {
  const DnsReply parsed = parseDnsReply(asBytes(reply(kRich)), "a.test", AF_INET);
  EXPECT_FALSE(parsed.failure);
  EXPECT_EQ(parsed.addresses.size(), 2U);
  EXPECT_EQ(parsed.ttl_s, 80U);
  EXPECT_EQ(parsed.ede_code, 3);
  EXPECT_TRUE(parsed.edns);
  EXPECT_THAT(parsed.cname_chain, ElementsAre("b.test"));
}

TEST(DnsReply, EveryPrefixIsABadReply) {
  const std::string whole = reply(kRich);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    EXPECT_EQ(parseDnsReply(asBytes(cut), "a.test", AF_INET).failure, DnsStatus::BadReply) << size;
  }
}

TEST(DnsReply, EveryDamagedByteIsSurvived) {
  const std::string whole = reply(kRich);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int value : {0x00, 0x3f, 0x40, 0xc0, 0xff}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(value);
      const DnsReply parsed = parseDnsReply(asBytes(damaged), "a.test", AF_INET);
      EXPECT_EQ(parsed.failure.has_value(), parsed.addresses.empty()) << at << ' ' << value;
    }
  }
}

TEST(DnsReply, CompressionPointersGoBackwardsOnly) {
  std::string bytes = reply({{"a.test", "A", "addresses", {"192.0.2.1"}}});
  const std::size_t owner = kQuery.size() - 11;  // the answer begins where the OPT record of the query did
  ASSERT_EQ(static_cast<unsigned char>(bytes[owner]), 0xc0);
  bytes[owner + 1] = static_cast<char>(owner);  // points at itself
  EXPECT_EQ(parseDnsReply(asBytes(bytes), "a.test", AF_INET).failure, DnsStatus::BadReply);
}

TEST(DnsReply, AnswersForAnotherNameOrFromAQueryAreBad) {
  const std::string bytes = reply({{"a.test", "A", "addresses", {"192.0.2.1"}}});
  EXPECT_EQ(parseDnsReply(asBytes(bytes), "other.test", AF_INET).failure, DnsStatus::BadReply);
  EXPECT_EQ(parseDnsReply(asBytes(kQuery), "a.test", AF_INET).failure, DnsStatus::BadReply);
}

TEST(DnsReply, LongChainsCountAsLoops) {
  std::vector<DnsRule> rules{{"a.test", "A", "cname", {"n0.test"}}};
  for (int i = 0; i < 20; ++i) {
    rules.push_back({"n" + std::to_string(i) + ".test", "A", "cname", {"n" + std::to_string(i + 1) + ".test"}});
  }
  const DnsReply parsed = parseDnsReply(asBytes(reply(rules)), "a.test", AF_INET);
  EXPECT_EQ(parsed.failure, DnsStatus::NoData);
  EXPECT_TRUE(parsed.cname_loop);
  EXPECT_LE(parsed.cname_chain.size(), kLongestCnameChain + 1);
}

TEST(DnsReply, TakesTheNegativeTtlFromTheSoa) {
  EXPECT_EQ(parseDnsReply(asBytes(reply({{"a.test", "A", "nxdomain", {}, 17}})), "a.test", AF_INET).negative_ttl_s,
            17U);
  EXPECT_FALSE(parseDnsReply(asBytes(reply(kRich)), "a.test", AF_INET).negative_ttl_s);
}

FamilyAnswer failed(DnsStatus status) {
  DnsFault fault;
  fault.status = status;
  return Failure{fault};
}

TEST(DnsCache, LifetimesHaveLimits) {
  EXPECT_EQ(cacheLifetime(ResolvedAddresses{{}, 60, {}}, {}), seconds(60));
  EXPECT_EQ(cacheLifetime(ResolvedAddresses{{}, 0, {}}, {}), seconds(0));
  EXPECT_EQ(cacheLifetime(ResolvedAddresses{{}, 86400, {}}, {}), seconds(3600));
  EXPECT_EQ(cacheLifetime(failed(DnsStatus::NxDomain), 2), seconds(2));
  EXPECT_EQ(cacheLifetime(failed(DnsStatus::NoData), 900), seconds(5));
  EXPECT_EQ(cacheLifetime(failed(DnsStatus::NoData), {}), seconds(0));
  EXPECT_EQ(cacheLifetime(failed(DnsStatus::ServFail), 900), seconds(0));
  EXPECT_EQ(cacheLifetime(failed(DnsStatus::Timeout), {}), seconds(0));
  EXPECT_EQ(cacheLifetime(failed(DnsStatus::LocalFailure), {}), seconds(0));
}

TEST(DnsCache, ForgetsInTime) {
  DnsCache cache;
  const TimePoint start{};
  cache.put("a.test", AF_INET, ResolvedAddresses{{}, 10, {}}, seconds(10), start);
  EXPECT_EQ(cache.get("a.test", AF_INET, start + seconds(4)).remaining, seconds(6));
  EXPECT_EQ(cache.get("a.test", AF_INET6, start).answer, nullptr);
  EXPECT_EQ(cache.get("a.test", AF_INET, start + seconds(10)).answer, nullptr);
  cache.put("a.test", AF_INET, failed(DnsStatus::LocalFailure), seconds(0), start);
  EXPECT_EQ(cache.get("a.test", AF_INET, start).answer, nullptr);
}

TEST(DnsCache, StaysBounded) {
  DnsCache cache;
  const TimePoint start{};
  for (int i = 0; i < 5000; ++i) {
    cache.put("n" + std::to_string(i), AF_INET, ResolvedAddresses{{}, 1, {}}, seconds(10 + i), start);
  }
  EXPECT_EQ(cache.get("n0", AF_INET, start).answer, nullptr);
  EXPECT_NE(cache.get("n4999", AF_INET, start).answer, nullptr);
}

class HostsFileTest : public testing::Test {
 protected:
  HostsFileTest() { close(mkstemp(path_)); }
  ~HostsFileTest() override { std::remove(path_); }
  void write(const std::string& text) const { std::ofstream(path_) << text; }

  char path_[32] = "/tmp/hosts_file_test.XXXXXX";
};

TEST_F(HostsFileTest, ReadsNamesAndAliases) {
  write("# comment\n\n192.0.2.1\tAlpha.test alias # tail\n2001:db8::1 alpha.test\n192.0.2.2 alpha.test\nnonsense x\n");
  HostsFile hosts(path_);
  const HostsFile::Entry* entry = hosts.find("alpha.test");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->v4.size(), 2U);
  EXPECT_EQ(entry->v6.size(), 1U);
  EXPECT_NE(hosts.find("alias"), nullptr);
  EXPECT_EQ(hosts.find("tail"), nullptr);
  EXPECT_EQ(hosts.find("x"), nullptr);
}

TEST_F(HostsFileTest, NoticesChanges) {
  HostsFile hosts(path_);
  EXPECT_EQ(hosts.find("a"), nullptr);
  write("192.0.2.1 a\n");
  ASSERT_NE(hosts.find("a"), nullptr);
  write("192.0.2.1 other\n");
  EXPECT_EQ(hosts.find("a"), nullptr);
  std::remove(path_);
  EXPECT_EQ(hosts.find("other"), nullptr);
}

TEST(DnsVerdict, TheMoreInformativeFamilySpeaks) {
  const auto fault = [](DnsStatus status, const char* type) {
    DnsFault out;
    out.status = status;
    out.servers = {{"192.0.2.53:53", type, status, 1}};
    return out;
  };
  const auto verdict = [&](DnsStatus v6, DnsStatus v4) { return dnsVerdict(fault(v6, "AAAA"), fault(v4, "A")); };
  EXPECT_EQ(verdict(DnsStatus::NxDomain, DnsStatus::NxDomain).status, DnsStatus::NxDomain);
  EXPECT_EQ(verdict(DnsStatus::ServFail, DnsStatus::NoData).status, DnsStatus::ServFail);
  EXPECT_EQ(verdict(DnsStatus::NoData, DnsStatus::ServFail).status, DnsStatus::ServFail);
  EXPECT_EQ(verdict(DnsStatus::Timeout, DnsStatus::NoData).status, DnsStatus::Timeout);
  EXPECT_EQ(verdict(DnsStatus::Refused, DnsStatus::Timeout).status, DnsStatus::Refused);
  EXPECT_EQ(verdict(DnsStatus::NoData, DnsStatus::NoData).servers.size(), 2U);
  EXPECT_EQ(dnsVerdict(std::nullopt, fault(DnsStatus::Timeout, "A")).status, DnsStatus::Timeout);
}

}  // namespace
}  // namespace gatewhy
