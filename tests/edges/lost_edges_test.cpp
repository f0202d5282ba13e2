// SPDX-License-Identifier: Apache-2.0
// epoll tells of an end once, and whatever came with it shares that edge. So
// every order of what a peer can do, in every grouping into edges, is played
// in every phase: once its edge is served, an end is known, and no grouping
// changes the diagnosis.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <string_view>

#include "tests/edges/edge_world.h"

namespace gatewhy::test {
namespace {

// D data, T a TLS record without any, C close_notify, F FIN, R RST, E an edge
// that brings nothing, M the time limit passes.
constexpr std::string_view kTlsSteps = "DTECFRM";
constexpr std::string_view kPlainSteps = "DEFRM";
constexpr std::size_t kLongest = 6;

// What TCP and TLS allow, and each step at most `times` times.
bool mayFollow(std::string_view before, char step, std::ptrdiff_t times) {
  const auto had = [&](std::string_view steps) { return before.find_first_of(steps) != std::string_view::npos; };
  if (std::count(before.begin(), before.end(), step) >= times || had("M")) {
    return false;
  }
  switch (step) {
    case 'D':
    case 'T':
    case 'C':
      return !had("CFR");
    case 'F':
      return !had("FR");
    case 'R':
    case 'E':
      return !had("R");
    default:
      return true;
  }
}

struct PhaseCase {
  const char* name;
  EdgeWorld::Tls tls;
  bool origin_side;
  // Brings a fresh world into the phase.
  std::function<void(EdgeWorld&)> enter;
  // What the nth D is.
  std::function<void(EdgeWorld&, int)> data;
  // The product knows of the end.
  std::function<bool(EdgeWorld&)> noticed;
  std::string_view ends = "CFR";  // those that have to be known at once
  std::string_view without = "";  // steps that mean nothing here
};

std::ostream& operator<<(std::ostream& out, const PhaseCase& phase) {
  return out << phase.name;
}

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kUpgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: edges\r\n\r\n";
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: edges\r\n\r\n";

void clientSays(EdgeWorld& world, std::string_view text) {
  world.settle();  // shakes hands
  world.client().say(text);
  world.settle();
}
void originSays(EdgeWorld& world, std::string_view text) {
  world.origin().say(text);
  world.settle();
}
bool originClosed(EdgeWorld& world) {
  return world.origin().socket.closed;
}
bool clientTold(EdgeWorld& world) {
  return world.client().socket.closed || !world.cause().empty();
}
std::function<void(EdgeWorld&, int)> tenBytes(bool origin_side) {
  return [origin_side](EdgeWorld& world, int) { (origin_side ? world.origin() : world.client()).say("0123456789"); };
}

std::vector<PhaseCase> originPhases(bool tls) {
  const EdgeWorld::Tls sides{.origin = tls};
  std::vector<PhaseCase> phases;
  if (tls) {
    phases.push_back({.name = "handshake",
                      .tls = sides,
                      .origin_side = true,
                      .enter =
                          [](EdgeWorld& world) {
                            world.holdOrigin();
                            clientSays(world, kGet);
                          },
                      .data = [](EdgeWorld& world, int) { world.origin().sendPartOfFlight(kLongest + 1); },
                      .noticed = originClosed,
                      .without = "TC"});
  }
  phases.push_back(
      {.name = "head",
       .tls = sides,
       .origin_side = true,
       .enter = [](EdgeWorld& world) { clientSays(world, kGet); },
       .data = [](EdgeWorld& world,
                  int number) { world.origin().say(number == 0 ? "HTTP/1.1 200 OK\r\n" : "X-More: 1\r\n"); },
       .noticed = originClosed});
  phases.push_back({.name = "body",
                    .tls = sides,
                    .origin_side = true,
                    .enter =
                        [](EdgeWorld& world) {
                          clientSays(world, kGet);
                          originSays(world, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
                        },
                    .data = tenBytes(true),
                    .noticed = originClosed});
  // The first D ends the message: the connection is parked, or is over.
  phases.push_back({.name = "last of the body",
                    .tls = sides,
                    .origin_side = true,
                    .enter =
                        [](EdgeWorld& world) {
                          clientSays(world, kGet);
                          originSays(world, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
                        },
                    .data = tenBytes(true),
                    .noticed = originClosed});
  phases.push_back({.name = "parked",
                    .tls = sides,
                    .origin_side = true,
                    .enter =
                        [](EdgeWorld& world) {
                          clientSays(world, kGet);
                          originSays(world, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                        },
                    .data = tenBytes(true),
                    .noticed = originClosed});
  phases.push_back({.name = "tunnel",
                    .tls = sides,
                    .origin_side = true,
                    .enter =
                        [](EdgeWorld& world) {
                          clientSays(world, kUpgrade);
                          originSays(world, kSwitch);
                        },
                    .data = tenBytes(true),
                    .noticed = [](EdgeWorld& world) { return originClosed(world) || world.client().socket.shut; }});
  return phases;
}

std::vector<PhaseCase> clientPhases(bool tls) {
  const EdgeWorld::Tls sides{.client = tls};
  std::vector<PhaseCase> phases;
  if (tls) {
    phases.push_back({.name = "handshake",
                      .tls = sides,
                      .origin_side = false,
                      .enter = [](EdgeWorld&) {},
                      .data = [](EdgeWorld& world, int) { world.client().sendPartOfFlight(kLongest + 1); },
                      .noticed = clientTold,
                      .without = "TC"});
  }
  phases.push_back(
      {.name = "head",
       .tls = sides,
       .origin_side = false,
       .enter = [](EdgeWorld& world) { world.settle(); },
       .data = [](EdgeWorld& world,
                  int number) { world.client().say(number == 0 ? "GET / HTTP/1.1\r\n" : "X-More: 1\r\n"); },
       .noticed = clientTold});
  phases.push_back(
      {.name = "body",
       .tls = sides,
       .origin_side = false,
       .enter =
           [](EdgeWorld& world) { clientSays(world, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"); },
       .data = tenBytes(false),
       .noticed = clientTold});
  // The request is whole with the first D: a FIN then leaves the client
  // waiting for its answer, but a reset has to be known.
  phases.push_back(
      {.name = "last of the body",
       .tls = sides,
       .origin_side = false,
       .enter = [](EdgeWorld& world) { clientSays(world, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"); },
       .data = tenBytes(false),
       .noticed = clientTold,
       .ends = "R",
       .without = "CF"});
  phases.push_back({.name = "waiting",
                    .tls = sides,
                    .origin_side = false,
                    .enter = [](EdgeWorld& world) { clientSays(world, kGet); },
                    .data = [](EdgeWorld& world, int) { world.client().say("GET "); },
                    .noticed = clientTold,
                    .ends = "R",
                    .without = "CF"});
  phases.push_back({.name = "tunnel",
                    .tls = sides,
                    .origin_side = false,
                    .enter =
                        [](EdgeWorld& world) {
                          clientSays(world, kUpgrade);
                          originSays(world, kSwitch);
                        },
                    .data = tenBytes(false),
                    .noticed = [](EdgeWorld& world) { return clientTold(world) || world.origin().socket.shut; }});
  return phases;
}

class LostEdges {
 public:
  explicit LostEdges(const PhaseCase& phase) : phase_(phase), world_(phase.tls) {}

  void playAll() {
    // All of them where asked for: minutes, for TLS. Else each step twice at most.
    times_ = std::getenv("GATEWHY_ALL_EDGES") != nullptr ? kLongest : 2;
    follow("");
    fmt::print("{} {}, {}: {} orders, {} cases, {} wrong\n", phase_.origin_side ? "origin" : "client",
               isTls() ? "TLS" : "plain", phase_.name, orders_, cases_, wrong_);
    EXPECT_EQ(wrong_, 0) << first_wrong_;
  }

 private:
  [[nodiscard]] bool isTls() const { return phase_.tls.origin || phase_.tls.client; }

  void follow(const std::string& steps) {
    if (!steps.empty()) {
      playGroupings(steps);
    }
    if (steps.size() == kLongest) {
      return;
    }
    for (const char step : isTls() ? kTlsSteps : kPlainSteps) {
      if (phase_.without.find(step) == std::string_view::npos && mayFollow(steps, step, times_)) {
        follow(steps + step);
      }
    }
  }

  // Bit i of `cuts`: an edge ends behind step i.
  void playGroupings(const std::string& steps) {
    ++orders_;
    std::map<std::string, std::string> edges_by_cause;
    for (unsigned cuts = 0; cuts < 1U << (steps.size() - 1); ++cuts) {
      ++cases_;
      std::string edges;
      std::string problem;
      const std::string cause = play(steps, cuts, edges, problem);
      edges_by_cause.emplace(cause, edges);
      if (!problem.empty()) {
        note(fmt::format("{}: {}", edges, problem));
      }
    }
    // With a time limit in it the grouping may decide whether it passed first;
    // and whether a reset followed a FIN is another fact than the FIN alone.
    const bool decides = steps.find('M') != std::string::npos ||
                         (steps.find('F') != std::string::npos && steps.find('R') != std::string::npos);
    if (edges_by_cause.size() > 1 && !decides) {
      std::string told;
      for (const auto& [cause, edges] : edges_by_cause) {
        told += fmt::format(" {} is {};", edges, cause);
      }
      note("the grouping decides:" + told);
    }
  }

  std::string play(const std::string& steps, unsigned cuts, std::string& edges, std::string& problem) {
    world_.begin();
    phase_.enter(world_);
    data_ = 0;
    bool ended = false;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      edges += steps[i];
      ended = ended || phase_.ends.find(steps[i]) != std::string_view::npos;
      take(steps[i]);
      const bool last = i + 1 == steps.size();
      if (!last && ((cuts >> i) & 1U) == 0) {
        continue;
      }
      world_.turn();
      edges += last ? "" : "|";
      if (ended && !phase_.noticed(world_)) {
        problem = "the end is lost";
      }
      if (ended && saysTimeout(world_.cause()) && steps.find('M') > i) {
        problem = "a time limit is blamed that has not passed";
      }
    }
    std::string cause = world_.cause();
    world_.end();
    return cause;
  }

  static bool saysTimeout(const std::string& cause) {
    return cause.find("timeout") != std::string::npos || cause.find("stalled") != std::string::npos;
  }

  void take(char step) {
    Peer& peer = phase_.origin_side ? world_.origin() : world_.client();
    switch (step) {
      case 'D':
        phase_.data(world_, data_++);
        return;
      case 'T':
        peer.sayNothing();
        return;
      case 'C':
        peer.closeNotify();
        return;
      case 'F':
        peer.fin();
        return;
      case 'R':
        peer.reset();
        return;
      case 'E':
        peer.edge();
        return;
      default:
        world_.kernel.passTime(std::chrono::hours(2));
        return;
    }
  }

  void note(const std::string& problem) {
    if (wrong_++ < 10) {
      first_wrong_ += problem + "\n";
    }
  }

  const PhaseCase& phase_;
  EdgeWorld world_;
  std::ptrdiff_t times_ = 2;
  int data_ = 0;
  int orders_ = 0;
  int cases_ = 0;
  int wrong_ = 0;
  std::string first_wrong_;
};

class LostEdgesTest : public testing::TestWithParam<PhaseCase> {};

TEST_P(LostEdgesTest, NoGroupingLosesAnEnd) {
  LostEdges(GetParam()).playAll();
}

std::string phaseName(const testing::TestParamInfo<PhaseCase>& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(PlainOrigin, LostEdgesTest, testing::ValuesIn(originPhases(false)), phaseName);
INSTANTIATE_TEST_SUITE_P(TlsOrigin, LostEdgesTest, testing::ValuesIn(originPhases(true)), phaseName);
INSTANTIATE_TEST_SUITE_P(PlainClient, LostEdgesTest, testing::ValuesIn(clientPhases(false)), phaseName);
INSTANTIATE_TEST_SUITE_P(TlsClient, LostEdgesTest, testing::ValuesIn(clientPhases(true)), phaseName);

}  // namespace
}  // namespace gatewhy::test
