// SPDX-License-Identifier: Apache-2.0
// Every state of a login, and all that can come in it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "proxy/exchange/login.h"
#include "tests/support/state_table.h"
#include "tests/unit/proxy/exchange/fake_streams.h"

namespace gatewhy::test::login_states {
namespace {

using State = Login::State;

constexpr std::array<std::string_view, 4> kStates = {"Idle", "Hashing", "Asking", "Over"};
constexpr const char* kNobody = "";
constexpr const char* kRight = "Authorization: Basic YW5uYTpyaWdodA==\r\n";  // anna:right
constexpr const char* kWrong = "Authorization: Basic YW5uYTp3cm9uZw==\r\n";  // anna:wrong

// anna, of a hash that costs little.
class UsersFile {
 public:
  UsersFile() {
    const int fd = ::mkstemp(path_.data());
    ::close(fd);
    std::ofstream(path_) << "anna:$2y$05$h3aHxN24ftDGxjQqKNuV8..rsXtEOZLIJIyGALHASRR5e6xMVLq0i\n";
  }
  ~UsersFile() { ::unlink(path_.c_str()); }
  UsersFile(const UsersFile&) = delete;
  UsersFile& operator=(const UsersFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/gatewhy-login-XXXXXX";
};

enum class By : std::uint8_t { Password, Service };

std::string routes(By by, const UsersFile& users) {
  return by == By::Password
             ? "routes: [{origin: o, auth: {basic: {users_file: \"" + users.path() + "\", realm: staff}}}]\n"
             : std::string("routes: [{origin: o, auth: {forward: {url: \"http://origin.test/verify\"}}}]\n");
}

class LoginWorld final : private UsersFile, public FakeWorld, private LoginObserver {
 public:
  explicit LoginWorld(By by) : FakeWorld("", routes(by, *this)) {}
  ~LoginWorld() override { counters.passwords.stop(); }

  void begin(const char* credentials) {
    const RequestHead& head = request(std::string("GET / HTTP/1.1\r\nHost: a\r\n") + credentials + "\r\n");
    const bool passes = login.begin({.request = head,
                                     .route = config().routes.front(),
                                     .generation = *context.generation,
                                     .dropped = {},
                                     .path = "/",
                                     .client_ip = "192.0.2.1",
                                     .scheme = "http",
                                     .believed_scheme = "http",
                                     .believed_host = "a",
                                     .request_id = {},
                                     .traceparent = {}},
                                    1);
    log += passes ? "passes " : "";
  }
  void enter(State state) {
    switch (state) {
      case State::Idle:
        break;
      case State::Hashing:
        begin(kRight);
        break;
      case State::Asking:
        park();
        begin(kNobody);
        break;
      case State::Over:
        login.cancel();
        break;
    }
    ASSERT_EQ(login.state(), state);
    log.clear();
  }
  void awaitHash() {
    while (login.state() == State::Hashing) {
      loop.turn();
    }
  }
  void answer(const std::string& head) {
    FakeStream& asked = stream();
    asked.setup.observer.onResponseHead(response(head));
    if (!asked.left) {
      asked.setup.owner.onStreamComplete(true, false, "");
    }
  }

  std::string log;  // words, each followed by a blank

 private:
  void onLoginPassed(LoginFields fields) override { log += "passed:" + std::to_string(fields.size()) + " "; }
  void onLoginDenied(const LoginAnswer& answer, Observation /*seen*/) override {
    log += "denied:" + std::to_string(answer.head.status) + " ";
  }
  void onLoginFailed(Observation seen) override {
    log += "failed:" + std::string(name(std::get<DecisionFault>(seen.fault).cause)) + " ";
  }

 public:
  Login login{context, *this};
};

const Events<LoginWorld> kEvents = {
    {"no credentials", [](LoginWorld& world) { world.begin(kNobody); }},
    {"credentials", [](LoginWorld& world) { world.begin(kWrong); }},
    {"the hash is known", [](LoginWorld& world) { world.awaitHash(); }},
    {"the service says 200", [](LoginWorld& world) { world.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); }},
    {"the service says 403",
     [](LoginWorld& world) { world.answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"); }},
    {"the service says 500", [](LoginWorld& world) { world.answer("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"); }},
    {"given up", [](LoginWorld& world) { world.login.cancel(); }},
};

// What is told, and the state that follows.
constexpr EventRow<4> kTable[] = {
    //  Idle  Hashing  Asking  Over
    {"no credentials", {"failed:client_credentials_missing > Over", kNever, kNever, kNever}},
    {"credentials", {"> Hashing", kNever, kNever, kNever}},
    {"the hash is known", {kNever, "passed:0 > Over", kNever, kNever}},
    {"the service says 200", {kNever, kNever, "passed:0 > Over", kNever}},
    {"the service says 403", {kNever, kNever, "denied:403 > Over", kNever}},
    {"the service says 500", {kNever, kNever, "failed:login_service_failed > Over", kNever}},
    {"given up", {"> Over", "> Over", "> Over", "> Over"}},
};

TEST(LoginStates, EachPairIsAsTheTableSays) {
  expectTable(
      rowsOf(kStates, kTable), {kStates.begin(), kStates.end()}, namesOf(kEvents),
      [](std::string_view state, std::string_view event) {
        SCOPED_TRACE(std::string(event) + " in " + std::string(state));
        LoginWorld world(state == "Asking" ? By::Service : By::Password);
        world.enter(static_cast<State>(std::find(kStates.begin(), kStates.end(), state) - kStates.begin()));
        kEvents.at(event)(world);
        return world.log + "> " + std::string(kStates[static_cast<std::size_t>(world.login.state())]);
      },
      true);
}

TEST(LoginStates, AWrongPasswordIsTold) {
  LoginWorld world(By::Password);
  world.begin(kWrong);
  world.awaitHash();
  EXPECT_EQ(world.log, "failed:client_credentials_invalid ");
}

// The hash is on its way, and nobody is left to be told.
TEST(LoginStates, NothingIsToldOnceItIsGivenUp) {
  LoginWorld world(By::Password);
  world.begin(kRight);
  world.login.cancel();
  world.counters.passwords.stop();  // after the hash that it is at
  world.loop.post([&world] { world.loop.stop(); });
  world.loop.run();
  EXPECT_EQ(world.log, "");
}

}  // namespace
}  // namespace gatewhy::test::login_states
