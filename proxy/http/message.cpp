// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/message.h"

#include <algorithm>
#include <array>

#include "proxy/http/octets.h"

namespace gatewhy {
namespace {

struct KnownField {
  std::string_view name;  // lower case
  FieldId id;
};

// Ordered by length, so that one look-up sees two or three candidates.
constexpr KnownField kKnownFields[] = {
    {"te", FieldId::Te},
    {"via", FieldId::Via},
    {"date", FieldId::Date},
    {"host", FieldId::Host},
    {"accept", FieldId::Accept},
    {"expect", FieldId::Expect},
    {"server", FieldId::Server},
    {"trailer", FieldId::Trailer},
    {"upgrade", FieldId::Upgrade},
    {"cdn-loop", FieldId::CdnLoop},
    {"location", FieldId::Location},
    {"forwarded", FieldId::Forwarded},
    {"connection", FieldId::Connection},
    {"keep-alive", FieldId::KeepAlive},
    {"user-agent", FieldId::UserAgent},
    {"retry-after", FieldId::RetryAfter},
    {"traceparent", FieldId::Traceparent},
    {"content-type", FieldId::ContentType},
    {"proxy-status", FieldId::ProxyStatus},
    {"x-request-id", FieldId::XRequestId},
    {"content-length", FieldId::ContentLength},
    {"x-forwarded-for", FieldId::XForwardedFor},
    {"proxy-connection", FieldId::ProxyConnection},
    {"x-forwarded-host", FieldId::XForwardedHost},
    {"sec-websocket-key", FieldId::SecWebSocketKey},
    {"transfer-encoding", FieldId::TransferEncoding},
    {"x-forwarded-proto", FieldId::XForwardedProto},
    {"proxy-authenticate", FieldId::ProxyAuthenticate},
    {"proxy-authorization", FieldId::ProxyAuthorization},
    {"sec-websocket-accept", FieldId::SecWebSocketAccept},
};
constexpr std::size_t kKnownCount = std::size(kKnownFields);
constexpr std::size_t kLongestKnown = kKnownFields[kKnownCount - 1].name.size();

static_assert(kKnownCount == static_cast<std::size_t>(FieldId::XRequestId), "one row per FieldId, Other excepted");

// kFirstOfLength[n]: first row whose name has at least n octets.
constexpr auto kFirstOfLength = [] {
  std::array<std::uint8_t, kLongestKnown + 2> first{};
  std::size_t row = 0;
  for (std::size_t length = 0; length < first.size(); ++length) {
    while (row < kKnownCount && kKnownFields[row].name.size() < length) {
      ++row;
    }
    first[length] = static_cast<std::uint8_t>(row);
  }
  return first;
}();

}  // namespace

FieldId fieldId(std::string_view name) noexcept {
  if (name.empty() || name.size() > kLongestKnown) {
    return FieldId::Other;
  }
  const char initial = octets::lower(name.front());
  for (std::size_t row = kFirstOfLength[name.size()]; row < kFirstOfLength[name.size() + 1]; ++row) {
    if (kKnownFields[row].name.front() == initial && equalsIgnoreCase(kKnownFields[row].name, name)) {
      return kKnownFields[row].id;
    }
  }
  return FieldId::Other;
}

bool equalsIgnoreCase(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t at = 0; at < a.size(); ++at) {
    // Equal, or letters that differ in the case bit alone.
    if (a[at] != b[at] && ((a[at] ^ b[at]) != 0x20 || octets::lower(a[at]) != octets::lower(b[at]))) {
      return false;
    }
  }
  return true;
}

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
