// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/handshake_gate.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <vector>

namespace gatewhy {
namespace {

// Places come free on other workers too, which nobody tells: look again.
constexpr std::chrono::milliseconds kLook{20};
// An honest handshake is over within two round trips and a retransmission.
constexpr std::chrono::milliseconds kHandshakePatience{1000};
// Where others hold more than one each, a client that holds none waits no longer than this.
constexpr std::chrono::milliseconds kFairPatience{100};
// Of those that wait: more of one client must not hide the next one for long.
constexpr std::size_t kLookedAt = 64;
// A handshake is a millisecond of work: those who are served get their turn in between.
constexpr std::size_t kBegunAtOnce = 8;
constexpr std::size_t kEndedAtOnce = 1;  // fifty a second and worker

}  // namespace

Handshake::~Handshake() {
  leaveHandshakeGate();
}

void Handshake::leaveHandshakeGate() noexcept {
  if (gate_ != nullptr) {
    gate_->leave(*this);
  }
}

HandshakeGate::HandshakeGate(EventLoop& loop, HandshakeTotals& totals, ClientCensus& census)
    : loop_(loop), totals_(totals), census_(census), tick_(loop, [this] { onTick(); }) {}

void HandshakeGate::setLimits(std::uint32_t all, std::uint32_t per_client) {
  limit_ = all;
  limit_per_client_ = per_client;
}

bool HandshakeGate::full() const noexcept {
  return limit_ != 0 && totals_.running.load(std::memory_order_relaxed) >= limit_;
}

// Two workers may take the last place together: one too many, for a moment.
bool HandshakeGate::takePlace(Handshake& handshake) {
  if (full()) {
    return false;
  }
  if (handshake.client_ && limit_per_client_ != 0) {
    handshake.place_ = census_.take(ClientCensus::Kind::Handshake, *handshake.client_, limit_per_client_);
    if (!handshake.place_.held()) {
      return false;
    }
  }
  totals_.running.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void HandshakeGate::enter(Handshake& handshake, std::optional<std::uint64_t> client) {
  handshake.gate_ = this;
  handshake.client_ = client;
  handshake.runs_ = false;
  if (takePlace(handshake)) {
    begin(handshake);
    return;
  }
  // A client that has no handshake under way goes before those that have.
  const auto holds_some = [this](const Handshake* waits) {
    return std::any_of(running_.begin(), running_.end(),
                       [&](const Handshake* runs) { return runs->client_ == waits->client_; });
  };
  const auto before =
      holds_some(&handshake) ? waiting_.end() : std::find_if(waiting_.begin(), waiting_.end(), holds_some);
  handshake.at_ = waiting_.insert(before, &handshake);
  if (!tick_.armed()) {
    tick_.arm(kLook);
  }
}

void HandshakeGate::begin(Handshake& handshake) {
  handshake.runs_ = true;
  handshake.since_ = loop_.turnTime();
  handshake.at_ = running_.insert(running_.end(), &handshake);
  handshake.onHandshakePlace();
}

void HandshakeGate::leave(Handshake& handshake) noexcept {
  handshake.gate_ = nullptr;
  if (!handshake.runs_) {
    waiting_.erase(handshake.at_);
    return;
  }
  running_.erase(handshake.at_);
  handshake.place_.release();
  totals_.running.fetch_sub(1, std::memory_order_relaxed);
  if (!waiting_.empty()) {
    tick_.arm(std::chrono::milliseconds(1));  // not from inside what has ended
  }
}

void HandshakeGate::serve() {
  std::size_t begun = 0;
  for (std::size_t looked = 0; looked < kLookedAt && begun < kBegunAtOnce && !waiting_.empty() && !full(); ++looked) {
    Handshake& next = *waiting_.front();
    if (!takePlace(next)) {
      waiting_.splice(waiting_.end(), waiting_, waiting_.begin());  // its client has all that it may: the others
      continue;
    }
    waiting_.pop_front();
    begin(next);
    ++begun;
  }
}

void HandshakeGate::endOverdue() {
  const TimePoint now = EventLoop::now();
  std::vector<Handshake*> overdue;
  std::map<std::optional<std::uint64_t>, std::size_t> held;  // by client
  for (const Handshake* handshake : running_) {
    ++held[handshake->client_];
  }
  // Those that hold none stand first, see enter().
  const auto has = [&](const Handshake* waits) { return held.contains(waits->client_); };
  auto without = std::distance(waiting_.begin(), std::find_if(waiting_.begin(), waiting_.end(), has));
  for (Handshake* handshake : running_) {
    const auto age = now - handshake->since_;
    if (without != 0 && full() && age > kFairPatience && held[handshake->client_] > 1) {
      overdue.push_back(handshake);
      --held[handshake->client_];
      --without;
      continue;
    }
    if (age <= kHandshakePatience) {
      continue;
    }
    const auto same_client = [&](const Handshake* waits) { return waits->client_ == handshake->client_; };
    const auto looked_at =
        std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kLookedAt)));
    if (full() || (handshake->client_ && std::any_of(waiting_.begin(), looked_at, same_client))) {
      overdue.push_back(handshake);
    }
    if (overdue.size() >= std::min(waiting_.size(), kEndedAtOnce)) {
      break;
    }
  }
  for (Handshake* handshake : overdue) {
    handshake->onHandshakeOverdue();
  }
}

void HandshakeGate::onTick() {
  endOverdue();
  serve();
  if (!waiting_.empty()) {
    tick_.arm(kLook);
  }
}

}  // namespace gatewhy
