// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/cause_id.h"

#include <fmt/format.h>

namespace gatewhy {
namespace {

struct Wide {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
};

// Modulo 2^128.
constexpr Wide multiply(Wide a, Wide b) {
  constexpr std::uint64_t kHalf = 0xFFFFFFFF;
  const std::uint64_t low_low = (a.low & kHalf) * (b.low & kHalf);
  const std::uint64_t high_low = (a.low >> 32) * (b.low & kHalf) + (low_low >> 32);
  const std::uint64_t low_high = (a.low & kHalf) * (b.low >> 32) + (high_low & kHalf);
  const std::uint64_t carried = (a.low >> 32) * (b.low >> 32) + (high_low >> 32) + (low_high >> 32);
  return {carried + a.high * b.low + a.low * b.high, a.low * b.low};
}

// FNV-1a, 128 bits. Nobody who could choose the input gains by a collision,
// and a test shows that there is none.
constexpr Wide hash(std::string_view text) {
  Wide value{0x6C62272E07BB0142, 0x62B821756295C58D};
  constexpr Wide kPrime{0x0000000001000000, 0x000000000000013B};
  for (const char c : text) {
    value.low ^= static_cast<unsigned char>(c);
    value = multiply(value, kPrime);
  }
  return value;
}

static_assert(hash("").high == 0x6C62272E07BB0142);
static_assert(hash("a").high == 0xD228CB696F1A8CAF && hash("a").low == 0x78912B704E4A8964, "FNV's test vector");

}  // namespace

std::string problemType(Cause cause) {
  return fmt::format("{}{}", kProblemTypePrefix, name(cause));
}

std::string messageId(Cause cause) {
  Wide id = hash(problemType(cause));
  id.high = (id.high & 0xFFFFFFFFFFFF0FFF) | 0x8000;            // version 8
  id.low = (id.low & 0x3FFFFFFFFFFFFFFF) | 0x8000000000000000;  // variant
  return fmt::format("{:016x}{:016x}", id.high, id.low);
}

}  // namespace gatewhy
