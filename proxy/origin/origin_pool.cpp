// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/origin_pool.h"

#include <algorithm>
#include <utility>

namespace gatewhy {
namespace {

// Each as one host, whatever is known of its name.
std::vector<OriginHost> endpointsAsSuch(const std::vector<std::shared_ptr<EndpointState>>& states) {
  std::vector<OriginHost> hosts;
  hosts.reserve(states.size());
  for (const auto& state : states) {
    hosts.push_back({.endpoint = hosts.size(), .address = {}, .address_text = {}, .state = state, .whole = state});
  }
  return hosts;
}

std::vector<Candidate> candidatesOf(const OriginConfig& config, const std::vector<OriginHost>& hosts) {
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const EndpointConfig& endpoint = config.endpoints[hosts[i].endpoint];
    if (hosts[i].state != nullptr) {
      candidates.push_back({.index = i,
                            .weight = endpoint.weight,
                            .backup = endpoint.backup,
                            .name = hosts[i].address ? endpoint.url + '\n' + hosts[i].address_text : endpoint.url});
    }
  }
  return candidates;
}

}  // namespace

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
      endpoints_(std::move(states)),
      origin_state_(std::move(origin_state)),
      wake_others_(std::move(wake_others)),
      balancer_(config),
      health_(config, endpointsAsSuch(endpoints_), origin_state_),
      queue_(origin_state_, config.limits.pending),
      retries_(config.retry.budget_percent),
      self_(std::make_shared<PlaceWatcher*>(static_cast<PlaceWatcher*>(this))) {
  loads_.resize(endpoints_.size());
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    hosts_.push_back(std::make_unique<EndpointConnections>(loop_, config_.endpoints[i], config_.keep_alive,
                                                           endpoints_[i], origin_state_));
  }
}

OriginPool::~OriginPool() {
  *self_ = nullptr;
}

// ---- hosts behind names -----------------------------------------------

void OriginPool::watchNames(HostRefresh::OnChange tell) {
  refresh_.emplace(config_, endpoints_, origin_state_,
                   [this, tell = std::move(tell)](std::size_t endpoint, const HostChange& change) {
                     tell(endpoint, change);
                     serveSoon();
                     wake_others_();
                   });
  seen_hosts_ = origin_state_->host_changes.load(std::memory_order_acquire) - 1;
  updateHosts();
}

void OriginPool::refreshNames(Resolver& resolver) {
  if (refresh_) {
    refresh_->askAll(resolver, loop_.turnTime());
    updateHosts();
  }
}

void OriginPool::refreshName(std::size_t host, Resolver& resolver) {
  if (refresh_ && host < endpoints_.size()) {
    refresh_->ask(host, resolver, loop_.turnTime());
  }
}

void OriginPool::updateHosts() {
  const std::uint32_t changes = origin_state_->host_changes.load(std::memory_order_acquire);
  if (!refresh_ || changes == seen_hosts_) {
    return;
  }
  seen_hosts_ = changes;
  std::vector<OriginHost> hosts = health_.hosts();
  std::vector<OriginHost> wanted = hostsOf(endpoints_);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto state = i < endpoints_.size() ? endpoints_[i] : hosts[i].state;
    const auto still = std::find_if(wanted.begin(), wanted.end(),
                                    [&](const OriginHost& host) { return state != nullptr && host.state == state; });
    const bool stays = still != wanted.end();
    hosts[i].state = stays ? state : nullptr;
    hosts_[i]->retire(!stays);
    if (stays) {
      wanted.erase(still);
    }
  }
  for (OriginHost& joined : wanted) {
    const std::size_t index = freeIndex(hosts);
    if (index == hosts.size()) {
      hosts.emplace_back();
      hosts_.emplace_back();
      loads_.push_back(0);
    }
    hosts_[index] = std::make_unique<EndpointConnections>(loop_, config_.endpoints[joined.endpoint], config_.keep_alive,
                                                          joined.state, origin_state_);
    hosts[index] = std::move(joined);
  }
  balancer_ = Balancer(config_.balance, candidatesOf(config_, hosts));
  health_.setHosts(std::move(hosts));
}

std::size_t OriginPool::freeIndex(const std::vector<OriginHost>& hosts) const {
  for (std::size_t i = endpoints_.size(); i < hosts.size(); ++i) {
    if (hosts[i].state == nullptr && loads_[i] == 0 && hosts_[i]->empty()) {
      return i;
    }
  }
  return hosts.size();
}

std::size_t OriginPool::parked(std::size_t endpoint) const {
  std::size_t parked = 0;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    parked += health_.host(i).endpoint == endpoint ? hosts_[i]->parked() : 0;
  }
  return parked;
}

// ---- leases -----------------------------------------------------------

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
    full_.resize(pool_.hosts_.size());
    full_[endpoint] = true;
  }
  // False where there was no preference to be given up.
  bool relax() { return std::exchange(choosy_, false); }

 private:
  [[nodiscard]] bool preferred(std::size_t endpoint) const {
    if (pool_.config_.endpoints[pool_.health_.host(endpoint).endpoint].backup) {
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

std::optional<Lease> OriginPool::request(PoolWaiter& waiter, bool fresh, PoolRefusal& refusal) {
  const bool upload = !waiter.bodyIsHere();
  Choice choice(*this, waiter.triedEndpoints());
  bool any_healthy = false;
  const std::size_t session = waiter.sessionEndpoint();
  const bool stays = session < hosts_.size() && choice.admits(session);
  if (stays) {
    if (auto lease = tryLease(waiter, session, fresh, upload)) {
      return lease;
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
    if (auto lease = tryLease(waiter, chosen, fresh, upload)) {
      return lease;
    }
    choice.noteFull(chosen);
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
         (queue_.uploadsWait() && std::any_of(hosts_.begin(), hosts_.end(), [this](const auto& endpoint) {
            return uploadPlaces() == 0 || endpoint->state()->uploads() < uploadPlaces();
          }));
}

std::optional<Lease> OriginPool::tryLease(PoolWaiter& waiter, std::size_t endpoint, bool fresh, bool upload) {
  EndpointConnections& connections = *hosts_[endpoint];
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
  ++loads_[endpoint];
  if (connection != nullptr) {
    connections.lease(*connection);
    lease.connection_ = connection;
  } else {
    planOpening(lease, waiter);
  }
  return lease;
}

EndpointHttp OriginPool::httpOf(const PoolWaiter& waiter, std::size_t endpoint) const {
  const EndpointHttp configured = config_.endpoints[health_.host(endpoint).endpoint].http;
  const bool http1 = configured == EndpointHttp::Negotiated &&
                     (waiter.needsHttp1() || hosts_[endpoint]->state()->heldToHttp1(loop_.turnTime()));
  return http1 ? EndpointHttp::Http1 : configured;
}

// Where the connection will carry many requests, of many clients, as far as is
// known, one is opened for all who want it meanwhile.
void OriginPool::planOpening(Lease& lease, PoolWaiter& waiter) {
  EndpointConnections& connections = *hosts_[lease.endpoint_];
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
  EndpointConnections& connections = *hosts_[lease.endpoint_];
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
    hosts_[lease.endpoint_]->openings().onFailed(failures);
  }
}

void OriginPool::leaveQueue(PoolWaiter& waiter) noexcept {
  queue_.leave(waiter);
  if (waiter.awaits_ != nullptr) {
    waiter.awaits_->leave(waiter);
  }
}

OriginConnection& OriginPool::adopt(Lease& lease, std::unique_ptr<OriginConnection> connection) {
  EndpointConnections& connections = *hosts_[lease.endpoint_];
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
        static_cast<OriginPool*>(*self)->closeParkedOf(*client);
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
  EndpointConnections& connections = *hosts_[lease.endpoint_];
  --loads_[lease.endpoint_];
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

bool OriginPool::hasAlternative(const std::vector<std::size_t>& tried) const {
  const TimePoint now = EventLoop::now();
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (!isTried(tried, i) && health_.takes(i, now)) {
      return true;
    }
  }
  return false;
}

void OriginPool::bodyArrived(PoolWaiter& waiter) {
  if (queue_.bodyArrived(waiter)) {
    serveQueue();
  }
}

bool OriginPool::waitsForOne(const PoolWaiter& waiter) {
  const std::size_t session = waiter.sessionEndpoint();
  return session < hosts_.size() && Choice(*this, waiter.triedEndpoints()).admits(session);
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
  Choice choice(*this, waiter.triedEndpoints());
  for (;;) {
    const std::size_t chosen = balancer_.pick(choice, loads_, waiter.balanceKey());
    if (chosen == Balancer::kNone) {
      if (choice.relax()) {
        continue;
      }
      return false;
    }
    if (giveTo(chosen)) {
      return true;
    }
    choice.noteFull(chosen);
  }
}

void OriginPool::serveQueue() {
  updateHosts();
  while (queue_.serveOne(*this)) {
  }
  // Others wait while connections are parked here: give one up for them.
  if (!queue_.wholeWait() && queue_.wholeOrOthersWait() && anybodyCanBeServed()) {
    static_cast<void>(std::any_of(hosts_.begin(), hosts_.end(),
                                  [](const auto& endpoint) { return endpoint->closeOldestWithPlace(); }));
  }
}

void OriginPool::closeParkedOf(const ProxiedClient& client) {
  for (const auto& endpoint : hosts_) {
    endpoint->closeParkedOf(client);
  }
}

void OriginPool::closeParked() {
  for (const auto& endpoint : hosts_) {
    endpoint->closeParked();
  }
}

}  // namespace gatewhy
