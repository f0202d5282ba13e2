// SPDX-License-Identifier: Apache-2.0
// Several gatewhys and real NATS servers: what fails is seen once, wherever it
// happened, or is accounted for.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <mutex>

#include "daemon/fleet/fleet_text.h"
#include "daemon/fleet/fleet_view.h"
#include "daemon/log/event_subject.h"
#include "tests/integration/fleet_testing.h"
#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/support/command.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class FleetTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/sbin/nats-server", X_OK) != 0) {
      GTEST_SKIP() << "nats-server is not installed";
    }
  }
  static CommandResult fleet(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), GATEWHY_BINARY);
    return runCommand(arguments);
  }
  // Three origins: `origin` answers, `all` is down, `one` is where the test says.
  static GatewayConfig gateway(const std::string& name, const std::string& log, const std::string& good,
                               const std::string& one) {
    GatewayConfig config;
    config.origin_url = "http://" + good;
    config.more_origins =
        fmt::format("  all: {{endpoints: [\"http://127.0.0.1:9\"]}}\n  one: {{endpoints: [\"http://{}\"]}}\n", one);
    config.more = "routes:\n  - {path: /all, origin: all}\n  - {path: /one, origin: one}\n  - {origin: origin}\n";
    config.diagnostics = fmt::format("{{name: {}, profile: standard}}", name);
    config.log = log;
    return config;
  }
  static std::string logTo(const std::string& nats, const std::string& more = "") {
    return fmt::format("{{destination: [stdout, {{to: \"{}\"{}}}]}}", nats, more);
  }
};

TEST_F(FleetTest, InitIsDoneOnceAndWhatIsAskedForIsFound) {
  const NatsCluster cluster(1);
  const CommandResult made = fleet({"fleet", "init", "--nats", cluster.url()});
  EXPECT_EQ(made.status, 0) << made.errors;
  EXPECT_THAT(made.output, HasSubstr("stream 'gatewhy' made"));
  const CommandResult again = fleet({"fleet", "init", "--nats", cluster.url()});
  EXPECT_EQ(again.status, 0) << again.errors;
  EXPECT_THAT(again.output, HasSubstr("is as it should be"));
  const CommandResult changed = fleet({"fleet", "init", "--nats", cluster.url(), "--max-age", "24h"});
  EXPECT_THAT(changed.output, AllOf(HasSubstr("changed"), HasSubstr("for 24 h"))) << changed.errors;

  OriginServer origin(good());
  const auto running = Gateway::start(gateway("gw.1", logTo(cluster.url()), origin.address(), origin.address()));
  ASSERT_NE(running, nullptr);
  EXPECT_EQ(ask(running->address(), "/all"), 502U);
  EXPECT_EQ(ask(running->address(), "/"), 200U);
  const auto failed = running->daemon().waitFor([](const json& event) { return !causeOf(event).empty(); });
  ASSERT_TRUE(failed);
  const std::string id = (*failed)["request_id"];
  ASSERT_TRUE(comesTrue([&] {
    const FleetView view = viewOf(cluster);
    return view.failures().size() == 1 && !view.instances(std::chrono::system_clock::now()).empty();
  }));

  const CommandResult why = fleet({"why", id, "--from", cluster.url()});
  EXPECT_EQ(why.status, 0) << why.errors;
  EXPECT_THAT(why.output, AllOf(HasSubstr("connection_refused"), HasSubstr(id)));
  const CommandResult last = fleet({"why", "--last", "connection_refused", "--from", cluster.url(), "--json"});
  EXPECT_EQ(last.status, 0) << last.errors;
  EXPECT_EQ(json::parse(last.output)["request_id"], id);
  EXPECT_TRUE(json::parse(last.output).contains("sequence"));
  const CommandResult nothing = fleet({"why", "0000000000000000", "--from", cluster.url()});
  EXPECT_EQ(nothing.status, 1);
  EXPECT_THAT(nothing.errors, HasSubstr("not found in the fleet's stream"));
  const CommandResult report = fleet({"report", "--from", cluster.url()});
  EXPECT_EQ(report.status, 0) << report.errors;
  EXPECT_THAT(report.output, AllOf(HasSubstr("connection_refused"), HasSubstr("gatewhys: 1 of 1 running")));
  const CommandResult top = fleet({"top", "--from", cluster.url(), "--once"});
  EXPECT_EQ(top.status, 0) << top.errors;
  EXPECT_THAT(top.output, AllOf(HasSubstr("gw.1"), HasSubstr("connection_refused")));
  running->expectCleanStop();
  ASSERT_TRUE(comesTrue([&] {
    const auto instances = viewOf(cluster).instances(std::chrono::system_clock::now());
    return instances.size() == 1 && instances[0].state == InstanceState::Stopped;
  }));
  EXPECT_THAT(viewOf(cluster).gaps(std::chrono::system_clock::now()), testing::IsEmpty());
}

std::string bodyOf(const std::string& address, const std::string& target, const std::string& host = "localhost") {
  Socket socket = Socket::connectTo(address);
  socket.send(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", target, host));
  const auto answer = readResponse(socket);
  return answer ? answer->body : "";
}

TEST_F(FleetTest, ThePageShowsWhatComes) {
  const NatsCluster cluster(1);
  ASSERT_EQ(fleet({"fleet", "init", "--nats", cluster.url()}).status, 0);
  std::mutex mutex;
  std::string said;
  ChildOptions options;
  options.arguments = {GATEWHY_BINARY, "fleet", "--nats", cluster.url(), "--listen", "127.0.0.1:0"};
  auto page = ChildProcess::start(options, [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    said += line;
  });
  ASSERT_TRUE(page) << page.error();
  std::string address;
  ASSERT_TRUE(comesTrue([&] {
    const std::lock_guard lock(mutex);
    const std::size_t at = said.find("http://");
    address = at == std::string::npos ? "" : said.substr(at + 7, said.find('/', at + 7) - at - 7);
    return !address.empty();
  }));
  EXPECT_THAT(bodyOf(address, "/"), HasSubstr("<h1>gatewhy fleet"));
  EXPECT_THAT(bodyOf(address, "/api/v1/fleet", "evil.example"), Not(HasSubstr("instances")));
  OriginServer origin(good());
  const auto running = Gateway::start(gateway("gw-1", logTo(cluster.url()), origin.address(), origin.address()));
  ASSERT_NE(running, nullptr);
  EXPECT_EQ(ask(running->address(), "/all"), 502U);
  EXPECT_TRUE(comesTrue([&] {
    const json view = json::parse(bodyOf(address, "/api/v1/fleet"), nullptr, false);
    return view.is_object() && view["failures"].size() == 1 && view["failures"][0]["cause"] == "connection_refused";
  })) << bodyOf(address, "/api/v1/fleet");
  // Killed or frozen it falls silent; nobody has to say so. One that ends says it itself.
  const auto frozen = Gateway::start(gateway("gw-2", logTo(cluster.url()), origin.address(), origin.address()));
  const auto ended = Gateway::start(gateway("gw-3", logTo(cluster.url()), origin.address(), origin.address()));
  ASSERT_TRUE(frozen != nullptr && ended != nullptr);
  const auto states = [&] {
    const json view = json::parse(bodyOf(address, "/api/v1/fleet"), nullptr, false);
    std::map<std::string, std::string> out;
    for (const json& one : view.value("instances", json::array())) {
      out[one["name"]] = one["state"];
    }
    return out;
  };
  using States = std::map<std::string, std::string>;
  EXPECT_TRUE(comesTrue([&] {
    return states() == States{{"gw-1", "running"}, {"gw-2", "running"}, {"gw-3", "running"}};
  })) << bodyOf(address, "/api/v1/fleet");
  running->daemon().signal(SIGKILL);
  frozen->daemon().signal(SIGSTOP);
  EXPECT_EQ(ended->daemon().stop(), std::optional(0));
  EXPECT_TRUE(comesTrue([&] {
    return states() == States{{"gw-1", "silent"}, {"gw-2", "silent"}, {"gw-3", "stopped"}};
  })) << bodyOf(address, "/api/v1/fleet");
  frozen->daemon().signal(SIGCONT);
  EXPECT_TRUE(comesTrue([&] { return states()["gw-2"] == "running"; })) << bodyOf(address, "/api/v1/fleet");
  (*page)->signal(SIGTERM);
  EXPECT_EQ((*page)->wait(), std::optional(0)) << (*page)->standardError();
}

TEST_F(FleetTest, WithoutAStreamItSaysWhatToDo) {
  const NatsCluster cluster(1);
  const CommandResult top = fleet({"top", "--from", cluster.url(), "--once"});
  EXPECT_EQ(top.status, 1);
  EXPECT_THAT(top.errors, HasSubstr("there is no stream 'gatewhy'; `gatewhy fleet init` makes it"));
  EXPECT_EQ(fleet({"fleet", "--once"}).status, 64);
  EXPECT_THAT(fleet({"top", "--from", "nats://127.0.0.1:1", "--once"}).errors, HasSubstr("nats://127.0.0.1:1"));
}

// The server is away from the start, and the gateway ends before it comes: what
// happened is there afterwards, once and in order.
TEST_F(FleetTest, ASpoolOutlivesTheServerAndTheProcess) {
  NatsCluster cluster(1, /*started=*/false);
  OriginServer origin(good());
  const PemDirectory directory;
  const std::string log = logTo(cluster.url(), fmt::format(", spool: {{directory: \"{}/spool\"}}", directory.path()));
  constexpr int kEach = 50;
  for (const bool server : {false, true}) {
    if (server) {
      cluster.start(0);
      ASSERT_TRUE(comesTrue([&] { return cluster.answers(); }));
      ASSERT_EQ(fleet({"fleet", "init", "--nats", cluster.url()}).status, 0);
    }
    const auto running = Gateway::start(gateway("gw-1", log, origin.address(), origin.address()));
    ASSERT_NE(running, nullptr);
    for (int i = 0; i < kEach; ++i) {
      EXPECT_EQ(ask(running->address(), "/all"), 502U);
    }
    if (server) {
      ASSERT_TRUE(comesTrue([&] {
        const FleetView view = viewOf(cluster);
        const auto failures = view.failures();
        return !failures.empty() && failures[0].failures == 2U * kEach;
      })) << fleetText(viewOf(cluster), std::chrono::system_clock::now());
    }
    EXPECT_EQ(running->daemon().stop(), std::optional(0));
  }
  ASSERT_TRUE(comesTrue([&] {
    return viewOf(cluster).instances(std::chrono::system_clock::now()).at(0).state == InstanceState::Stopped;
  }));
  EXPECT_THAT(viewOf(cluster).gaps(std::chrono::system_clock::now()), testing::IsEmpty()) << "of both runs";
}

}  // namespace
}  // namespace gatewhy::test
