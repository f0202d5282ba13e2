// SPDX-License-Identifier: Apache-2.0
// Who asks DNS for the hosts behind names, and when: with a resolver that
// answers when the test says so.
#include "proxy/origin/host_refresh.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/origin/origin_health.h"

namespace gatewhy::test::host_refresh {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class ScriptedResolver final : public Resolver {
 public:
  std::unique_ptr<ResolveHandle> resolve(const std::string& host,
                                         std::function<void(int family, FamilyAnswer answer)> on_answer) override {
    asked.push_back(host);
    answers_.push_back(std::move(on_answer));
    return std::make_unique<ResolveHandle>();
  }
  [[nodiscard]] DnsFault partialEvidence(const std::string& /*host*/) const override { return {}; }
  [[nodiscard]] std::chrono::milliseconds stale() const override { return 1h; }

  // The oldest question.
  void answer(const std::vector<std::string>& v4) {
    ResolvedAddresses addresses;
    addresses.ttl_s = 30;
    for (const std::string& ip : v4) {
      addresses.addresses.push_back(*Address::fromIp(ip, 0));
    }
    const auto on_answer = std::move(answers_.front());
    answers_.erase(answers_.begin());
    on_answer(AF_INET, addresses);
    on_answer(AF_INET6, Failure{DnsFault{.status = DnsStatus::NoData}});
  }

  std::vector<std::string> asked;

 private:
  std::vector<std::function<void(int family, FamilyAnswer answer)>> answers_;
};

class HostRefreshTest : public testing::Test {
 protected:
  HostRefreshTest() {
    for (const char* host : {"10.0.0.9", "shop.internal", "cart.internal"}) {
      EndpointConfig endpoint;
      endpoint.url = std::string("http://") + host;
      endpoint.host = host;
      endpoint.port = 8080;
      config_.endpoints.push_back(endpoint);
      states_.push_back(std::make_shared<EndpointState>());
    }
    config_.endpoints[2].absolute = true;
  }
  HostRefresh refresh() {
    return {config_, states_, state_, [this](std::size_t endpoint, const HostChange& change) {
              changes_.push_back(std::to_string(endpoint) + ": " + std::to_string(change.hosts));
            }};
  }

  OriginConfig config_;
  std::vector<std::shared_ptr<EndpointState>> states_;
  std::shared_ptr<OriginState> state_ = std::make_shared<OriginState>();
  ScriptedResolver resolver_;
  std::vector<std::string> changes_;
};

TEST_F(HostRefreshTest, NamesAreAskedForAndAddressesAreNot) {
  HostRefresh refresh = this->refresh();
  for (std::size_t i = 0; i < 3; ++i) {
    refresh.ask(i, resolver_, EventLoop::now());
  }
  EXPECT_THAT(resolver_.asked, ElementsAre("shop.internal", "cart.internal."));
  resolver_.answer({"10.0.0.1", "10.0.0.2"});
  EXPECT_THAT(changes_, ElementsAre("1: 2"));
  EXPECT_EQ(state_->host_changes, 1U);
  EXPECT_EQ(hostsOf(states_).size(), 4U);
}

TEST_F(HostRefreshTest, OneOfAllThreadsAsks) {
  HostRefresh one = refresh();
  HostRefresh other = refresh();
  one.ask(1, resolver_, EventLoop::now());
  other.ask(1, resolver_, EventLoop::now());
  EXPECT_THAT(resolver_.asked, ElementsAre("shop.internal"));
}

TEST_F(HostRefreshTest, TheFirstQuestionIsLeftToWhoConnects) {
  HostRefresh refresh = this->refresh();
  refresh.askAll(resolver_, EventLoop::now());
  EXPECT_THAT(resolver_.asked, IsEmpty());
  refresh.ask(1, resolver_, EventLoop::now());
  resolver_.answer({"10.0.0.1", "10.0.0.2"});
  refresh.askAll(resolver_, EventLoop::now() + 29s);
  EXPECT_EQ(resolver_.asked.size(), 1U) << "its TTL is not over";
  refresh.askAll(resolver_, EventLoop::now() + 31s);
  EXPECT_EQ(resolver_.asked.size(), 2U);
  resolver_.answer({"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(changes_.size(), 1U) << "nothing has changed";
}

// Also while kept connections do for all requests, so that nobody connects.
TEST_F(HostRefreshTest, ANameThatIsOneHostMayBecomeSeveral) {
  HostRefresh refresh = this->refresh();
  refresh.ask(1, resolver_, EventLoop::now());
  resolver_.answer({"10.0.0.1"});
  refresh.askAll(resolver_, EventLoop::now() + 31s);
  resolver_.answer({"10.0.0.1", "10.0.0.2"});
  EXPECT_THAT(changes_, ElementsAre("1: 2"));
}

TEST_F(HostRefreshTest, AnEndBeforeTheAnswerIsNothing) {
  HostRefresh refresh = this->refresh();
  refresh.ask(1, resolver_, EventLoop::now());
  refresh.ask(1, resolver_, EventLoop::now() + 40s);  // the first question has died
  EXPECT_EQ(resolver_.asked.size(), 2U);
  EXPECT_THAT(changes_, IsEmpty());
}

}  // namespace
}  // namespace gatewhy::test::host_refresh
