// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/message.h"

#include <algorithm>

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
