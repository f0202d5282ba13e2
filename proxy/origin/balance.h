// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/loop/random.h"

namespace gatewhy {

// What the balancer has to know of endpoints beyond the configuration. Asked
// only about those that are about to be chosen.
class EndpointFilter {
 public:
  [[nodiscard]] virtual bool usable(std::size_t endpoint) const = 0;

 protected:
  ~EndpointFilter() = default;
};

// One of those that a balancer chooses among: an endpoint, or a host of it.
struct Candidate {
  std::size_t index = 0;  // what pick() calls it
  std::uint32_t weight = 1;
  bool backup = false;
  std::string name;  // Balance::Hash goes by it
};
[[nodiscard]] std::vector<Candidate> candidatesOf(const OriginConfig& origin);  // its endpoints

// Chooses among the endpoints of one origin. Pure but for its own state;
// belongs to one worker. With n endpoints of which most are usable, a choice
// by round_robin or random_two costs O(1), or O(log n) where weights differ;
// least_requests looks at all n counters where none is 0, hash at all n.
class Balancer {
 public:
  explicit Balancer(const OriginConfig& origin) : Balancer(origin.balance, candidatesOf(origin)) {}
  Balancer(Balance balance, const std::vector<Candidate>& candidates);

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  // The index of a usable endpoint: primaries first, backups when no primary
  // is usable; kNone when none is. `loads`: requests in flight by endpoint;
  // `key` feeds Balance::Hash.
  [[nodiscard]] std::size_t pick(const EndpointFilter& filter, std::span<const std::uint32_t> loads, std::uint64_t key);

 private:
  // When a weighted endpoint's turn comes; the earliest is next.
  struct Turn {
    std::uint64_t at;
    std::uint32_t member;
  };
  static bool comesLater(const Turn& a, const Turn& b) noexcept;
  // Primaries or backups.
  struct Group {
    std::vector<std::uint32_t> endpoints;
    std::vector<std::uint32_t> weights;
    std::vector<std::uint64_t> sums;   // of weights up to and with each; empty where all are equal
    std::vector<std::uint64_t> seeds;  // Balance::Hash: an endpoint's own, whatever its place
    std::vector<Turn> turns;           // a heap; empty where all weights are equal
    std::uint32_t cursor = 0;          // the member whose turn is next where all weights are equal
    [[nodiscard]] bool equal() const { return sums.empty(); }
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(endpoints.size()); }
  };
  static constexpr std::uint32_t kNoMember = UINT32_MAX;

  [[nodiscard]] Group groupOf(const std::vector<Candidate>& candidates, bool backups) const;
  // Each: a member of the group, or kNoMember.
  [[nodiscard]] std::uint32_t pickMember(Group& group, const EndpointFilter& filter,
                                         std::span<const std::uint32_t> loads, std::uint64_t key);
  [[nodiscard]] std::uint32_t nextFromCursor(Group& group, const EndpointFilter& filter) const;
  [[nodiscard]] std::uint32_t nextTurn(Group& group, const EndpointFilter& filter);
  [[nodiscard]] std::uint32_t leastLoaded(Group& group, const EndpointFilter& filter,
                                          std::span<const std::uint32_t> loads) const;
  [[nodiscard]] std::uint32_t randomMember(const Group& group, const EndpointFilter& filter);
  [[nodiscard]] std::uint32_t byHash(const Group& group, const EndpointFilter& filter, std::uint64_t key) const;

  Balance balance_;
  Group primaries_, backups_;
  std::vector<Turn> passed_over_;  // nextTurn()'s, kept for its capacity
  Random random_;
};

}  // namespace gatewhy
