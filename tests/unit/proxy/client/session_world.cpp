// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proxy/client/session_world.h"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <utility>

namespace gatewhy::test {
namespace {

constexpr std::string_view kConfiguration =
    "listeners: [{address: \"127.0.0.1:0\"}]\n"
    "origins: {origin: {endpoints: [\"http://127.0.0.1:9\"]}}\n";

ConfigPtr configuration() {
  const LoadedConfig loaded = loadConfig(std::string(kConfiguration), "session.yaml",
                                         [](const std::string&) { return std::optional<std::string>(); });
  if (!loaded.config) {
    throw std::runtime_error(format(loaded.problems.front()));
  }
  return loaded.config;
}

std::string wordFor(const EndFault& end) {
  switch (end.how) {
    case EndFault::How::Fin:
      return end.reset_after_fin ? "gone" : "FIN";
    case EndFault::How::Reset:
      return "RST";
    case EndFault::How::CloseNotify:
    case EndFault::How::TlsTruncated:
    case EndFault::How::Error:
      return "end";
  }
  return {};
}

}  // namespace

FakeExchange::FakeExchange(FakeExchange*& current, std::string& log, ClientStream& to_client,
                           const RequestHead& request)
    : client(to_client), current_(current), log_(log), request_(request) {
  current = this;
}

void FakeExchange::finish(Ending how) {
  current_ = nullptr;
  client.finishExchange(how);
}

void FakeExchange::onSettled(bool arrived) {
  say(arrived ? "arrived" : "lost");
  finish(arrived ? Ending::Complete : Ending::Silent);
}

void FakeExchange::begin() {
  body_done_ = request_.body == BodyKind::None;
  say("begin");
}

void FakeExchange::onBody(std::string_view data, bool last, std::string_view /*trailers*/) {
  if (tunnel) {
    say(last ? "tunnel end" : "tunnel " + std::to_string(data.size()));
    return;
  }
  body_done_ = last;
  say("body " + std::to_string(data.size()) + (last ? " last" : ""));
}

std::string FakeExchange::wordFor(const Fault& fault) {
  if (const auto* end = std::get_if<EndFault>(&fault)) {
    return test::wordFor(*end);
  }
  if (const auto* decision = std::get_if<DecisionFault>(&fault)) {
    return std::string(name(decision->cause));
  }
  if (const auto* timer = std::get_if<TimerFault>(&fault)) {
    return timer->timer == Timer::ClientHead ? "late head" : timer->timer == Timer::ClientBody ? "late body" : "late";
  }
  if (const auto* stream = std::get_if<StreamFault>(&fault)) {
    return stream->how == StreamFault::How::Reset ? "RST_STREAM" : "HTTP/2";
  }
  return std::holds_alternative<ParseFault>(fault) ? "syntax" : "other";
}

SessionWorld::SessionWorld(Protocol protocol) {
  auto generation = std::make_shared<WorkerGeneration>();
  auto shared = Generation::create(configuration(), states_);
  if (!shared.ok()) {
    throw std::runtime_error(shared.error().reason);
  }
  generation->shared = std::move(shared).value();
  streams_.setLimits(HeadLimits{});
  EventSink& sink = *this;
  worker_ = std::make_unique<WorkerContext>(loop_, sink, counters_);
  worker_->generation = std::move(generation);
  link_.transport = Transport(Fd(kernel.open(socket)));
  output_ = std::make_unique<SocketOutput>(link_.transport, worker_->pipes);
  EXPECT_TRUE(link_.watch.start(loop_, link_.transport.fd(), this));
  clock_.await(ClientClock::Wait::Request, worker_->generation->shared->config->limits.client_head_timeout);
  ClientSessionHost& host = *this;
  const ClientWire wire{.link = link_, .output = *output_, .clock = clock_, .quota = quota_, .facts = facts_};
  if (protocol == Protocol::Http2) {
    session_ = std::make_unique<H2ClientSession>(*worker_, host, wire, Http2Config{.enabled = true});
  } else {
    session_ = std::make_unique<H1ClientSession>(*worker_, streams_, host, wire);
  }
  turn();
}

SessionWorld::~SessionWorld() {
  session_->close();
  turn();
  session_.reset();
  link_.watch.stop();
  link_.transport.close();
}

void SessionWorld::says(std::string_view bytes) {
  socket.in += bytes;
  socket.pending = true;
}

// What is kicked while kicks are served has its turn in the next one.
void SessionWorld::turn() {
  for (int i = 0; i < 3; ++i) {
    loop_.turn();
  }
}

std::unique_ptr<ClientStreamHandler> SessionWorld::newExchange(ClientStream& client, const RequestHead& request) {
  return std::make_unique<FakeExchange>(exchange, log, client, request);
}

void SessionWorld::onSessionOver(Farewell farewell) {
  switch (farewell) {
    case Farewell::Linger:
      say("linger");
      break;
    case Farewell::Shut:
      say("shut");
      break;
    case Farewell::Close:
      say("close");
      break;
    case Farewell::Reset:
      say("reset");
      break;
  }
  // As the connection does, which is deaf from here on.
  clock_.stop();
  if (farewell != Farewell::Linger) {
    link_.watch.stop();
  }
}

}  // namespace gatewhy::test
