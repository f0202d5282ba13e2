// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <map>

#include "proxy/net/search_list.h"
#include "tests/unit/proxy/net/net_peers.h"

namespace gatewhy {
namespace {

using testing::ElementsAre;

class ResolverTest : public testing::Test {
 protected:
  using Answers = std::map<int, FamilyAnswer>;

  std::unique_ptr<Resolver> resolverFor(std::vector<std::string> servers) {
    return Resolver::create(loop_, {.servers = std::move(servers), .hosts_file = false});
  }
  // Both families, of a resolver that asks `servers`.
  Answers ask(Resolver& resolver, const std::string& host) {
    Answers answers;
    const auto handle = resolver.resolve(
        host, [&](int family, FamilyAnswer answer) { answers.insert_or_assign(family, std::move(answer)); });
    EXPECT_TRUE(answers.empty()) << "answered from inside resolve()";
    turnUntil(loop_, [&] { return answers.size() == 2; });
    return answers;
  }
  Answers askOnce(const std::vector<DnsRule>& rules, const std::string& host) {
    const DnsPeer peer(loop_, rules);
    const auto resolver = resolverFor({peer.server()});
    return ask(*resolver, host);
  }
  static std::string closedServer() { return localAddress(boundSocket("127.0.0.1", 0, SOCK_DGRAM).get()).text(); }

  EventLoop loop_;
};

std::vector<std::string> ips(const FamilyAnswer& answer) {
  std::vector<std::string> out;
  for (const Address& address : answer.value().addresses) {
    out.push_back(address.ip());
  }
  return out;
}

TEST_F(ResolverTest, GivesBothFamiliesApart) {
  const auto answers = askOnce({{"a.test", "A", "addresses", {"192.0.2.1", "192.0.2.2"}, 30},
                                {"a.test", "AAAA", "addresses", {"2001:db8::1"}, 40}},
                               "A.Test.");
  EXPECT_THAT(ips(answers.at(AF_INET)), ElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_THAT(ips(answers.at(AF_INET6)), ElementsAre("2001:db8::1"));
  EXPECT_EQ(answers.at(AF_INET)->ttl_s, 30U);
  EXPECT_EQ(answers.at(AF_INET6)->ttl_s, 40U);
}

TEST_F(ResolverTest, TtlIsTheMinimumAlongTheChain) {
  const auto answers = askOnce({{"a.test", "*", "cname", {"b.test"}, 300},
                                {"b.test", "*", "cname", {"c.test"}, 7},
                                {"c.test", "A", "addresses", {"192.0.2.1"}, 60},
                                {"c.test", "AAAA", "nodata"}},
                               "a.test");
  EXPECT_EQ(answers.at(AF_INET)->ttl_s, 7U);
  const DnsFault& fault = answers.at(AF_INET6).error();
  EXPECT_EQ(fault.status, DnsStatus::NoData);
  EXPECT_THAT(fault.cname_chain, ElementsAre("b.test", "c.test"));
  EXPECT_FALSE(fault.cname_loop);
}

TEST_F(ResolverTest, AliasesThatReturnAreALoop) {
  const auto answers = askOnce({{"a.test", "*", "cname", {"b.test"}}, {"b.test", "*", "cname", {"a.test"}}}, "a.test");
  const DnsFault& fault = answers.at(AF_INET).error();
  EXPECT_EQ(fault.status, DnsStatus::NoData);
  EXPECT_TRUE(fault.cname_loop);
  EXPECT_THAT(fault.cname_chain, ElementsAre("b.test", "a.test"));
}

TEST_F(ResolverTest, ServfailAfterALoopKeepsBothFacts) {
  const auto answers = askOnce({{"a.test", "*", "cname", {"b.test"}}, {"b.test", "*", "servfail"}}, "a.test");
  EXPECT_EQ(answers.at(AF_INET).error().status, DnsStatus::ServFail);
  EXPECT_THAT(answers.at(AF_INET).error().cname_chain, ElementsAre("b.test"));
}

TEST_F(ResolverTest, NxdomainIsFinal) {
  const DnsPeer first(loop_, {});
  const DnsPeer second(loop_, {{"a.test", "A", "addresses", {"192.0.2.1"}}});
  const auto resolver = resolverFor({first.server(), second.server()});
  const auto answers = ask(*resolver, "a.test");
  const DnsFault& fault = answers.at(AF_INET).error();
  EXPECT_EQ(fault.status, DnsStatus::NxDomain);
  EXPECT_EQ(fault.rcode, 3);
  EXPECT_EQ(fault.ares_status, 4);
  EXPECT_EQ(fault.host, "a.test");
  ASSERT_EQ(fault.servers.size(), 1U);
  EXPECT_EQ(fault.servers[0].server, first.server());
  EXPECT_EQ(fault.servers[0].type, "A");
  EXPECT_EQ(fault.servers[0].status, DnsStatus::NxDomain);
  EXPECT_TRUE(second.asked().empty());
}

TEST_F(ResolverTest, EachRcodeKeepsItsName) {
  const std::map<std::string, DnsStatus> expected{{"servfail", DnsStatus::ServFail}, {"refused", DnsStatus::Refused},
                                                  {"formerr", DnsStatus::FormErr},   {"notimp", DnsStatus::NotImp},
                                                  {"nodata", DnsStatus::NoData},     {"garbage", DnsStatus::BadReply}};
  for (const auto& [action, status] : expected) {
    const auto answers = askOnce({{"a.test", "*", action}}, "a.test");
    EXPECT_EQ(answers.at(AF_INET).error().status, status) << action;
    EXPECT_EQ(answers.at(AF_INET6).error().status, status) << action;
  }
}

TEST_F(ResolverTest, KeepsTheExtendedError) {
  const auto answers = askOnce(
      {{.name = "a.test", .type = "*", .action = "servfail", .values = {}, .ede = 7, .ede_text = "expired"}}, "a.test");
  const DnsFault& fault = answers.at(AF_INET).error();
  EXPECT_EQ(fault.ede_code, 7);
  EXPECT_EQ(fault.ede_text, "expired");
  EXPECT_EQ(fault.rcode, 2);
}

TEST_F(ResolverTest, WalksOnFromAServerThatFails) {
  for (const char* action : {"servfail", "refused", "notimp", "garbage"}) {
    const DnsPeer first(loop_, {{"*", "*", action}});
    const DnsPeer second(loop_, {{"a.test", "*", "addresses", {"192.0.2.1", "2001:db8::1"}}});
    const auto resolver = resolverFor({first.server(), second.server()});
    const auto answers = ask(*resolver, "a.test");
    EXPECT_TRUE(answers.at(AF_INET).ok()) << action;
    EXPECT_TRUE(answers.at(AF_INET6).ok()) << action;
    EXPECT_EQ(first.countOf("A"), 1) << action;
  }
}

TEST_F(ResolverTest, WalksOnFromAServerThatIsAway) {
  const DnsPeer second(loop_, {{"a.test", "*", "addresses", {"192.0.2.1", "2001:db8::1"}}});
  const auto resolver = resolverFor({closedServer(), second.server()});
  EXPECT_TRUE(ask(*resolver, "a.test").at(AF_INET).ok());
}

TEST_F(ResolverTest, AsksTheNextServerWhileTheFirstIsSilent) {
  const DnsPeer first(loop_, {{"*", "*", "silent"}});
  const DnsPeer second(loop_, {{"a.test", "A", "addresses", {"192.0.2.1"}}});
  const auto resolver = resolverFor({first.server(), second.server()});
  const auto answers = ask(*resolver, "a.test");
  EXPECT_TRUE(answers.at(AF_INET).ok());
  const DnsFault& fault = answers.at(AF_INET6).error();
  EXPECT_EQ(fault.status, DnsStatus::NxDomain);
  ASSERT_EQ(fault.servers.size(), 2U);
  EXPECT_EQ(fault.servers[0].status, DnsStatus::Timeout);
  EXPECT_EQ(fault.servers[1].status, DnsStatus::NxDomain);
}

TEST_F(ResolverTest, ReportsTheMostInformativeFailureAndAllServers) {
  const DnsPeer refuses(loop_, {{"*", "*", "refused"}});
  const DnsPeer fails(loop_, {{"*", "*", "servfail"}});
  const auto resolver = resolverFor({closedServer(), refuses.server(), fails.server()});
  const auto answers = ask(*resolver, "a.test");
  const DnsFault& fault = answers.at(AF_INET).error();
  EXPECT_EQ(fault.status, DnsStatus::ServFail);
  ASSERT_EQ(fault.servers.size(), 3U);
  EXPECT_EQ(fault.servers[0].status, DnsStatus::ServerUnreachable);
  EXPECT_EQ(fault.servers[1].status, DnsStatus::Refused);
  EXPECT_EQ(fault.servers[2].status, DnsStatus::ServFail);
}

TEST_F(ResolverTest, NoServerReachable) {
  const auto resolver = resolverFor({closedServer()});
  const DnsFault fault = ask(*resolver, "a.test").at(AF_INET).error();
  EXPECT_EQ(fault.status, DnsStatus::ServerUnreachable);
  EXPECT_FALSE(fault.rcode);
}

TEST_F(ResolverTest, TruncatedAnswersAreAskedForOverTcp) {
  const DnsPeer peer(loop_, {{"a.test", "*", "truncated", {"192.0.2.1", "2001:db8::1"}}});
  const auto resolver = resolverFor({peer.server()});
  EXPECT_THAT(ips(ask(*resolver, "a.test").at(AF_INET)), ElementsAre("192.0.2.1"));
  EXPECT_GE(peer.askedOverTcp(), 1);
}

TEST_F(ResolverTest, TellsWhatWasSeenBeforeADeadline) {
  const DnsPeer peer(loop_, {{"*", "*", "silent"}});
  const auto resolver = resolverFor({peer.server()});
  bool answered = false;
  const auto handle = resolver->resolve("a.test", [&](int, const FamilyAnswer&) { answered = true; });
  turnUntil(loop_, [&] { return peer.asked().size() == 2; });
  const DnsFault fault = resolver->partialEvidence("a.test");
  EXPECT_FALSE(answered);
  EXPECT_EQ(fault.status, DnsStatus::Timeout);
  ASSERT_EQ(fault.servers.size(), 2U);
  EXPECT_EQ(fault.servers[0].server, peer.server());
  EXPECT_EQ(fault.servers[0].status, DnsStatus::Timeout);
  EXPECT_NE(fault.servers[0].type, fault.servers[1].type);
  EXPECT_TRUE(resolver->partialEvidence("other.test").servers.empty());
}

TEST_F(ResolverTest, EqualLookUpsShareOneQuery) {
  const DnsPeer peer(loop_, {{"a.test", "*", "addresses", {"192.0.2.1", "2001:db8::1"}, 0}});
  const auto resolver = resolverFor({peer.server()});
  int answers = 0;
  const auto count = [&](int, const FamilyAnswer&) { ++answers; };
  const auto first = resolver->resolve("a.test", count);
  const auto second = resolver->resolve("A.test", count);
  turnUntil(loop_, [&] { return answers == 4; });
  EXPECT_EQ(peer.asked().size(), 2U);
}

TEST_F(ResolverTest, CachesForTheTtlAndNotAtAllForZero) {
  const DnsPeer peer(loop_, {{"a.test", "*", "addresses", {"192.0.2.1", "2001:db8::1"}, 60},
                             {"zero.test", "*", "addresses", {"192.0.2.1", "2001:db8::1"}, 0}});
  const auto resolver = resolverFor({peer.server()});
  ask(*resolver, "a.test");
  EXPECT_LE(ask(*resolver, "a.test").at(AF_INET)->ttl_s, 60U);
  EXPECT_EQ(peer.asked().size(), 2U);
  ask(*resolver, "zero.test");
  ask(*resolver, "zero.test");
  EXPECT_EQ(peer.asked().size(), 6U);
}

TEST_F(ResolverTest, CachesTheAbsenceOfAName) {
  const DnsPeer peer(loop_, {});
  const auto resolver = resolverFor({peer.server()});
  ask(*resolver, "a.test");
  EXPECT_EQ(ask(*resolver, "a.test").at(AF_INET).error().status, DnsStatus::NxDomain);
  EXPECT_EQ(peer.asked().size(), 2U);
}

TEST_F(ResolverTest, AFailureIsNotRemembered) {
  for (const char* action : {"servfail", "refused", "garbage"}) {
    DnsPeer peer(loop_, {{"*", "*", action}});
    const auto resolver = resolverFor({peer.server()});
    EXPECT_FALSE(ask(*resolver, "a.test").at(AF_INET).ok()) << action;
    peer.setRules({{"a.test", "*", "addresses", {"192.0.2.1", "2001:db8::1"}, 60}});
    EXPECT_TRUE(ask(*resolver, "a.test").at(AF_INET).ok()) << action;
  }
}

// ---- DNS out of order -----------------------------------------------------

class StaleDnsTest : public ResolverTest {
 protected:
  // The name is known, and its first address took a connection; nothing of it
  // may be believed any longer.
  void know(Resolver& resolver) {
    const auto answers = ask(resolver, "a.test");
    ASSERT_TRUE(answers.at(AF_INET).ok());
    resolver.noteConnected("a.test", *Address::fromIp("192.0.2.2", 80));
  }
  static std::vector<DnsRule> healthy() {
    return {{"a.test", "A", "addresses", {"192.0.2.1", "192.0.2.2"}, 0}, {"a.test", "AAAA", "nodata", {}, 0}};
  }
  DnsPeer peer_{loop_, healthy()};
  std::unique_ptr<Resolver> resolver_ = resolverFor({peer_.server()});
};

TEST_F(StaleDnsTest, AddressesThatWorkAreKept) {
  for (const auto& [action, status] :
       std::map<std::string, DnsStatus>{{"servfail", DnsStatus::ServFail}, {"refused", DnsStatus::Refused}}) {
    peer_.setRules(healthy());
    resolver_ = resolverFor({peer_.server()});
    know(*resolver_);
    peer_.setRules({{"*", "*", action}});
    const auto answers = ask(*resolver_, "a.test");
    ASSERT_TRUE(answers.at(AF_INET).ok()) << action;
    EXPECT_THAT(ips(answers.at(AF_INET)), ElementsAre("192.0.2.2", "192.0.2.1")) << "those that worked come first";
    ASSERT_TRUE(answers.at(AF_INET)->facts.stale) << action;
    EXPECT_EQ(answers.at(AF_INET)->facts.stale->status, status);
  }
}

TEST_F(StaleDnsTest, NobodyWaitsForServersThatAreSilent) {
  know(*resolver_);
  peer_.setRules({{"*", "*", "silent"}});
  ASSERT_TRUE(ask(*resolver_, "a.test").at(AF_INET).ok()) << "the first one waits a moment";
  const auto asked = peer_.asked().size();
  const auto answers = ask(*resolver_, "a.test");
  ASSERT_TRUE(answers.at(AF_INET).ok());
  EXPECT_EQ(answers.at(AF_INET)->facts.stale->status, DnsStatus::Timeout);
  EXPECT_EQ(peer_.asked().size(), asked) << "DNS is asked again in the background";
}

TEST_F(StaleDnsTest, DnsIsAskedAgainAndBelieved) {
  know(*resolver_);
  peer_.setRules({{"*", "*", "servfail"}});
  ASSERT_TRUE(ask(*resolver_, "a.test").at(AF_INET).ok());
  const auto asked = peer_.countOf("A");
  peer_.setRules({{"a.test", "A", "addresses", {"192.0.2.7"}, 60}, {"a.test", "AAAA", "nodata"}});
  turnUntil(loop_, [&] { return peer_.countOf("A") > asked; });
  std::vector<std::string> now;
  turnUntil(loop_, [&] {
    now = ips(ask(*resolver_, "a.test").at(AF_INET));
    return now == std::vector<std::string>{"192.0.2.7"};
  });
}

TEST_F(StaleDnsTest, NeverWhereTheNameOrItsAddressesAreGone) {
  for (const auto& [action, status] :
       std::map<std::string, DnsStatus>{{"nxdomain", DnsStatus::NxDomain}, {"nodata", DnsStatus::NoData}}) {
    peer_.setRules(healthy());
    resolver_ = resolverFor({peer_.server()});
    know(*resolver_);
    peer_.setRules({{"*", "*", action, {}, 0}});
    EXPECT_EQ(ask(*resolver_, "a.test").at(AF_INET).error().status, status);
    peer_.setRules({{"*", "*", "servfail"}});
    EXPECT_EQ(ask(*resolver_, "a.test").at(AF_INET).error().status, DnsStatus::ServFail) << "and stays gone";
  }
}

TEST_F(StaleDnsTest, AddressesThatNeverWorkedAreNotKept) {
  ASSERT_TRUE(ask(*resolver_, "a.test").at(AF_INET).ok());
  peer_.setRules({{"*", "*", "servfail"}});
  EXPECT_FALSE(ask(*resolver_, "a.test").at(AF_INET).ok());
}

TEST_F(StaleDnsTest, TheNextConfigurationsResolverKnowsThemToo) {
  know(*resolver_);
  peer_.setRules({{"*", "*", "servfail"}});
  const DnsConfig config{.servers = {peer_.server()}, .hosts_file = false};
  const auto next = Resolver::create(loop_, config, resolver_->memory());
  resolver_.reset();
  EXPECT_TRUE(ask(*next, "a.test").at(AF_INET).ok());
}

TEST_F(StaleDnsTest, ZeroKeepsNothing) {
  resolver_ = Resolver::create(loop_, {.servers = {peer_.server()}, .hosts_file = false, .stale = Millis(0)});
  know(*resolver_);
  peer_.setRules({{"*", "*", "servfail"}});
  EXPECT_FALSE(ask(*resolver_, "a.test").at(AF_INET).ok());
}

// ---- the search list --------------------------------------------------------

class SearchTest : public ResolverTest {
 protected:
  std::unique_ptr<Resolver> searching(const DnsPeer& peer, const std::string& resolv_conf, bool search = true) {
    std::ofstream(path_) << resolv_conf;
    return Resolver::create(loop_, {.servers = {peer.server()}, .hosts_file = false, .search = search}, nullptr, path_);
  }
  static std::vector<std::string> asked(const DnsPeer& peer, const std::string& type) {
    std::vector<std::string> names;
    for (const DnsQuestion& question : peer.asked()) {
      if (question.type == type) {
        names.push_back(question.name);
      }
    }
    return names;
  }
  static constexpr const char* kCluster = "search default.svc.cluster.local svc.cluster.local\noptions ndots:5\n";
  std::string path_ = testing::TempDir() + "resolv.conf." + std::to_string(::getpid());
};

TEST_F(SearchTest, AShortNameIsFoundUnderTheList) {
  const DnsPeer peer(loop_, {{"shop.svc.cluster.local", "A", "addresses", {"192.0.2.1"}},
                             {"shop.svc.cluster.local", "AAAA", "nodata"},
                             {"shop", "AAAA", "addresses", {"2001:db8::bad"}}});
  const auto resolver = searching(peer, kCluster);
  const auto answers = ask(*resolver, "shop");
  EXPECT_THAT(ips(answers.at(AF_INET)), ElementsAre("192.0.2.1"));
  EXPECT_EQ(answers.at(AF_INET)->facts.name, "shop.svc.cluster.local");
  EXPECT_EQ(answers.at(AF_INET6).error().status, DnsStatus::NoData) << "no other name is mixed in";
  EXPECT_THAT(asked(peer, "A"), ElementsAre("shop.default.svc.cluster.local", "shop.svc.cluster.local"));
}

TEST_F(SearchTest, ANameThatNobodyKnowsTellsAllThatWereAsked) {
  const DnsPeer peer(loop_, {});
  const auto resolver = searching(peer, kCluster);
  const DnsFault fault = ask(*resolver, "shop").at(AF_INET).error();
  EXPECT_EQ(fault.status, DnsStatus::NxDomain);
  EXPECT_EQ(fault.host, "shop");
  EXPECT_THAT(fault.searched, ElementsAre("shop.default.svc.cluster.local", "shop.svc.cluster.local", "shop"));
}

TEST_F(SearchTest, ACompleteNameIsAskedAlone) {
  const DnsPeer peer(loop_, {{"shop.default.svc.cluster.local", "*", "addresses", {"192.0.2.1"}}});
  const auto resolver = searching(peer, kCluster);
  EXPECT_FALSE(ask(*resolver, "shop.").at(AF_INET).ok());
  EXPECT_THAT(asked(peer, "A"), ElementsAre("shop"));
}

TEST_F(SearchTest, DotsDecideWhatIsAskedFirst) {
  const DnsPeer peer(loop_, {{"a.b", "*", "addresses", {"192.0.2.1", "2001:db8::1"}}});
  const auto resolver = searching(peer, "search corp.example\n");
  EXPECT_TRUE(ask(*resolver, "a.b").at(AF_INET).ok());
  EXPECT_THAT(asked(peer, "A"), ElementsAre("a.b"));
}

TEST_F(SearchTest, AServerThatFailsEndsTheSearch) {
  const DnsPeer peer(loop_, {{"shop.default.svc.cluster.local", "*", "servfail"},
                             {"shop.svc.cluster.local", "*", "addresses", {"192.0.2.1", "2001:db8::1"}}});
  const auto resolver = searching(peer, kCluster);
  const DnsFault fault = ask(*resolver, "shop").at(AF_INET).error();
  EXPECT_EQ(fault.status, DnsStatus::ServFail);
  EXPECT_EQ(fault.host, "shop.default.svc.cluster.local");
}

TEST_F(SearchTest, ItCanBeTurnedOff) {
  const DnsPeer peer(loop_, {{"shop", "*", "addresses", {"192.0.2.1", "2001:db8::1"}}});
  const auto resolver = searching(peer, kCluster, false);
  EXPECT_TRUE(ask(*resolver, "shop").at(AF_INET).ok());
  EXPECT_THAT(asked(peer, "A"), ElementsAre("shop"));
}

TEST(SearchList, ReadsResolvConf) {
  const SearchList list = SearchList::parse(
      "# search no.example\nnameserver 192.0.2.1\ndomain first.example\nsearch A.example. b.example\t.\r\n"
      "options edns0 ndots:2 ndots:x\n");
  EXPECT_THAT(list.domains, ElementsAre("a.example", "b.example"));
  EXPECT_EQ(list.ndots, 2U);
  EXPECT_THAT(list.namesFor("x.y"), ElementsAre("x.y.a.example", "x.y.b.example", "x.y"));
  EXPECT_THAT(SearchList::parse("options ndots:99").namesFor("x"), ElementsAre("x"));
}

TEST_F(ResolverTest, BadNamesAreNotAsked) {
  const DnsPeer peer(loop_, {});
  const auto resolver = resolverFor({peer.server()});
  for (const std::string& name : {std::string(64, 'a') + ".test", std::string("a..test"), std::string("."),
                                  std::string(""), std::string("a b.test"), std::string("a\\.test"),
                                  std::string(127, 'a').replace(63, 1, ".") + "." + std::string(126, 'b')}) {
    EXPECT_EQ(ask(*resolver, name).at(AF_INET).error().status, DnsStatus::BadName) << name;
  }
  EXPECT_TRUE(peer.asked().empty());
}

TEST_F(ResolverTest, LocalhostNeedsNoServer) {
  const auto plain = resolverFor({closedServer()});
  EXPECT_THAT(ips(ask(*plain, "localhost").at(AF_INET)), ElementsAre("127.0.0.1"));
  EXPECT_THAT(ips(ask(*plain, "app.localhost").at(AF_INET6)), ElementsAre("::1"));
  const auto with_hosts = Resolver::create(loop_, {.servers = {closedServer()}, .hosts_file = true});
  const auto answers = ask(*with_hosts, "localhost");
  EXPECT_TRUE(answers.at(AF_INET).ok() || answers.at(AF_INET6).ok());
}

TEST_F(ResolverTest, LiteralsAnswerThemselves) {
  const auto resolver = resolverFor({closedServer()});
  const auto answers = ask(*resolver, "192.0.2.1");
  EXPECT_THAT(ips(answers.at(AF_INET)), ElementsAre("192.0.2.1"));
  EXPECT_EQ(answers.at(AF_INET6).error().status, DnsStatus::NoData);
}

TEST_F(ResolverTest, ADestroyedHandleHearsNothing) {
  const DnsPeer peer(loop_, {{"a.test", "*", "addresses", {"192.0.2.1", "2001:db8::1"}}});
  const auto resolver = resolverFor({peer.server()});
  auto given_up = resolver->resolve("a.test", [](int, const FamilyAnswer&) { ADD_FAILURE() << "called"; });
  int answers = 0;
  const auto kept = resolver->resolve("a.test", [&](int, const FamilyAnswer&) {
    ++answers;
    given_up.reset();
  });
  given_up.reset();
  turnUntil(loop_, [&] { return answers == 2; });
}

TEST_F(ResolverTest, DiesWithQueriesInFlight) {
  const DnsPeer peer(loop_, {{"*", "*", "silent"}});
  auto resolver = resolverFor({peer.server()});
  const auto handle = resolver->resolve("a.test", [](int, const FamilyAnswer&) { ADD_FAILURE() << "called"; });
  turnUntil(loop_, [&] { return peer.asked().size() == 2; });
  resolver.reset();
}

}  // namespace
}  // namespace gatewhy
