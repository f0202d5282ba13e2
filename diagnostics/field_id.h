// SPDX-License-Identifier: Apache-2.0
// The header fields that gatewhy looks at, as numbers: the parsers name each
// field once, and everything behind them compares numbers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace gatewhy {

// Alphabetical; the names are in field_id.cpp. At most 63, so that a set of
// them is a word.
enum class FieldId : std::uint8_t {
  Other,
  Accept,
  Age,
  Allow,
  Authorization,
  CacheControl,
  CdnLoop,
  CfRay,
  Connection,
  ContentEncoding,
  ContentLength,
  ContentLocation,
  ContentRange,
  ContentType,
  Date,
  EarlyData,
  Etag,
  Expect,
  Expires,
  Forwarded,
  Host,
  IfModifiedSince,
  IfNoneMatch,
  KeepAlive,
  LastModified,
  Location,
  MaxForwards,
  ProxyAuthenticate,
  ProxyAuthorization,
  ProxyConnection,
  ProxyStatus,
  Range,
  RetryAfter,
  SecWebSocketAccept,
  SecWebSocketKey,
  Server,
  SetCookie,
  Te,
  Traceparent,
  Trailer,
  TransferEncoding,
  Upgrade,
  UserAgent,
  Via,
  WwwAuthenticate,
  XForwardedFor,
  XForwardedHost,
  XForwardedProto,
  XRequestId,
};
inline constexpr FieldId kLastFieldId = FieldId::XRequestId;

// A set of field ids in one word.
class FieldSet {
 public:
  constexpr FieldSet() = default;
  constexpr FieldSet(std::initializer_list<FieldId> ids) {
    for (const FieldId id : ids) {
      add(id);
    }
  }
  constexpr void add(FieldId id) { bits_ |= bit(id); }
  constexpr FieldSet& operator|=(FieldSet other) {
    bits_ |= other.bits_;
    return *this;
  }
  [[nodiscard]] constexpr bool has(FieldId id) const { return (bits_ & bit(id)) != 0; }

 private:
  static constexpr std::uint64_t bit(FieldId id) { return std::uint64_t{1} << static_cast<unsigned>(id); }
  std::uint64_t bits_ = 0;
};

// Case-insensitive (RFC 9110 section 5.1); Other for any other name.
[[nodiscard]] FieldId fieldId(std::string_view name) noexcept;

// Lower case, static storage; "" for Other.
[[nodiscard]] std::string_view name(FieldId id) noexcept;

[[nodiscard]] bool equalsIgnoreCase(std::string_view a, std::string_view b) noexcept;

}  // namespace gatewhy
