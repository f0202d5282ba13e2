// SPDX-License-Identifier: Apache-2.0
// Every state of a reception, and all that can come in it.
#include <gtest/gtest.h>

#include <algorithm>

#include "proxy/exchange/reception.h"
#include "tests/support/state_table.h"
#include "tests/unit/proxy/exchange/fake_streams.h"

namespace gatewhy::test::reception_states {
namespace {

using State = Reception::State;

constexpr std::array<std::string_view, 3> kStates = {"Idle", "LoggingIn", "Over"};
constexpr const char* kOpen = "routes: [{origin: o}]\n";
constexpr const char* kLogin = "routes: [{origin: o, auth: {forward: {url: \"http://origin.test/verify\"}}}]\n";
constexpr const char* kReading = "routes: [{origin: o, methods: [GET]}]\n";

class ReceptionWorld final : public FakeWorld, private Reception::Owner {
 public:
  explicit ReceptionWorld(const char* routes)
      : FakeWorld("", routes), head(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")) {}

  void begin() {
    park();
    reception.begin();
  }
  void enter(std::string_view state) {
    if (state == "LoggingIn") {
      begin();
    } else if (state == "Over") {
      reception.cancel();
    }
    ASSERT_EQ(stateName(), state);
    log.clear();
  }
  void answer(const std::string& text) {
    FakeStream& asked = stream();
    asked.setup.observer.onResponseHead(response(text));
    if (!asked.left) {
      asked.setup.owner.onStreamComplete(false, "");
    }
  }
  [[nodiscard]] std::string_view stateName() const { return kStates[static_cast<std::size_t>(reception.state())]; }

  std::string log;  // words, each followed by a blank

 private:
  void onAdmitted(LoginFields fields, bool waited) override {
    log += "admitted:" + std::to_string(fields.size()) + (waited ? ":waited " : " ");
  }
  void onTurnedAway(Observation seen) override {
    log += "away:" + std::string(name(std::get<DecisionFault>(seen.fault).cause)) + " ";
  }
  void onLoginDenied(const LoginAnswer& denied, Observation /*seen*/) override {
    log += "denied:" + std::to_string(denied.head.status) + " ";
  }

 public:
  const RequestHead& head;
  ClientFacts client;
  ExchangeRecord record{head, client, *context.generation->shared, EventLoop::now()};
  Forwarding forwarding{head, client, *context.generation->shared, record};
  Reception reception{context, *context.generation, head, client, record, forwarding, *this};
};

const Events<ReceptionWorld> kEvents = {
    {"a request, nobody has to log in", [](ReceptionWorld& world) { world.begin(); }},
    {"a request that is not allowed", [](ReceptionWorld& world) { world.begin(); }},
    {"a request that has to log in", [](ReceptionWorld& world) { world.begin(); }},
    {"the login passes", [](ReceptionWorld& world) { world.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); }},
    {"the login is denied",
     [](ReceptionWorld& world) { world.answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"); }},
    {"the login fails", [](ReceptionWorld& world) { world.answer("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"); }},
    {"given up", [](ReceptionWorld& world) { world.reception.cancel(); }},
};

// What is told, and the state that follows.
constexpr EventRow<3> kTable[] = {
    //  Idle  LoggingIn  Over
    {"a request, nobody has to log in", {"admitted:0 > Over", kNever, kNever}},
    {"a request that is not allowed", {"away:client_method_unsupported > Over", kNever, kNever}},
    {"a request that has to log in", {"> LoggingIn", kNever, kNever}},
    {"the login passes", {kNever, "admitted:0:waited > Over", kNever}},
    {"the login is denied", {kNever, "denied:403 > Over", kNever}},
    {"the login fails", {kNever, "away:login_service_failed > Over", kNever}},
    {"given up", {"> Over", "> Over", "> Over"}},
};

TEST(ReceptionStates, EachPairIsAsTheTableSays) {
  expectTable(
      rowsOf(kStates, kTable), {kStates.begin(), kStates.end()}, namesOf(kEvents),
      [](std::string_view state, std::string_view event) {
        SCOPED_TRACE(std::string(event) + " in " + std::string(state));
        ReceptionWorld world(event == "a request, nobody has to log in" ? kOpen
                             : event == "a request that is not allowed" ? kReading
                                                                        : kLogin);
        world.enter(state);
        kEvents.at(event)(world);
        return world.log + "> " + std::string(world.stateName());
      },
      true);
}

TEST(Reception, GivesARequestItsNamesOnce) {
  ReceptionWorld world(kOpen);
  world.reception.identify();
  const std::string id(world.record.identity.requestId());
  EXPECT_FALSE(id.empty());
  world.begin();
  EXPECT_EQ(world.record.identity.requestId(), id);
  EXPECT_EQ(world.record.route, &world.config().routes.front());
  EXPECT_FALSE(world.reception.closes());
}

}  // namespace
}  // namespace gatewhy::test::reception_states
