// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace gatewhy {

// xoshiro256++ (Blackman and Vigna, 2018): a uniform random bit generator
// for what has to be spread or unique, never for what has to be secret. 32
// octets, a hundredth of the standard library's.
class Random {
 public:
  using result_type = std::uint64_t;

  static constexpr std::size_t kWords = 4;

  // Not all zero.
  explicit constexpr Random(const std::array<std::uint64_t, kWords>& seed) noexcept : state_(seed) {}
  // Seeded by the kernel. Throws std::exception where it has no randomness to give: only at start.
  [[nodiscard]] static Random seeded();

  result_type operator()() noexcept {
    const std::uint64_t result = rotated(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotated(state_[3], 45);
    return result;
  }
  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

 private:
  static constexpr std::uint64_t rotated(std::uint64_t word, int bits) noexcept {
    return (word << bits) | (word >> (64 - bits));
  }

  std::array<std::uint64_t, kWords> state_;
};

}  // namespace gatewhy
