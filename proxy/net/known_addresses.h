// SPDX-License-Identifier: Apache-2.0
// Addresses of names that have worked, for the time when DNS does not (RFC
// 8767). Outlives the resolver of one configuration. The caller tells the time;
// loop thread only.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/loop/event_loop.h"
#include "proxy/net/resolver.h"

namespace gatewhy {

// True where DNS is out of order: nobody who answers for the name has spoken.
[[nodiscard]] bool isDnsOutage(DnsStatus status) noexcept;

class KnownAddresses final : public Resolver::Memory {
 public:
  // What DNS has said of a name and a family: addresses, to be believed until
  // `expires`. Those that worked are the known ones of the new answer too.
  void learn(const std::string& name, int family, const ResolvedAddresses& answer, TimePoint expires);
  // The name has none (any more).
  void forget(const std::string& name, int family);
  // One of them took a connection.
  void noteConnected(const std::string& name, const Address& address);

  // DNS has failed to tell.
  void noteOutage(const std::string& name, int family, DnsStatus status);
  [[nodiscard]] bool inOutage(const std::string& name, int family) const;

  // The addresses in place of an answer: where one of them has worked, and
  // their time has been over for no longer than `stale`; those that worked
  // come first. nullopt: none.
  [[nodiscard]] std::optional<ResolvedAddresses> inPlaceOf(const std::string& name, int family, TimePoint now,
                                                           std::chrono::milliseconds stale) const;

 private:
  struct Known {
    ResolvedAddresses answer;
    std::vector<Address> worked;  // of `answer`
    TimePoint expires;
    std::optional<DnsStatus> outage;
  };
  std::map<std::pair<std::string, int>, Known> known_;  // bounded by the names of the configuration
};

}  // namespace gatewhy
