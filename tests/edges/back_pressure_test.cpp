// SPDX-License-Identifier: Apache-2.0
// A client that takes bytes when it likes: every order of what the origin
// sends, what the client takes and how time passes, in every grouping into
// edges. Whenever the client is not the one waited for, the origin has been
// read to its last byte, and no time limit of the origin's runs while it is.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/edges/edge_world.h"

namespace gatewhy::test {
namespace {

// s, S the origin sends 40 or 150 kB, t, T the client takes 30 kB or 1 MB,
// E edges that bring nothing, I a minute and a half passes.
constexpr std::string_view kSteps = "sStTEI";
constexpr std::size_t kSmallChunk = 40'000;
constexpr std::size_t kLargeChunk = 150'000;
constexpr std::size_t kFirstRoom = 64 * 1024;

class BackPressure {
 public:
  BackPressure(EdgeWorld::Tls tls, std::size_t longest) : world_(tls), longest_(longest) {}

  void playAll() {
    follow("");
    fmt::print("{} cases, {} wrong\n", cases_, wrong_);
    EXPECT_EQ(wrong_, 0) << first_wrong_;
    EXPECT_GT(blocked_, cases_ / 10) << "it is about clients that do not take what is there";
  }

 private:
  void follow(const std::string& steps) {
    for (unsigned cuts = 0; !steps.empty() && cuts < 1U << (steps.size() - 1); ++cuts) {
      play(steps, cuts);
    }
    if (steps.size() < longest_) {
      for (const char step : kSteps) {
        follow(steps + step);
      }
    }
  }

  void play(const std::string& steps, unsigned cuts) {
    ++cases_;
    world_.begin();
    world_.settle();
    world_.client().say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    world_.settle();
    world_.origin().say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    world_.settle();
    world_.client().socket.room = kFirstRoom;
    sent_ = 0;
    std::string edges;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      edges += steps[i];
      take(steps[i]);
      if (i + 1 < steps.size() && ((cuts >> i) & 1U) == 0) {
        continue;
      }
      world_.turn();
      edges += "|";
      blocked_ += clientBlocks() ? 1 : 0;
      require(clientBlocks() || world_.origin().socket.in.empty(), edges, "the origin is not read");
      require(world_.cause().empty(), edges, "ended by " + world_.cause());
    }
    finish(edges);
    world_.end();
  }

  // The client takes all there is, the origin ends: nothing was lost.
  void finish(const std::string& edges) {
    world_.origin().say("0\r\n\r\n");
    FakeKernel::giveRoom(world_.client().socket, 16UL << 20U);
    world_.settle();
    require(world_.cause() == "none", edges, "in the end " + world_.cause());
    const std::string& heard = world_.client().heard;
    require(static_cast<std::size_t>(std::count(heard.begin(), heard.end(), '#')) == sent_, edges, "bytes are missing");
  }

  [[nodiscard]] bool clientBlocks() { return world_.client().socket.no_space; }

  void take(char step) {
    switch (step) {
      case 's':
        send(kSmallChunk);
        return;
      case 'S':
        send(kLargeChunk);
        return;
      case 't':
        FakeKernel::giveRoom(world_.client().socket, 30'000);
        return;
      case 'T':
        FakeKernel::giveRoom(world_.client().socket, 1UL << 20U);
        return;
      case 'E':
        world_.origin().edge();
        world_.client().edge();
        return;
      default:
        if (clientBlocks()) {  // else it would be the origin's silence
          world_.kernel.passTime(std::chrono::seconds(90));
        }
        return;
    }
  }

  void send(std::size_t size) {
    world_.origin().say(fmt::format("{:x}\r\n{}\r\n", size, std::string(size, '#')));
    sent_ += size;
  }

  void require(bool holds, const std::string& edges, const std::string& problem) {
    if (!holds && wrong_++ < 10) {
      first_wrong_ += edges + ": " + problem + "\n";
    }
  }

  EdgeWorld world_;
  std::size_t longest_;
  std::size_t sent_ = 0;
  int cases_ = 0;
  int blocked_ = 0;
  int wrong_ = 0;
  std::string first_wrong_;
};

TEST(BackPressure, PlainOnBothSides) {
  BackPressure({}, 5).playAll();
}

TEST(BackPressure, TlsTowardsTheOrigin) {
  BackPressure({.origin = true}, 4).playAll();
}

TEST(BackPressure, TlsTowardsTheClient) {
  BackPressure({.client = true}, 4).playAll();
}

}  // namespace
}  // namespace gatewhy::test
