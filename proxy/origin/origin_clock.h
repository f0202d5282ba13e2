// SPDX-License-Identifier: Apache-2.0
// Who is waited for on the origin's side of a request, and for how long: one
// timer with one meaning at a time. Loop thread only.
#pragma once

#include "config/config.h"
#include "diagnostics/observation.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/progress_clock.h"
#include "proxy/net/transport.h"

namespace gatewhy {

class OriginClock {
 public:
  enum class Wait : std::uint8_t {
    Nothing,
    Send,      // the peer is to take request (or tunnel) bytes
    Continue,  // 100 (Continue)
    Head,      // the final head, the request being sent
    Body,      // the next bytes of the response
    Tunnel,    // a byte from either side
    Reset,     // after a FIN: does an RST follow that explains it?
  };

  // What a look at the peer needs.
  struct View {
    const Transport* transport = nullptr;  // that nobody shares; null: only `written` tells
    std::uint64_t written = 0;             // bytes of the request that the kernel, or the peer's windows, took
    TimePoint sent_at{};                   // all of it; {} = not yet
    TimePoint since{};                     // the phase's beginning
    bool answering = false;                // bytes of the response have come
  };
  class Owner {
   public:
    [[nodiscard]] virtual View view() = 0;
    // Not told while it is for others to move, see Wait::Body.
    virtual void onLate(Phase phase, const TimerFault& fault) = 0;
    virtual void onResetAwaited() = 0;  // Wait::Reset is over
    // True while the client takes nothing: the silence is ours. Once it takes
    // bytes again, await() begins anew.
    [[nodiscard]] virtual bool sinkBlocked() const = 0;

   protected:
    ~Owner() = default;
  };

  // `limits` and `owner` outlive it.
  OriginClock(EventLoop& loop, const OriginTimeouts& limits, Owner& owner)
      : loop_(loop), limits_(limits), owner_(owner), timer_(loop, [this] { onTimer(); }) {}

  // From now on this is waited for; a new await() begins again. Bytes that wait
  // to be taken go before whatever else a tunnel waits for.
  void await(Wait what);
  void awaitReset(std::chrono::milliseconds grace);
  // The peer has taken all, or refuses it.
  void stopSending();
  void stop();
  [[nodiscard]] Wait waitsFor() const { return wait_; }

 private:
  void onTimer();
  void onSendTimer();
  void onHeadTimer();
  void late(Phase phase, Timer timer, Millis limit, double elapsed_ms);
  [[nodiscard]] bool requestStuck(const TcpSnapshot& tcp) const;

  EventLoop& loop_;
  const OriginTimeouts& limits_;
  Owner& owner_;
  Wait wait_ = Wait::Nothing;
  Deadline timer_;
  ProgressClock sending_;
  TimePoint request_moved_{};  // the peer's TCP still took bytes of it then; looked at by the head's timer
};

}  // namespace gatewhy
