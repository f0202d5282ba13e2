// SPDX-License-Identifier: Apache-2.0
// epoll tells of an end once, and whatever came with it shares that edge. So
// every order of what a peer can do, in every grouping into edges, is played
// in every phase: once its edge is served, an end is known, and no grouping
// changes the diagnosis.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tests/edges/edge_cuts.h"
#include "tests/edges/edge_phases.h"

namespace gatewhy::test {
namespace {

constexpr std::string_view kTlsSteps = "DTECFRM";
constexpr std::string_view kPlainSteps = "DEFRM";
constexpr std::size_t kLongest = 6;

bool has(std::string_view steps, std::string_view any_of) {
  return steps.find_first_of(any_of) != std::string_view::npos;
}

// What TCP and TLS allow; time passes once.
bool mayFollow(std::string_view before, char step) {
  switch (step) {
    case 'D':
    case 'T':
    case 'C':
      return !has(before, "CFR");
    case 'F':
      return !has(before, "FR");
    case 'R':
    case 'E':
      return !has(before, "R");
    default:
      return !has(before, "M");
  }
}

// Otherwise each step comes once over TLS, where each play shakes hands, and
// twice where plain: seconds instead of minutes.
bool playsAll() {
  static const bool all = std::getenv("GATEWHY_ALL_EDGES") != nullptr;
  return all;
}

class LostEdges {
 public:
  explicit LostEdges(const EdgePhase& phase) : phase_(phase), world_(phase.tls) {}

  int playAll() {
    follow("");
    fmt::print("{} {}, {}: {} orders, {} cases ({} plays), {} wrong\n", phase_.origin_side ? "origin" : "client",
               phase_.isTls() ? "TLS" : "plain", phase_.name, orders_, cases_, plays_, wrong_);
    EXPECT_EQ(wrong_, 0) << first_wrong_;
    return cases_;
  }

 private:
  // After an edge.
  struct Seen {
    std::string cause;
    bool over = false;  // whatever the peer does now reaches nobody
  };

  // The longer ones first: they tell of the shorter ones that they begin with.
  void follow(const std::string& steps) {
    for (const char step : phase_.isTls() ? kTlsSteps : kPlainSteps) {
      const bool too_many = steps.size() == kLongest || std::count(steps.begin(), steps.end(), step) >= mostOf(step);
      if (!too_many && !has(phase_.without, {&step, 1}) && mayFollow(steps, step)) {
        follow(steps + step);
      }
    }
    if (!steps.empty()) {
      judgeGroupings(steps);
    }
  }

  [[nodiscard]] std::ptrdiff_t mostOf(char step) const {
    if (playsAll()) {
      return static_cast<std::ptrdiff_t>(kLongest);
    }
    if (step == 'D' && phase_.parts != 0) {
      return phase_.parts;
    }
    return phase_.isTls() ? 1 : 2;
  }

  void judgeGroupings(const std::string& steps) {
    ++orders_;
    std::map<std::string, std::string> edges_by_cause;
    for (unsigned cuts = 0; cuts < 1U << (steps.size() - 1); ++cuts) {
      if (isEdgeCase(steps, cuts)) {
        ++cases_;
        const std::string edges = cutInto(steps, cuts);
        edges_by_cause.emplace(seen(edges).cause, edges);
      }
    }
    if (edges_by_cause.size() > 1 && !groupingDecides(steps)) {
      std::string told;
      for (const auto& [cause, edges] : edges_by_cause) {
        told += fmt::format(" {} is '{}';", edges, cause);
      }
      note("the grouping decides:" + told);
    }
  }

  // Data that comes in time moves a limit, later it does not; whether a reset
  // followed a FIN is another fact than the FIN alone; and where a handshake
  // became whole in an edge of its own, more was said before the end.
  [[nodiscard]] bool groupingDecides(std::string_view steps) const {
    const bool whole = phase_.parts != 0 && std::count(steps.begin(), steps.end(), 'D') >= phase_.parts;
    return has(steps, "M") || (has(steps, "F") && has(steps, "R")) || whole;
  }

  // What is known of a case from a longer one, or from a shorter one behind
  // which nothing can follow, is not played again.
  const Seen& seen(const std::string& edges) {
    if (const auto known = seen_.find(edges); known != seen_.end()) {
      return known->second;
    }
    for (std::size_t cut = edges.find('|'); cut != std::string::npos; cut = edges.find('|', cut + 1)) {
      if (const auto known = seen_.find(edges.substr(0, cut)); known != seen_.end() && known->second.over) {
        return known->second;
      }
    }
    play(edges);
    return seen_.at(edges);
  }

  void play(const std::string& edges) {
    ++plays_;
    world_.begin();
    phase_.enter(world_);
    data_ = 0;
    std::string ends;
    for (std::size_t i = 0; i <= edges.size(); ++i) {
      const char step = i == edges.size() ? '|' : edges[i];
      if (step != '|') {
        ends += has(phase_.ends, {&step, 1}) ? std::string(1, step) : "";
        take(step);
        continue;
      }
      world_.turn();
      const std::string so_far = edges.substr(0, i);
      const std::string& cause = world_.cause();
      const FakeSocket& socket = phase_.peer(world_).socket;
      const bool answered = !phase_.origin_side && socket.shut && !cause.empty();  // and lingers
      const bool over = answered || (socket.closed && (world_.clientClosed() || !cause.empty()));
      if (!seen_.emplace(so_far, Seen{.cause = cause, .over = over}).second) {
        continue;  // judged before
      }
      if (!ends.empty() && !phase_.noticed(world_, ends)) {
        note(fmt::format("{}: the end is lost ('{}')", so_far, cause));
      }
      if (!ends.empty() && !has(so_far, "M") && saysTimeout(cause)) {
        note(fmt::format("{}: {}, and no limit has passed", so_far, cause));
      }
    }
    world_.end();
  }

  static bool saysTimeout(std::string_view cause) {
    return cause.find("timeout") != std::string_view::npos || cause.find("stalled") != std::string_view::npos;
  }

  void take(char step) {
    Peer& peer = phase_.peer(world_);
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

  const EdgePhase& phase_;
  EdgeWorld world_;
  std::unordered_map<std::string, Seen> seen_;  // by edges
  int data_ = 0;
  int orders_ = 0;
  int cases_ = 0;
  int plays_ = 0;
  int wrong_ = 0;
  std::string first_wrong_;
};

class LostEdgesTest : public testing::TestWithParam<EdgePhase> {
 protected:
  static void TearDownTestSuite() { fmt::print("{} cases so far\n", total); }
  static inline int total = 0;
};

TEST_P(LostEdgesTest, NoGroupingLosesAnEnd) {
  total += LostEdges(GetParam()).playAll();
}

std::string edgePhaseName(const testing::TestParamInfo<EdgePhase>& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(PlainOrigin, LostEdgesTest, testing::ValuesIn(originPhases(false)), edgePhaseName);
INSTANTIATE_TEST_SUITE_P(TlsOrigin, LostEdgesTest, testing::ValuesIn(originPhases(true)), edgePhaseName);
INSTANTIATE_TEST_SUITE_P(PlainClient, LostEdgesTest, testing::ValuesIn(clientPhases(false)), edgePhaseName);
INSTANTIATE_TEST_SUITE_P(TlsClient, LostEdgesTest, testing::ValuesIn(clientPhases(true)), edgePhaseName);

}  // namespace
}  // namespace gatewhy::test
