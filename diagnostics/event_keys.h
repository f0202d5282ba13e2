// SPDX-License-Identifier: Apache-2.0
// The keys of the log event as data: event_keys.def and evidence_keys.def.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gatewhy {

enum class KeySection : std::uint8_t { Exchange, Try, Timings, Diagnosis, Lifecycle, Evidence };

enum class KeyType : std::uint8_t {
  String,
  Integer,
  Number,
  Boolean,
  StringList,
  Object,
  ObjectList,
  // One of a fixed set of words, or a list of them.
  Timestamp,
  Severity,
  ExchangeName,
  LifecycleName,
  Outcome,
  GeneratedBy,
  Cause,
  Phase,
  Blame,
  ProxyError,
  Retry,
  FindingList,
  // An object with a section of its own.
  Timings,
  Diagnosis,
  Evidence,
  TryList,
};

enum class KeyPresence : std::uint8_t { Always, Known };

struct KeyRow {
  std::string_view path;  // "http.request.method"
  KeyType type = KeyType::String;
  KeyPresence presence = KeyPresence::Known;
  std::string_view text;
};

// In the order in which they are documented. Static storage.
[[nodiscard]] std::span<const KeyRow> eventKeys(KeySection section) noexcept;

// The words that a key of this type can have; empty where any text, number or
// object can stand.
[[nodiscard]] std::vector<std::string_view> wordsOf(KeyType type);

}  // namespace gatewhy
