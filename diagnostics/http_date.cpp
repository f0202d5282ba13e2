// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/http_date.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace gatewhy {
namespace {

constexpr std::string_view kShape = "aaa, 00 aaa 0000 00:00:00 GMT";
constexpr std::string_view kWeekdays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

// Three letters' place in a list of such; its size where they are not there.
std::size_t indexIn(std::string_view list, std::string_view word) noexcept {
  std::size_t at = 0;
  while (at < list.size() && list.compare(at, word.size(), word) != 0) {
    at += word.size();
  }
  return at / word.size();
}

// Letters are judged by indexIn.
bool hasShape(std::string_view text) noexcept {
  for (std::size_t at = 0; at < kShape.size(); ++at) {
    const bool digit = text[at] >= '0' && text[at] <= '9';
    if (kShape[at] != 'a' && (kShape[at] == '0' ? !digit : text[at] != kShape[at])) {
      return false;
    }
  }
  return true;
}

unsigned decimalOf(std::string_view digits) noexcept {
  unsigned value = 0;
  for (const char digit : digits) {
    value = value * 10 + static_cast<unsigned>(digit - '0');
  }
  return value;
}

std::optional<std::chrono::sys_seconds> parse(std::string_view text) noexcept {
  if (!hasShape(text)) {
    return std::nullopt;
  }
  const std::size_t month = indexIn(kMonths, text.substr(8, 3));
  if (indexIn(kWeekdays, text.substr(0, 3)) == 7 || month == 12) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(decimalOf(text.substr(12, 4)))),
                                         std::chrono::month(static_cast<unsigned>(month) + 1),
                                         std::chrono::day(decimalOf(text.substr(5, 2)))};
  const unsigned hour = decimalOf(text.substr(17, 2));
  const unsigned minute = decimalOf(text.substr(20, 2));
  const unsigned second = decimalOf(text.substr(23, 2));
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

struct Parsed {
  std::array<char, kShape.size()> text{};
  std::optional<std::chrono::sys_seconds> date;
};

}  // namespace

// The same dates come again and again: an origin's Date for a second, a file's
// Last-Modified for as long as it does not change. Reading one anew costs
// twenty times what finding it here does.
std::optional<std::chrono::sys_seconds> parseHttpDate(std::string_view text) noexcept {
  constexpr std::size_t kKnown = 16;
  constexpr std::size_t kSecondsAt = 23;
  thread_local std::array<Parsed, kKnown> known;
  if (text.size() != kShape.size()) {
    return std::nullopt;
  }
  const auto seconds = static_cast<std::size_t>(static_cast<unsigned char>(text[kSecondsAt]) * 10 +
                                                static_cast<unsigned char>(text[kSecondsAt + 1]));
  Parsed& place = known[seconds % kKnown];
  if (text != std::string_view(place.text.data(), place.text.size())) {
    std::copy(text.begin(), text.end(), place.text.begin());
    place.date = parse(text);
  }
  return place.date;
}

}  // namespace gatewhy
