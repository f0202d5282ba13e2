// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/origin_pool.h"

#include <algorithm>
#include <array>

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kSurplusTime{1000};
constexpr double kRetryReserve = 10;  // retries that a quiet origin may spend at once
constexpr double kRetryCeiling = 100;

}  // namespace

PoolWaiter::~PoolWaiter() {
  if (queued_in_ != nullptr) {
    queued_in_->leaveQueue(*this);
  }
}

OriginConnection::OriginConnection(EventLoop& loop, const HeadLimits& limits)
    : parser(limits), expiry_(loop, [this] { parked_in_->dropParked(*this); }) {}

void OriginConnection::onIo(bool is_readable, bool /*writable*/) {
  if (is_readable && !isSilent()) {
    parked_in_->dropParked(*this);
  }
}

// An edge may be older than what was read since then, for a response comes in
// pieces; and TLS 1.3 servers send session tickets whenever they like. Reading
// yields no application byte in either case.
bool OriginConnection::isSilent() {
  std::array<char, UnsolicitedRecord::kExcerpt> bytes{};
  const IoResult got = link->transport.read(bytes.data(), bytes.size());
  if (got.status == IoStatus::Ok && parked_in_ != nullptr) {
    parked_in_->noteUnsolicited(endpoint_, std::string_view(bytes.data(), got.size));
  }
  return got.status == IoStatus::WouldBlock;
}

OriginPool::OriginPool(EventLoop& loop, const OriginConfig& config, std::vector<std::shared_ptr<EndpointState>> states,
                       std::shared_ptr<OriginState> origin_state, std::function<void()> wake_others)
    : loop_(loop),
      config_(config),
      origin_state_(std::move(origin_state)),
      wake_others_(std::move(wake_others)),
      balancer_(config),
      retry_tokens_(kRetryReserve),
      self_(std::make_shared<OriginPool*>(this)) {
  endpoints_.resize(states.size());
  loads_.resize(states.size());
  for (std::size_t i = 0; i < states.size(); ++i) {
    endpoints_[i].state = std::move(states[i]);
  }
}

OriginPool::~OriginPool() {
  *self_ = nullptr;
  while (!queue_.empty()) {
    leaveQueue(*queue_.front());
  }
}

bool OriginPool::isTried(const std::vector<std::size_t>& tried, std::size_t endpoint) const {
  return std::find(tried.begin(), tried.end(), endpoint) != tried.end();
}

// One request's (or waiter's) search: endpoints that turn out to be full drop
// out of it.
class OriginPool::Choice final : public EndpointFilter {
 public:
  // Without `avoid`, health is of no interest: for one that waits already.
  Choice(const OriginPool& pool, const std::vector<std::size_t>* avoid)
      : pool_(pool), avoid_(avoid), full_(), now_(avoid == nullptr ? TimePoint{} : pool.loop_.turnTime()) {}

  [[nodiscard]] bool usable(std::size_t endpoint) const override {
    const bool healthy =
        avoid_ == nullptr || (!pool_.endpoints_[endpoint].state->ejected(now_) && !pool_.isTried(*avoid_, endpoint));
    return healthy && (full_.empty() || !full_[endpoint]);
  }
  void noteFull(std::size_t endpoint) {
    full_.resize(pool_.endpoints_.size());
    full_[endpoint] = true;
  }

 private:
  const OriginPool& pool_;
  const std::vector<std::size_t>* avoid_;
  std::vector<bool> full_;
  TimePoint now_;
};

std::optional<Grant> OriginPool::request(PoolWaiter& waiter, const std::vector<std::size_t>& tried, bool fresh,
                                         PoolRefusal& refusal) {
  Choice choice(*this, &tried);
  bool any_healthy = false;
  for (std::size_t round = 0; round < endpoints_.size(); ++round) {
    const std::size_t chosen = balancer_.pick(choice, loads_, waiter.balanceKey());
    if (chosen == Balancer::kNone) {
      break;
    }
    any_healthy = true;
    if (auto grant = tryGrant(chosen, fresh)) {
      return grant;
    }
    choice.noteFull(chosen);
  }
  if (!any_healthy) {
    refusal = PoolRefusal::NoHealthyEndpoint;
    return std::nullopt;
  }
  if (origin_state_->waiting.load(std::memory_order_relaxed) >= config_.limits.pending && config_.limits.pending != 0) {
    refusal = PoolRefusal::QueueFull;
    return std::nullopt;
  }
  origin_state_->waiting.fetch_add(1, std::memory_order_relaxed);
  waiter.queued_in_ = this;
  waiter.place_ = queue_.insert(queue_.end(), &waiter);
  refusal = PoolRefusal::Queued;
  wake_others_();  // another worker may hold the connections parked
  return std::nullopt;
}

std::optional<Grant> OriginPool::tryGrant(std::size_t endpoint, bool fresh) {
  Grant grant;
  grant.endpoint = endpoint;
  if (!fresh) {
    grant.connection = takeParked(endpoint);
    if (grant.connection) {
      return grant;
    }
  }
  Endpoint& target = endpoints_[endpoint];
  if (!target.state->acquire(config_.limits.connections)) {
    if (!target.parked.empty()) {
      dropParked(*target.parked.front());  // `fresh` under a full limit: its slot comes free in a later turn
    }
    return std::nullopt;
  }
  grant.slot = slotFor(endpoint);
  return grant;
}

ConnectionSlot OriginPool::slotFor(std::size_t endpoint) {
  return {endpoints_[endpoint].state, [self = self_, origin = origin_state_] {
            if (*self != nullptr && origin->waiting.load(std::memory_order_relaxed) != 0) {
              (*self)->onSlotReleased();
            }
          }};
}

void OriginPool::onSlotReleased() {
  // A slot dies inside somebody's destructor: serve the queue in a turn of its own.
  loop_.post([self = self_] {
    if (*self != nullptr) {
      (*self)->serveQueue();
    }
  });
  if (origin_state_->waiting.load(std::memory_order_relaxed) > queue_.size()) {
    wake_others_();
  }
}

bool OriginPool::hasAlternative(const std::vector<std::size_t>& tried) const {
  const TimePoint now = EventLoop::now();
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    if (!isTried(tried, i) && !endpoints_[i].state->ejected(now)) {
      return true;
    }
  }
  return false;
}

void OriginPool::leaveQueue(PoolWaiter& waiter) noexcept {
  if (waiter.queued_in_ != this) {
    return;
  }
  waiter.queued_in_ = nullptr;
  queue_.erase(waiter.place_);
  origin_state_->waiting.fetch_sub(1, std::memory_order_relaxed);
}

void OriginPool::serveQueue() {
  while (!queue_.empty()) {
    std::optional<Grant> grant;
    PoolWaiter& waiter = *queue_.front();
    Choice choice(*this, nullptr);
    while (!grant) {
      const std::size_t chosen = balancer_.pick(choice, loads_, waiter.balanceKey());
      if (chosen == Balancer::kNone) {
        break;
      }
      grant = tryGrant(chosen, false);
      choice.noteFull(chosen);
    }
    if (!grant) {
      return;
    }
    leaveQueue(waiter);
    waiter.onGrant(std::move(*grant));
  }
  // Others wait while connections are parked here: give one up for them.
  if (origin_state_->waiting.load(std::memory_order_relaxed) != 0) {
    for (Endpoint& endpoint : endpoints_) {
      if (!endpoint.parked.empty()) {
        dropParked(*endpoint.parked.front());
        return;
      }
    }
  }
}

void OriginPool::park(std::size_t endpoint, std::unique_ptr<OriginConnection> connection) {
  Endpoint& target = endpoints_[endpoint];
  const KeepAliveConfig& keep = config_.keep_alive;
  connection->parked_in_ = this;
  connection->endpoint_ = endpoint;
  if (keep.idle == 0 || (connection->readable && !connection->isSilent())) {
    loop_.deferDelete(std::move(connection));
    return;
  }
  connection->readable = false;
  connection->link->watch.setHandler(connection.get());
  connection->idle_since = loop_.turnTime();
  // The surplus of a crowd stays for a moment, for the crowd's next requests
  // would open as many connections again; it is taken first, and closed first.
  const bool surplus = target.parked.size() >= keep.idle;
  connection->expiry_.arm(surplus && (keep.timeout.count() == 0 || keep.timeout > kSurplusTime) ? kSurplusTime
                                                                                                : keep.timeout);
  target.parked.push_back(std::move(connection));
  if (origin_state_->waiting.load(std::memory_order_relaxed) != 0) {
    onSlotReleased();
  }
}

std::unique_ptr<OriginConnection> OriginPool::takeParked(std::size_t endpoint) {
  auto& parked = endpoints_[endpoint].parked;
  if (parked.empty()) {
    return nullptr;
  }
  std::unique_ptr<OriginConnection> last = std::move(parked.back());
  parked.pop_back();
  last->link->watch.setHandler(nullptr);
  last->expiry_.cancel();
  return last;
}

void OriginPool::dropParked(OriginConnection& which) {
  auto& parked = endpoints_[which.endpoint_].parked;
  const auto it = std::find_if(parked.begin(), parked.end(), [&](const auto& p) { return p.get() == &which; });
  if (it != parked.end()) {
    std::unique_ptr<OriginConnection> dead = std::move(*it);
    parked.erase(it);
    dead->link->watch.setHandler(nullptr);
    dead->expiry_.cancel();
    loop_.deferDelete(std::move(dead));  // frees the slot a turn later, outside the socket's callback
  }
}

void OriginPool::noteUnsolicited(std::size_t endpoint, std::string_view bytes) {
  origin_state_->unsolicited.note(config_.endpoints[endpoint].url, bytes);
}

void OriginPool::closeParked() {
  for (Endpoint& endpoint : endpoints_) {
    while (!endpoint.parked.empty()) {
      dropParked(*endpoint.parked.back());
    }
  }
}

void OriginPool::earnRetry() noexcept {
  retry_tokens_ = std::min(kRetryCeiling, retry_tokens_ + config_.retry.budget_percent / 100.0);
}

bool OriginPool::spendRetry() noexcept {
  if (config_.retry.budget_percent >= 100) {
    return true;
  }
  if (retry_tokens_ < 1) {
    return false;
  }
  retry_tokens_ -= 1;
  return true;
}

}  // namespace gatewhy
