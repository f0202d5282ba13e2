// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/field_id.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

struct KnownField {
  std::string_view name;  // lower case
  FieldId id;
};

// Ordered by length: the longest is last.
constexpr KnownField kKnownFields[] = {
    {"te", FieldId::Te},
    {"age", FieldId::Age},
    {"via", FieldId::Via},
    {"date", FieldId::Date},
    {"etag", FieldId::Etag},
    {"host", FieldId::Host},
    {"allow", FieldId::Allow},
    {"range", FieldId::Range},
    {"accept", FieldId::Accept},
    {"cf-ray", FieldId::CfRay},
    {"expect", FieldId::Expect},
    {"server", FieldId::Server},
    {"expires", FieldId::Expires},
    {"trailer", FieldId::Trailer},
    {"upgrade", FieldId::Upgrade},
    {"cdn-loop", FieldId::CdnLoop},
    {"location", FieldId::Location},
    {"forwarded", FieldId::Forwarded},
    {"connection", FieldId::Connection},
    {"early-data", FieldId::EarlyData},
    {"keep-alive", FieldId::KeepAlive},
    {"set-cookie", FieldId::SetCookie},
    {"user-agent", FieldId::UserAgent},
    {"retry-after", FieldId::RetryAfter},
    {"traceparent", FieldId::Traceparent},
    {"content-type", FieldId::ContentType},
    {"max-forwards", FieldId::MaxForwards},
    {"proxy-status", FieldId::ProxyStatus},
    {"x-request-id", FieldId::XRequestId},
    {"cache-control", FieldId::CacheControl},
    {"authorization", FieldId::Authorization},
    {"content-range", FieldId::ContentRange},
    {"if-none-match", FieldId::IfNoneMatch},
    {"last-modified", FieldId::LastModified},
    {"content-length", FieldId::ContentLength},
    {"x-forwarded-for", FieldId::XForwardedFor},
    {"content-encoding", FieldId::ContentEncoding},
    {"content-location", FieldId::ContentLocation},
    {"proxy-connection", FieldId::ProxyConnection},
    {"www-authenticate", FieldId::WwwAuthenticate},
    {"x-forwarded-host", FieldId::XForwardedHost},
    {"if-modified-since", FieldId::IfModifiedSince},
    {"sec-websocket-key", FieldId::SecWebSocketKey},
    {"transfer-encoding", FieldId::TransferEncoding},
    {"x-forwarded-proto", FieldId::XForwardedProto},
    {"proxy-authenticate", FieldId::ProxyAuthenticate},
    {"proxy-authorization", FieldId::ProxyAuthorization},
    {"sec-websocket-accept", FieldId::SecWebSocketAccept},
};
constexpr std::size_t kKnownCount = std::size(kKnownFields);
constexpr std::size_t kLongestKnown = kKnownFields[kKnownCount - 1].name.size();

static_assert(kKnownCount == static_cast<std::size_t>(kLastFieldId), "one row per FieldId, Other excepted");
static_assert(kKnownCount < 64, "a set of them is a word");

static_assert(std::all_of(std::begin(kKnownFields), std::end(kKnownFields),
                          [](const KnownField& known) { return known.name.size() <= kLongestKnown; }));

constexpr std::uint8_t kNoRow = 0xFF;

// Length, first and last letter tell nearly all known names apart.
constexpr std::size_t placeOf(std::string_view name, std::size_t factor) {
  const auto letter = [](char c) { return static_cast<std::size_t>(static_cast<unsigned char>(c) & 0x1F); };
  return (name.size() * factor + letter(name.front()) * 5 + letter(name.back())) % 256;
}

struct Places {
  std::array<std::uint8_t, 256> rows{};
  std::size_t factor = 0;
  std::size_t moved = 0;  // names that had to go to a later place
};

constexpr Places placesFor(std::size_t factor) {
  Places places;
  places.factor = factor;
  places.rows.fill(kNoRow);
  for (std::size_t row = 0; row < kKnownCount; ++row) {
    std::size_t place = placeOf(kKnownFields[row].name, factor);
    for (; places.rows[place % places.rows.size()] != kNoRow; ++place) {
      ++places.moved;
    }
    places.rows[place % places.rows.size()] = static_cast<std::uint8_t>(row);
  }
  return places;
}

// The factor that moves fewest names, found by the compiler.
constexpr Places kPlaces = [] {
  Places best = placesFor(1);
  for (std::size_t factor = 2; factor < 64; ++factor) {
    const Places other = placesFor(factor);
    best = other.moved < best.moved ? other : best;
  }
  return best;
}();
static_assert(kPlaces.moved < 8);

constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::size_t kHalf = kWord / 2;

std::uint64_t eightAt(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, kWord);
  return word;
}

// Four to seven octets; those in the middle stand in it twice.
std::uint64_t upToSeven(std::string_view text) noexcept {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::memcpy(&first, text.data(), kHalf);
  std::memcpy(&last, text.data() + text.size() - kHalf, kHalf);
  return std::uint64_t{last} << 32 | first;
}

// False where eight octets differ in more than the case of letters. Some that
// do not are missed, where one of them is beyond ASCII.
bool eightSame(std::uint64_t left, std::uint64_t right) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  const std::uint64_t differs = left ^ right;
  if (differs == 0) {
    return true;
  }
  const std::uint64_t lower = left | (kOnes * 0x20);
  if ((differs & ~(kOnes * 0x20)) != 0 || (lower & kHighs) != 0) {
    return false;
  }
  // The high bit of each octet from 'a' on, and of each one behind 'z'.
  const std::uint64_t letters = (lower + kOnes * (0x80 - 'a')) & ~(lower + kOnes * (0x7F - 'z')) & kHighs;
  return ((differs << 2) & kHighs & ~letters) == 0;
}

}  // namespace

FieldId fieldId(std::string_view name) noexcept {
  if (name.empty() || name.size() > kLongestKnown) {
    return FieldId::Other;
  }
  for (std::size_t place = placeOf(name, kPlaces.factor);; ++place) {
    const std::uint8_t row = kPlaces.rows[place % kPlaces.rows.size()];
    if (row == kNoRow) {
      return FieldId::Other;
    }
    if (equalsIgnoreCase(kKnownFields[row].name, name)) {
      return kKnownFields[row].id;
    }
  }
}

std::string_view name(FieldId id) noexcept {
  const auto* row = std::find_if(std::begin(kKnownFields), std::end(kKnownFields),
                                 [id](const KnownField& known) { return known.id == id; });
  return row == std::end(kKnownFields) ? std::string_view() : row->name;
}

bool equalsIgnoreCase(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) {
    return false;
  }
  // Eight at a time as long as they are the same, or letters in another case;
  // the last eight overlap those before.
  if (a.size() >= kHalf && a.size() < kWord && eightSame(upToSeven(a), upToSeven(b))) {
    return true;
  }
  std::size_t at = 0;
  while (at + kWord <= a.size() && eightSame(eightAt(a.data() + at), eightAt(b.data() + at))) {
    at += kWord;
    const std::size_t left = a.size() - at;
    if (left != 0 && left < kWord) {
      at -= kWord - left;
    }
  }
  for (; at < a.size(); ++at) {
    // Equal, or letters that differ in the case bit alone.
    if (a[at] != b[at] && ((a[at] ^ b[at]) != 0x20 || octets::lower(a[at]) != octets::lower(b[at]))) {
      return false;
    }
  }
  return true;
}

}  // namespace gatewhy
