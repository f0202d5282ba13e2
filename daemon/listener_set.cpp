// SPDX-License-Identifier: Apache-2.0
#include "daemon/listener_set.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace gatewhy {
namespace {

std::vector<Fd> duplicates(const std::vector<std::vector<Fd>>& per_worker) {
  std::vector<Fd> made;
  for (const std::vector<Fd>& sockets : per_worker) {
    for (const Fd& socket : sockets) {
      made.emplace_back(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    }
  }
  return made;
}

}  // namespace

std::vector<std::string> listenerKeys(const Config& config) {
  std::vector<std::string> keys;
  std::map<std::string, int> seen;
  for (const ListenerConfig& listener : config.listeners) {
    const int number = ++seen[listener.address];
    keys.push_back(number == 1 ? listener.address : fmt::format("{}#{}", listener.address, number));
  }
  return keys;
}

std::vector<ListenerSet::Bound>::iterator ListenerSet::find(const std::string& key) {
  return std::find_if(bound_.begin(), bound_.end(), [&](const Bound& known) { return known.key == key; });
}

Result<ListenerSet::Opened, ListenFault> ListenerSet::openMissing(const Config& config, std::size_t workers,
                                                                  InheritedSockets& inherited) {
  const std::vector<std::string> keys = listenerKeys(config);
  Opened opened(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (find(keys[i]) != bound_.end()) {
      continue;
    }
    auto sockets = inherited.open(config.listeners[i].address, workers, descriptorName(keys[i]));
    if (!sockets) {
      return Failure{std::move(sockets).error()};
    }
    if (systemdName(keys[i]).empty()) {
      if (auto file = SocketFile::of(sockets->local)) {
        files_.push_back(*std::move(file));
      }
    }
    opened[i] = std::move(sockets).value();
  }
  return opened;
}

std::vector<WorkerPlan> ListenerSet::adopt(const GenerationPtr& generation, Opened opened, std::size_t workers) {
  const std::vector<std::string> keys = listenerKeys(*generation->config);
  std::vector<Bound> next;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (opened[i]) {
      next.push_back({.key = keys[i],
                      .address = opened[i]->bound,
                      .local = opened[i]->local,
                      .sockets = duplicates(opened[i]->per_worker),
                      .from_unit = !systemdName(keys[i]).empty()});
    } else {
      const auto kept = find(keys[i]);
      next.push_back(std::move(*kept));
      bound_.erase(kept);
    }
  }
  for (const Bound& gone : bound_) {
    service_.forget(descriptorName(gone.key));
  }
  bound_ = std::move(next);
  std::vector<WorkerPlan> plans(workers);
  for (std::size_t worker = 0; worker < workers; ++worker) {
    WorkerPlan& plan = plans[worker];
    plan.generation = generation;
    plan.own_listeners = ownAddresses();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      plan.listeners.push_back(
          {.key = keys[i], .fds = opened[i] ? std::move(opened[i]->per_worker[worker]) : std::vector<Fd>()});
    }
  }
  return plans;
}

std::vector<Address> ListenerSet::ownAddresses() const {
  std::vector<Address> own;
  for (const Bound& bound : bound_) {
    own.push_back(bound.local);
    if (!bound.sockets.empty() && takesIpv4(bound.sockets.front().get())) {
      own.push_back(*Address::fromIp("0.0.0.0", bound.local.port()));
    }
  }
  return own;
}

std::vector<std::string> ListenerSet::addresses() const {
  std::vector<std::string> all;
  for (const Bound& bound : bound_) {
    all.push_back(bound.address);
  }
  return all;
}

void ListenerSet::store() {
  for (Bound& bound : bound_) {
    if (bound.stored || bound.from_unit) {
      continue;
    }
    std::vector<int> sockets;
    for (const Fd& socket : bound.sockets) {
      sockets.push_back(socket.get());
    }
    service_.store(descriptorName(bound.key), sockets);
    bound.stored = true;
  }
}

std::vector<ListeningSocket> ListenerSet::sockets() const {
  std::vector<ListeningSocket> all;
  for (const Bound& bound : bound_) {
    for (const Fd& socket : bound.sockets) {
      all.push_back({.name = descriptorName(bound.key), .fd = socket.get()});
    }
  }
  return all;
}

void ListenerSet::removeFiles() const {
  for (const SocketFile& file : files_) {
    file.removeIfDead();
  }
}

}  // namespace gatewhy
