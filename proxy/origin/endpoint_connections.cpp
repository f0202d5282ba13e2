// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/endpoint_connections.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kSurplusTime{1000};

}  // namespace

OriginConnection::OriginConnection(EventLoop& loop, Sharing sharing)
    : sharing_(sharing), expiry_(loop, [this] { owner_->onExpired(*this); }) {}

void OriginConnection::noteUnsolicited(std::string_view bytes) {
  owner_->noteUnsolicited(bytes);
}

void OriginConnection::leavePool() {
  owner_->onClosedByOrigin(*this);
}

void OriginConnection::noteRoom() {
  if (leases_ != 0) {
    owner_->settle(*this);
  }
}

void OriginConnection::noteStreams(std::uint32_t most) {
  owner_->state()->noteStreams(most);
}

EndpointConnections::EndpointConnections(EventLoop& loop, const EndpointConfig& endpoint, const KeepAliveConfig& keep,
                                         std::shared_ptr<EndpointState> state,
                                         std::shared_ptr<OriginState> origin_state)
    : loop_(loop),
      endpoint_(endpoint),
      keep_(keep),
      state_(std::move(state)),
      origin_state_(std::move(origin_state)),
      openings_(loop) {}

EndpointConnections::~EndpointConnections() = default;

// ---- in use -----------------------------------------------------------

OriginConnection* EndpointConnections::available(const ProxiedClient* client, bool http1) {
  const auto roomy =
      std::find_if(roomy_.begin(), roomy_.end(), [=](const auto* used) { return used->client == client; });
  if (roomy != roomy_.end() && !http1) {
    return *roomy;
  }
  // What was parked before a shorter limit was learned is not risked.
  while (keep_.learn && !parked_.empty() && !parked_.back()->watched_ && idleTime(*parked_.back()) >= keepTime()) {
    closeOne(*parked_.back());
  }
  const auto it = std::find_if(parked_.rbegin(), parked_.rend(), [&](const auto& parked) {
    const bool exclusive = parked->sharing() == OriginConnection::Sharing::Exclusive;
    return !parked->watched_ && parked->client == client && (exclusive || (!http1 && parked->room() != 0));
  });
  return it == parked_.rend() ? nullptr : it->get();
}

void EndpointConnections::lease(OriginConnection& available) {
  if (available.leases_ == 0) {
    use(takeParked(available));
  }
  ++available.leases_;
  settle(available);
}

OriginConnection& EndpointConnections::adopt(std::unique_ptr<OriginConnection> connection) {
  OriginConnection& fresh = *connection;
  fresh.owner_ = this;
  fresh.leases_ = 1;
  use(std::move(connection));
  settle(fresh);
  return fresh;
}

bool EndpointConnections::giveBack(OriginConnection& connection) {
  --connection.leases_;
  if (connection.leases_ != 0) {
    settle(connection);
    return connection.room() != 0;
  }
  std::unique_ptr<OriginConnection> idle = unuse(connection);
  if (!retired_ && !connection.draining()) {
    return park(std::move(idle));
  }
  bury(std::move(idle));
  return false;
}

void EndpointConnections::settle(OriginConnection& used) {
  const auto it = std::find(roomy_.begin(), roomy_.end(), &used);
  const bool has_room = used.room() != 0;
  if (has_room && it == roomy_.end()) {
    roomy_.push_back(&used);
  } else if (!has_room && it != roomy_.end()) {
    roomy_.erase(it);
  }
}

void EndpointConnections::use(std::unique_ptr<OriginConnection> connection) {
  connection->at_ = used_.size();
  used_.push_back(std::move(connection));
}

std::unique_ptr<OriginConnection> EndpointConnections::unuse(OriginConnection& used) {
  std::erase(roomy_, &used);
  std::unique_ptr<OriginConnection> out = std::move(used_[used.at_]);
  if (used_.back()) {  // it fills the gap
    used_.back()->at_ = used.at_;
    used_[used.at_] = std::move(used_.back());
  }
  used_.pop_back();
  return out;
}

void EndpointConnections::bury(std::unique_ptr<OriginConnection> connection) {
  connection->stop();
  loop_.deferDelete(std::move(connection));  // frees its place a turn later, outside the socket's callback
}

// ---- parked -----------------------------------------------------------

bool EndpointConnections::park(std::unique_ptr<OriginConnection> connection) {
  if (keep_.idle == 0 || !connection->beginIdle()) {
    if (keep_.idle != 0 && keep_.learn) {
      state_->idleLesson().noteClosed(std::chrono::milliseconds(0), loop_.turnTime());
    }
    bury(std::move(connection));
    return false;
  }
  connection->idle_since = loop_.turnTime();
  // The surplus of a crowd stays for a moment, for the crowd's next requests
  // would open as many connections again; it is taken first, and closed first.
  const bool surplus = parked_.size() >= keep_.idle;
  const std::chrono::milliseconds kept = keepTime();
  connection->watched_ = false;
  connection->expiry_.arm(surplus && (kept.count() == 0 || kept > kSurplusTime) ? kSurplusTime : kept);
  parked_.push_back(std::move(connection));
  return true;
}

// Nothing where it is not parked.
std::unique_ptr<OriginConnection> EndpointConnections::takeParked(OriginConnection& parked) {
  // Mostly the last.
  const auto it = std::find_if(parked_.rbegin(), parked_.rend(), [&](const auto& p) { return p.get() == &parked; });
  if (it == parked_.rend()) {
    return nullptr;
  }
  std::unique_ptr<OriginConnection> out = std::move(*it);
  parked_.erase(std::prev(it.base()));
  out->endIdle();
  out->expiry_.cancel();
  return out;
}

void EndpointConnections::closeOne(OriginConnection& parked) {
  if (auto dead = takeParked(parked)) {
    bury(std::move(dead));
  }
}

void EndpointConnections::retire(bool retired) {
  retired_ = retired;
  if (retired) {
    closeParked();
  }
}

void EndpointConnections::closeParked() {
  while (!parked_.empty()) {
    closeOne(*parked_.back());
  }
}

void EndpointConnections::closeParkedOf(const ProxiedClient& client) {
  for (std::size_t at = parked_.size(); at-- > 0;) {
    if (parked_[at]->client == &client) {
      closeOne(*parked_[at]);
    }
  }
}

bool EndpointConnections::closeOldestWithPlace() {
  const auto it = std::find_if(parked_.begin(), parked_.end(), [](const auto& p) { return p->place.held(); });
  if (it == parked_.end()) {
    return false;
  }
  closeOne(**it);
  return true;
}

std::chrono::milliseconds EndpointConnections::keepTime() const {
  return keep_.learn ? state_->idleLesson().timeout(loop_.turnTime()) : keep_.timeout;
}

std::chrono::milliseconds EndpointConnections::idleTime(const OriginConnection& parked) const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(loop_.turnTime() - parked.idle_since);
}

// Where the origin's limit is to be learned, one of the expired stays, in
// front of all others: those are younger.
void EndpointConnections::onExpired(OriginConnection& parked) {
  if (parked.watched_) {
    state_->idleLesson().noteClosed(IdleLesson::kWatched, loop_.turnTime());
  }
  const std::chrono::milliseconds left = IdleLesson::kWatched - idleTime(parked);
  if (!keep_.learn || parked_.front()->watched_ || left.count() <= 0) {
    closeOne(parked);
    return;
  }
  parked.watched_ = true;
  parked.expiry_.arm(left);
  const auto it = std::find_if(parked_.begin(), parked_.end(), [&](const auto& p) { return p.get() == &parked; });
  std::rotate(parked_.begin(), it, it + 1);
}

void EndpointConnections::onClosedByOrigin(OriginConnection& parked) {
  if (keep_.learn) {
    state_->idleLesson().noteClosed(idleTime(parked), loop_.turnTime());
  }
  closeOne(parked);
}

void EndpointConnections::noteUnsolicited(std::string_view bytes) {
  origin_state_->unsolicited.note(endpoint_.url, bytes);
}

void EndpointConnections::noteStale(double idle_ms) {
  if (keep_.learn) {
    state_->idleLesson().noteStale(std::chrono::milliseconds(static_cast<std::int64_t>(idle_ms)), loop_.turnTime());
  }
}

void EndpointConnections::noteKeepAlive(std::string_view value) {
  if (keep_.learn && !value.empty()) {
    state_->idleLesson().noteSaid(value);
  }
}

}  // namespace gatewhy
