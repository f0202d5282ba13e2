// SPDX-License-Identifier: Apache-2.0
// Sixteen octets looked at together, by the vector types that GCC and clang
// have for every processor: what a scan may skip costs it a few instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gatewhy::octets {

using Block = std::uint8_t __attribute__((vector_size(16)));
inline constexpr std::size_t kBlock = sizeof(Block);

[[nodiscard]] inline Block blockAt(const char* text) noexcept {
  Block block;
  std::memcpy(&block, text, sizeof block);
  return block;
}

// A comparison of blocks gives 0xFF where it holds.
template <class Mask>
[[nodiscard]] bool anyOf(Mask mask) noexcept {
  static_assert(sizeof mask == kBlock);
  std::uint64_t halves[2];
  std::memcpy(halves, &mask, sizeof halves);
  return (halves[0] | halves[1]) != 0;
}

// Index behind the blocks that are free of what `suspect` marks, `from` where
// not even the first is. The last one overlaps those before, so that a text
// of at least one block that is free of it is gone through to its end.
template <class Suspect>
[[nodiscard]] std::size_t skipBlocks(const char* text, std::size_t from, std::size_t size, Suspect suspect) noexcept {
  while (size - from >= kBlock && !anyOf(suspect(blockAt(text + from)))) {
    from += kBlock;
    const std::size_t left = size - from;
    if (left != 0 && left < kBlock) {
      from -= kBlock - left;
    }
  }
  return from;
}

}  // namespace gatewhy::octets
