// SPDX-License-Identifier: Apache-2.0
// The status registry: what status codes mean, to the standards and to the
// vendors who use the same number for something else. statuses.def is the one
// place where that is written; reason phrases, explain, documents and man
// pages read it from here.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "diagnostics/cause.h"

namespace gatewhy {

enum class Standing : std::uint8_t {
  Standard,      // registered, in a current RFC of the standards track
  Temporary,     // registered for a draft, for a time
  Experimental,  // registered, in an experimental RFC
  Obsolete,      // registered, not to be used any more
  Reserved,      // registered so that nobody uses it
  Unofficial,    // in use, registered nowhere
  Retired,       // registered nowhere, and its owner has given it up
};

// Who says it.
enum class Emitter : std::uint8_t {
  Any,         // an origin, or a gateway on its own account
  Origin,      // an origin only
  Gateway,     // a proxy or gateway only
  LogOnly,     // nobody: it is written into logs and never sent
  ClientOnly,  // software on the client's machine, never sent over the wire
};

// What a client may do with a request that was answered so.
enum class ClientRetry : std::uint8_t {
  Nothing,        // it did not fail
  Follow,         // at the address in Location
  Changed,        // after changing it as the answer says
  Never,          // pointless until somebody acts
  Later,          // any method: the request was not acted on
  Idempotent,     // it may have been acted on
  NewConnection,  // at once
};

// One row of statuses.def. All strings have static storage.
struct StatusMeaning {
  std::uint16_t code;
  std::string_view name;
  std::string_view other_names;  // separated by "; ", may be empty
  std::string_view owner;        // "IETF", or the vendor
  std::string_view reference;    // RFC and section, or the vendor's product
  Standing standing;
  Emitter emitter;
  ClientRetry retry;
  bool cacheable;  // heuristically: without an explicit lifetime (RFC 9110 section 15.1)
  std::string_view meaning;
  std::string_view check_first;
  std::string_view note;  // may be empty
};

// The class of a code: its first digit (RFC 9110 section 15).
struct StatusClass {
  std::uint16_t digit;
  std::string_view name;
  std::string_view meaning;
};

// All constant tables, hence thread-safe.
[[nodiscard]] std::span<const StatusMeaning> allStatusMeanings() noexcept;  // by code
[[nodiscard]] std::span<const StatusClass> allStatusClasses() noexcept;
// Empty where the registry does not have the code.
[[nodiscard]] std::span<const StatusMeaning> meaningsOf(std::uint16_t code) noexcept;
// Null for a code outside 100 to 599.
[[nodiscard]] const StatusClass* statusClass(std::uint16_t code) noexcept;

// The meaning that gatewhy goes by where it uses the code itself: the
// registered one, else nginx's, else Cloudflare's, else the only one there
// is. Null for an unknown code and for one whose rivals have equal right.
[[nodiscard]] const StatusMeaning* ownMeaning(std::uint16_t code) noexcept;

// Every name of a meaning, the present one first.
[[nodiscard]] std::vector<std::string_view> namesOf(const StatusMeaning& meaning);

// The causes that use a code, out of the causes table.
struct StatusUse {
  std::vector<Cause> sent;      // sent to the client, profile extended
  std::vector<Cause> log_only;  // in the event instead of what was sent, or where nothing was
  std::vector<Cause> standard;  // sent or logged under profile standard
  [[nodiscard]] bool none() const noexcept { return sent.empty() && log_only.empty() && standard.empty(); }
};
[[nodiscard]] StatusUse statusUse(std::uint16_t code);

[[nodiscard]] std::string_view name(Standing standing) noexcept;   // "unofficial"
[[nodiscard]] std::string_view name(Emitter emitter) noexcept;     // "log_only"
[[nodiscard]] std::string_view name(ClientRetry retry) noexcept;   // "new_connection"
[[nodiscard]] std::string_view words(Emitter emitter) noexcept;    // for people
[[nodiscard]] std::string_view words(ClientRetry retry) noexcept;  // for people

}  // namespace gatewhy
