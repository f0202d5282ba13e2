// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/origin_pool.h"

#include <utility>

namespace gatewhy {

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    end();
    pool_ = std::exchange(other.pool_, nullptr);
    step_ = std::exchange(other.step_, Step::Alone);
    http_ = other.http_;
    endpoint_ = other.endpoint_;
    connection_ = std::exchange(other.connection_, nullptr);
    place_ = std::move(other.place_);
    count_ = std::move(other.count_);
    upload_ = std::move(other.upload_);
  }
  return *this;
}

void Lease::end() noexcept {
  if (OriginPool* const pool = std::exchange(pool_, nullptr)) {
    place_.release();
    count_.release();
    upload_.release();
    pool->giveBack(*this);
  }
}

OriginPool::OriginPool(EventLoop& loop, const OriginConfig& config, std::vector<std::shared_ptr<EndpointState>> states,
                       std::shared_ptr<OriginState> origin_state, std::function<void()> wake_others)
    : loop_(loop),
      config_(config),
      origin_state_(std::move(origin_state)),
      wake_others_(std::move(wake_others)),
      hosts_(loop, config_, std::move(states), origin_state_),
      queue_(origin_state_, config.limits.pending),
      retries_(config.retry.budget_percent),
      self_(std::make_shared<PlaceWatcher*>(static_cast<PlaceWatcher*>(this))) {}

OriginPool::~OriginPool() {
  *self_ = nullptr;
}

void OriginPool::watchNames(HostRefresh::OnChange tell) {
  hosts_.watchNames([this, tell = std::move(tell)](std::size_t endpoint, const HostChange& change) {
    tell(endpoint, change);
    serveSoon();
    wake_others_();
  });
}

// ---- leases -----------------------------------------------------------

std::optional<Lease> OriginPool::request(PoolWaiter& waiter, bool fresh, PoolRefusal& refusal) {
  const bool upload = !waiter.bodyIsHere();
  PoolHosts::Choice choice(hosts_, waiter.triedEndpoints());
  const std::size_t session = waiter.sessionEndpoint();
  const bool stays = choice.admits(session);
  bool any_healthy = false;
  std::size_t host = stays ? session : choice.next(waiter.balanceKey());
  while (host != Balancer::kNone) {
    any_healthy = true;
    if (auto lease = tryLease(waiter, host, fresh, upload)) {
      return lease;
    }
    choice.noteFull(host);
    host = stays ? Balancer::kNone : choice.next(waiter.balanceKey());
  }
  if (!any_healthy) {
    refusal = PoolRefusal::NoHealthyEndpoint;
    return std::nullopt;
  }
  if (queue_.full(upload)) {
    refusal = PoolRefusal::QueueFull;
    return std::nullopt;
  }
  queue_.join(waiter, upload);
  refusal = PoolRefusal::Queued;
  wake_others_();  // another worker may hold the connections parked
  return std::nullopt;
}

// Of an endpoint's, for requests whose body is still coming; 0 = no limit.
std::uint32_t OriginPool::uploadPlaces() const {
  return (config_.limits.connections + 1) / 2;
}

bool OriginPool::anybodyCanBeServed() const {
  return queue_.wholeWaitAnywhere() ||
         (queue_.uploadsWait() && (uploadPlaces() == 0 || hosts_.anyBelow(uploadPlaces())));
}

std::optional<Lease> OriginPool::tryLease(PoolWaiter& waiter, std::size_t endpoint, bool fresh, bool upload) {
  EndpointConnections& connections = hosts_[endpoint];
  const auto& state = connections.state();
  // Looked at first: what is taken and given back again makes others try.
  const bool counts = upload && uploadPlaces() != 0;
  if (counts && state->uploads() >= uploadPlaces()) {
    return std::nullopt;
  }
  Lease lease;
  lease.http_ = httpOf(waiter, endpoint);
  OriginConnection* const connection =
      fresh ? nullptr : connections.available(waiter.client(), lease.http_ == EndpointHttp::Http1);
  if (connection == nullptr || connection->sharing() == OriginConnection::Sharing::Shared) {
    if (!state->acquire(config_.limits.connections)) {
      // Of one request each: `fresh` under a full limit, or another client's. Its place comes free in a later turn.
      static_cast<void>(connections.closeOldestWithPlace());
      return std::nullopt;
    }
    lease.place_ = OriginPlace(state, self_);
  }
  if (counts) {
    if (!state->acquireUpload(uploadPlaces())) {  // another worker was faster
      return std::nullopt;
    }
    lease.upload_ = UploadPlace(state, self_);
  }
  lease.pool_ = this;
  lease.endpoint_ = endpoint;
  hosts_.load(endpoint);
  if (connection != nullptr) {
    connections.lease(*connection);
    lease.connection_ = connection;
  } else {
    planOpening(lease, waiter);
  }
  return lease;
}

EndpointHttp OriginPool::httpOf(const PoolWaiter& waiter, std::size_t endpoint) const {
  const EndpointHttp configured = hosts_.endpointOf(endpoint).http;
  const bool http1 = configured == EndpointHttp::Negotiated &&
                     (waiter.needsHttp1() || hosts_[endpoint].state()->heldToHttp1(loop_.turnTime()));
  return http1 ? EndpointHttp::Http1 : configured;
}

// Where the connection will carry many requests, of many clients, as far as is
// known, one is opened for all who want it meanwhile.
void OriginPool::planOpening(Lease& lease, PoolWaiter& waiter) {
  EndpointConnections& connections = hosts_[lease.endpoint_];
  const auto& state = connections.state();
  const bool hopes = waiter.client() == nullptr &&
                     (lease.http_ == EndpointHttp::Http2 ||
                      (lease.http_ == EndpointHttp::Negotiated && state->speaks() != EndpointState::Speaks::Http1));
  lease.step_ = !hopes                                                  ? Lease::Step::Alone
                : connections.openings().join(waiter, state->streams()) ? Lease::Step::Opens
                                                                        : Lease::Step::Waits;
  if (!lease.waits()) {
    lease.count_ = OpenCount(state);
  }
}

void OriginPool::proceed(Lease& lease, PoolWaiter& waiter) {
  EndpointConnections& connections = hosts_[lease.endpoint_];
  lease.http_ = httpOf(waiter, lease.endpoint_);
  OriginConnection* const connection = connections.available(waiter.client(), lease.http_ == EndpointHttp::Http1);
  if (connection == nullptr) {
    planOpening(lease, waiter);
    return;
  }
  connections.lease(*connection);
  lease.step_ = Lease::Step::Alone;
  lease.connection_ = connection;
  if (connection->sharing() == OriginConnection::Sharing::Exclusive) {
    lease.place_.release();  // it holds one of its own
  }
}

void OriginPool::onOpeningFailed(Lease& lease, const std::vector<AddressFailure>& failures) {
  if (std::exchange(lease.step_, Lease::Step::Alone) == Lease::Step::Opens) {
    hosts_[lease.endpoint_].openings().onFailed(failures);
  }
}

void OriginPool::leaveQueue(PoolWaiter& waiter) noexcept {
  queue_.leave(waiter);
  if (waiter.awaits_ != nullptr) {
    waiter.awaits_->leave(waiter);
  }
}

OriginConnection& OriginPool::adopt(Lease& lease, std::unique_ptr<OriginConnection> connection) {
  EndpointConnections& connections = hosts_[lease.endpoint_];
  const bool shared = connection->sharing() == OriginConnection::Sharing::Shared;
  if (lease.http_ == EndpointHttp::Negotiated) {
    connections.state()->noteSpeaks(shared ? EndpointState::Speaks::Http2 : EndpointState::Speaks::Http1);
  }
  if (!shared) {
    connection->place = std::move(lease.place_);
  }
  if (ProxiedClient* const client = connection->client) {
    client->atEnd(this, [self = self_, client] {
      if (*self != nullptr) {
        static_cast<OriginPool*>(*self)->hosts_.closeParkedOf(*client);
      }
    });
  }
  connection->count = std::move(lease.count_);
  lease.connection_ = &connections.adopt(std::move(connection));
  if (std::exchange(lease.step_, Lease::Step::Alone) == Lease::Step::Opens) {
    connections.openings().onOver();
  }
  return *lease.connection_;
}

void OriginPool::giveBack(Lease& lease) {
  EndpointConnections& connections = hosts_[lease.endpoint_];
  hosts_.unload(lease.endpoint_);
  if (std::exchange(lease.step_, Lease::Step::Alone) == Lease::Step::Opens) {
    connections.openings().onOver();
  }
  OriginConnection* const connection = std::exchange(lease.connection_, nullptr);
  if (connection != nullptr && connections.giveBack(*connection)) {
    onPlaceFree();
  }
}

void OriginPool::onPlaceFree() {
  if (queue_.anybodyWaits() && anybodyCanBeServed()) {
    serveSoon();
  }
}

void OriginPool::onUploadPlaceFree() {
  if (queue_.uploadsWait()) {
    serveSoon();
  }
}

// A place dies inside somebody's destructor: serve the queue in a turn of its own.
void OriginPool::serveSoon() {
  loop_.post([self = self_] {
    if (*self != nullptr) {
      static_cast<OriginPool*>(*self)->serveQueue();
    }
  });
  if (queue_.othersWait()) {
    wake_others_();
  }
}

void OriginPool::bodyArrived(PoolWaiter& waiter) {
  if (queue_.bodyArrived(waiter)) {
    serveQueue();
  }
}

bool OriginPool::waitsForOne(const PoolWaiter& waiter) {
  return waiter.sessionEndpoint() != Balancer::kNone &&
         PoolHosts::Choice(hosts_, waiter.triedEndpoints()).admits(waiter.sessionEndpoint());
}

bool OriginPool::serve(PoolWaiter& waiter, bool upload) {
  const auto giveTo = [&](std::size_t endpoint) {
    auto lease = tryLease(waiter, endpoint, false, upload);
    if (lease) {
      queue_.leave(waiter);
      waiter.onLease(std::move(*lease));
    }
    return lease.has_value();
  };
  if (waitsForOne(waiter)) {
    return giveTo(waiter.sessionEndpoint());
  }
  PoolHosts::Choice choice(hosts_, waiter.triedEndpoints());
  for (std::size_t host = choice.next(waiter.balanceKey()); host != Balancer::kNone;
       host = choice.next(waiter.balanceKey())) {
    if (giveTo(host)) {
      return true;
    }
    choice.noteFull(host);
  }
  return false;
}

void OriginPool::serveQueue() {
  hosts_.update();
  while (queue_.serveOne(*this)) {
  }
  // Others wait while connections are parked here: give one up for them.
  if (!queue_.wholeWait() && queue_.wholeOrOthersWait() && anybodyCanBeServed()) {
    hosts_.closeOldestWithPlace();
  }
}

}  // namespace gatewhy
