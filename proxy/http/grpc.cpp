// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/grpc.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace gatewhy {
namespace {

constexpr std::string_view kGrpcStatusField = "grpc-status";
constexpr std::string_view kGrpcMessageField = "grpc-message";

bool startsWithIgnoringCase(std::string_view text, std::string_view beginning) {
  return equalsIgnoreCase(text.substr(0, beginning.size()), beginning);
}

std::string_view valueNamed(const Head& head, std::string_view name) {
  const auto found = std::find_if(head.fields.begin(), head.fields.end(), [&](const Field& field) {
    return field.id == FieldId::Other && equalsIgnoreCase(head.name(field), name);
  });
  return found == head.fields.end() ? std::string_view() : head.value(*found);
}

std::optional<std::uint32_t> grpcNumber(std::string_view digits) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole ? std::optional(number) : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Nanoseconds of a unit; 0: it is none.
std::int64_t nanosecondsOf(char unit) {
  switch (unit) {
    case 'H':
      return std::chrono::nanoseconds(std::chrono::hours(1)).count();
    case 'M':
      return std::chrono::nanoseconds(std::chrono::minutes(1)).count();
    case 'S':
      return std::chrono::nanoseconds(std::chrono::seconds(1)).count();
    case 'm':
      return std::chrono::nanoseconds(std::chrono::milliseconds(1)).count();
    case 'u':
      return std::chrono::nanoseconds(std::chrono::microseconds(1)).count();
    case 'n':
      return 1;
    default:
      return 0;
  }
}

}  // namespace

GrpcKind grpcKind(std::string_view content_type) noexcept {
  constexpr std::string_view kNative = "application/grpc";
  constexpr std::string_view kWebEnding = "-web";
  if (!startsWithIgnoringCase(content_type, kNative)) {
    return GrpcKind::None;
  }
  std::string_view rest = content_type.substr(kNative.size());
  const bool web = startsWithIgnoringCase(rest, kWebEnding);
  if (web) {
    rest.remove_prefix(kWebEnding.size());
    constexpr std::string_view kText = "-text";
    rest.remove_prefix(startsWithIgnoringCase(rest, kText) ? kText.size() : 0);
  }
  const bool ends = rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
  return !ends ? GrpcKind::None : web ? GrpcKind::Web : GrpcKind::Native;
}

std::optional<std::chrono::milliseconds> parseGrpcTimeout(std::string_view value) noexcept {
  constexpr std::size_t kMostDigits = 8;
  if (value.size() < 2 || value.size() > kMostDigits + 1) {
    return std::nullopt;
  }
  const auto number = grpcNumber(value.substr(0, value.size() - 1));
  const std::int64_t unit = nanosecondsOf(value.back());
  if (!number || unit == 0) {
    return std::nullopt;
  }
  constexpr std::int64_t kMilli = 1'000'000;
  // Eight digits of hours are too many nanoseconds, and whole milliseconds anyway.
  const std::int64_t ms = unit >= kMilli ? *number * (unit / kMilli) : (*number * unit + kMilli - 1) / kMilli;
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return std::chrono::milliseconds(std::min(ms, kMost));
}

std::optional<std::chrono::milliseconds> grpcTimeoutOf(const RequestHead& head) noexcept {
  return parseGrpcTimeout(valueNamed(head, "grpc-timeout"));
}

GrpcEnd grpcEndOf(const ResponseHead& head) noexcept {
  return {.status = grpcNumber(valueNamed(head, kGrpcStatusField)), .message = valueNamed(head, kGrpcMessageField)};
}

GrpcEnd grpcEndOf(std::string_view trailers) noexcept {
  GrpcEnd end;
  while (!trailers.empty()) {
    const std::size_t size = std::min(trailers.find("\r\n"), trailers.size());
    const std::string_view line = trailers.substr(0, size);
    trailers.remove_prefix(std::min(size + 2, trailers.size()));
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view value = trimmed(line.substr(std::min(colon + 1, line.size())));
    if (equalsIgnoreCase(line.substr(0, colon), kGrpcStatusField)) {
      end.status = grpcNumber(value);
    } else if (equalsIgnoreCase(line.substr(0, colon), kGrpcMessageField)) {
      end.message = value;
    }
  }
  return end;
}

}  // namespace gatewhy
