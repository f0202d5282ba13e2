// SPDX-License-Identifier: Apache-2.0
// Names to addresses through c-ares, A and AAAA apart, with evidence per
// server and a cache that keeps to the TTLs. One per worker, loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "diagnostics/observation.h"
#include "diagnostics/result.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/address.h"

namespace gatewhy {

struct ResolvedAddresses {
  std::vector<Address> addresses;  // port not set
  std::uint32_t ttl_s = 0;         // minimum along the CNAME chain; 0 for the hosts file
  DnsFacts facts;
};

// One family's answer. A family with no address is a NoData fault.
using FamilyAnswer = Result<ResolvedAddresses, DnsFault>;

// A running look-up; destroying it cancels the callback.
class ResolveHandle {
 public:
  virtual ~ResolveHandle() = default;
};

class Resolver {
 public:
  // What a resolver knows that outlives it: addresses that work.
  class Memory {
   public:
    virtual ~Memory() = default;
  };
  // The system's servers where the configuration has none. `before`: what its
  // predecessor knew. `resolv_conf` is the file with the search list.
  [[nodiscard]] static std::unique_ptr<Resolver> create(EventLoop& loop, const DnsConfig& config,
                                                        std::shared_ptr<Memory> before = nullptr,
                                                        const std::string& resolv_conf = "/etc/resolv.conf");
  virtual ~Resolver() = default;
  // Calls `on_answer` once per family (AF_INET, AF_INET6), in any order, never
  // from inside resolve(). Equal look-ups in flight share one query. The
  // `host` with a final dot is complete: no search list applies. The
  // caller keeps the overall deadline; `partialEvidence` tells what has been
  // seen so far when it fires.
  [[nodiscard]] virtual std::unique_ptr<ResolveHandle> resolve(
      const std::string& host, std::function<void(int family, FamilyAnswer answer)> on_answer) = 0;
  [[nodiscard]] virtual DnsFault partialEvidence(const std::string& host) const = 0;
  // One of the addresses that resolve() gave took a connection: these are kept
  // when DNS gets out of order (DnsConfig::stale).
  virtual void noteConnected(const std::string& /*host*/, const Address& /*address*/) {}
  [[nodiscard]] virtual std::shared_ptr<Memory> memory() const { return nullptr; }
  // DnsConfig::stale.
  [[nodiscard]] virtual std::chrono::milliseconds stale() const { return {}; }
};

}  // namespace gatewhy
