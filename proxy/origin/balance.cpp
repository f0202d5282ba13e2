// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/balance.h"

#include <cmath>

namespace gatewhy {
namespace {

// splitmix64's finaliser: spreads (key, endpoint) pairs for rendezvous hashing.
std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

Balancer::Balancer(const OriginConfig& origin) : origin_(origin), current_(origin.endpoints.size(), 0) {}

std::size_t Balancer::pick(const std::function<bool(std::size_t)>& usable,
                           const std::function<std::uint32_t(std::size_t)>& load, std::uint64_t key) {
  if (origin_.endpoints.size() == 1) {
    return usable(0) ? 0 : kNone;
  }
  std::vector<std::size_t> candidates;
  for (const bool backup : {false, true}) {
    for (std::size_t i = 0; i < origin_.endpoints.size(); ++i) {
      if (origin_.endpoints[i].backup == backup && usable(i)) {
        candidates.push_back(i);
      }
    }
    if (!candidates.empty()) {
      return candidates.size() == 1 ? candidates.front() : pickAmong(candidates, load, key);
    }
  }
  return kNone;
}

std::size_t Balancer::pickAmong(const std::vector<std::size_t>& candidates,
                                const std::function<std::uint32_t(std::size_t)>& load, std::uint64_t key) {
  const auto lighter = [&](std::size_t a, std::size_t b) {
    const auto cost = [&](std::size_t i) { return static_cast<double>(load(i) + 1) / origin_.endpoints[i].weight; };
    return cost(b) < cost(a) ? b : a;
  };
  switch (origin_.balance) {
    case Balance::RoundRobin:
      return roundRobin(candidates);
    case Balance::LeastRequests: {
      std::size_t best = roundRobin(candidates);  // ties take turns
      for (const std::size_t i : candidates) {
        best = lighter(best, i);
      }
      return best;
    }
    case Balance::RandomTwo:
      return lighter(randomByWeight(candidates), randomByWeight(candidates));
    case Balance::Hash: {
      // Weighted rendezvous hashing: an endpoint that leaves moves only its own keys.
      std::size_t best = candidates.front();
      double best_score = -1;
      for (const std::size_t i : candidates) {
        const double unit = (static_cast<double>(mix(key ^ mix(i + 1)) >> 11) + 0.5) / 9007199254740992.0;
        const double score = origin_.endpoints[i].weight / -std::log(unit);
        if (score > best_score) {
          best_score = score;
          best = i;
        }
      }
      return best;
    }
  }
  return candidates.front();
}

std::size_t Balancer::roundRobin(const std::vector<std::size_t>& candidates) {
  std::int64_t total = 0;
  std::size_t best = candidates.front();
  for (const std::size_t i : candidates) {
    current_[i] += origin_.endpoints[i].weight;
    total += origin_.endpoints[i].weight;
    if (current_[i] > current_[best]) {
      best = i;
    }
  }
  current_[best] -= total;
  return best;
}

std::size_t Balancer::randomByWeight(const std::vector<std::size_t>& candidates) {
  std::uint64_t total = 0;
  for (const std::size_t i : candidates) {
    total += origin_.endpoints[i].weight;
  }
  std::uint64_t point = std::uniform_int_distribution<std::uint64_t>(0, total - 1)(random_);
  for (const std::size_t i : candidates) {
    if (point < origin_.endpoints[i].weight) {
      return i;
    }
    point -= origin_.endpoints[i].weight;
  }
  return candidates.back();
}

}  // namespace gatewhy
