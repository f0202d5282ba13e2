// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/text_buffer.h"

#include <algorithm>

namespace gatewhy {
namespace {

constexpr std::size_t kSmallest = 512;

}  // namespace

void TextBuffer::grow(std::size_t size) {
  const std::size_t capacity = std::max({size_ + size, capacity_ * 2, kSmallest});
  std::unique_ptr<char[]> larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ != 0) {
    std::memcpy(larger.get(), data_.get(), size_);
  }
  data_ = std::move(larger);
  capacity_ = capacity;
}

}  // namespace gatewhy
