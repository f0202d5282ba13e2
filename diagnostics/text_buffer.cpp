// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/text_buffer.h"

#include <algorithm>
#include <charconv>

namespace gatewhy {
namespace {

constexpr std::size_t kSmallest = 512;

}  // namespace

DecimalDigits::DecimalDigits(std::uint64_t value) noexcept {
  size_ = static_cast<std::size_t>(std::to_chars(digits_.data(), digits_.data() + digits_.size(), value).ptr -
                                   digits_.data());
}

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
