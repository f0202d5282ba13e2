// SPDX-License-Identifier: Apache-2.0
// The keys that session tickets are sealed with (RFC 8446 section 4.6.1). All
// listeners, workers and configurations of a process share one ring, so that a
// client resumes whichever worker it meets, and after a reload too. A key
// seals for one period and opens for one more, then it is gone, and with it
// whoever recorded what it protected: OpenSSL itself would keep one for ever.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace gatewhy {

class TicketKeys {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kNameSize = 16;  // as OpenSSL's callback has it

  struct Key {
    std::array<std::uint8_t, kNameSize> name{};  // sent in the clear with every ticket
    std::array<std::uint8_t, 32> cipher{};
    std::array<std::uint8_t, 32> mac{};
    Time made{};
  };

  explicit TicketKeys(std::chrono::seconds period) : period_(period) {}

  // Any thread; a lock per full handshake. nullopt: no randomness to be had.
  [[nodiscard]] std::optional<Key> sealing(Time now);
  // nullopt: not ours, or too old. The ticket is ignored then.
  [[nodiscard]] std::optional<Key> opening(std::span<const std::uint8_t> name, Time now);

 private:
  void forgetOld(Time now);

  std::chrono::seconds period_;
  std::mutex mutex_;
  std::vector<Key> keys_;  // guarded by mutex_; the newest last
};

// Makes the context's tickets use the process's ring. False: out of memory.
[[nodiscard]] bool useTicketKeys(SSL_CTX* context);

}  // namespace gatewhy
