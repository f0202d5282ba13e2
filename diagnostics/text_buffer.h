// SPDX-License-Identifier: Apache-2.0
// Text that is put together piece by piece: heads and log lines. Unlike
// std::string it appends inline (a literal becomes a few moves) and hands out
// room without zeroing it; a log line of forty pieces costs a fifth.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace gatewhy {

// Most pieces are shorter than a call of memcpy is long. `from` may be null where `size` is 0.
inline void copyPiece(char* to, const char* from, std::size_t size) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  if (size < kWord || size > 2 * kWord) {
    if (size != 0) {
      std::memcpy(to, from, size);
    }
    return;
  }
  std::memcpy(to, from, kWord);
  std::memcpy(to + size - kWord, from + size - kWord, kWord);
}

class TextBuffer {
 public:
  TextBuffer() = default;

  void append(std::string_view text) {
    if (text.size() > room()) {
      grow(text.size());
    }
    copyPiece(data_.get() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void append(const char* text, std::size_t size) { append(std::string_view(text, size)); }
  void push_back(char c) {
    if (room() == 0) {
      grow(1);
    }
    data_[size_++] = c;
  }
  TextBuffer& operator+=(std::string_view text) {
    append(text);
    return *this;
  }
  TextBuffer& operator+=(char c) {
    push_back(c);
    return *this;
  }
  // Room for `size` octets at the end, which the caller fills.
  [[nodiscard]] char* extend(std::size_t size) {
    if (size > room()) {
      grow(size);
    }
    char* const at = data_.get() + size_;
    size_ += size;
    return at;
  }

  void clear() noexcept { size_ = 0; }                   // keeps the room
  void cut(std::size_t size) noexcept { size_ = size; }  // to no more than there is
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) {
      grow(capacity - size_);
    }
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::string_view view() const noexcept { return {data_.get(), size_}; }

 private:
  [[nodiscard]] std::size_t room() const noexcept { return capacity_ - size_; }
  void grow(std::size_t size);

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// A decimal number.
class DecimalDigits {
 public:
  explicit DecimalDigits(std::uint64_t value) noexcept;
  [[nodiscard]] const char* data() const noexcept { return digits_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::array<char, 20> digits_;
  std::size_t size_;
};
template <class Text>
void appendDecimal(Text& out, std::uint64_t value) {
  const DecimalDigits digits(value);
  out.append(digits.data(), digits.size());
}

namespace detail {

inline constexpr auto kHexPairs = [] {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> pairs{};
  for (std::size_t octet = 0; octet < pairs.size(); ++octet) {
    pairs[octet] = {kDigits[octet >> 4], kDigits[octet & 0xF]};
  }
  return pairs;
}();

}  // namespace detail

// Writes the 16 lower-case hex digits of `value`.
inline void putHex(char* at, std::uint64_t value) noexcept {
  for (int shift = 56; shift >= 0; shift -= 8, at += 2) {
    std::memcpy(at, detail::kHexPairs[(value >> shift) & 0xFF].data(), 2);
  }
}

}  // namespace gatewhy
