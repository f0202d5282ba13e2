// SPDX-License-Identifier: Apache-2.0
// The hosts behind a name. A name with several addresses is that many hosts,
// each with a health, connections and a load of its own. A name with no more
// than one address of each family is one host: most likely one machine, whose
// two addresses a connection races (RFC 8305).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "diagnostics/observation.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/address.h"
#include "proxy/net/resolver.h"

namespace gatewhy {

class EndpointState;

struct NamedHost {
  Address address;                       // with the endpoint's port
  std::string text;                      // "10.0.0.7:8080"
  std::shared_ptr<EndpointState> state;  // as long as the name has the address
};

// Immutable; sorted by text, so that two instances have them in one order.
struct HostSet {
  std::vector<NamedHost> hosts;  // two or more
  DnsFacts facts;                // of a connection to any of them
};

// What a new answer changed.
struct HostChange {
  std::vector<std::string> joined, left;  // by text
  std::size_t hosts = 0;                  // now; 0: the name is one host
  [[nodiscard]] bool any() const { return !joined.empty() || !left.empty(); }
};

// Keeps the hosts of one endpoint's name, for all threads, and outlives
// reloads. It asks nobody: who finds that an answer is due, and is the first,
// asks DNS and tells what came. Nobody waits for that.
class NameWatch {
 public:
  // While DNS is out of order, it is asked so often.
  static constexpr std::chrono::seconds kRetry{5};
  static constexpr std::chrono::seconds kShortestLife{1}, kLongestLife{3600};
  // A TTL of 0, and what the hosts file says.
  static constexpr std::chrono::seconds kLifeWithoutTtl{5};

  // Null while the name is one host. Any thread.
  [[nodiscard]] std::shared_ptr<const HostSet> hosts() const;
  [[nodiscard]] bool isOneHost() const noexcept { return one_host_.load(std::memory_order_relaxed); }

  [[nodiscard]] bool due(TimePoint now) const noexcept {
    return now.time_since_epoch().count() >= due_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool wasAsked() const noexcept { return due_.load(std::memory_order_relaxed) != 0; }
  // True for one caller, who has to ask; if no answer comes, somebody else may
  // after a while. Any thread.
  [[nodiscard]] bool claim(TimePoint now) noexcept;
  // The answers to that. A host whose address stays keeps its state. A name or a
  // family that DNS says there is none of loses its own at once; whatever else
  // is no answer, be it DNS's doing or ours (no descriptor to ask with), leaves
  // the addresses, until `stale` after their TTL.
  HostChange learn(const FamilyAnswer& v6, const FamilyAnswer& v4, std::uint16_t port, std::chrono::milliseconds stale,
                   TimePoint now);

 private:
  struct Family {
    std::vector<Address> addresses;
    TimePoint expires;
  };
  // Whether DNS said something of the family.
  [[nodiscard]] static bool take(Family& family, const FamilyAnswer& answer, std::uint16_t port,
                                 std::chrono::milliseconds stale, TimePoint now, DnsFacts& facts);
  [[nodiscard]] std::shared_ptr<const HostSet> made(DnsFacts facts) const;

  std::atomic<TimePoint::rep> due_{0};
  std::atomic<bool> one_host_{true};
  mutable std::mutex mutex_;
  Family v6_, v4_;                        // guarded by mutex_
  std::shared_ptr<const HostSet> hosts_;  // guarded by mutex_
};

}  // namespace gatewhy
