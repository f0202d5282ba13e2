// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/origin_clock.h"

#include <algorithm>

#include "proxy/net/peer_progress.h"

namespace gatewhy {
namespace {

constexpr std::uint32_t kTcpSlackMs = 250;  // the kernel counts in jiffies, and its clock started a little later

}  // namespace

void OriginClock::await(Wait what) {
  if ((what == Wait::Tunnel || what == Wait::Send) && sending_.running()) {
    return;
  }
  wait_ = what;
  switch (what) {
    case Wait::Nothing:
    case Wait::Reset:
      timer_.cancel();
      return;
    case Wait::Send:
      sending_.resume(loop_.turnTime(), {.idle = limits_.send}, std::nullopt);
      timer_.arm(sending_.interval());
      return;
    case Wait::Continue:
      timer_.arm(limits_.response_head);
      return;
    case Wait::Head: {
      // Looked at once after `send`: has the peer's TCP acknowledged the request?
      const bool check_first =
          limits_.send.count() != 0 && (limits_.response_head.count() == 0 || limits_.send < limits_.response_head);
      timer_.arm(check_first ? limits_.send : limits_.response_head);
      return;
    }
    case Wait::Body:
      timer_.arm(limits_.response_idle);
      return;
    case Wait::Tunnel:
      timer_.arm(limits_.tunnel);
      return;
  }
}

void OriginClock::awaitReset(std::chrono::milliseconds grace) {
  wait_ = Wait::Reset;
  timer_.arm(grace);
}

void OriginClock::stopSending() {
  sending_.pause(loop_.turnTime());
  if (wait_ == Wait::Send) {
    stop();
  }
}

void OriginClock::stop() {
  wait_ = Wait::Nothing;
  timer_.cancel();
}

void OriginClock::late(Phase phase, Timer timer, Millis limit, double elapsed_ms) {
  owner_.onLate(
      phase,
      TimerFault{.timer = timer, .limit_ms = static_cast<std::uint32_t>(limit.count()), .elapsed_ms = elapsed_ms});
}

void OriginClock::onTimer() {
  const auto sinceBegin = [this] { return millisBetween(owner_.view().since, EventLoop::now()); };
  switch (wait_) {
    case Wait::Nothing:
      return;
    case Wait::Reset:
      owner_.onResetAwaited();
      return;
    case Wait::Send:
      onSendTimer();
      return;
    case Wait::Continue:
      late(Phase::ResponseHead, Timer::ResponseHead, limits_.response_head, sinceBegin());
      return;
    case Wait::Head:
      onHeadTimer();
      return;
    case Wait::Body:
      if (!owner_.sinkBlocked()) {
        late(Phase::ResponseBody, Timer::ResponseIdle, limits_.response_idle, sinceBegin());
      }
      return;
    case Wait::Tunnel:
      late(Phase::Upgrade, Timer::Tunnel, limits_.tunnel, sinceBegin());
      return;
  }
}

void OriginClock::onSendTimer() {
  const View now = owner_.view();
  const auto look = sending_.look(
      EventLoop::now(), now.transport == nullptr ? now.written : bytesTakenByPeer(*now.transport, now.written));
  if (look.verdict == ProgressClock::Verdict::Rearm) {
    timer_.arm(sending_.interval());
    return;
  }
  late(Phase::RequestWrite, Timer::Send, limits_.send, look.elapsed_ms);
}

// Bytes of the request that the peer's TCP has not acknowledged, with the
// kernel trying (retransmits) or the peer's window shut.
bool OriginClock::requestStuck(const TcpSnapshot& tcp) const {
  if (tcp.notsent_bytes == 0 && tcp.unacked == 0) {
    return false;
  }
  const auto limit = static_cast<std::uint32_t>(limits_.send.count());
  if (tcp.snd_wnd_known && tcp.snd_wnd == 0) {
    return tcp.last_data_sent_ms + kTcpSlackMs >= limit;  // probes of a shut window carry no data
  }
  return tcp.retransmits > 0 && tcp.last_ack_recv_ms + kTcpSlackMs >= limit;
}

// `response_head` runs from when the peer's TCP had the request: what waits for
// its window, or to be acknowledged, is not sent yet.
void OriginClock::onHeadTimer() {
  const View seen = owner_.view();
  const TimePoint now = EventLoop::now();
  const auto tcp = seen.answering || seen.transport == nullptr ? std::nullopt : seen.transport->tcpInfo();
  const bool pending = tcp && (tcp->notsent_bytes != 0 || tcp->unacked != 0);
  if (pending) {
    // Bytes move while data goes out and acknowledgements come back: probes of
    // a shut window carry no data, retransmits on a dead path get no answer.
    request_moved_ = now - std::chrono::milliseconds(std::max(tcp->last_data_sent_ms, tcp->last_ack_recv_ms));
  }
  const double waited = millisBetween(std::max(seen.sent_at, request_moved_), now);
  const auto head_ms = static_cast<double>(limits_.response_head.count());
  if (limits_.response_head.count() != 0 && waited + 0.5 >= head_ms) {
    late(Phase::ResponseHead, Timer::ResponseHead, limits_.response_head, waited);
    return;
  }
  if (pending && limits_.send.count() != 0 && requestStuck(*tcp)) {
    late(Phase::RequestWrite, Timer::Send, limits_.send, waited);
    return;
  }
  Millis next = limits_.send;
  if (limits_.response_head.count() != 0) {
    const Millis rest(std::max<std::int64_t>(1, limits_.response_head.count() - static_cast<std::int64_t>(waited)));
    next = pending && limits_.send.count() != 0 ? std::min(limits_.send, rest) : rest;
  }
  timer_.arm(next);
}

}  // namespace gatewhy
