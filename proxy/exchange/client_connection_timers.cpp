// SPDX-License-Identifier: Apache-2.0
// The timers of ClientConnection, and whether a client that is waited for
// moves: what came in of its request, what its TCP acknowledged of the
// response.
#include "proxy/exchange/client_connection.h"
#include "proxy/net/peer_progress.h"

namespace gatewhy {

// What the client is waited for decides which timers run.
void ClientConnection::updateTimers() {
  if (state_ != State::Exchange || !exchange_ || settling_) {
    return;
  }
  watchUpload(!half_closed_ && !exchange_->inTunnel() && exchange_->waitsForBody());
  watchDownload(unsent() && !held_);
}

void ClientConnection::watchUpload(bool due) {
  ProgressClock& clock = request_->upload;
  if (due == clock.running()) {
    return;
  }
  if (!due) {
    clock.pause(worker_.loop.turnTime());
    read_timer_.cancel();
    return;
  }
  const ClientLimits& limits = worker_.generation->shared->config->limits;
  clock.resume(worker_.loop.turnTime(),
               {.idle = limits.client_body_timeout, .minimum_rate = limits.client_minimum_rate}, received_);
  read_timer_.arm(clock.interval());
}

void ClientConnection::watchDownload(bool due) {
  ProgressClock& clock = request_->download;
  if (due == clock.running()) {
    return;
  }
  if (!due) {
    clock.pause(worker_.loop.turnTime());
    request_->write_timer.cancel();
    return;
  }
  const ClientLimits& limits = worker_.generation->shared->config->limits;
  // A tunnel's two ends speak when they like.
  const std::uint64_t rate = exchange_->inTunnel() ? 0 : limits.client_minimum_rate;
  clock.resume(worker_.loop.turnTime(), {.idle = limits.client_body_timeout, .minimum_rate = rate}, std::nullopt);
  request_->write_timer.arm(clock.interval());
}

void ClientConnection::onReadTimer() {
  if (settling_) {
    settling_ = false;
    exchange_->onSettled(true);  // neither acknowledged nor refused: nothing says that it was lost
    return;
  }
  const ClientLimits& limits = worker_.generation->shared->config->limits;
  const auto late = [&](Timer timer, std::chrono::milliseconds limit) {
    return observe(TimerFault{.timer = timer,
                              .limit_ms = static_cast<std::uint32_t>(limit.count()),
                              .elapsed_ms = millisBetween(read_timer_since_, EventLoop::now())});
  };
  switch (state_) {
    case State::ProxyHeader:
      rejectConnection(observe(DecisionFault{.cause = Cause::ClientProxyHeaderInvalid,
                                             .detail = "no complete header in client_head_timeout",
                                             .size = {},
                                             .limit = {}}));
      return;
    case State::Handshake: {
      if (!transport_.tls()) {
        if (waitsForHandshake()) {
          worker_.floods.note(Flood::Handshakes, facts_.ip);
        }
        close();  // it never began
        return;
      }
      TlsFault fault = transport_.handshakeFault();
      if (fault.first_bytes.empty()) {
        close();  // not a byte: a client that only connected
        return;
      }
      rejectConnection(late(Timer::ClientTls, limits.client_head_timeout));
      return;
    }
    case State::Head:
      if (requestStarted()) {
        rejectConnection(late(Timer::ClientHead, limits.client_head_timeout));
      } else {
        linger();  // idle: closed politely, a request may be on its way
      }
      return;
    case State::Exchange:
      onBodyTimer();
      return;
    case State::Linger:
    case State::Closed:
      close();
      return;
  }
}

void ClientConnection::onBodyTimer() {
  ProgressClock& clock = request_->upload;
  const auto look = clock.look(EventLoop::now(), received_);
  if (look.verdict == ProgressClock::Verdict::Rearm) {
    read_timer_.arm(clock.interval());
  } else {
    judgeProgress(look, Timer::ClientBody);
  }
}

void ClientConnection::onWriteTimer() {
  ProgressClock& clock = request_->download;
  const auto look = clock.look(EventLoop::now(), bytesTakenByPeer(transport_, written_));
  if (look.verdict == ProgressClock::Verdict::Rearm) {
    request_->write_timer.arm(clock.interval());
  } else {
    judgeProgress(look, Timer::ClientWrite);
  }
}

void ClientConnection::judgeProgress(const ProgressClock::Look& look, Timer stalled) {
  const bool slow = look.verdict == ProgressClock::Verdict::TooSlow;
  const auto limit = worker_.generation->shared->config->limits.client_body_timeout;
  exchange_->onClientFault(observe(TimerFault{.timer = slow ? Timer::ClientRate : stalled,
                                              .limit_ms = static_cast<std::uint32_t>(limit.count()),
                                              .elapsed_ms = look.elapsed_ms,
                                              .moved = look.moved,
                                              .due = look.due}));
}

}  // namespace gatewhy
