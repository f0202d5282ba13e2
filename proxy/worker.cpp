// SPDX-License-Identifier: Apache-2.0
#include "proxy/worker.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>

#include "proxy/exchange/admission.h"
#include "proxy/origin/health_event.h"

namespace gatewhy {
namespace {

// Beyond limits.connections this many more are accepted only to be told so.
constexpr std::uint32_t kRefusalRoom = 128;
constexpr std::chrono::seconds kShortageReport{10};
// Descriptors that newcomers leave to the requests of those who are here.
constexpr int kFewestInReserve = 8;
constexpr int kMostInReserve = 64;
constexpr int kShedAtOnce = 256;  // clients, every 50 ms while memory is short
constexpr std::chrono::milliseconds kSlowHead{250};
constexpr std::int64_t kConnectionBytes = 8192;  // about what one takes, here and in the kernel

// The pool of an origin that is the same in both, down to the files by which
// its connections were verified; null where there is none.
std::shared_ptr<OriginPool> unchangedPool(const WorkerGeneration& before, const OriginConfig& origin,
                                          const OriginRuntime& runtime) {
  const auto same = [&](const auto& pool) { return pool->config() == origin; };
  const auto found = std::find_if(before.pools.begin(), before.pools.end(), same);
  if (found == before.pools.end()) {
    return nullptr;
  }
  const OriginRuntime& had = before.shared->origins[static_cast<std::size_t>(found - before.pools.begin())];
  const bool tls_failed = had.tls_setup_fault || runtime.tls_setup_fault;
  return !tls_failed && had.tls == runtime.tls ? *found : nullptr;
}

}  // namespace

Worker::Worker(std::unique_ptr<EventSink> sink, ProxyCounters& counters, std::function<void()> wake_all)
    : sink_(std::move(sink)),
      counters_(counters),
      wake_all_(std::move(wake_all)),
      streams_(loop_),
      context_(
          loop_, *sink_, counters_, [this] { shedClients(); }, [this] { resumeReaders(); }) {
  sink_->attach(loop_);
}

Worker::~Worker() {
  join();
}

bool Worker::prepare(WorkerPlan plan) {
  measureDescriptors();
  adopt(std::move(plan));
  return startListeners();
}

void Worker::start() {
  thread_ = std::thread([this] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the supervisor's
    loop_.run();
    // Everything that belongs to the loop dies on its thread.
    stopListeners();
    listeners_.clear();
    while (!connections_.empty()) {
      const std::size_t before = connections_.size();
      connections_.back()->abortForDrain();
      if (connections_.size() == before) {
        connections_.pop_back();  // it would have waited for the loop
      }
    }
    if (context_.generation) {
      for (auto& pool : context_.generation->pools) {
        pool->closeParked();
      }
    }
  });
}

void Worker::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

// ---- configuration ----------------------------------------------------

void Worker::adopt(WorkerPlan plan) {
  auto made = std::make_shared<WorkerGeneration>();
  made->shared = plan.generation;
  made->own_listeners = std::move(plan.own_listeners);
  const Config& config = *made->shared->config;
  adoptOrigins(*made);
  context_.generation = made;
  streams_.setLimits(requestHeadLimits(config.limits));
  counters_.memory.setLimit(config.limits.memory, config.workers);
  context_.handshakes.setLimits(config.limits.handshakes, config.limits.handshakes_per_client);
  std::erase_if(generations_, [](const auto& old) { return old.expired(); });
  generations_.push_back(made);

  std::vector<ActiveListener> next;
  for (WorkerListener& wanted : plan.listeners) {
    const auto kept =
        std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& entry) { return entry.key == wanted.key; });
    ActiveListener active{.key = wanted.key, .index = wanted.index, .sockets = {}};
    if (kept != listeners_.end()) {
      active.sockets = std::move(kept->sockets);
      listeners_.erase(kept);
    }
    for (Fd& socket : wanted.fds) {
      active.sockets.push_back(std::make_unique<Listener>(
          loop_, std::move(socket), [this] { return !context_.memory.holdsNewcomers(); },
          [this, key = wanted.key](Fd fd, const Address& peer) { onAccept(key, std::move(fd), peer); },
          [this, key = wanted.key](int error, bool waited_for) { return onShortage(key, error, waited_for); }));
    }
    next.push_back(std::move(active));
  }
  listeners_.swap(next);
  for (auto& gone : next) {
    for (auto& socket : gone.sockets) {
      socket->stop();
      loop_.deferDelete(std::move(socket));
    }
  }
}

// What has not changed is taken over as it is. Of an origin that has, the
// connections that wait are closed; those in use end with their requests.
void Worker::adoptOrigins(WorkerGeneration& next) {
  const Config& config = *next.shared->config;
  WorkerGeneration* const before = context_.generation.get();
  const bool same_dns = before != nullptr && before->shared->config->dns == config.dns;
  next.resolver = same_dns
                      ? before->resolver
                      : Resolver::create(loop_, config.dns, before != nullptr ? before->resolver->memory() : nullptr);
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    const OriginRuntime& runtime = next.shared->origins[i];
    std::shared_ptr<OriginPool> pool = before != nullptr ? unchangedPool(*before, config.origins[i], runtime) : nullptr;
    if (!pool) {
      pool = std::make_shared<OriginPool>(loop_, config.origins[i], runtime.endpoints, runtime.state, wake_all_);
      pool->watchNames([this, of = pool.get()](std::size_t endpoint, const HostChange& change) {
        tellHosts([this](const LifecycleEvent& event) { context_.sink.onLifecycle(event); }, of->config(), endpoint,
                  change);
      });
    }
    next.pools.push_back(std::move(pool));
  }
  if (before == nullptr) {
    return;
  }
  for (const auto& pool : before->pools) {
    if (std::find(next.pools.begin(), next.pools.end(), pool) == next.pools.end()) {
      pool->closeParked();
    }
  }
}

void Worker::reload(WorkerPlan plan) {
  auto shared = std::make_shared<WorkerPlan>(std::move(plan));
  loop_.post([this, shared] {
    adopt(std::move(*shared));
    [[maybe_unused]] const bool started = startListeners();  // new ones; a running one starts afresh
  });
}

// ---- connections ------------------------------------------------------

void Worker::onAccept(const std::string& listener, Fd fd, const Address& peer) {
  const auto entry = std::find_if(listeners_.begin(), listeners_.end(),
                                  [&](const auto& candidate) { return candidate.key == listener; });
  const Generation& generation = *context_.generation->shared;
  const std::uint32_t limit = generation.config->limits.connections;
  const std::uint32_t now = counters_.client_connections.load(std::memory_order_relaxed);
  if (entry == listeners_.end()) {
    return;
  }
  if (context_.memory.isCritical()) {
    context_.floods.note(Flood::Memory, peer.ip());
    return;  // closed unheard: it has been so for long, or the listener closes
  }
  const bool over = limit != 0 && now >= limit && !makeRoom(Flood::IdleGaveWay);
  if (over && now >= limit + kRefusalRoom) {
    context_.floods.note(Flood::Connections, peer.ip());
    return;  // closed unheard
  }
  if (!over && fd.get() >= descriptors_short_) {
    static_cast<void>(makeRoom(Flood::Descriptors));  // requests need some too
  }
  const ListenerConfig& config = generation.config->listeners[entry->index];
  auto connection = std::make_unique<ClientConnection>(context_, streams_, *this,
                                                       AcceptedClient{.fd = std::move(fd),
                                                                      .peer = peer,
                                                                      .proxy_protocol = config.proxy_protocol,
                                                                      .proxy_senders = &config.proxy_protocol_from,
                                                                      .overloaded = over,
                                                                      .redirects_to_https = config.redirect_to_https,
                                                                      .http2 = config.http2,
                                                                      .tls = generation.listener_tls[entry->index]});
  ClientConnection& started = *connection;
  context_.memory.account(kConnectionBytes);
  started.setPlace(connections_.size());
  connections_.push_back(std::move(connection));
  open_.store(connections_.size(), std::memory_order_relaxed);
  started.start();
}

bool Worker::startListeners() {
  bool all = true;
  for (auto& entry : listeners_) {
    for (auto& socket : entry.sockets) {
      all = socket->start() && all;
    }
  }
  return all;
}

void Worker::stopListeners() {
  for (auto& entry : listeners_) {
    for (auto& socket : entry.sockets) {
      socket->stop();
    }
  }
}

// The longest idle client, whichever worker has it, gives way to a newcomer.
bool Worker::makeRoom(Flood reason) {
  const auto room = counters_.idle.makeRoom(context_.idle);
  if (room == IdleEverywhere::Room::None) {
    return false;
  }
  context_.floods.note(reason, {});
  return true;
}

// Memory is short: what waits for nothing goes first, then what takes its time.
void Worker::shedClients() {
  int left = kShedAtOnce;
  while (left > 0 && context_.idle.giveWay()) {
    context_.floods.note(Flood::Memory, {});
    --left;
  }
  for (std::size_t i = connections_.size(); i > 0 && left > 0; --i) {  // backwards: the last fills each gap
    left -= connections_[i - 1]->refuseSlowHead(kSlowHead) ? 1 : 0;
  }
}

void Worker::resumeReaders() {
  for (const auto& connection : connections_) {
    connection->resumeAfterShortage();  // from the loop: nothing ends in here
  }
}

// The kernel gives the lowest free number: a high one says how many are open.
void Worker::measureDescriptors() {
  rlimit limit{};
  const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= std::numeric_limits<int>::max();
  const int most = known ? static_cast<int>(limit.rlim_cur) : std::numeric_limits<int>::max();
  descriptors_short_ = most - std::clamp(most / 16, kFewestInReserve, kMostInReserve);
}

Listener::Shortage Worker::onShortage(const std::string& listener, int error, bool somebody_waits) {
  const bool descriptors = error == EMFILE || error == ENFILE;
  if (descriptors) {
    measureDescriptors();  // the limit may have been changed
    const auto room =
        somebody_waits ? counters_.idle.makeRoom(context_.idle) : counters_.idle.makeRoomForNewest(context_.idle);
    switch (room) {
      case IdleEverywhere::Room::Here:
        context_.floods.note(Flood::Descriptors, {});
        return Listener::Shortage::Retry;
      case IdleEverywhere::Room::Elsewhere:
        context_.floods.note(Flood::Descriptors, {});
        return Listener::Shortage::Wait;
      case IdleEverywhere::Room::None:
        break;
    }
    if (!somebody_waits) {
      return Listener::Shortage::Wait;  // nobody is refused
    }
  }
  const TimePoint now = EventLoop::now();
  if (last_shortage_ != TimePoint{} && now - last_shortage_ < kShortageReport) {
    return Listener::Shortage::Refuse;
  }
  last_shortage_ = now;
  LifecycleEvent event;
  event.event = "message";
  event.severity = "ERROR";
  event.message = "accept4 failed: new clients wait or are refused; check LimitNOFILE against limits.connections";
  event.facts = {{.key = "listener", .text = listener, .number = {}, .list = {}},
                 {.key = "errno", .text = {}, .number = static_cast<double>(error), .list = {}},
                 {.key = "cause",
                  .text = std::string(name(descriptors ? Cause::ProxyFdExhausted : Cause::ProxyMemoryExhausted)),
                  .number = {},
                  .list = {}}};
  sink_->onLifecycle(event);
  return Listener::Shortage::Refuse;
}

void Worker::onConnectionClosed(ClientConnection& connection) {
  context_.memory.account(-kConnectionBytes);
  const std::size_t place = connection.place();
  loop_.deferDelete(std::move(connections_[place]));
  if (place + 1 != connections_.size()) {  // the last one fills the gap
    connections_[place] = std::move(connections_.back());
    connections_[place]->setPlace(place);
  }
  connections_.pop_back();
  open_.store(connections_.size(), std::memory_order_relaxed);
}

void Worker::serveQueues() {
  loop_.post([this] {
    for (const auto& weak : generations_) {
      if (const auto generation = weak.lock()) {
        for (auto& pool : generation->pools) {
          pool->serveQueue();
        }
      }
    }
  });
}

void Worker::ping(std::shared_ptr<std::atomic<bool>> answered) {
  loop_.post([answered = std::move(answered)] { answered->store(true, std::memory_order_relaxed); });
}

void Worker::countParked(std::function<void(const std::vector<ParkedCount>&)> tell) {
  loop_.post([this, tell = std::move(tell)] {
    std::vector<ParkedCount> counts;
    if (const auto& generation = context_.generation) {  // retired ones have parked nothing
      for (const auto& pool : generation->pools) {
        const OriginConfig& origin = pool->config();
        for (std::size_t i = 0; i < origin.endpoints.size(); ++i) {
          counts.push_back(
              {.origin = origin.name, .endpoint = origin.endpoints[i].url, .connections = pool->parked(i)});
        }
      }
    }
    tell(counts);
  });
}

// ---- stopping ---------------------------------------------------------

void Worker::closeListeners() {
  loop_.post([this] {
    stopListeners();
    listens_.store(false, std::memory_order_release);
  });
}

void Worker::drain(std::chrono::milliseconds grace) {
  loop_.post([this, grace] {
    context_.draining = true;
    std::vector<ClientConnection*> all;
    for (const auto& connection : connections_) {
      all.push_back(connection.get());
    }
    for (ClientConnection* connection : all) {
      connection->drain(grace);
    }
  });
}

void Worker::abortAll() {
  loop_.post([this] {
    std::vector<ClientConnection*> all;
    for (const auto& connection : connections_) {
      all.push_back(connection.get());
    }
    for (ClientConnection* connection : all) {
      connection->abortForDrain();
    }
  });
}

void Worker::stop() {
  loop_.stop();
}

}  // namespace gatewhy
