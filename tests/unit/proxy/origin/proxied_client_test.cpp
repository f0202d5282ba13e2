// SPDX-License-Identifier: Apache-2.0
// send_proxy_protocol: connections that carry one client's requests alone.
#include "proxy/origin/proxied_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "proxy/origin/h1_origin_connection.h"
#include "proxy/origin/origin_pool.h"

namespace gatewhy::test {
namespace {

class ProxiedRequest final : public PoolWaiter {
 public:
  explicit ProxiedRequest(ProxiedClient* client) : client_(client) {}
  void onLease(Lease lease) override { lease_ = std::move(lease); }
  [[nodiscard]] std::uint64_t balanceKey() const override { return 0; }
  [[nodiscard]] bool bodyIsHere() const override { return true; }
  [[nodiscard]] const std::vector<std::size_t>& triedEndpoints() const override { return tried_; }
  [[nodiscard]] ProxiedClient* client() const override { return client_; }
  [[nodiscard]] Lease& lease() { return lease_; }

 private:
  ProxiedClient* client_;
  std::vector<std::size_t> tried_;
  Lease lease_;
};

class ProxiedClients : public testing::Test {
 protected:
  static OriginConfig config() {
    OriginConfig made;
    made.name = "origin";
    made.endpoints.emplace_back().url = "http://origin.test";
    made.limits.connections = 3;
    made.send_proxy_protocol = SendProxyProtocol::V2;
    return made;
  }
  // One request from its beginning to its end: the connection that it was on.
  OriginConnection* ask(ProxiedClient* client) {
    ProxiedRequest request(client);
    PoolRefusal refusal{};
    auto lease = pool_.request(request, false, refusal);
    if (!lease) {
      return nullptr;
    }
    OriginConnection* connection = lease->connection();
    if (connection == nullptr) {
      connection = &pool_.adopt(*lease, fresh(client));
    }
    return connection;
  }
  std::unique_ptr<OriginConnection> fresh(ProxiedClient* client) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peers_.emplace_back(ends[1]);
    auto link = std::make_unique<Link>();
    link->transport = Transport(Fd(ends[0]));
    auto connection = std::make_unique<H1OriginConnection>(loop_, HeadLimits{}, std::move(link));
    connection->client = client;
    return connection;
  }
  void turn() {
    loop_.post([this] { loop_.stop(); });
    loop_.run();
  }

  EventLoop loop_;
  OriginConfig config_ = config();
  std::shared_ptr<OriginState> state_ = std::make_shared<OriginState>();
  OriginPool pool_{loop_, config_, {std::make_shared<EndpointState>()}, state_, [] {}};
  std::vector<Fd> peers_;
  std::optional<ProxiedClient> one_{std::in_place, ProxiedAddresses{}};
  std::optional<ProxiedClient> other_{std::in_place, ProxiedAddresses{}};
};

TEST_F(ProxiedClients, AConnectionIsOneClientsAlone) {
  OriginConnection* const first = ask(&*one_);
  OriginConnection* const second = ask(&*other_);
  OriginConnection* const own = ask(nullptr);
  EXPECT_NE(first, second);
  EXPECT_NE(first, own);
  EXPECT_NE(second, own);
  EXPECT_EQ(pool_.parked(0), 3U);
  EXPECT_EQ(ask(&*one_), first);
  EXPECT_EQ(ask(&*other_), second);
  EXPECT_EQ(ask(nullptr), own);
}

TEST_F(ProxiedClients, TheyAreClosedWithTheirClient) {
  ask(&*one_);
  OriginConnection* const second = ask(&*other_);
  one_.reset();
  EXPECT_EQ(pool_.parked(0), 1U);
  EXPECT_EQ(ask(&*other_), second);
  other_.reset();
  EXPECT_EQ(pool_.parked(0), 0U);
}

TEST_F(ProxiedClients, AClientMayOutliveThePool) {
  ProxiedClient client{ProxiedAddresses{}};
  {
    OriginPool shorter(loop_, config_, {std::make_shared<EndpointState>()}, state_, [] {});
    ProxiedRequest request(&client);
    PoolRefusal refusal{};
    auto lease = shorter.request(request, false, refusal);
    ASSERT_TRUE(lease);
    shorter.adopt(*lease, fresh(&client));
    lease.reset();
    EXPECT_EQ(shorter.parked(0), 1U);
  }
}

// All places are taken by what other clients left parked.
TEST_F(ProxiedClients, AParkedConnectionGivesItsPlaceToAnotherClient) {
  std::vector<std::unique_ptr<ProxiedClient>> clients;
  for (int each = 0; each < 3; ++each) {
    clients.push_back(std::make_unique<ProxiedClient>(ProxiedAddresses{}));
    ask(clients.back().get());
  }
  EXPECT_EQ(pool_.parked(0), 3U);
  ProxiedRequest late(&*one_);
  PoolRefusal refusal{};
  EXPECT_FALSE(pool_.request(late, false, refusal));
  EXPECT_EQ(refusal, PoolRefusal::Queued);
  EXPECT_EQ(pool_.parked(0), 2U);
  turn();
  turn();
  turn();
  ASSERT_TRUE(late.lease().held());
  EXPECT_EQ(late.lease().connection(), nullptr) << "it opens one of its own";
  late.lease().end();
  pool_.leaveQueue(late);
}

}  // namespace
}  // namespace gatewhy::test
