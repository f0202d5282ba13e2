// SPDX-License-Identifier: Apache-2.0
// Several gatewhys and real NATS servers: what fails is seen once, wherever it
// happened, or is accounted for.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "daemon/fleet/fleet_text.h"
#include "daemon/fleet/fleet_view.h"
#include "daemon/log/event_subject.h"
#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/nats_cluster.h"
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

// An origin that answers everything with 200.
OriginServer::Serve good() {
  return [](Socket& socket) {
    while (readRequest(socket)) {
      socket.send(okResponse("fine"));
    }
  };
}

// The status that came; 0: none.
unsigned ask(const std::string& address, const std::string& path) {
  Socket socket = Socket::connectTo(address);
  socket.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path));
  const auto answer = readResponse(socket);
  return answer ? answer->status() : 0;
}

FleetView viewOf(const NatsCluster& cluster, std::string* problem = nullptr) {
  FleetView view;
  auto reader = FleetReader::open(cluster.source());
  if (!reader) {
    if (problem != nullptr) {
      *problem = reader.error();
    }
    return view;
  }
  const auto read = (*reader)->readAll(std::string(kAllSubjects), {},
                                       [&](std::string_view line, FleetReader::Time at) { view.add(line, at); });
  if (!read && problem != nullptr) {
    *problem = read.error();
  }
  return view;
}

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
  // Killed, it falls silent; nobody has to say so.
  running->daemon().signal(SIGKILL);
  EXPECT_TRUE(comesTrue([&] {
    const json view = json::parse(bodyOf(address, "/api/v1/fleet"), nullptr, false);
    return view.is_object() && view["instances"][0]["state"] == "silent";
  })) << bodyOf(address, "/api/v1/fleet");
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

// Three servers, three gatewhys, faults at all and at one of them; the stream's
// leader is killed under load, then one of the gatewhys.
TEST_F(FleetTest, EveryFailureIsShownOrAccountedFor) {
  NatsCluster cluster(3);
  ASSERT_TRUE(comesTrue([&] {
    return fleet({"fleet", "init", "--nats", cluster.url(), "--replicas", "3"}).status == 0;
  }));
  OriginServer origin(good());
  std::map<std::string, std::unique_ptr<Gateway>> gateways;
  for (const std::string name : {"gw-1", "gw-2", "gw-3"}) {
    auto config = gateway(name, logTo(cluster.url()), origin.address(),
                          name == "gw-2" ? std::string("127.0.0.1:9") : origin.address());
    gateways[name] = Gateway::start(config);
    ASSERT_NE(gateways[name], nullptr);
  }
  std::mutex mutex;
  std::map<std::pair<std::string, std::string>, std::uint64_t> injected;  // by gateway and origin: failures answered
  const auto load = [&](int rounds, const std::set<std::string>& at) {
    std::vector<std::thread> clients;
    for (const std::string& name : at) {
      clients.emplace_back([&, name] {
        for (int i = 0; i < rounds; ++i) {
          for (const char* path : {"/all", "/one", "/"}) {
            if (ask(gateways[name]->address(), path) == 502) {
              const std::lock_guard lock(mutex);
              ++injected[{name, std::string(path).substr(1)}];
            }
          }
        }
      });
    }
    for (std::thread& client : clients) {
      client.join();
    }
  };
  constexpr int kRounds = 40;
  load(kRounds, {"gw-1", "gw-2", "gw-3"});
  ASSERT_TRUE(comesTrue([&] { return cluster.leader() >= 0; }));
  const int leader = cluster.leader();
  std::thread killer([&] { cluster.kill(leader); });
  load(kRounds, {"gw-1", "gw-2", "gw-3"});
  killer.join();
  ASSERT_TRUE(comesTrue([&] { return cluster.leader() >= 0 && cluster.leader() != leader; })) << "another leads";
  load(kRounds, {"gw-1", "gw-2", "gw-3"});
  gateways["gw-3"]->daemon().signal(SIGKILL);
  load(kRounds, {"gw-1", "gw-2"});
  for (const std::string name : {"gw-1", "gw-2"}) {
    EXPECT_EQ(gateways[name]->daemon().stop(), std::optional(0));
  }

  const auto shown = [](const FleetView& view, const std::string& name, const std::string& of) {
    std::uint64_t count = 0;
    for (const FailureView& failure : view.failures()) {
      const auto found = failure.by_instance.find(name);
      count += failure.origin == of && found != failure.by_instance.end() ? found->second : 0;
    }
    return count;
  };
  // Asking fails now and then while the cluster is short of a server: that is asked again.
  std::string problem;
  FleetView view;
  ASSERT_TRUE(comesTrue([&] {
    problem.clear();
    view = viewOf(cluster, &problem);
    const auto now = std::chrono::system_clock::now();
    const auto instances = view.instances(now);
    return problem.empty() && instances.size() == 3 && instances[0].state == InstanceState::Stopped &&
           instances[1].state == InstanceState::Stopped && instances[2].state == InstanceState::Silent;
  })) << problem
      << fleetText(viewOf(cluster), std::chrono::system_clock::now());
  const auto now = std::chrono::system_clock::now();
  const std::string text = fleetText(view, now);
  for (const std::string name : {"gw-1", "gw-2"}) {
    EXPECT_EQ(shown(view, name, "all"), (injected[{name, "all"}])) << text;
  }
  EXPECT_EQ(shown(view, "gw-2", "one"), (injected[{"gw-2", "one"}])) << text;
  EXPECT_EQ(shown(view, "gw-1", "one"), 0U);
  EXPECT_EQ(shown(view, "gw-1", "all"), 4U * kRounds);
  // The one that was killed: what is missing lies after a number that is named.
  EXPECT_LE(shown(view, "gw-3", "all"), (injected[{"gw-3", "all"}]));
  EXPECT_THAT(text, HasSubstr("gw-3, boot "));
  EXPECT_THAT(text, HasSubstr("ended without stop after "));
  for (const FleetGap& gap : view.gaps(now)) {
    EXPECT_TRUE(gap.open) << gap.words();
    EXPECT_EQ(gap.instance, "gw-3");
  }
  for (const FailureView& failure : view.failures()) {
    if (failure.origin == "one") {
      EXPECT_EQ(failure.vantage.vantage, Vantage::WayFromThere) << failure.vantage.words;
      EXPECT_THAT(failure.vantage.seen_by, testing::ElementsAre("gw-2"));
    } else if (failure.origin == "all") {
      EXPECT_EQ(failure.vantage.words, "3 of 3 gatewhys: the origin");
    }
  }
}

}  // namespace
}  // namespace gatewhy::test
