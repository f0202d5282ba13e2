// SPDX-License-Identifier: Apache-2.0
// A session between two that are not real: a client on a fake kernel
// and an exchange that does as it is told. What the session says to both, and
// to its connection, is written down in `log`.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "config/load.h"
#include "proxy/client/h1_client_session.h"
#include "proxy/client/h1_client_streams.h"
#include "proxy/client/h2_client_session.h"
#include "tests/edges/fake_kernel.h"

namespace gatewhy::test {

class FakeExchange final : public ClientStreamHandler {
 public:
  // `current` points to it until it finishes.
  FakeExchange(FakeExchange*& current, std::string& log, ClientStream& to_client, const RequestHead& request);

  void finish(Ending how);

  void begin() override;
  void reject(Observation fault) override { say("refuse " + wordFor(fault.fault)); }
  void onBody(std::string_view data, bool last, std::string_view trailers) override;
  SpliceResult spliceBody(Transport& /*from*/, std::uint64_t /*ahead*/) override {
    return {.status = SpliceStatus::Unsupported};
  }
  void onClientDrained() override { say("drained"); }
  void onSettled(bool arrived) override;
  void onShortBody(Observation seen) override {
    say("short body " + std::to_string(seen.bytes.body_received) + "/" +
        std::to_string(seen.bytes.body_expected.value_or(0)));
  }
  void onClientFault(Observation fault) override { say("fault " + wordFor(fault.fault)); }
  void onDrainDeadline() override { say("drain deadline"); }
  void noteHalfClose() override { say("half closed"); }
  [[nodiscard]] bool bodyDone() const override { return body_done_; }
  [[nodiscard]] bool inTunnel() const override { return tunnel; }
  [[nodiscard]] bool dialogue() const override { return tunnel; }
  [[nodiscard]] bool waiting() const override { return !tunnel && !answers; }
  [[nodiscard]] bool responding() const override { return !tunnel && answers; }
  [[nodiscard]] bool wantsBody() const override { return wants_body; }
  [[nodiscard]] std::size_t bodyRoom() const override { return 65536; }
  [[nodiscard]] bool waitsForBody() const override { return wants_body && !body_done_; }
  [[nodiscard]] std::size_t buffered() const override { return 0; }

  bool wants_body = true;
  bool tunnel = false;
  bool answers = false;  // with the head of a response at least
  ClientStream& client;

 private:
  static std::string wordFor(const Fault& fault);
  void say(const std::string& what) { log_ += (log_.empty() ? "" : ", ") + what; }

  FakeExchange*& current_;
  std::string& log_;
  const RequestHead& request_;
  bool body_done_ = false;
};

class SessionWorld final : private ClientSessionHost, private IoHandler, private EventSink {
 public:
  enum class Protocol : std::uint8_t { Http1, Http2 };

  explicit SessionWorld(Protocol protocol = Protocol::Http1);
  ~SessionWorld() override;

  void says(std::string_view bytes);  // the client
  void turn();                        // what came is told

  FakeKernel kernel;
  FakeSocket socket;
  std::string log;
  FakeExchange* exchange = nullptr;  // the last one, while it runs
  [[nodiscard]] H1ClientSession& session() { return static_cast<H1ClientSession&>(*session_); }
  [[nodiscard]] H2ClientSession& http2() { return static_cast<H2ClientSession&>(*session_); }

 private:
  std::unique_ptr<ClientStreamHandler> newExchange(ClientStream& client, const RequestHead& request) override;
  void onSessionIdle() override { say("idle"); }
  void onSessionBusy() override {}
  void onSessionOver(Farewell farewell) override;
  void onIo(bool readable, bool writable) override { session_->onIo(readable, writable); }
  void attach(EventLoop& /*loop*/) override {}
  void onExchange(const ExchangeEvent& /*event*/) override {}
  void onLifecycle(const LifecycleEvent& /*event*/) override {}
  void say(const std::string& what) { log += (log.empty() ? "" : ", ") + what; }

  EventLoop loop_;
  ProxyCounters counters_;
  SharedStates states_;
  H1ClientStreams streams_{loop_};
  std::unique_ptr<WorkerContext> worker_;
  ClientFacts facts_;
  Link link_;
  std::unique_ptr<SocketOutput> output_;
  ClientClock clock_{loop_, [this] { session_->onLate(clock_.awaits()); }};
  KeepAliveQuota quota_{loop_.turnTime()};
  std::unique_ptr<ClientSession> session_;
};

}  // namespace gatewhy::test
