// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdio>
#include <optional>

#include "tests/unit/proxy/net/net_peers.h"

namespace gatewhy {
namespace {

// A connector with its owner: keeps what was reported and deletes it from
// inside the report, as an attempt does.
class Probe final : public ConnectObserver {
 public:
  Probe(EventLoop& loop, Resolver& resolver, const ConnectTarget& target)
      : loop_(loop), connector_(Connector::create(loop, resolver, target, *this)) {
    connector_->start();
    in_start_ = false;
  }

  void onConnected(Connected connected) override {
    EXPECT_FALSE(in_start_);
    EXPECT_FALSE(done());
    connected_ = std::move(connected);
    loop_.deferDelete(std::move(connector_));
  }
  void onConnectFailed(std::vector<AddressFailure> failures) override {
    EXPECT_FALSE(in_start_);
    EXPECT_FALSE(done());
    EXPECT_FALSE(failures.empty());
    failures_ = std::move(failures);
    loop_.deferDelete(std::move(connector_));
  }

  [[nodiscard]] bool done() const { return connected_ || failures_; }
  [[nodiscard]] const Connected& connected() const { return *connected_; }
  [[nodiscard]] const std::vector<AddressFailure>& failures() const { return *failures_; }
  [[nodiscard]] const Observation& last() const { return failures_->back().observation; }
  template <typename FaultType>
  [[nodiscard]] const FaultType& fault() const {
    return std::get<FaultType>(last().fault);
  }
  [[nodiscard]] Connector& connector() { return *connector_; }
  void giveUp() { connector_.reset(); }

 private:
  EventLoop& loop_;
  bool in_start_ = true;
  std::unique_ptr<Connector> connector_;
  std::optional<Connected> connected_;
  std::optional<std::vector<AddressFailure>> failures_;
};

class ConnectorTest : public testing::Test {
 protected:
  void useDns(const std::vector<DnsRule>& rules) {
    resolver_.reset();
    dns_ = std::make_unique<DnsPeer>(loop_, rules);
    resolver_ = Resolver::create(loop_, {.servers = {dns_->server()}, .hosts_file = false});
  }
  void aim(const std::string& host, std::uint16_t port, EndpointScheme scheme = EndpointScheme::Http) {
    endpoint_.scheme = scheme;
    endpoint_.host = host;
    endpoint_.port = port;
    endpoint_.url = "configured://" + host;
  }
  void aimUnix(const std::string& path) {
    endpoint_ = {.url = "unix:" + path, .scheme = EndpointScheme::Unix, .unix_path = path};
  }
  [[nodiscard]] ConnectTarget target() const {
    return {.endpoint = &endpoint_, .timeouts = &timeouts_, .tls = tls_.get(), .own_listeners = &own_listeners_};
  }
  std::unique_ptr<Probe> begin() { return std::make_unique<Probe>(loop_, *resolver_, target()); }
  std::unique_ptr<Probe> run() {
    auto probe = begin();
    turnUntil(loop_, [&] { return probe->done(); });
    return probe;
  }
  void useTls() { tls_ = std::move(OriginTlsContext::create({.verify = false})).value(); }
  static std::uint16_t closedPort() { return localAddress(boundSocket("127.0.0.1", 0, SOCK_STREAM).get()).port(); }

  EventLoop loop_;
  std::unique_ptr<DnsPeer> dns_;
  std::unique_ptr<Resolver> resolver_ = Resolver::create(loop_, {.servers = {"127.0.0.1:1"}, .hosts_file = false});
  EndpointConfig endpoint_;
  OriginTimeouts timeouts_{.resolve = Millis(0), .connect = Millis(0), .tls_handshake = Millis(0)};
  std::shared_ptr<const OriginTlsContext> tls_;
  std::vector<Address> own_listeners_;
};

int optionOf(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  getsockopt(fd, level, option, &value, &size);
  return value;
}

TEST_F(ConnectorTest, ConnectsToALiteral) {
  const Fd origin = boundSocket("127.0.0.1", 0, SOCK_STREAM);
  aim("127.0.0.1", localAddress(origin.get()).port());
  const auto probe = run();
  ASSERT_NE(probe->connected().link, nullptr);
  const int fd = probe->connected().link->transport.fd();
  EXPECT_EQ(probe->connected().peer_address, localAddress(origin.get()).text());
  EXPECT_TRUE(probe->connected().failures.empty());
  EXPECT_FALSE(probe->connected().timings.resolve);
  EXPECT_TRUE(probe->connected().timings.connect);
  EXPECT_FALSE(probe->connected().timings.tls_handshake);
  EXPECT_FALSE(probe->connected().readable);
  EXPECT_EQ(optionOf(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(optionOf(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(optionOf(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_EQ(optionOf(fd, SOL_IP, IP_RECVERR), 1);
}

TEST_F(ConnectorTest, RefusedByTheOrigin) {
  const std::uint16_t port = closedPort();
  aim("127.0.0.1", port);
  const auto probe = run();
  EXPECT_EQ(probe->last().phase, Phase::Connect);
  EXPECT_EQ(probe->fault<ConnectFault>().call, ConnectCall::SoError);
  EXPECT_EQ(probe->fault<ConnectFault>().error, ECONNREFUSED);
  EXPECT_FALSE(probe->fault<ConnectFault>().icmp);
  EXPECT_EQ(probe->last().connection.endpoint, "configured://127.0.0.1");
  EXPECT_EQ(probe->last().connection.peer_address, "127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(probe->failures().size(), 1U);
}

TEST_F(ConnectorTest, UnixSockets) {
  char path[] = "/tmp/connector_test.XXXXXX";
  close(mkstemp(path));
  std::remove(path);
  aimUnix(path);
  const auto missing = run();
  EXPECT_EQ(missing->fault<ConnectFault>().call, ConnectCall::Connect);
  EXPECT_EQ(missing->fault<ConnectFault>().error, ENOENT);
  EXPECT_TRUE(missing->fault<ConnectFault>().unix_socket);
  const Address address = *Address::unixPath(path);
  const Fd origin(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(origin.get(), address.get(), address.size), 0);
  EXPECT_EQ(run()->fault<ConnectFault>().error, ECONNREFUSED);  // nobody listens yet
  ASSERT_EQ(listen(origin.get(), 4), 0);
  EXPECT_EQ(run()->connected().peer_address, std::string("unix:") + path);
  own_listeners_ = {address};
  EXPECT_EQ(run()->fault<DecisionFault>().cause, Cause::ProxyLoop);
  std::remove(path);
  aimUnix("/" + std::string(200, 'x'));
  EXPECT_EQ(run()->fault<ConnectFault>().error, ENAMETOOLONG);
}

TEST_F(ConnectorTest, FallsBackToIpv4AndTellsWhy) {
  const Fd origin = boundSocket("127.0.0.1", 0, SOCK_STREAM);
  useDns({{"o.test", "A", "addresses", {"127.0.0.1"}}, {"o.test", "AAAA", "addresses", {"::1"}}});
  aim("o.test", localAddress(origin.get()).port());
  const auto probe = run();
  ASSERT_EQ(probe->connected().failures.size(), 1U);
  EXPECT_EQ(probe->connected().failures[0].observation.connection.peer_address.substr(0, 6), "[::1]:");
  EXPECT_EQ(probe->connected().peer_address, localAddress(origin.get()).text());
  EXPECT_TRUE(probe->connected().timings.resolve);
}

TEST_F(ConnectorTest, PrefersIpv6) {
  const Fd v4 = boundSocket("127.0.0.1", 0, SOCK_STREAM);
  const std::uint16_t port = localAddress(v4.get()).port();
  const Fd v6 = boundSocket("::1", port, SOCK_STREAM);
  if (!v6.valid()) {
    GTEST_SKIP() << "no IPv6 loopback, or the port is taken there";
  }
  useDns({{"o.test", "A", "addresses", {"127.0.0.1"}}, {"o.test", "AAAA", "addresses", {"::1"}}});
  aim("o.test", port);
  EXPECT_EQ(run()->connected().peer_address, "[::1]:" + std::to_string(port));
}

TEST_F(ConnectorTest, OneFamilyIsEnough) {
  const Fd origin = boundSocket("127.0.0.1", 0, SOCK_STREAM);
  for (const char* other : {"nodata", "servfail", "silent"}) {
    useDns({{"o.test", "A", "addresses", {"127.0.0.1"}}, {"o.test", "AAAA", other}});
    aim("o.test", localAddress(origin.get()).port());
    EXPECT_TRUE(run()->connected().failures.empty()) << other;
  }
}

TEST_F(ConnectorTest, TriesEachAddress) {
  const Fd origin = boundSocket("127.0.0.3", 0, SOCK_STREAM);
  useDns({{"o.test", "A", "addresses", {"127.0.0.1", "127.0.0.2", "127.0.0.3"}}, {"o.test", "AAAA", "nodata"}});
  aim("o.test", localAddress(origin.get()).port());
  EXPECT_EQ(run()->connected().failures.size(), 2U);
  useDns({{"o.test", "A", "addresses", {"127.0.0.1", "127.0.0.2"}}, {"o.test", "AAAA", "nodata"}});
  const auto failed = run();
  ASSERT_EQ(failed->failures().size(), 2U);
  EXPECT_EQ(failed->last().connection.peer_address.substr(0, 9), "127.0.0.2");
}

TEST_F(ConnectorTest, DnsFailuresOfBothFamiliesMakeOneVerdict) {
  aim("o.test", 80);
  useDns({});
  const auto missing = run();
  EXPECT_EQ(missing->last().phase, Phase::Dns);
  EXPECT_EQ(missing->fault<DnsFault>().status, DnsStatus::NxDomain);
  EXPECT_EQ(missing->fault<DnsFault>().servers.size(), 2U);
  EXPECT_TRUE(missing->failures().back().timings.resolve);
  EXPECT_FALSE(missing->failures().back().timings.connect);
  useDns({{"o.test", "A", "nodata"}, {"o.test", "AAAA", "servfail"}});
  EXPECT_EQ(run()->fault<DnsFault>().status, DnsStatus::ServFail);
}

TEST_F(ConnectorTest, TheResolveTimerKeepsTheEvidence) {
  useDns({{"*", "*", "silent"}});
  aim("o.test", 80);
  timeouts_.resolve = Millis(20);
  const auto probe = run();
  const auto& fault = probe->fault<DnsFault>();
  EXPECT_EQ(fault.status, DnsStatus::Timeout);
  EXPECT_EQ(fault.limit_ms, 20U);
  EXPECT_EQ(fault.host, "o.test");
  ASSERT_EQ(fault.servers.size(), 2U);
  EXPECT_EQ(fault.servers[0].server, dns_->server());
}

TEST_F(ConnectorTest, NamesMustNotLeadToLinkLocalAddresses) {
  useDns({{"o.test", "A", "addresses", {"169.254.169.254"}}, {"o.test", "AAAA", "nodata"}});
  aim("o.test", 80);
  const auto probe = run();
  EXPECT_EQ(probe->fault<ConnectFault>().call, ConnectCall::Policy);
  EXPECT_EQ(probe->fault<ConnectFault>().detail, "link-local address");
  EXPECT_EQ(probe->last().connection.peer_address, "169.254.169.254:80");
}

TEST_F(ConnectorTest, AConnectionWeWouldAcceptOurselvesIsALoop) {
  const Fd own = boundSocket("127.0.0.1", 0, SOCK_STREAM);
  own_listeners_ = {localAddress(own.get())};
  aim("127.0.0.1", own_listeners_[0].port());
  const auto probe = run();
  EXPECT_EQ(probe->last().phase, Phase::Routing);
  EXPECT_EQ(probe->fault<DecisionFault>().cause, Cause::ProxyLoop);
}

TEST_F(ConnectorTest, TheOneThatGotFurthestIsLast) {
  useDns({{"o.test", "A", "addresses", {"127.0.0.1", "169.254.0.1"}}, {"o.test", "AAAA", "nodata"}});
  aim("o.test", closedPort());
  const auto probe = run();
  ASSERT_EQ(probe->failures().size(), 2U);
  EXPECT_EQ(probe->fault<ConnectFault>().call, ConnectCall::SoError);
}

TEST_F(ConnectorTest, TheConnectTimerKeepsTcpInfo) {
  // A full accept queue drops the SYN.
  const Fd origin = boundSocket("127.0.0.1", 0, SOCK_STREAM, 0);
  const Address address = localAddress(origin.get());
  std::vector<Fd> fillers;
  for (int i = 0; i < 3; ++i) {
    fillers.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    connect(fillers.back().get(), address.get(), address.size);
  }
  aim("127.0.0.1", address.port());
  timeouts_.connect = Millis(20);
  const auto probe = run();
  EXPECT_EQ(probe->fault<ConnectFault>().call, ConnectCall::Timer);
  EXPECT_EQ(probe->fault<ConnectFault>().limit_ms, 20U);
  ASSERT_TRUE(probe->last().tcp);
  EXPECT_EQ(probe->last().tcp->state, TCP_SYN_SENT);
}

TEST_F(ConnectorTest, DescriptorsThatRunOut) {
  aim("127.0.0.1", 80);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto probe = begin();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  turnUntil(loop_, [&] { return probe->done(); });
  EXPECT_EQ(probe->fault<ConnectFault>().call, ConnectCall::Socket);
  EXPECT_EQ(probe->fault<ConnectFault>().error, EMFILE);
}

TEST_F(ConnectorTest, ASilentTlsPeerRunsIntoTheHandshakeTimer) {
  useTls();
  const Fd origin = boundSocket("127.0.0.1", 0, SOCK_STREAM);
  aim("127.0.0.1", localAddress(origin.get()).port(), EndpointScheme::Https);
  timeouts_.tls_handshake = Millis(20);
  const auto probe = run();
  EXPECT_EQ(probe->last().phase, Phase::TlsHandshake);
  const auto& fault = probe->fault<TlsFault>();
  EXPECT_EQ(fault.failure, TlsFailure::Timeout);
  EXPECT_EQ(fault.limit_ms, 20U);
  EXPECT_TRUE(fault.hello_acknowledged);
  EXPECT_TRUE(probe->last().connection.tls);
  EXPECT_TRUE(probe->last().tcp);
  EXPECT_TRUE(probe->failures().back().timings.tls_handshake);
}

TEST_F(ConnectorTest, APeerThatIsNoTlsServer) {
  useTls();
  const Fd origin = boundSocket("127.0.0.1", 0, SOCK_STREAM);
  Fd accepted;
  const ReadEvent on_accept(loop_, origin.get(), [&] {
    accepted.reset(accept4(origin.get(), nullptr, nullptr, SOCK_CLOEXEC));
    constexpr std::string_view kAnswer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    send(accepted.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  });
  aim("127.0.0.1", localAddress(origin.get()).port(), EndpointScheme::Https);
  EXPECT_EQ(run()->fault<TlsFault>().failure, TlsFailure::NotTls);
}

TEST_F(ConnectorTest, APeerThatSpeaksFirstIsReadable) {
  const Fd origin = boundSocket("127.0.0.1", 0, SOCK_STREAM);
  aim("127.0.0.1", localAddress(origin.get()).port());
  // On loopback the connection is complete when start() returns.
  const auto probe = begin();
  const Fd accepted(accept4(origin.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_EQ(send(accepted.get(), "x", 1, MSG_NOSIGNAL), 1);
  turnUntil(loop_, [&] { return probe->done(); });
  EXPECT_TRUE(probe->connected().readable);
}

TEST_F(ConnectorTest, AConnectionThatIsAcceptedAndResetWasNotRefused) {
  const Fd origin = boundSocket("127.0.0.1", 0, SOCK_STREAM);
  aim("127.0.0.1", localAddress(origin.get()).port());
  const auto probe = begin();
  Fd accepted(accept4(origin.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const linger reset{1, 0};
  setsockopt(accepted.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  accepted.reset();
  turnUntil(loop_, [&] { return probe->done(); });
  EXPECT_EQ(probe->last().phase, Phase::RequestWrite);
  EXPECT_EQ(probe->fault<EndFault>().how, EndFault::How::Reset);
}

TEST_F(ConnectorTest, CanBeDestroyedInEachPhase) {
  useTls();
  useDns({{"silent.test", "*", "silent"}, {"o.test", "A", "addresses", {"127.0.0.1"}}, {"o.test", "AAAA", "silent"}});
  const Fd origin = boundSocket("127.0.0.1", 0, SOCK_STREAM);
  const std::uint16_t port = localAddress(origin.get()).port();
  aim("silent.test", port);
  auto resolving = begin();
  EXPECT_EQ(resolving->connector().phase(), Phase::Dns);
  EXPECT_TRUE(resolving->connector().timings().resolve);
  EXPECT_EQ(resolving->connector().peerAddress(), "");
  resolving->giveUp();
  aim("127.0.0.1", port, EndpointScheme::Https);
  auto connecting = begin();
  EXPECT_EQ(connecting->connector().phase(), Phase::Connect);
  EXPECT_EQ(connecting->connector().peerAddress(), localAddress(origin.get()).text());
  connecting->giveUp();
  auto shaking = begin();
  turnUntil(loop_, [&] { return shaking->connector().phase() == Phase::TlsHandshake; });
  EXPECT_TRUE(shaking->connector().timings().tls_handshake);
  shaking->giveUp();
  aimUnix("/nonexistent/socket");
  auto reporting = begin();  // its failure waits to be reported
  reporting->giveUp();
  aim("o.test", port);
  EXPECT_TRUE(run()->connected().link);
  EXPECT_FALSE(resolving->done() || connecting->done() || shaking->done() || reporting->done());
}

}  // namespace
}  // namespace gatewhy
