// SPDX-License-Identifier: Apache-2.0
// The findings table as types. findings.def is the one place where a rule of
// the response lint, its level, its section and its texts are written.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gatewhy {

enum class Finding : std::uint8_t {
#define FINDING(enumerator, ...) enumerator,
#include "diagnostics/findings.def"
#undef FINDING
};

inline constexpr std::size_t kFindingCount = 0
#define FINDING(enumerator, ...) +1  // NOLINT(bugprone-macro-parentheses)
#include "diagnostics/findings.def"
#undef FINDING
    ;

enum class FindingLevel : std::uint8_t { Must, Should, Advice };

// One row of findings.def. All strings have static storage.
struct FindingInfo {
  Finding finding;
  std::string_view id;  // snake_case, stable: log, metric, explain
  FindingLevel level;
  std::string_view section;  // "RFC 9110 section 15.5.2", "gRPC over HTTP/2, Responses"
  std::string_view seen;     // what came, and why that matters
  std::string_view to_do;
};

// Thread-safe: the table is constant.
[[nodiscard]] const FindingInfo& info(Finding finding) noexcept;
[[nodiscard]] std::span<const FindingInfo> allFindings() noexcept;
[[nodiscard]] std::optional<Finding> findingById(std::string_view id) noexcept;
[[nodiscard]] std::string_view name(Finding finding) noexcept;      // its id
[[nodiscard]] std::string_view name(FindingLevel level) noexcept;   // "must"
[[nodiscard]] std::string_view words(FindingLevel level) noexcept;  // "a requirement is broken"

// docs/findings.md.
[[nodiscard]] std::string findingsMarkdown();

// A set of findings in a few words: copied freely, walked in the table's order.
class FindingSet {
 public:
  static constexpr std::size_t kWordBits = 64;
  static constexpr std::size_t kWords = (kFindingCount + kWordBits - 1) / kWordBits;
  using Words = std::array<std::uint64_t, kWords>;

  constexpr FindingSet() = default;
  [[nodiscard]] static constexpr FindingSet fromWords(const Words& words) { return FindingSet(words); }

  constexpr void add(Finding finding) { words_[wordOf(finding)] |= bitOf(finding); }
  constexpr void add(FindingSet others) {
    for (std::size_t i = 0; i < kWords; ++i) {
      words_[i] |= others.words_[i];
    }
  }
  [[nodiscard]] constexpr FindingSet without(FindingSet others) const {
    FindingSet left = *this;
    for (std::size_t i = 0; i < kWords; ++i) {
      left.words_[i] &= ~others.words_[i];
    }
    return left;
  }
  [[nodiscard]] constexpr bool has(Finding finding) const { return (words_[wordOf(finding)] & bitOf(finding)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return *this == FindingSet(); }
  [[nodiscard]] constexpr std::size_t size() const {
    std::size_t count = 0;
    for (const std::uint64_t word : words_) {
      count += static_cast<std::size_t>(std::popcount(word));
    }
    return count;
  }
  [[nodiscard]] constexpr const Words& words() const { return words_; }
  friend constexpr bool operator==(const FindingSet&, const FindingSet&) = default;

  class Iterator {
   public:
    constexpr explicit Iterator(const Words& left) : left_(left) { skipEmpty(); }
    constexpr Finding operator*() const {
      return static_cast<Finding>(word_ * kWordBits + static_cast<std::size_t>(std::countr_zero(left_[word_])));
    }
    constexpr Iterator& operator++() {
      left_[word_] &= left_[word_] - 1;
      skipEmpty();
      return *this;
    }
    friend constexpr bool operator==(const Iterator&, const Iterator&) = default;

   private:
    constexpr void skipEmpty() {
      while (word_ < kWords && left_[word_] == 0) {
        ++word_;
      }
    }
    Words left_;
    std::size_t word_ = 0;
  };
  [[nodiscard]] constexpr Iterator begin() const { return Iterator(words_); }
  [[nodiscard]] constexpr Iterator end() const { return Iterator(Words{}); }

 private:
  constexpr explicit FindingSet(const Words& words) : words_(words) {}
  static constexpr std::size_t wordOf(Finding finding) { return static_cast<std::size_t>(finding) / kWordBits; }
  static constexpr std::uint64_t bitOf(Finding finding) {
    return std::uint64_t{1} << (static_cast<std::size_t>(finding) % kWordBits);
  }
  Words words_{};
};

}  // namespace gatewhy
