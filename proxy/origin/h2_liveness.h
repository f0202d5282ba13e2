// SPDX-License-Identifier: Apache-2.0
// Whether the origin at the other end of a connection of HTTP/2 is still there:
// its SETTINGS are to come in time (RFC 9113 section 3.4), and where requests
// run in silence a PING asks (section 6.7). One timer with one meaning at a
// time. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>

#include "config/config.h"
#include "diagnostics/observation.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

// How long an origin may be silent; 0 = off.
struct H2Patience {
  std::chrono::milliseconds settings{5000};     // until its SETTINGS
  std::chrono::milliseconds silence{30000};     // while requests run: then a PING asks
  std::chrono::milliseconds pong{15000};        // for the answer
  std::chrono::milliseconds next_ping{310000};  // while nothing but answers comes: gRPC servers allow one in 5 minutes

  // By the timeouts of the request that opens the connection: what is dead is
  // found out before its answer is given up.
  [[nodiscard]] static H2Patience of(const OriginTimeouts& timeouts);
};

class H2Liveness {
 public:
  //   Settings ──SETTINGS──▶ Nothing ⇄ Silence      Silence ──silent: PING──▶ Pong ──its answer, or other bytes──▶
  //   Silence
  // Any but Settings ──the last stream is gone──▶ Nothing
  enum class Wait : std::uint8_t {
    Nothing,   // no request runs
    Settings,  // the origin's first frame
    Silence,   // is there any?
    Pong,      // the answer to a PING
  };

  class Owner {
   public:
    // A PING is to go out, with this as its opaque data.
    virtual void onPingDue(std::uint64_t opaque) = 0;
    // What was waited for has not come: NoSettings or PingTimeout. Once.
    virtual void onLate(const StreamFault& fault) = 0;

   protected:
    ~Owner() = default;
  };

  // Begins with waiting for SETTINGS. `owner` outlives it.
  H2Liveness(EventLoop& loop, const H2Patience& patience, Owner& owner);

  // What comes from the origin: any bytes, before what they turn out to be.
  void onBytes();
  void onSettings(bool busy);  // its first; busy: there are streams
  void onPong();
  // There is a stream; there is none any more.
  void onBusy();
  void onIdle();
  void stop() { timer_.cancel(); }

  [[nodiscard]] Wait waitsFor() const { return wait_; }

 private:
  void await(Wait what);
  void onTimer();
  void onSilenceTimer();
  void late(StreamFault::How how, std::chrono::milliseconds limit);

  EventLoop& loop_;
  const H2Patience patience_;
  Owner& owner_;
  Wait wait_ = Wait::Nothing;
  bool heard_ = false;       // since the timer was set
  TimePoint heard_at_;       // when bytes came last
  TimePoint since_;          // SETTINGS or an answer is waited for
  std::uint64_t pings_ = 0;  // since something else was heard
  Deadline timer_;
};

}  // namespace gatewhy
