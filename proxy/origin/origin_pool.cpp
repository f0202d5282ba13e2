// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/origin_pool.h"

#include <algorithm>
#include <utility>

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

void UploadPlace::release() noexcept {
  if (state_) {
    std::exchange(state_, nullptr)->releaseUpload();
    OriginPool* const pool = *std::exchange(pool_, nullptr);
    if (pool != nullptr && pool->origin_state_->waiting_uploads.load(std::memory_order_relaxed) != 0) {
      pool->onSlotReleased();
    }
  }
}

OriginConnection::OriginConnection(EventLoop& loop) : expiry_(loop, [this] { parked_in_->onExpired(*this); }) {}

void OriginConnection::noteUnsolicited(std::string_view bytes) {
  parked_in_->noteUnsolicited(endpoint_, bytes);
}

void OriginConnection::leavePool() {
  parked_in_->onClosedByOrigin(*this);
}

OriginPool::OriginPool(EventLoop& loop, const OriginConfig& config, std::vector<std::shared_ptr<EndpointState>> states,
                       std::shared_ptr<OriginState> origin_state, std::function<void()> wake_others)
    : loop_(loop),
      config_(config),
      origin_state_(std::move(origin_state)),
      wake_others_(std::move(wake_others)),
      balancer_(config),
      health_(config, states, origin_state_),
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
  for (auto* queue : {&queue_, &uploads_}) {
    while (!queue->empty()) {
      leaveQueue(*queue->front());
    }
  }
}

bool OriginPool::isTried(const std::vector<std::size_t>& tried, std::size_t endpoint) const {
  return std::find(tried.begin(), tried.end(), endpoint) != tried.end();
}

// One request's search: endpoints that turn out to be full drop out of it. It
// begins with a preference, which is given up where nothing fits, and before a
// backup is used: a retry looks for an endpoint that has not failed lately, any
// other request spares those that have just come back.
class OriginPool::Choice final : public EndpointFilter {
 public:
  Choice(OriginPool& pool, const std::vector<std::size_t>& tried)
      : pool_(pool), tried_(tried), now_(pool.loop_.turnTime()) {
    pool_.health_.look(now_);
    choosy_ = !tried_.empty() || pool_.health_.anySlow();
    lot_ = choosy_ ? pool_.nextLot() : 0;
  }

  [[nodiscard]] bool usable(std::size_t endpoint) const override {
    return pool_.health_.usable(endpoint) && (full_.empty() || !full_[endpoint]) &&
           (tried_.empty() || !pool_.isTried(tried_, endpoint)) && (!choosy_ || preferred(endpoint));
  }
  // For a session that is at the endpoint: whatever is preferred, full or not.
  [[nodiscard]] bool admits(std::size_t endpoint) const {
    return pool_.health_.usable(endpoint) && !pool_.isTried(tried_, endpoint);
  }
  void noteFull(std::size_t endpoint) {
    full_.resize(pool_.endpoints_.size());
    full_[endpoint] = true;
  }
  // False where there was no preference to be given up.
  bool relax() { return std::exchange(choosy_, false); }

 private:
  [[nodiscard]] bool preferred(std::size_t endpoint) const {
    if (pool_.config_.endpoints[endpoint].backup) {
      return false;
    }
    return tried_.empty() ? !pool_.health_.heldBack(endpoint, lot_, now_)
                          : !pool_.health_.state(endpoint).health.failing();
  }

  OriginPool& pool_;
  const std::vector<std::size_t>& tried_;
  std::vector<bool> full_;
  TimePoint now_;
  bool choosy_ = false;
  double lot_ = 0;
};

// splitmix64 of a counter: the balancer goes round in a rhythm of its own, which
// a sequence that is merely spread evenly would fall into step with.
double OriginPool::nextLot() {
  std::uint64_t x = ++lots_ * 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  constexpr double kRange = 9007199254740992.0;  // 2^53
  return static_cast<double>((x ^ (x >> 31U)) >> 11U) / kRange;
}

std::optional<Grant> OriginPool::request(PoolWaiter& waiter, bool fresh, PoolRefusal& refusal) {
  const bool upload = !waiter.bodyIsHere();
  Choice choice(*this, waiter.triedEndpoints());
  bool any_healthy = false;
  const std::size_t session = waiter.sessionEndpoint();
  const bool stays = session < endpoints_.size() && choice.admits(session);
  if (stays) {
    if (auto grant = tryGrant(session, fresh, upload)) {
      return grant;
    }
    any_healthy = true;
  }
  while (!stays) {
    const std::size_t chosen = balancer_.pick(choice, loads_, waiter.balanceKey());
    if (chosen == Balancer::kNone) {
      if (choice.relax()) {
        continue;
      }
      break;
    }
    any_healthy = true;
    if (auto grant = tryGrant(chosen, fresh, upload)) {
      return grant;
    }
    choice.noteFull(chosen);
  }
  if (!any_healthy) {
    refusal = PoolRefusal::NoHealthyEndpoint;
    return std::nullopt;
  }
  if (queueFull(upload)) {
    refusal = PoolRefusal::QueueFull;
    return std::nullopt;
  }
  origin_state_->waiting.fetch_add(1, std::memory_order_relaxed);
  origin_state_->waiting_uploads.fetch_add(upload ? 1 : 0, std::memory_order_relaxed);
  waiter.queued_in_ = this;
  waiter.among_uploads_ = upload;
  waiter.ticket_ = next_ticket_++;
  auto& queue = queueOf(waiter);
  waiter.place_ = queue.insert(queue.end(), &waiter);
  refusal = PoolRefusal::Queued;
  wake_others_();  // another worker may hold the connections parked
  return std::nullopt;
}

// Of the queue too uploads get no more than half.
bool OriginPool::queueFull(bool upload) const {
  const std::uint32_t limit = config_.limits.pending;
  return limit != 0 && (origin_state_->waiting.load(std::memory_order_relaxed) >= limit ||
                        (upload && origin_state_->waiting_uploads.load(std::memory_order_relaxed) >= (limit + 1) / 2));
}

// Of an endpoint's, for requests whose body is still coming; 0 = no limit.
std::uint32_t OriginPool::uploadPlaces() const {
  return (config_.limits.connections + 1) / 2;
}

bool OriginPool::anybodyCanBeServed() const {
  const std::uint32_t uploads = origin_state_->waiting_uploads.load(std::memory_order_relaxed);
  if (origin_state_->waiting.load(std::memory_order_relaxed) > uploads) {
    return true;
  }
  return uploads != 0 && std::any_of(endpoints_.begin(), endpoints_.end(), [this](const Endpoint& endpoint) {
           return uploadPlaces() == 0 || endpoint.state->uploads() < uploadPlaces();
         });
}

std::optional<Grant> OriginPool::tryGrant(std::size_t endpoint, bool fresh, bool upload) {
  Grant grant;
  grant.endpoint = endpoint;
  if (upload && uploadPlaces() != 0) {
    const auto& state = endpoints_[endpoint].state;
    if (!state->acquireUpload(uploadPlaces())) {
      return std::nullopt;
    }
    grant.upload = UploadPlace(state, self_);
  }
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
  return {
      endpoints_[endpoint].state, [self = self_, origin = origin_state_] {
        if (*self != nullptr && origin->waiting.load(std::memory_order_relaxed) != 0 && (*self)->anybodyCanBeServed()) {
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
  if (origin_state_->waiting.load(std::memory_order_relaxed) > queue_.size() + uploads_.size()) {
    wake_others_();
  }
}

bool OriginPool::hasAlternative(const std::vector<std::size_t>& tried) const {
  const TimePoint now = EventLoop::now();
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    if (!isTried(tried, i) && health_.takes(i, now)) {
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
  queueOf(waiter).erase(waiter.place_);
  origin_state_->waiting.fetch_sub(1, std::memory_order_relaxed);
  origin_state_->waiting_uploads.fetch_sub(waiter.among_uploads_ ? 1 : 0, std::memory_order_relaxed);
}

void OriginPool::bodyArrived(PoolWaiter& waiter) {
  if (waiter.queued_in_ != this || !waiter.among_uploads_) {
    return;
  }
  const auto later = [&](const PoolWaiter* other) { return other->ticket_ > waiter.ticket_; };
  queue_.splice(std::find_if(queue_.begin(), queue_.end(), later), uploads_, waiter.place_);
  waiter.among_uploads_ = false;
  origin_state_->waiting_uploads.fetch_sub(1, std::memory_order_relaxed);
  serveQueue();
}

// Whether no other endpoint will do.
bool OriginPool::staysWithSession(const PoolWaiter& waiter) {
  const std::size_t session = waiter.sessionEndpoint();
  return session < endpoints_.size() && Choice(*this, waiter.triedEndpoints()).admits(session);
}

bool OriginPool::grantTo(PoolWaiter& waiter) {
  if (staysWithSession(waiter)) {
    auto grant = tryGrant(waiter.sessionEndpoint(), false, waiter.among_uploads_);
    if (grant) {
      leaveQueue(waiter);
      waiter.onGrant(std::move(*grant));
    }
    return grant.has_value();
  }
  Choice choice(*this, waiter.triedEndpoints());
  for (;;) {
    const std::size_t chosen = balancer_.pick(choice, loads_, waiter.balanceKey());
    if (chosen == Balancer::kNone) {
      if (choice.relax()) {
        continue;
      }
      return false;
    }
    if (auto grant = tryGrant(chosen, false, waiter.among_uploads_)) {
      leaveQueue(waiter);
      waiter.onGrant(std::move(*grant));
      return true;
    }
    choice.noteFull(chosen);
  }
}

// The first that can be served. Who waits for one endpoint alone holds nobody up.
bool OriginPool::serveFrom(std::list<PoolWaiter*>& queue) {
  for (auto at = queue.begin(); at != queue.end();) {
    PoolWaiter& waiter = **at++;
    const bool alone = staysWithSession(waiter);
    if (grantTo(waiter)) {
      return true;
    }
    if (!alone) {
      return false;
    }
  }
  return false;
}

// Who came first, but a whole request does not wait for an upload's place.
bool OriginPool::serveOne() {
  PoolWaiter* const whole = queue_.empty() ? nullptr : queue_.front();
  PoolWaiter* const upload = uploads_.empty() ? nullptr : uploads_.front();
  if (upload != nullptr && (whole == nullptr || upload->ticket_ < whole->ticket_) && serveFrom(uploads_)) {
    return true;
  }
  return whole != nullptr && serveFrom(queue_);
}

void OriginPool::serveQueue() {
  while (serveOne()) {
  }
  if (!queue_.empty()) {
    return;
  }
  // Others wait while connections are parked here: give one up for them.
  if (origin_state_->waiting.load(std::memory_order_relaxed) > uploads_.size() && anybodyCanBeServed()) {
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
  if (keep.idle == 0 || !connection->beginIdle()) {
    if (keep.idle != 0 && keep.learn) {
      target.state->idleLesson().noteClosed(std::chrono::milliseconds(0), loop_.turnTime());
    }
    loop_.deferDelete(std::move(connection));
    return;
  }
  connection->idle_since = loop_.turnTime();
  // The surplus of a crowd stays for a moment, for the crowd's next requests
  // would open as many connections again; it is taken first, and closed first.
  const bool surplus = target.parked.size() >= keep.idle;
  const std::chrono::milliseconds kept = keepTime(target);
  connection->watched_ = false;
  connection->expiry_.arm(surplus && (kept.count() == 0 || kept > kSurplusTime) ? kSurplusTime : kept);
  target.parked.push_back(std::move(connection));
  if (origin_state_->waiting.load(std::memory_order_relaxed) != 0 && anybodyCanBeServed()) {
    onSlotReleased();
  }
}

std::unique_ptr<OriginConnection> OriginPool::takeParked(std::size_t endpoint) {
  auto& parked = endpoints_[endpoint].parked;
  // What was parked before a shorter limit was learned is not risked.
  while (config_.keep_alive.learn && !parked.empty() && !parked.back()->watched_ &&
         idleTime(*parked.back()) >= keepTime(endpoints_[endpoint])) {
    dropParked(*parked.back());
  }
  if (parked.empty() || parked.back()->watched_) {
    return nullptr;
  }
  std::unique_ptr<OriginConnection> last = std::move(parked.back());
  parked.pop_back();
  last->endIdle();
  last->expiry_.cancel();
  return last;
}

void OriginPool::dropParked(OriginConnection& which) {
  auto& parked = endpoints_[which.endpoint_].parked;
  const auto it = std::find_if(parked.begin(), parked.end(), [&](const auto& p) { return p.get() == &which; });
  if (it != parked.end()) {
    std::unique_ptr<OriginConnection> dead = std::move(*it);
    parked.erase(it);
    dead->endIdle();
    dead->expiry_.cancel();
    loop_.deferDelete(std::move(dead));  // frees the slot a turn later, outside the socket's callback
  }
}

std::chrono::milliseconds OriginPool::keepTime(const Endpoint& endpoint) const {
  const KeepAliveConfig& keep = config_.keep_alive;
  return keep.learn ? endpoint.state->idleLesson().timeout(loop_.turnTime()) : keep.timeout;
}

std::chrono::milliseconds OriginPool::idleTime(const OriginConnection& parked) const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(loop_.turnTime() - parked.idle_since);
}

// Where the origin's limit is to be learned, one of the expired stays, in
// front of all others: those are younger.
void OriginPool::onExpired(OriginConnection& which) {
  Endpoint& target = endpoints_[which.endpoint_];
  auto& parked = target.parked;
  if (which.watched_) {
    target.state->idleLesson().noteClosed(IdleLesson::kWatched, loop_.turnTime());
  }
  const std::chrono::milliseconds left = IdleLesson::kWatched - idleTime(which);
  if (!config_.keep_alive.learn || parked.front()->watched_ || left.count() <= 0) {
    dropParked(which);
    return;
  }
  which.watched_ = true;
  which.expiry_.arm(left);
  const auto it = std::find_if(parked.begin(), parked.end(), [&](const auto& p) { return p.get() == &which; });
  std::rotate(parked.begin(), it, it + 1);
}

void OriginPool::onClosedByOrigin(OriginConnection& which) {
  if (config_.keep_alive.learn) {
    endpoints_[which.endpoint_].state->idleLesson().noteClosed(idleTime(which), loop_.turnTime());
  }
  dropParked(which);
}

void OriginPool::noteStale(std::size_t endpoint, double idle_ms) {
  if (config_.keep_alive.learn) {
    endpoints_[endpoint].state->idleLesson().noteStale(std::chrono::milliseconds(static_cast<std::int64_t>(idle_ms)),
                                                       loop_.turnTime());
  }
}

void OriginPool::noteKeepAlive(std::size_t endpoint, std::string_view value) {
  if (config_.keep_alive.learn && !value.empty()) {
    endpoints_[endpoint].state->idleLesson().noteSaid(value);
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
