// SPDX-License-Identifier: Apache-2.0
#include "daemon/listener_set.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "daemon/privileges.h"

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

constexpr std::string_view kAnyIpv6 = "[::]:";
constexpr std::string_view kAnyIpv4 = "0.0.0.0:";

bool isAnyIpv6(const Address& address) {
  return address.family() == AF_INET6 && address.text().starts_with(kAnyIpv6);
}

// Whether IPv4 on this port is somebody else's in the same file.
bool listsIpv4(const Config& config, std::uint16_t port) {
  return std::any_of(config.listeners.begin(), config.listeners.end(), [&](const ListenerConfig& listener) {
    const auto address = Address::parse(listener.address);
    return address && address->family() == AF_INET && address->port() == port;
  });
}

bool wantsIpv4Too(const Config& config, const ListenerConfig& listener) {
  const auto address = Address::parse(listener.address);
  return address && isAnyIpv6(*address) && !listener.ipv6_only &&
         (address->port() == 0 || !listsIpv4(config, address->port()));
}

}  // namespace

std::vector<ListenAddress> listenAddresses(const Config& config) {
  std::vector<ListenAddress> all;
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const ListenerConfig& listener = config.listeners[i];
    const int number = ++seen[listener.address];
    all.push_back({.key = number == 1 ? listener.address : fmt::format("{}#{}", listener.address, number),
                   .address = listener.address,
                   .index = i});
    const auto address = Address::parse(listener.address);
    if (wantsIpv4Too(config, listener) && address->port() != 0) {  // port 0: one socket has both
      const std::string half = fmt::format("{}{}", kAnyIpv4, address->port());
      all.push_back({.key = half, .address = half, .index = i, .ipv4_half = true});
    }
  }
  return all;
}

std::vector<ListenerSet::Bound>::iterator ListenerSet::find(const std::string& key) {
  return std::find_if(bound_.begin(), bound_.end(), [&](const Bound& known) { return known.key == key; });
}

// A socket that came from systemd may be for both families.
bool ListenerSet::takesIpv4Already(const ListenAddress& whole, const std::optional<ListenSockets>& opened) {
  if (opened) {
    return takesIpv4(opened->per_worker.front().front().get());
  }
  const auto known = find(whole.key);
  return known != bound_.end() && !known->sockets.empty() && takesIpv4(known->sockets.front().get());
}

Result<ListenerSet::Opened, ListenFault> ListenerSet::openMissing(const Config& config, std::size_t workers,
                                                                  InheritedSockets& inherited) {
  const std::vector<ListenAddress> wanted = listenAddresses(config);
  Opened opened(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const ListenAddress& one = wanted[i];
    const ListenerConfig& listener = config.listeners[one.index];
    if (find(one.key) != bound_.end() || (one.ipv4_half && takesIpv4Already(wanted[i - 1], opened[i - 1]))) {
      if (auto applied = applySocketRights(listener); !applied) {
        return Failure{std::move(applied).error()};
      }
      continue;
    }
    const auto parsed = Address::parse(one.address);
    const bool both = parsed && parsed->port() == 0 && wantsIpv4Too(config, listener);
    // With a mode of its own, the file is nobody's until it has that mode.
    constexpr mode_t kOwnerOnly = 0177;
    const auto before = listener.mode ? std::optional(::umask(kOwnerOnly)) : std::nullopt;
    auto sockets = inherited.open(one.address, workers, descriptorName(one.key), both);
    if (before) {
      ::umask(*before);
    }
    if (!sockets) {
      if (one.ipv4_half && sockets.error().error == EAFNOSUPPORT) {
        continue;  // a kernel without IPv4
      }
      return Failure{std::move(sockets).error()};
    }
    if (auto applied = applySocketRights(listener); !applied) {
      return Failure{std::move(applied).error()};
    }
    if (systemdName(one.key).empty()) {
      if (auto file = SocketFile::of(sockets->local)) {
        files_.push_back(*std::move(file));
      }
    }
    opened[i] = std::move(sockets).value();
  }
  return opened;
}

std::vector<WorkerPlan> ListenerSet::adopt(const GenerationPtr& generation, Opened opened, std::size_t workers) {
  const std::vector<ListenAddress> wanted = listenAddresses(*generation->config);
  std::vector<Bound> next;
  std::vector<std::size_t> there;  // of `wanted`, as `next`
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const ListenAddress& one = wanted[i];
    if (opened[i]) {
      next.push_back({.key = one.key,
                      .address = opened[i]->bound,
                      .local = opened[i]->local,
                      .sockets = duplicates(opened[i]->per_worker),
                      .from_unit = !systemdName(one.key).empty()});
    } else if (const auto kept = find(one.key); kept != bound_.end()) {
      next.push_back(std::move(*kept));
      bound_.erase(kept);
    } else {
      continue;
    }
    next.back().ipv4_half = one.ipv4_half;
    there.push_back(i);
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
    for (const std::size_t i : there) {
      plan.listeners.push_back({.key = wanted[i].key,
                                .index = wanted[i].index,
                                .fds = opened[i] ? std::move(opened[i]->per_worker[worker]) : std::vector<Fd>()});
    }
  }
  return plans;
}

std::optional<std::string> ListenerSet::holderOf(const ListenFault& fault) const {
  const auto wanted = Address::parse(fault.address);
  if (fault.error != EADDRINUSE || !wanted || wanted->port() == 0) {
    return std::nullopt;
  }
  for (const Bound& bound : bound_) {
    if (bound.local.family() != AF_UNIX && bound.local.port() == wanted->port()) {
      return bound.address;
    }
  }
  return std::nullopt;
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
    if (!bound.ipv4_half) {
      all.push_back(bound.address);
    }
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
