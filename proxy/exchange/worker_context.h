// SPDX-License-Identifier: Apache-2.0
// What the objects of one worker share. Everything here belongs to the
// worker's thread, but for what is marked shared.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "diagnostics/event.h"
#include "proxy/exchange/client_census.h"
#include "proxy/exchange/flood_report.h"
#include "proxy/exchange/generation.h"
#include "proxy/exchange/handshake_gate.h"
#include "proxy/exchange/idle_clients.h"
#include "proxy/exchange/memory_guard.h"
#include "proxy/exchange/password_checker.h"
#include "proxy/exchange/request_identity.h"
#include "proxy/exchange/worker_counter.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/resolver.h"
#include "proxy/origin/origin_pool.h"

namespace gatewhy {

// Receives finished events; must not block. One per worker, its thread only.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void attach(EventLoop& loop) = 0;  // before anything else, for timers of its own
  virtual void onExchange(const ExchangeEvent& event) = 0;
  virtual void onLifecycle(const LifecycleEvent& event) = 0;
};

// Counters over all workers (shared).
struct ProxyCounters {
  // One number, for it is a limit; written when clients come and go.
  alignas(64) std::atomic<std::uint32_t> client_connections{0};
  WorkerCounter exchanges_in_flight;
  ClientCensus census;
  IdleEverywhere idle;
  HandshakeTotals handshakes;
  MemoryState memory;
  PasswordChecker passwords;
  std::atomic<bool> told_of_cloudflare{false};
};

// One worker's part of a generation. Exchanges hold it; the last one to go
// after a reload destroys it.
struct WorkerGeneration {
  GenerationPtr shared;
  // These two live on in the next generation where their configuration has not
  // changed, with all they hold: connections, retry budgets, addresses.
  std::shared_ptr<Resolver> resolver;
  std::vector<std::shared_ptr<OriginPool>> pools;  // by origin
  std::vector<Address> own_listeners;
};
using WorkerGenerationPtr = std::shared_ptr<WorkerGeneration>;

struct WorkerContext {
  // `shed` and `resume`: see MemoryGuard. All that is given outlives this.
  WorkerContext(
      EventLoop& own_loop, EventSink& own_sink, ProxyCounters& shared, std::function<void()> shed = [] {},
      std::function<void()> resume = [] {})
      : loop(own_loop),
        sink(own_sink),
        counters(shared),
        in_flight(shared.exchanges_in_flight.newPart()),
        idle(shared.idle.enrol(own_loop)),
        floods(own_loop, own_sink),
        handshakes(own_loop, shared.handshakes, shared.census),
        memory(own_loop, shared.memory, std::move(shed), std::move(resume)) {}

  EventLoop& loop;
  EventSink& sink;
  ProxyCounters& counters;
  WorkerCounter::Part& in_flight;  // this worker's exchanges
  IdleClients& idle;               // this worker's
  FloodReport floods;
  HandshakeGate handshakes;
  MemoryGuard memory;
  SplicePipes pipes;
  IdGenerator ids;
  WorkerGenerationPtr generation;  // for new exchanges
  TextBuffer scratch;              // heads are written here; free between callbacks
  bool draining = false;           // answer what is there, once, with Connection: close

  [[nodiscard]] const Redaction& redaction() const { return generation->shared->config->log.redaction; }
};

}  // namespace gatewhy
