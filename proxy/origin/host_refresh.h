// SPDX-License-Identifier: Apache-2.0
// Asks DNS for the hosts behind an origin's names when the last answer has
// grown old, while requests go to those that are known. Loop thread only; of
// all threads that have one, one at a time asks for a name.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "config/config.h"
#include "proxy/net/resolver.h"
#include "proxy/origin/endpoint_state.h"

namespace gatewhy {

class HostRefresh {
 public:
  // Another set of hosts than before; `host_changes` of the origin is counted.
  using OnChange = std::function<void(std::size_t endpoint, const HostChange& change)>;

  // `states` has one entry per endpoint; `config` outlives it.
  HostRefresh(const OriginConfig& config, std::vector<std::shared_ptr<EndpointState>> states,
              std::shared_ptr<OriginState> origin_state, OnChange on_change);

  // Of one endpoint, or of all whose names have been asked for before: the first
  // question is left to who connects there. Where nothing is due, and for
  // addresses, nothing happens.
  void ask(std::size_t endpoint, Resolver& resolver, TimePoint now);
  void askAll(Resolver& resolver, TimePoint now);

 private:
  struct Question {
    std::unique_ptr<ResolveHandle> handle;
    std::optional<FamilyAnswer> v6, v4;
  };
  void onAnswer(std::size_t endpoint, int family, FamilyAnswer answer, std::chrono::milliseconds stale);

  const OriginConfig& config_;
  const std::vector<std::shared_ptr<EndpointState>> states_;
  const std::shared_ptr<OriginState> origin_state_;
  const OnChange on_change_;
  std::vector<std::size_t> names_;  // endpoints that are given by a name
  std::map<std::size_t, Question> questions_;
};

}  // namespace gatewhy
