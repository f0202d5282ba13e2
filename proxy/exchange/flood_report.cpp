// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/flood_report.h"

#include <utility>

#include "diagnostics/cause.h"
#include "diagnostics/event.h"
#include "proxy/exchange/worker_context.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kFloodReportEvery{10000};

struct FloodWords {
  Cause cause;
  std::string_view message;
};

FloodWords wordsOf(Flood flood) {
  switch (flood) {
    case Flood::ConnectionsOfOne:
      return {
          Cause::ClientConnectionLimit,
          "one client opens more connections than limits.connections_per_client allows: they are closed unanswered"};
    case Flood::Connections:
      return {Cause::ProxyOverloaded, "limits.connections is reached, and no client is idle: newcomers are closed"};
    case Flood::IdleGaveWay:
      return {Cause::ClientIdleClosed,
              "limits.connections is reached: clients that idle longest give way to newcomers"};
    case Flood::Descriptors:
      return {Cause::ProxyFdExhausted,
              "descriptors are nearly used up: clients that idle longest give way; raise LimitNOFILE"};
    case Flood::Handshakes:
      return {Cause::ClientHandshakeLimit,
              "TLS handshakes wait for limits.handshakes: those that make no progress are closed"};
    case Flood::Memory:
      return {Cause::ProxyMemoryExhausted,
              "memory is nearly used up: idle clients are closed, and newcomers where no more is left for an answer"};
  }
  return {Cause::ProxyInternalError, {}};
}

}  // namespace

FloodReport::FloodReport(EventLoop& loop, EventSink& sink) : sink_(sink), tick_(loop, [this] { onTick(); }) {}

bool FloodReport::note(Flood flood, std::string_view client) {
  Count& count = counts_[static_cast<std::size_t>(flood)];
  ++count.untold;
  count.client = client;
  if (count.told) {
    return false;
  }
  say(flood, count);
  if (!tick_.armed()) {
    tick_.arm(kFloodReportEvery);
  }
  return true;
}

void FloodReport::onTick() {
  bool more = false;
  for (std::size_t i = 0; i < kFloods; ++i) {
    Count& count = counts_[i];
    count.told = false;
    if (count.untold != 0) {
      say(static_cast<Flood>(i), count);
      more = true;
    }
  }
  if (more) {
    tick_.arm(kFloodReportEvery);
  }
}

void FloodReport::say(Flood flood, Count& count) {
  const FloodWords words = wordsOf(flood);
  LifecycleEvent event;
  event.event = "message";
  event.severity = "WARN";
  event.message = words.message;
  event.facts = {
      {.key = "cause", .text = std::string(name(words.cause)), .number = {}, .list = {}},
      {.key = "count", .text = {}, .number = static_cast<double>(std::exchange(count.untold, 0)), .list = {}}};
  if (!count.client.empty()) {
    event.facts.push_back({.key = "client.address", .text = count.client, .number = {}, .list = {}});
  }
  count.told = true;
  sink_.onLifecycle(event);
}

}  // namespace gatewhy
