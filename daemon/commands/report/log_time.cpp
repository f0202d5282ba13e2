// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/report/log_time.h"

#include <fmt/format.h>

#include <chrono>

#include "config/units.h"

namespace gatewhy {
namespace {

// Digits at [at, at + count); -1 where they are none.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') {
      return -1;
    }
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::optional<std::int64_t> dayOf(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
    return std::nullopt;
  }
  const int y = digits(text, 0, 4);
  const int m = digits(text, 5, 2);
  const int d = digits(text, 8, 2);
  if (y < 0 || m < 0 || d < 0) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(y), std::chrono::month(static_cast<unsigned>(m)),
                                         std::chrono::day(static_cast<unsigned>(d))};
  if (!date.ok()) {
    return std::nullopt;
  }
  return std::chrono::sys_seconds(std::chrono::sys_days(date)).time_since_epoch().count();
}

}  // namespace

std::optional<std::int64_t> parseLogTime(std::string_view text) {
  if (text.size() < 20 || (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':' ||
      (text.back() != 'Z' && text.back() != 'z')) {
    return std::nullopt;
  }
  const auto date = dayOf(text.substr(0, 10));
  const int hour = digits(text, 11, 2);
  const int minute = digits(text, 14, 2);
  const int second = digits(text, 17, 2);
  const bool fraction = text.size() == 20 ||
                        (text[19] == '.' && text.size() > 21 &&
                         text.substr(20, text.size() - 21).find_first_not_of("0123456789") == std::string_view::npos);
  if (!date || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 || !fraction) {
    return std::nullopt;
  }
  return *date + hour * 3600L + minute * 60L + second;
}

std::string logTimeText(std::int64_t second) {
  const std::chrono::sys_seconds when{std::chrono::seconds(second)};
  const auto midnight = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date{midnight};
  const std::int64_t rest = (when - midnight).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3600,
                     rest / 60 % 60, rest % 60);
}

Result<std::int64_t, std::string> parseMoment(std::string_view text, std::int64_t now) {
  if (const auto time = parseLogTime(text)) {
    return *time;
  }
  if (const auto date = dayOf(text)) {
    return *date;
  }
  if (const auto ago = parseDuration(text)) {
    return now - std::chrono::duration_cast<std::chrono::seconds>(*ago).count();
  }
  return Failure{fmt::format(
      "cannot read '{}' as a time; write 2026-01-31T23:59:59Z, 2026-01-31, or how long ago: 90m, 12h", text)};
}

std::string spanText(std::int64_t span) {
  const auto count = static_cast<double>(span);
  if (span < 120) {
    return fmt::format("{} s", span);
  }
  if (span < 2L * 3600) {
    return fmt::format("{:.0f} min", count / 60);
  }
  return span < 2L * 86400 ? fmt::format("{:.1f} h", count / 3600) : fmt::format("{:.1f} days", count / 86400);
}

}  // namespace gatewhy
