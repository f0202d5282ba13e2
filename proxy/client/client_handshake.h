// SPDX-License-Identifier: Apache-2.0
// The TLS handshake with one client, from its first byte on: a place at the
// worker's gate, the handshake, and what it told about the client.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "diagnostics/observation.h"
#include "proxy/exchange/client_facts.h"
#include "proxy/exchange/handshake_gate.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/transport.h"

namespace gatewhy {

class HandshakeOwner {
 public:
  virtual void onHandshakeDone() = 0;
  // nullopt: whoever that was is told nothing.
  virtual void onHandshakeFailed(std::optional<Fault> fault) = 0;

 protected:
  ~HandshakeOwner() = default;
};

class ClientHandshake final : public Deferred, private Handshake {
 public:
  // All of them outlive it. `facts` are filled in.
  ClientHandshake(WorkerContext& worker, HandshakeOwner& owner, const ListenerTlsContext& tls, Transport& transport,
                  ClientFacts& facts)
      : worker_(worker), owner_(owner), tls_(tls), transport_(transport), facts_(facts) {}

  void onIo();
  // The time for it is over: what went wrong, or nullopt as above.
  [[nodiscard]] std::optional<Fault> onLate(double elapsed_ms);
  void leave() { leaveHandshakeGate(); }

 private:
  enum class State : std::uint8_t {
    Silent,   // costs no more than any idle client
    Waiting,  // for a place, its hello in the kernel
    Running,
    Over
  };

  void onHandshakePlace() override;
  void onHandshakeOverdue() override;
  void drive();
  void done();
  void fail(TlsFault fault);
  void end(std::optional<Fault> fault);

  WorkerContext& worker_;
  HandshakeOwner& owner_;
  const ListenerTlsContext& tls_;
  Transport& transport_;
  ClientFacts& facts_;
  State state_ = State::Silent;
  TimePoint began_{};
};

}  // namespace gatewhy
