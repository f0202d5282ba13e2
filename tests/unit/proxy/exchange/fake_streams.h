// SPDX-License-Identifier: Apache-2.0
// A worker without sockets: a client's and an origin's side whose every move
// is the test's. An origin's connections are parked in the real pool before
// they are asked for.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/load.h"
#include "proxy/exchange/client_stream.h"
#include "proxy/exchange/exchange.h"
#include "proxy/http/h1_parser.h"
#include "proxy/origin/origin_connection.h"

namespace gatewhy::test {

class FakeStream final : public OriginStream {
 public:
  // `in_step`: its connection's.
  FakeStream(const OriginStreamSetup& given, bool& in_step) : setup(given), in_step_(in_step) {}

  // The response has come, and its connection can carry another request, or cannot.
  void complete(bool in_step = true, const std::string& trailers = "") {
    in_step_ = in_step;
    setup.owner.onStreamComplete(!in_step, trailers);
  }

  void begin() override {
    if (!waits_to_begin) {
      setup.observer.onUploadReady();
    }
  }
  void leave() override { left = true; }
  void sendData(std::string_view data) override { sent += data; }
  void sendEnd(std::string_view data, std::string_view /*trailers*/) override {
    sent += data;
    ended = true;
  }
  void flush() override {}
  void resumeBody() override { ++resumed; }
  [[nodiscard]] bool sendBlocked() const override { return blocked; }
  [[nodiscard]] std::size_t buffered() const override { return 0; }
  [[nodiscard]] bool owesContinue() const override { return false; }
  [[nodiscard]] bool awaitsHead() const override { return !left; }
  [[nodiscard]] Phase phase() const override { return Phase::ResponseHead; }
  void describe(Observation& seen) const override { seen.bytes.request_written = request_written; }
  void addTimings(Timings& /*timings*/, TimePoint /*end*/) const override {}
  [[nodiscard]] double waitedMs() const override { return 0; }
  [[nodiscard]] const SSL* tlsSession() const override { return nullptr; }

  OriginStreamSetup setup;
  bool waits_to_begin = false;
  bool blocked = false;
  bool left = false;
  std::uint64_t request_written = 100;  // bytes
  std::string sent;
  bool ended = false;
  int resumed = 0;

 private:
  bool& in_step_;
};

// What became of an origin's fake connections.
struct FakeOrigin {
  std::vector<FakeStream*> streams;  // opened, oldest first; each lives as long as its attempt
  int parked = 0, stopped = 0;
};

class FakeConnection final : public OriginConnection {
 public:
  FakeConnection(EventLoop& loop, FakeOrigin& origin) : OriginConnection(loop, Sharing::Exclusive), origin_(origin) {
    peer_address = "192.0.2.80:80";
  }
  [[nodiscard]] std::unique_ptr<OriginStream> open(const OriginStreamSetup& setup) override {
    in_step_ = false;
    auto stream = std::make_unique<FakeStream>(setup, in_step_);
    origin_.streams.push_back(stream.get());
    return stream;
  }
  [[nodiscard]] std::uint32_t room() const override { return leases() == 0 && in_step_ ? 1 : 0; }
  [[nodiscard]] bool draining() const override { return !in_step_; }
  void stop() override { ++origin_.stopped; }

 private:
  bool beginIdle() override {
    ++origin_.parked;
    return true;
  }
  void endIdle() override {}

  FakeOrigin& origin_;
  bool in_step_ = true;
};

// Asks for a place as a request does that nothing is known of.
class FakeWaiter final : public PoolWaiter {
 public:
  void onLease(Lease lease) override { granted = std::move(lease); }
  [[nodiscard]] std::uint64_t balanceKey() const override { return 0; }
  [[nodiscard]] bool bodyIsHere() const override { return true; }
  [[nodiscard]] const std::vector<std::size_t>& triedEndpoints() const override { return none_; }

  Lease granted;

 private:
  std::vector<std::size_t> none_;
};

class FakeClient final : public ClientStream {
 public:
  [[nodiscard]] const ClientFacts& facts() const override { return about; }
  void sendInterim(const AnswerHead& /*head*/) override {}
  void sendHead(const AnswerHead& head) override { status = head.status; }
  void sendData(std::string_view data) override { sent += data; }
  void sendEnd(std::string_view data, std::string_view /*trailers*/) override {
    sent += data;
    ended = true;
  }
  void flush() override {}
  [[nodiscard]] bool sendBlocked() const override { return blocked; }
  void resumeBody() override { ++resumed; }
  void openTunnel() override { tunnel = true; }
  [[nodiscard]] std::optional<bool> delivered() override { return half_closed ? arrived : std::optional(true); }
  void finishExchange(Ending ending) override { finished = ending; }

  ClientFacts about;
  std::uint16_t status = 0;
  std::string sent;
  bool ended = false;
  bool blocked = false, half_closed = false, tunnel = false;
  std::optional<bool> arrived = true;
  int resumed = 0;
  std::optional<Ending> finished;
};

// Names no address: nothing is connected to.
class SilentResolver final : public Resolver {
 public:
  std::unique_ptr<ResolveHandle> resolve(const std::string& /*host*/,
                                         std::function<void(int family, FamilyAnswer answer)> /*tell*/) override {
    return std::make_unique<ResolveHandle>();
  }
  [[nodiscard]] DnsFault partialEvidence(const std::string& host) const override {
    DnsFault fault;
    fault.host = host;
    return fault;
  }
};

// What was told of each exchange, as far as tests ask.
struct ToldExchange {
  std::string cause;  // "" where nothing failed
  std::uint16_t status = 0;
  std::uint32_t attempts = 0;
  std::optional<std::uint64_t> body, body_announced;  // bytes of the request's
};

class FakeWorld : public EventSink {
 public:
  // `more`: further lines of the configuration.
  explicit FakeWorld(const std::string& origin_more = "", const std::string& more = "",
                     const std::string& endpoint = "http://origin.test") {
    const LoadedConfig loaded =
        loadConfig("listeners: [{address: \"127.0.0.1:0\"}]\norigins: {o: {endpoints: [\"" + endpoint + "\"]" +
                       origin_more + "}}\nlog: {destination: stdout}\n" + more,
                   "world.yaml", [](const std::string&) { return std::optional<std::string>(); });
    EXPECT_TRUE(loaded.config) << format(loaded.problems.front());
    auto mine = std::make_shared<WorkerGeneration>();
    mine->shared = Generation::create(loaded.config, states_).value();
    mine->resolver = std::make_shared<SilentResolver>();
    const OriginRuntime& runtime = mine->shared->origins.front();
    mine->pools.push_back(
        std::make_shared<OriginPool>(loop, loaded.config->origins.front(), runtime.endpoints, runtime.state, [] {}));
    context.generation = std::move(mine);
  }

  [[nodiscard]] OriginPool& pool() { return *context.generation->pools.front(); }
  [[nodiscard]] const Config& config() const { return *context.generation->shared->config; }
  // One more connection for the next attempt, with the place that it holds.
  void park() {
    FakeWaiter waiter;
    PoolRefusal refusal{};
    auto lease = pool().request(waiter, true, refusal);
    ASSERT_TRUE(lease) << "no place is free";
    pool().adopt(*lease, std::make_unique<FakeConnection>(loop, origin));
    lease->end();
    --origin.parked;
  }
  [[nodiscard]] FakeStream& stream() { return *origin.streams.back(); }
  const RequestHead& request(const std::string& text) {
    parser_.reset();
    EXPECT_EQ(parser_.feed(text).status, ParseStatus::Done) << text;
    return parser_.head();
  }
  const ResponseHead& response(const std::string& text, Method method = Method::Get) {
    response_parser_.reset();
    response_parser_.expect(method);
    EXPECT_EQ(response_parser_.feed(text).status, ParseStatus::Done) << text;
    return response_parser_.head();
  }

  // EventSink
  void attach(EventLoop& /*loop*/) override {}
  void onExchange(const ExchangeEvent& event) override {
    told.push_back({.cause = event.diagnosis != nullptr ? std::string(name(event.diagnosis->cause)) : std::string(),
                    .status = event.status,
                    .attempts = event.attempts,
                    .body = event.request_body_size,
                    .body_announced = event.request_body_announced});
  }
  void onLifecycle(const LifecycleEvent& /*event*/) override {}

  EventLoop loop;
  ProxyCounters counters;
  FakeOrigin origin;
  std::vector<ToldExchange> told;

 private:
  SharedStates states_;
  RequestParser parser_{HeadLimits{}};
  ResponseParser response_parser_{HeadLimits{}};

 public:
  WorkerContext context{loop, *this, counters};
};

}  // namespace gatewhy::test
