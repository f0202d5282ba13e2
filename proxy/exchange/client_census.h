// SPDX-License-Identifier: Apache-2.0
// How many connections and TLS handshakes each client has, over all workers,
// so that one cannot take the places of all.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace gatewhy {

// Nobody outside can choose addresses that share a bucket.
struct ClientHash {
  std::uint64_t seed = 0;
  std::size_t operator()(std::uint64_t key) const noexcept;
};

// A client is an address, or of IPv6 a /64: RateLimiter::keyOf(). Shared by all
// workers; any thread. A call holds one of 64 locks for a look into a table,
// which has an entry for each client that holds something, and no other.
class ClientCensus {
 public:
  enum class Kind : std::uint8_t { Connection, Handshake };

  // What a client holds; given back when destroyed. The census outlives it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : census_(std::exchange(other.census_, nullptr)), key_(other.key_), kind_(other.kind_) {}
    Place& operator=(Place&& other) noexcept {
      if (this != &other) {
        release();
        census_ = std::exchange(other.census_, nullptr);
        key_ = other.key_;
        kind_ = other.kind_;
      }
      return *this;
    }
    ~Place() { release(); }
    [[nodiscard]] bool held() const noexcept { return census_ != nullptr; }
    void release() noexcept;

   private:
    friend class ClientCensus;
    Place(ClientCensus& census, std::uint64_t key, Kind kind) : census_(&census), key_(key), kind_(kind) {}
    ClientCensus* census_ = nullptr;
    std::uint64_t key_ = 0;
    Kind kind_ = Kind::Connection;
  };

  ClientCensus();
  // One of `limit`; not held() where the client has as many.
  [[nodiscard]] Place take(Kind kind, std::uint64_t key, std::uint32_t limit);
  // Clients that hold something.
  [[nodiscard]] std::size_t clients() const;

 private:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kKinds = 2;
  using Counts = std::array<std::uint32_t, kKinds>;
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, Counts, ClientHash> counts;
  };

  [[nodiscard]] Shard& shardOf(std::uint64_t key) noexcept { return shards_[hash_(key) >> 58]; }
  void giveBack(Kind kind, std::uint64_t key) noexcept;

  ClientHash hash_;
  std::array<Shard, kShards> shards_;
};

}  // namespace gatewhy
