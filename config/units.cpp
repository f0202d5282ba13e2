// SPDX-License-Identifier: Apache-2.0
#include "config/units.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>
#include <span>

namespace gatewhy {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 4> kDurationUnits{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 4> kSizeUnits{{{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}}};
constexpr std::uint64_t kMaxMillis = 366ULL * 24 * 3'600'000;

constexpr std::string_view kDurationForms = "250ms, 5s, 2m, 1h or 0";
constexpr std::string_view kSizeForms = "16KiB, 1MiB or 0";

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

// nullopt = does not fit.
std::optional<std::uint64_t> digitsToNumber(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) {
      return std::nullopt;
    }
    value = value * 10 + digit;
  }
  return value;
}

std::string unitHint(std::string_view digits, std::string_view unit, bool size, std::string_view forms) {
  if (unit.empty()) {
    return fmt::format("'{}' has no unit; write {}, for instance", digits,
                       size ? fmt::format("{0}B or {0}KiB", digits) : fmt::format("{0}s or {0}ms", digits));
  }
  if (size) {
    const char first = unit.front();
    const std::string_view meant = first == 'k' || first == 'K'   ? "KiB"
                                   : first == 'm' || first == 'M' ? "MiB"
                                   : first == 'g' || first == 'G' ? "GiB"
                                                                  : "";
    if (!meant.empty() && unit.size() <= 3) {
      return fmt::format("'{}' is not a unit here; did you mean '{}{}'?", unit, digits, meant);
    }
  }
  if (unit.front() == '.' || unit.front() == ',') {
    return fmt::format("fractions are not accepted; use a smaller unit ({})", forms);
  }
  return fmt::format("'{}' is not a unit here; write it like {}", unit, forms);
}

Result<std::uint64_t, std::string> parseWithUnit(std::string_view text, std::span<const Unit> units, bool size,
                                                 std::uint64_t largest, std::string_view forms) {
  std::size_t count = 0;
  while (count < text.size() && isDigit(text[count])) {
    ++count;
  }
  if (count == 0) {
    return Failure{fmt::format("'{}' is not a {}; write it like {}", text, size ? "size" : "duration", forms)};
  }
  const std::string_view digits = text.substr(0, count);
  const std::string_view unit = text.substr(count);
  if (digits.size() > 1 && digits.front() == '0') {
    return Failure{fmt::format("'{}' has a leading zero", text)};
  }
  if (text == "0") {
    return std::uint64_t{0};
  }
  for (const Unit& known : units) {
    if (known.name == unit) {
      const auto number = digitsToNumber(digits);
      if (!number || *number > largest / known.factor) {
        return Failure{fmt::format("'{}' is too large", text)};
      }
      return *number * known.factor;
    }
  }
  return Failure{unitHint(digits, unit, size, forms)};
}

// The largest unit that divides the value.
std::string withUnit(std::uint64_t value, std::span<const Unit> units) {
  if (value == 0) {
    return "0";
  }
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) {
      best = &unit;
    }
  }
  return fmt::format("{}{}", value / best->factor, best->name);
}

}  // namespace

Result<std::chrono::milliseconds, std::string> parseDuration(std::string_view text) {
  const auto value = parseWithUnit(text, kDurationUnits, false, kMaxMillis, kDurationForms);
  if (!value) {
    return Failure{value.error()};
  }
  return std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(*value)};
}

Result<std::uint64_t, std::string> parseSize(std::string_view text) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return parseWithUnit(text, kSizeUnits, true, kLargest, kSizeForms);
}

Result<std::uint64_t, std::string> parseWholeNumber(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    const bool negative =
        text.size() > 1 && text.front() == '-' && text.find_first_not_of("0123456789", 1) == std::string_view::npos;
    return Failure{negative ? fmt::format("'{}' is negative", text) : fmt::format("'{}' is not a whole number", text)};
  }
  if (text.size() > 1 && text.front() == '0') {
    return Failure{fmt::format("'{}' has a leading zero", text)};
  }
  const auto value = digitsToNumber(text);
  if (!value) {
    return Failure{fmt::format("'{}' is too large", text)};
  }
  return *value;
}

Result<std::uint64_t, std::string> parsePercent(std::string_view text) {
  if (!text.ends_with('%')) {
    return Failure{fmt::format("'{}' is not a percentage; write it like 20%", text)};
  }
  return parseWholeNumber(text.substr(0, text.size() - 1));
}

std::string formatDuration(std::chrono::milliseconds duration) {
  return withUnit(static_cast<std::uint64_t>(duration.count()), kDurationUnits);
}

std::string formatSize(std::uint64_t bytes) {
  return withUnit(bytes, kSizeUnits);
}

}  // namespace gatewhy
