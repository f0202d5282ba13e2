// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/balance.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>

namespace gatewhy {
namespace {

// Between two turns of an endpoint of weight 1. Wraps after 2^32 rounds.
constexpr std::uint64_t kRound = std::uint64_t{1} << 32U;
// Draws before a random choice looks for the next usable endpoint instead.
constexpr int kDraws = 8;

// splitmix64's finaliser: spreads (key, endpoint) pairs for rendezvous hashing.
std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// a / of_a < b / of_b.
bool lighter(std::uint32_t a, std::uint32_t of_a, std::uint32_t b, std::uint32_t of_b) {
  return (std::uint64_t{a} + 1) * of_b < (std::uint64_t{b} + 1) * of_a;
}

}  // namespace

std::vector<Candidate> candidatesOf(const OriginConfig& origin) {
  std::vector<Candidate> candidates;
  for (const EndpointConfig& endpoint : origin.endpoints) {
    candidates.push_back(
        {.index = candidates.size(), .weight = endpoint.weight, .backup = endpoint.backup, .name = endpoint.url});
  }
  return candidates;
}

Balancer::Balancer(Balance balance, const std::vector<Candidate>& candidates)
    : balance_(balance),
      primaries_(groupOf(candidates, false)),
      backups_(groupOf(candidates, true)),
      random_(balance == Balance::RandomTwo ? Random::seeded() : Random({1, 2, 3, 4})) {}

bool Balancer::comesLater(const Turn& a, const Turn& b) noexcept {
  return a.at != b.at ? a.at > b.at : a.member > b.member;
}

Balancer::Group Balancer::groupOf(const std::vector<Candidate>& candidates, bool backups) const {
  Group group;
  for (const Candidate& candidate : candidates) {
    if (candidate.backup == backups) {
      group.endpoints.push_back(static_cast<std::uint32_t>(candidate.index));
      group.weights.push_back(candidate.weight);
      if (balance_ == Balance::Hash) {
        group.seeds.push_back(mix(std::hash<std::string>{}(candidate.name)));
      }
    }
  }
  const bool equal =
      std::all_of(group.weights.begin(), group.weights.end(), [&](auto weight) { return weight == group.weights[0]; });
  if (!equal) {
    std::uint64_t sum = 0;
    for (std::uint32_t member = 0; member < group.size(); ++member) {
      const std::uint32_t weight = group.weights[member];
      group.sums.push_back(sum += weight);
      // Half a period in: the turns of unlike weights interleave from the start.
      group.turns.push_back({.at = kRound / weight / 2, .member = member});
    }
  }
  std::make_heap(group.turns.begin(), group.turns.end(), comesLater);
  return group;
}

std::size_t Balancer::pick(const EndpointFilter& filter, std::span<const std::uint32_t> loads, std::uint64_t key) {
  for (Group* group : {&primaries_, &backups_}) {
    if (group->size() == 1 && filter.usable(group->endpoints[0])) {
      return group->endpoints[0];
    }
    const std::uint32_t member = group->size() < 2 ? kNoMember : pickMember(*group, filter, loads, key);
    if (member != kNoMember) {
      return group->endpoints[member];
    }
  }
  return kNone;
}

std::uint32_t Balancer::pickMember(Group& group, const EndpointFilter& filter, std::span<const std::uint32_t> loads,
                                   std::uint64_t key) {
  switch (balance_) {
    case Balance::RoundRobin:
      return group.equal() ? nextFromCursor(group, filter) : nextTurn(group, filter);
    case Balance::LeastRequests:
      return leastLoaded(group, filter, loads);
    case Balance::RandomTwo: {
      const std::uint32_t one = randomMember(group, filter);
      const std::uint32_t other = one == kNoMember ? kNoMember : randomMember(group, filter);
      if (other == kNoMember || other == one) {
        return one;
      }
      return lighter(loads[group.endpoints[other]], group.weights[other], loads[group.endpoints[one]],
                     group.weights[one])
                 ? other
                 : one;
    }
    case Balance::Hash:
      return byHash(group, filter, key);
  }
  return kNoMember;
}

std::uint32_t Balancer::nextFromCursor(Group& group, const EndpointFilter& filter) const {
  for (std::uint32_t tries = 0; tries < group.size(); ++tries) {
    const std::uint32_t member = group.cursor;
    group.cursor = member + 1 == group.size() ? 0 : member + 1;
    if (filter.usable(group.endpoints[member])) {
      return member;
    }
  }
  return kNoMember;
}

// Earliest turn first. One that is passed over because it is not usable
// gathers no claim to a burst: its turn is now at the earliest.
std::uint32_t Balancer::nextTurn(Group& group, const EndpointFilter& filter) {
  std::uint32_t chosen = kNoMember;
  std::uint64_t now = 0;
  passed_over_.clear();
  while (chosen == kNoMember && !group.turns.empty()) {
    std::pop_heap(group.turns.begin(), group.turns.end(), comesLater);
    Turn turn = group.turns.back();
    group.turns.pop_back();
    if (filter.usable(group.endpoints[turn.member])) {
      chosen = turn.member;
      now = turn.at;
      turn.at += kRound / group.weights[chosen];
    }
    passed_over_.push_back(turn);
  }
  for (Turn& turn : passed_over_) {
    turn.at = std::max(turn.at, now);
    group.turns.push_back(turn);
    std::push_heap(group.turns.begin(), group.turns.end(), comesLater);
  }
  return chosen;
}

// From the cursor on, so that ties take turns.
std::uint32_t Balancer::leastLoaded(Group& group, const EndpointFilter& filter,
                                    std::span<const std::uint32_t> loads) const {
  std::uint32_t best = kNoMember;
  std::uint32_t member = group.cursor;
  for (std::uint32_t seen = 0; seen < group.size(); ++seen) {
    const std::uint32_t load = loads[group.endpoints[member]];
    const bool better =
        best == kNoMember || lighter(load, group.weights[member], loads[group.endpoints[best]], group.weights[best]);
    if (better && filter.usable(group.endpoints[member])) {
      best = member;
      if (load == 0 && group.equal()) {
        break;
      }
    }
    member = member + 1 == group.size() ? 0 : member + 1;
  }
  if (best != kNoMember) {
    group.cursor = best + 1 == group.size() ? 0 : best + 1;
  }
  return best;
}

std::uint32_t Balancer::randomMember(const Group& group, const EndpointFilter& filter) {
  std::uint32_t member = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    if (group.equal()) {
      member = std::uniform_int_distribution<std::uint32_t>(0, group.size() - 1)(random_);
    } else {
      const auto point = std::uniform_int_distribution<std::uint64_t>(0, group.sums.back() - 1)(random_);
      member = static_cast<std::uint32_t>(std::upper_bound(group.sums.begin(), group.sums.end(), point) -
                                          group.sums.begin());
    }
    if (filter.usable(group.endpoints[member])) {
      return member;
    }
  }
  for (std::uint32_t seen = 0; seen < group.size(); ++seen) {
    member = member + 1 == group.size() ? 0 : member + 1;
    if (filter.usable(group.endpoints[member])) {
      return member;
    }
  }
  return kNoMember;
}

// Weighted rendezvous hashing: an endpoint that leaves moves only its own keys.
std::uint32_t Balancer::byHash(const Group& group, const EndpointFilter& filter, std::uint64_t key) const {
  std::uint32_t best = kNoMember;
  if (group.equal()) {  // the order of the hashes is the order of the scores
    std::uint64_t best_hash = 0;
    for (std::uint32_t member = 0; member < group.size(); ++member) {
      const std::uint64_t hash = mix(key ^ group.seeds[member]);
      if ((best == kNoMember || hash > best_hash) && filter.usable(group.endpoints[member])) {
        best_hash = hash;
        best = member;
      }
    }
    return best;
  }
  double best_score = -1;
  for (std::uint32_t member = 0; member < group.size(); ++member) {
    const double unit = (static_cast<double>(mix(key ^ group.seeds[member]) >> 11U) + 0.5) / 9007199254740992.0;
    const double score = group.weights[member] / -std::log(unit);
    if (score > best_score && filter.usable(group.endpoints[member])) {
      best_score = score;
      best = member;
    }
  }
  return best;
}

}  // namespace gatewhy
