// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/h2_liveness.h"

#include <algorithm>

#include "proxy/http/h2/h2_code.h"

namespace gatewhy {

H2Patience H2Patience::of(const OriginTimeouts& timeouts) {
  H2Patience patience;
  for (const Millis limit : {timeouts.response_head, timeouts.response_idle}) {
    if (limit.count() != 0) {
      patience.silence = std::min(patience.silence, limit / 2);
    }
  }
  if (timeouts.connect.count() != 0) {
    patience.settings = timeouts.connect;
    patience.pong = std::min(patience.pong, 3 * timeouts.connect);
  }
  return patience;
}

H2Liveness::H2Liveness(EventLoop& loop, const H2Patience& patience, Owner& owner)
    : loop_(loop), patience_(patience), owner_(owner), since_(loop.turnTime()), timer_(loop, [this] { onTimer(); }) {
  await(Wait::Settings);
}

void H2Liveness::onBytes() {
  heard_ = true;
  heard_at_ = loop_.turnTime();
}

void H2Liveness::onSettings(bool busy) {
  await(busy ? Wait::Silence : Wait::Nothing);
}

void H2Liveness::onPong() {
  if (wait_ == Wait::Pong) {
    wait_ = Wait::Silence;
    heard_ = false;  // of more than this answer
    timer_.arm(patience_.next_ping);
  }
}

void H2Liveness::onBusy() {
  if (wait_ == Wait::Nothing) {
    await(Wait::Silence);
  }
}

void H2Liveness::onIdle() {
  if (wait_ != Wait::Settings) {
    await(Wait::Nothing);
  }
}

void H2Liveness::await(Wait what) {
  wait_ = what;
  heard_ = false;
  switch (what) {
    case Wait::Nothing:
      pings_ = 0;
      timer_.cancel();
      return;
    case Wait::Settings:
      timer_.arm(patience_.settings);
      return;
    case Wait::Silence:
      pings_ = 0;
      timer_.arm(patience_.silence);
      return;
    case Wait::Pong:
      since_ = EventLoop::now();
      timer_.arm(patience_.pong);
      owner_.onPingDue(++pings_);
      return;
  }
}

void H2Liveness::onTimer() {
  switch (wait_) {
    case Wait::Nothing:
      return;
    case Wait::Settings:
      late(StreamFault::How::NoSettings, patience_.settings);
      return;
    case Wait::Silence:
      onSilenceTimer();
      return;
    case Wait::Pong:
      if (heard_) {  // it is busy, and its answer is on the way
        await(Wait::Silence);
      } else {
        late(StreamFault::How::PingTimeout, patience_.pong);
      }
      return;
  }
}

// What came late in the time that was watched, such as the acknowledgement of
// our SETTINGS, does not double it.
void H2Liveness::onSilenceTimer() {
  const auto quiet = std::chrono::duration_cast<std::chrono::milliseconds>(EventLoop::now() - heard_at_);
  if (!heard_ || quiet >= patience_.silence) {
    await(Wait::Pong);
    return;
  }
  await(Wait::Silence);
  timer_.arm(patience_.silence - quiet);
}

void H2Liveness::late(StreamFault::How how, std::chrono::milliseconds limit) {
  owner_.onLate({.how = how,
                 .code = numberOf(how == StreamFault::How::NoSettings ? H2Code::SettingsTimeout : H2Code::NoError),
                 .limit_ms = static_cast<std::uint32_t>(limit.count()),
                 .elapsed_ms = millisBetween(since_, EventLoop::now())});
}

}  // namespace gatewhy
