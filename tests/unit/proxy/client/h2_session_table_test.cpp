// SPDX-License-Identifier: Apache-2.0
// Every place in which an HTTP/2 session and one stream of it can be ×
// everything that can come to them there. The table is the contract; a pair
// without a row fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diagnostics/h2_words.h"
#include "tests/support/h2_frames.h"
#include "tests/support/state_table.h"
#include "tests/unit/proxy/client/h2_session_table.h"
#include "tests/unit/proxy/client/session_world.h"

namespace gatewhy {
namespace {

using test::kH2SessionTable;
using test::SessionWorld;
namespace h2 = test::h2;

constexpr std::uint32_t kSubject = 1;
constexpr std::uint32_t kInternal = 2;
constexpr std::size_t kWindow = 65535;  // of a client that says nothing of it

std::string requestOn(std::uint32_t stream, bool ends) {
  return test::h2Headers(
      stream, {{":method", ends ? "GET" : "POST"}, {":scheme", "http"}, {":authority", "x"}, {":path", "/"}}, ends);
}

void hears(SessionWorld& world, const std::string& frames) {
  world.says(frames);
  world.turn();
}

void hello(SessionWorld& world) {
  hears(world, test::h2Hello() + test::h2SettingsAck());
}

void getRequest(SessionWorld& world) {
  hello(world);
  hears(world, requestOn(kSubject, true));
}

void postUpload(SessionWorld& world) {
  hello(world);
  hears(world, requestOn(kSubject, false) + test::h2Data(kSubject, "12345"));
}

void answerBegins(SessionWorld& world) {
  world.exchange->answers = true;
  world.exchange->client.sendHead({.status = 200, .length = AnswerLength::Unknown});
  world.exchange->client.sendData("part");
  world.turn();
}

void openH2Tunnel(SessionWorld& world) {
  hello(world);
  hears(world,
        test::h2Headers(
            kSubject,
            {{":method", "CONNECT"}, {":protocol", "chat"}, {":scheme", "http"}, {":path", "/"}, {":authority", "x"}},
            false));
  world.exchange->tunnel = true;
  world.exchange->client.sendHead({.status = 101, .length = AnswerLength::Unknown});
  world.exchange->client.openTunnel();
  world.turn();
}

void settleStream(SessionWorld& world) {
  getRequest(world);
  world.exchange->answers = true;
  world.socket.room = 0;
  world.exchange->client.sendHead({.status = 200});
  world.exchange->client.sendEnd({}, {});
  world.turn();
  EXPECT_EQ(world.exchange->client.delivered(), std::nullopt);
  world.turn();
}

struct H2Place {
  const char* name;
  std::function<void(SessionWorld&)> play;
};

// How to get there from the beginning.
const std::vector<H2Place>& h2Places() {
  static const std::vector<H2Place> kPlaces{
      {"idle", hello},
      {"upload", postUpload},
      {"upload that waits",
       [](SessionWorld& world) {
         postUpload(world);
         world.exchange->wants_body = false;
         hears(world, test::h2Data(kSubject, "67"));
       }},
      {"upload, answered",
       [](SessionWorld& world) {
         postUpload(world);
         answerBegins(world);
       }},
      {"request", getRequest},
      {"answer",
       [](SessionWorld& world) {
         getRequest(world);
         answerBegins(world);
       }},
      {"answer, window closed",
       [](SessionWorld& world) {
         getRequest(world);
         answerBegins(world);
         world.exchange->client.sendData(std::string(kWindow, 'x'));
         world.turn();
       }},
      {"settling", settleStream},
      {"tunnel", openH2Tunnel},
      {"announced",
       [](SessionWorld& world) {
         hello(world);
         world.http2().drain(std::chrono::seconds(1));
         world.turn();
       }},
      {"request, announced",
       [](SessionWorld& world) {
         getRequest(world);
         world.http2().drain(std::chrono::seconds(1));
         world.turn();
       }},
      {"request, closing",
       [](SessionWorld& world) {
         getRequest(world);
         hears(world, test::h2GoAway(0, 0));
       }},
      {"over",
       [](SessionWorld& world) {
         getRequest(world);
         world.socket.fin = world.socket.pending = true;
         world.turn();
         world.exchange->finish(Ending::Abandoned);
         world.turn();
       }},
  };
  return kPlaces;
}

bool hasExchange(SessionWorld& world) {
  return world.exchange != nullptr;
}

H2ClientStream& streamOf(SessionWorld& world) {
  return static_cast<H2ClientStream&>(world.exchange->client);
}

bool canSend(SessionWorld& world) {
  return hasExchange(world) && streamOf(world).state() == H2ClientStream::State::Open;
}

// What comes, and where it can.
struct H2SessionEvent {
  const char* name;
  std::function<void(SessionWorld&)> play;
  std::function<bool(SessionWorld&)> possible = [](SessionWorld&) { return true; };
};

H2SessionEvent frame(const char* name, const std::string& bytes) {
  return {name, [bytes](SessionWorld& world) { world.says(bytes); }};
}

H2SessionEvent ends(const char* name, Ending how) {
  return {name, [how](SessionWorld& world) { world.exchange->finish(how); }, hasExchange};
}

const std::vector<H2SessionEvent>& h2SessionEvents() {
  static const std::vector<H2SessionEvent> kEvents{
      frame("another request", requestOn(kSubject + 2, true)),
      frame("DATA", test::h2Data(kSubject, "12345")),
      frame("DATA with END_STREAM", test::h2Data(kSubject, "12345", true)),
      frame("RST_STREAM", test::h2RstStream(kSubject, static_cast<std::uint32_t>(H2Code::Cancel))),
      frame("WINDOW_UPDATE", test::h2WindowUpdate(kSubject, kWindow) + test::h2WindowUpdate(0, kWindow)),
      frame("GOAWAY", test::h2GoAway(0, 0)),
      frame("GOAWAY with an error", test::h2GoAway(0, kInternal)),
      frame("PING's answer", test::h2Ping(std::string(8, '\0'), true)),
      frame("a broken frame", test::h2Frame(h2::kPing, h2::kNoFlags, 0, "short")),
      {"FIN", [](SessionWorld& world) { world.socket.fin = world.socket.pending = true; }},
      {"RST", [](SessionWorld& world) { world.socket.reset = world.socket.pending = true; }},
      {"a minute", [](SessionWorld& world) { world.kernel.passTime(std::chrono::seconds(60)); }},
      {"no room, then room",
       [](SessionWorld& world) {
         world.socket.room = 0;
         world.exchange->client.sendData("answer");
         world.turn();
         world.socket.giveRoom(1U << 20U);
       },
       canSend},
      ends("finish broken", Ending::Broken),
      ends("finish abandoned", Ending::Abandoned),
      ends("finish unanswered", Ending::Silent),
      {"takes body again",
       [](SessionWorld& world) {
         world.exchange->wants_body = true;
         world.exchange->client.resumeBody();
       },
       hasExchange},
      {"asks whether it is delivered",
       [](SessionWorld& world) {
         if (const auto arrived = world.exchange->client.delivered()) {
           world.exchange->onSettled(*arrived);
         }
       },
       hasExchange},
      {"drain", [](SessionWorld& world) { world.http2().drain(std::chrono::seconds(1)); }},
      {"drain's end", [](SessionWorld& world) { world.http2().abortForDrain(); }},
      {"memory again", [](SessionWorld& world) { world.http2().resumeAfterShortage(); }},
  };
  return kEvents;
}

std::string nameOfState(H2ClientSession::State state) {
  switch (state) {
    case H2ClientSession::State::Open:
      return "open";
    case H2ClientSession::State::Announced:
      return "announced";
    case H2ClientSession::State::Closing:
      return "closing";
    case H2ClientSession::State::Over:
      return "over";
  }
  return {};
}

std::string nameOfState(H2ClientStream::State state) {
  switch (state) {
    case H2ClientStream::State::Open:
      return "open";
    case H2ClientStream::State::Reset:
      return "reset";
    case H2ClientStream::State::Settling:
      return "settling";
    case H2ClientStream::State::Over:
      return "over";
  }
  return {};
}

// "HEADERS 1, DATA 1 END": what a client reads, without what windows and
// answers to SETTINGS need.
std::string framesIn(std::string bytes) {
  std::string text;
  for (const test::H2ReadFrame& sent : test::takeH2Frames(bytes)) {
    if (sent.type == h2::kWindowUpdate || sent.type == h2::kSettings) {
      continue;
    }
    text += (text.empty() ? "" : ", ") + h2FrameName(sent.type) + " " + std::to_string(sent.stream);
    if (sent.type == h2::kRstStream || sent.type == h2::kGoAway) {
      text += " " + h2CodeName(sent.number(sent.type == h2::kGoAway ? 4 : 0));
    } else if (sent.type != h2::kPing && sent.has(h2::kEndStream)) {
      text += " END";
    }
  }
  return text;
}

std::string outcomeOf(const H2Place& place, const H2SessionEvent& event) {
  SessionWorld world(SessionWorld::Protocol::Http2);
  place.play(world);
  if (!event.possible(world)) {
    return "-";
  }
  world.log.clear();
  world.socket.out.clear();
  event.play(world);
  world.turn();
  const std::string sent = framesIn(world.socket.out);
  return world.log + (sent.empty() ? "" : " [" + sent + "]") + " > " + nameOfState(world.http2().state()) + " / " +
         (hasExchange(world) ? nameOfState(streamOf(world).state()) : "none");
}

template <class Names>
std::vector<std::string_view> namesOfAll(const Names& named) {
  std::vector<std::string_view> names;
  for (const auto& one : named) {
    names.emplace_back(one.name);
  }
  return names;
}

template <class Names>
const auto& named(const Names& all, std::string_view name) {
  return *std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
}

TEST(H2SessionTableTest, EachPairIsAsTheTableSays) {
  test::expectTable(
      {std::begin(kH2SessionTable), std::end(kH2SessionTable)}, namesOfAll(h2Places()), namesOfAll(h2SessionEvents()),
      [](std::string_view place, std::string_view event) {
        return outcomeOf(named(h2Places(), place), named(h2SessionEvents(), event));
      },
      false);
}

TEST(H2ClientStreamTest, ABodyThatEndsShortBehindItsAnswerIsNoFault) {
  SessionWorld world(SessionWorld::Protocol::Http2);
  hello(world);
  hears(world,
        test::h2Headers(
            kSubject,
            {{":method", "POST"}, {":scheme", "http"}, {":authority", "x"}, {":path", "/"}, {"content-length", "100"}},
            false) +
            test::h2Data(kSubject, "12345"));
  answerBegins(world);
  const std::size_t held = streamOf(world).holds();
  world.exchange->wants_body = false;
  hears(world, test::h2Data(kSubject, "67"));
  world.log.clear();
  world.socket.out.clear();
  hears(world, test::h2Data(kSubject, "", true));
  EXPECT_EQ(world.log, "short body 7/100");
  world.exchange->wants_body = true;
  world.exchange->client.resumeBody();
  world.kernel.passTime(std::chrono::seconds(60));
  world.turn();
  EXPECT_EQ(world.log, "short body 7/100") << "neither is what came handed over, nor is more waited for";
  EXPECT_EQ(streamOf(world).holds(), held);
  world.exchange->client.sendEnd("all", {});
  world.turn();
  EXPECT_EQ(framesIn(world.socket.out), "DATA 1, DATA 1 END");
}

}  // namespace
}  // namespace gatewhy
