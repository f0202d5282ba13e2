// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace gatewhy {

// Base of classes whose objects come and go with every request: their memory
// is kept for the next one. The objects themselves are made and destroyed like
// any other; only malloc, which takes its slow path for blocks of this size
// once more than seven are in use, is left out. Per thread, T being final.
template <class T>
class Recycled {
 public:
#if !defined(__SANITIZE_ADDRESS__)  // which finds uses of dead objects only in memory that was freed
  static void* operator new(std::size_t size) {
    auto& spare = spareBlocks().blocks;
    if (spare.empty()) {
      return ::operator new(size);
    }
    void* block = spare.back();
    spare.pop_back();
    return block;
  }
  static void operator delete(void* block) noexcept {
    auto& spare = spareBlocks().blocks;
    if (spare.size() == spare.capacity()) {
      ::operator delete(block);
    } else {
      spare.push_back(block);
    }
  }
#endif

 private:
  static constexpr std::size_t kMostSpare = 256;

  struct SpareBlocks {
    SpareBlocks() { blocks.reserve(kMostSpare); }
    ~SpareBlocks() {
      for (void* block : blocks) {
        ::operator delete(block);
      }
    }
    SpareBlocks(const SpareBlocks&) = delete;
    SpareBlocks& operator=(const SpareBlocks&) = delete;
    std::vector<void*> blocks;
  };
  static SpareBlocks& spareBlocks() {
    thread_local SpareBlocks spare;
    return spare;
  }
};

}  // namespace gatewhy
