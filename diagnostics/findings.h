// SPDX-License-Identifier: Apache-2.0
// The findings table as types. findings.def is the one place where a rule of
// the response lint, its level, its section and its texts are written.
#pragma once

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
  std::string_view section;  // "RFC 9110 section 15.5.2"
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

// A set of findings in one word: copied freely, walked in the table's order.
class FindingSet {
 public:
  constexpr FindingSet() = default;
  [[nodiscard]] static constexpr FindingSet fromBits(std::uint64_t bits) { return FindingSet(bits); }

  constexpr void add(Finding finding) { bits_ |= bit(finding); }
  constexpr void add(FindingSet others) { bits_ |= others.bits_; }
  [[nodiscard]] constexpr FindingSet without(FindingSet others) const { return FindingSet(bits_ & ~others.bits_); }
  [[nodiscard]] constexpr bool has(Finding finding) const { return (bits_ & bit(finding)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr std::size_t size() const { return static_cast<std::size_t>(std::popcount(bits_)); }
  [[nodiscard]] constexpr std::uint64_t bits() const { return bits_; }
  friend constexpr bool operator==(FindingSet, FindingSet) = default;

  class Iterator {
   public:
    constexpr explicit Iterator(std::uint64_t left) : left_(left) {}
    constexpr Finding operator*() const { return static_cast<Finding>(std::countr_zero(left_)); }
    constexpr Iterator& operator++() {
      left_ &= left_ - 1;
      return *this;
    }
    friend constexpr bool operator==(Iterator, Iterator) = default;

   private:
    std::uint64_t left_;
  };
  [[nodiscard]] constexpr Iterator begin() const { return Iterator(bits_); }
  [[nodiscard]] constexpr Iterator end() const { return Iterator(0); }

 private:
  constexpr explicit FindingSet(std::uint64_t bits) : bits_(bits) {}
  static constexpr std::uint64_t bit(Finding finding) { return std::uint64_t{1} << static_cast<unsigned>(finding); }
  std::uint64_t bits_ = 0;
};

static_assert(kFindingCount <= 64, "a set of them is a word");

}  // namespace gatewhy
