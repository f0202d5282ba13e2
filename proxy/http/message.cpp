// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/message.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace gatewhy {

const Field* Head::find(FieldId id) const noexcept {
  const auto found = std::find_if(fields.begin(), fields.end(), [id](const Field& field) { return field.id == id; });
  return found == fields.end() ? nullptr : &*found;
}

std::string_view Head::valueOf(FieldId id) const noexcept {
  const Field* field = find(id);
  return field == nullptr ? std::string_view() : value(*field);
}

std::size_t Head::count(FieldId id) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [id](const Field& field) { return field.id == id; }));
}

std::optional<std::uint32_t> RequestHead::maxForwards() const noexcept {
  if (method != Method::Options || !present.has(FieldId::MaxForwards)) {
    return std::nullopt;
  }
  const std::string_view digits = valueOf(FieldId::MaxForwards);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  std::uint32_t hops = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), hops);
  return read.ec == std::errc{} ? hops : std::numeric_limits<std::uint32_t>::max();
}

bool isIdempotent(Method method, std::string_view token) noexcept {
  switch (method) {
    case Method::Get:
    case Method::Head:
    case Method::Put:
    case Method::Delete:
    case Method::Options:
    case Method::Trace:
      return true;
    case Method::Post:
    case Method::Patch:
    case Method::Connect:
      return false;
    case Method::Other:
      // Registered with IANA as safe (RFC 4918, RFC 3253, RFC 5323).
      return token == "PROPFIND" || token == "REPORT" || token == "SEARCH";
  }
  return false;
}

}  // namespace gatewhy
