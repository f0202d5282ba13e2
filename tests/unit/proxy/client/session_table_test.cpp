// SPDX-License-Identifier: Apache-2.0
// Every place in which an HTTP/1 session can be × everything that can come to
// it there. The table is the contract; a pair without a row fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/state_table.h"
#include "tests/unit/proxy/client/session_table.h"
#include "tests/unit/proxy/client/session_world.h"

namespace gatewhy {
namespace {

using test::kSessionTable;
using test::SessionWorld;

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kUpload = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345";

void arrives(SessionWorld& world, std::string_view bytes) {
  world.says(bytes);
  world.turn();
}

void fin(SessionWorld& world) {
  world.socket.fin = world.socket.pending = true;
  world.turn();
}

void openTunnel(SessionWorld& world) {
  arrives(world, kRequest);
  world.exchange->tunnel = true;
  world.exchange->client.openTunnel();
  world.turn();
}

void settle(SessionWorld& world) {
  arrives(world, kRequest);
  fin(world);
  world.exchange->answers = true;
  world.exchange->client.sendHead({.status = 200});
  world.exchange->client.sendEnd({}, {});
  world.socket.unacknowledged = 1;
  EXPECT_EQ(world.exchange->client.delivered(), std::nullopt);
}

struct Named {
  const char* name;
  std::function<void(SessionWorld&)> play;
};

// How to get there from the beginning.
const std::vector<Named>& places() {
  static const std::vector<Named> kPlaces{
      {"idle", [](SessionWorld&) {}},
      {"head", [](SessionWorld& world) { arrives(world, "GET / HT"); }},
      {"body", [](SessionWorld& world) { arrives(world, kUpload); }},
      {"body that waits",
       [](SessionWorld& world) {
         arrives(world, kUpload);
         world.exchange->wants_body = false;
         arrives(world, "67");
       }},
      {"body, answered, FIN",
       [](SessionWorld& world) {
         arrives(world, kUpload);
         world.exchange->answers = true;
         fin(world);
       }},
      {"awaiting", [](SessionWorld& world) { arrives(world, kRequest); }},
      {"awaiting, next held",
       [](SessionWorld& world) {
         arrives(world, kRequest);
         arrives(world, kRequest);
       }},
      {"awaiting, next held, FIN",
       [](SessionWorld& world) {
         arrives(world, kRequest);
         arrives(world, kRequest);
         fin(world);
       }},
      {"awaiting, FIN",
       [](SessionWorld& world) {
         arrives(world, kRequest);
         fin(world);
       }},
      {"tunnel", openTunnel},
      {"tunnel, FIN",
       [](SessionWorld& world) {
         openTunnel(world);
         fin(world);
       }},
      {"settling", settle},
      {"over",
       [](SessionWorld& world) {
         arrives(world, kRequest);
         world.exchange->finish(Ending::Abandoned);
       }},
  };
  return kPlaces;
}

bool runs(SessionWorld& world) {
  return world.exchange != nullptr;
}

// What comes, and where it can.
struct Event {
  const char* name;
  std::function<void(SessionWorld&)> play;
  std::function<bool(SessionWorld&)> possible = [](SessionWorld&) { return true; };
};

Event finishes(const char* name, Ending how) {
  return {name, [how](SessionWorld& world) { world.exchange->finish(how); }, runs};
}

bool awaits(SessionWorld& world) {
  return world.session().streamState() == H1ClientStream::State::Awaiting;
}

bool sends(SessionWorld& world) {
  return runs(world) && world.session().streamState() != H1ClientStream::State::Settling;
}

const std::vector<Event>& events() {
  static const std::vector<Event> kEvents{
      {"half a head", [](SessionWorld& world) { world.says("GET / HT"); }},
      {"request", [](SessionWorld& world) { world.says(kRequest); }},
      {"five octets", [](SessionWorld& world) { world.says("12345"); }},
      {"FIN", [](SessionWorld& world) { world.socket.fin = world.socket.pending = true; }},
      {"RST", [](SessionWorld& world) { world.socket.reset = world.socket.pending = true; }},
      {"an edge", [](SessionWorld& world) { world.socket.pending = true; }},
      {"a minute", [](SessionWorld& world) { world.kernel.passTime(std::chrono::seconds(60)); }},
      {"no room, then room",
       [](SessionWorld& world) {
         world.socket.room = 0;
         world.exchange->client.sendData("answer");
         world.socket.giveRoom(1U << 20U);
       },
       sends},
      {"send fails",
       [](SessionWorld& world) {
         world.socket.reset = world.socket.reset_told = true;
         world.exchange->client.sendData("answer");
       },
       sends},
      {"acknowledged",
       [](SessionWorld& world) {
         world.socket.unacknowledged = 0;
         world.socket.pending = true;
       },
       [](SessionWorld& world) { return world.socket.unacknowledged != 0; }},
      finishes("keep alive", Ending::Complete),
      {"finish and close",
       [](SessionWorld& world) {
         world.exchange->client.sendHead({.status = 200, .close = true});
         world.exchange->client.flush();
         world.socket.out.clear();
         world.exchange->finish(Ending::Complete);
       },
       runs},
      finishes("finish broken", Ending::Abandoned),
      finishes("finish unanswered", Ending::Silent),
      {"takes body again",
       [](SessionWorld& world) {
         world.exchange->wants_body = true;
         world.exchange->client.resumeBody();
       },
       runs},
      {"switches protocols",
       [](SessionWorld& world) {
         world.exchange->tunnel = true;
         world.exchange->client.openTunnel();
       },
       awaits},
      {"drain", [](SessionWorld& world) { world.session().drain(std::chrono::seconds(1)); }},
      {"drain's end", [](SessionWorld& world) { world.session().abortForDrain(); }},
      {"memory again", [](SessionWorld& world) { world.session().resumeAfterShortage(); }},
  };
  return kEvents;
}

std::string stateName(H1ClientStream::State state) {
  switch (state) {
    case H1ClientStream::State::Idle:
      return "idle";
    case H1ClientStream::State::Head:
      return "head";
    case H1ClientStream::State::Body:
      return "body";
    case H1ClientStream::State::Awaiting:
      return "awaiting";
    case H1ClientStream::State::Tunnel:
      return "tunnel";
    case H1ClientStream::State::Settling:
      return "settling";
    case H1ClientStream::State::Over:
      return "over";
  }
  return {};
}

std::string outcome(const Named& place, const Event& event) {
  SessionWorld world;
  place.play(world);
  if (!event.possible(world)) {
    return "-";
  }
  world.log.clear();
  world.socket.out.clear();
  event.play(world);
  world.turn();
  std::string sent;
  if (world.socket.out.find("100 Continue") != std::string::npos) {
    sent = " [probe]";
  } else if (!world.socket.out.empty()) {
    sent = " [" + world.socket.out + "]";
  }
  const bool half = world.session().halfClosed();
  return world.log + sent + " > " + stateName(world.session().streamState()) + (half ? ", FIN" : "");
}

template <class Names>
std::vector<std::string_view> namesIn(const Names& named) {
  std::vector<std::string_view> names;
  for (const auto& one : named) {
    names.emplace_back(one.name);
  }
  return names;
}

template <class Names>
const auto& find(const Names& named, std::string_view name) {
  return *std::find_if(named.begin(), named.end(), [&](const auto& one) { return one.name == name; });
}

TEST(SessionTableTest, EachPairIsAsTheTableSays) {
  test::expectTable(
      {std::begin(kSessionTable), std::end(kSessionTable)}, namesIn(places()), namesIn(events()),
      [](std::string_view place, std::string_view event) {
        return outcome(find(places(), place), find(events(), event));
      },
      false);
}

}  // namespace
}  // namespace gatewhy
