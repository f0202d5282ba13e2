// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/client_census.h"

#include <random>

namespace gatewhy {

// The finaliser of MurmurHash3.
std::size_t ClientHash::operator()(std::uint64_t key) const noexcept {
  std::uint64_t value = key ^ seed;
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33);
}

ClientCensus::ClientCensus() {
  std::random_device device;
  hash_.seed = (static_cast<std::uint64_t>(device()) << 32) | device();
  for (Shard& shard : shards_) {
    shard.counts = decltype(shard.counts)(0, hash_);
  }
}

ClientCensus::Place ClientCensus::take(Kind kind, std::uint64_t key, std::uint32_t limit) {
  Shard& shard = shardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(key);
  const auto which = static_cast<std::size_t>(kind);
  if (found != shard.counts.end()) {
    if (found->second[which] >= limit) {
      return {};
    }
    ++found->second[which];
  } else {
    if (limit == 0) {
      return {};
    }
    Counts counts{};
    counts[which] = 1;
    shard.counts.emplace(key, counts);
  }
  return {*this, key, kind};
}

void ClientCensus::giveBack(Kind kind, std::uint64_t key) noexcept {
  Shard& shard = shardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(key);
  --found->second[static_cast<std::size_t>(kind)];
  if (found->second == Counts{}) {
    shard.counts.erase(found);
  }
}

std::size_t ClientCensus::clients() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.counts.size();
  }
  return sum;
}

void ClientCensus::Place::release() noexcept {
  if (census_ != nullptr) {
    std::exchange(census_, nullptr)->giveBack(kind_, key_);
  }
}

}  // namespace gatewhy
