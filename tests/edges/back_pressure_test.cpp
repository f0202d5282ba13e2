// SPDX-License-Identifier: Apache-2.0
// A client that takes bytes when it likes: every order of what the origin
// sends, what the client takes and how time passes, in every grouping into
// edges. Whoever can go on does: the client is sent what it has room for, and
// while it has room the origin is read to its last byte. No time limit of the
// origin's runs while the client is the one waited for.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/edges/edge_cuts.h"
#include "tests/edges/edge_world.h"

namespace gatewhy::test {
namespace {

// s, S the origin sends a little, or more than is read at once; t, T the client
// takes a part, or more than there is; E edges that bring nothing; I a minute
// and a half passes.
constexpr std::string_view kPressureSteps = "sStTEI";
constexpr std::size_t kLittle = 10'000;
constexpr std::size_t kMuch = 100'000;
constexpr std::size_t kFirstRoom = 16'000;
constexpr std::size_t kPart = 8'000;
constexpr std::size_t kAll = 4'000'000;
constexpr std::size_t kWholeLength = 2'000'000;  // spliced to where the test stops

// The sizes of the chunks in `body`; -1: it does not end where it should.
std::ptrdiff_t chunkedSize(std::string_view body) {
  std::size_t total = 0;
  while (true) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), size, 16);
    const auto head = static_cast<std::size_t>(end - body.data()) + 2;
    if (error != std::errc() || body.size() < head + size + 2) {
      return -1;
    }
    body.remove_prefix(head + size + 2);
    total += size;
    if (size == 0) {
      return body.empty() ? static_cast<std::ptrdiff_t>(total) : -1;
    }
  }
}

class BackPressure {
 public:
  struct Kind {
    EdgeWorld::Tls tls = {};
    bool chunked = true;
    std::size_t longest = 3;
  };
  explicit BackPressure(const Kind& kind)
      : kind_(kind), world_(kind.tls), longest_(kind.longest + (std::getenv("GATEWHY_ALL_EDGES") != nullptr ? 1 : 0)) {}

  void playAll() {
    follow("");
    fmt::print("{} cases, {} turns with the client blocked, {} wrong\n", cases_, blocked_, wrong_);
    EXPECT_EQ(wrong_, 0) << first_wrong_;
    EXPECT_GT(blocked_, cases_ / 10) << "it is about clients that do not take what is there";
  }

 private:
  void follow(const std::string& steps) {
    for (unsigned cuts = 0; !steps.empty() && cuts < 1U << (steps.size() - 1); ++cuts) {
      if (isEdgeCase(steps, cuts)) {
        play(cutInto(steps, cuts));
      }
    }
    if (steps.size() < longest_) {
      for (const char step : kPressureSteps) {
        follow(steps + step);
      }
    }
  }

  void play(const std::string& edges) {
    ++cases_;
    world_.begin();
    world_.clientSays("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    world_.originSays(kind_.chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    : fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", kWholeLength));
    world_.client().socket.room = kFirstRoom;
    sent_ = 0;
    for (const char step : edges + "|") {
      if (step != '|') {
        take(step);
      } else {
        world_.turn();
        check(edges);
      }
    }
    finish(edges);
    world_.end();
  }

  void check(const std::string& edges) {
    const FakeSocket& client = world_.client().socket;
    blocked_ += client.send_blocked ? 1 : 0;
    require(!client.send_blocked || !client.writable(), edges, "the client has room and is not sent what waits for it");
    require(client.send_blocked || world_.origin().socket.in.empty(), edges, "the origin is not read");
    require(world_.cause().empty(), edges, "ended by " + world_.cause());
  }

  // The client takes all there is, and the origin ends: nothing was lost.
  void finish(const std::string& edges) {
    world_.client().socket.giveRoom(kAll);
    world_.settle();
    if (kind_.chunked) {
      world_.originSays("0\r\n\r\n");
      require(world_.cause() == "none", edges, "in the end '" + world_.cause() + "'");
    }
    const std::string_view heard = world_.client().heard;
    const std::string_view body = heard.substr(std::min(heard.size(), heard.find("\r\n\r\n") + 4));
    const auto size = kind_.chunked ? chunkedSize(body) : static_cast<std::ptrdiff_t>(body.size());
    require(size == static_cast<std::ptrdiff_t>(sent_), edges, fmt::format("{} bytes of {} came", size, sent_));
  }

  void take(char step) {
    FakeSocket& client = world_.client().socket;
    switch (step) {
      case 's':
        send(kLittle);
        return;
      case 'S':
        send(kMuch);
        return;
      case 't':
        client.giveRoom(kPart);
        return;
      case 'T':
        client.giveRoom(kAll);
        return;
      case 'E':
        world_.origin().edge();
        world_.client().edge();
        return;
      default:
        if (client.send_blocked || !world_.origin().socket.in.empty()) {  // else it is the origin's silence
          world_.kernel.passTime(std::chrono::seconds(90));
        }
        return;
    }
  }

  void send(std::size_t size) {
    const std::string bytes(size, '#');
    world_.origin().say(kind_.chunked ? fmt::format("{:x}\r\n{}\r\n", size, bytes) : bytes);
    sent_ += size;
  }

  void require(bool holds, const std::string& edges, const std::string& problem) {
    if (!holds && wrong_++ < 10) {
      first_wrong_ += edges + ": " + problem + "\n";
    }
  }

  Kind kind_;
  EdgeWorld world_;
  std::size_t longest_;
  std::size_t sent_ = 0;
  int cases_ = 0;
  int blocked_ = 0;
  int wrong_ = 0;
  std::string first_wrong_;
};

TEST(BackPressureTest, PlainOnBothSides) {
  BackPressure({.longest = 4}).playAll();
}

TEST(BackPressureTest, Spliced) {
  BackPressure({.chunked = false}).playAll();
}

TEST(BackPressureTest, TlsTowardsTheOrigin) {
  BackPressure({.tls = {.origin = true}}).playAll();
}

TEST(BackPressureTest, TlsTowardsTheClient) {
  BackPressure({.tls = {.client = true}}).playAll();
}

}  // namespace
}  // namespace gatewhy::test
