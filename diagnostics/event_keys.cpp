// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/event_keys.h"

#include <algorithm>
#include <array>

#include "diagnostics/cause.h"
#include "diagnostics/findings.h"

namespace gatewhy {
namespace {

struct SectionRow {
  KeySection section;
  KeyRow row;
};

constexpr auto kSectionRows = std::to_array<SectionRow>({
#define EVENT_KEY(section, path, type, presence, text) \
  {KeySection::section, {path, KeyType::type, KeyPresence::presence, text}},
#include "diagnostics/event_keys.def"
#undef EVENT_KEY
});

template <KeySection section>
constexpr auto rowsOf() {
  constexpr auto kCount = static_cast<std::size_t>(std::count_if(
      kSectionRows.begin(), kSectionRows.end(), [](const SectionRow& row) { return row.section == section; }));
  std::array<KeyRow, kCount> rows{};
  std::size_t n = 0;
  for (const SectionRow& row : kSectionRows) {
    if (row.section == section) {
      rows[n++] = row.row;
    }
  }
  return rows;
}

constexpr auto kExchange = rowsOf<KeySection::Exchange>();
constexpr auto kTry = rowsOf<KeySection::Try>();
constexpr auto kTimings = rowsOf<KeySection::Timings>();
constexpr auto kDiagnosis = rowsOf<KeySection::Diagnosis>();
constexpr auto kLifecycle = rowsOf<KeySection::Lifecycle>();
constexpr auto kEvidence = std::to_array<KeyRow>({
#define EVIDENCE_KEY(path, type, text) {path, KeyType::type, KeyPresence::Known, text},
#include "diagnostics/evidence_keys.def"
#undef EVIDENCE_KEY
});

// The names of an enumeration whose values run from 0 to `last`, without the
// empty ones.
template <typename Enum>
std::vector<std::string_view> namesUpTo(Enum last) {
  std::vector<std::string_view> names;
  for (unsigned i = 0; i <= static_cast<unsigned>(last); ++i) {
    if (const std::string_view word = name(static_cast<Enum>(i)); !word.empty()) {
      names.push_back(word);
    }
  }
  return names;
}

}  // namespace

std::span<const KeyRow> eventKeys(KeySection section) noexcept {
  switch (section) {
    case KeySection::Exchange:
      return kExchange;
    case KeySection::Try:
      return kTry;
    case KeySection::Timings:
      return kTimings;
    case KeySection::Diagnosis:
      return kDiagnosis;
    case KeySection::Lifecycle:
      return kLifecycle;
    case KeySection::Evidence:
      return kEvidence;
  }
  return {};
}

std::vector<std::string_view> wordsOf(KeyType type) {
  switch (type) {
    case KeyType::Severity:
      return {"DEBUG", "INFO", "WARN", "ERROR"};
    case KeyType::ExchangeName:
      return {"exchange"};
    case KeyType::LifecycleName:
      return {"start", "stop", "reload", "renewal", "drain", "health", "eject", "hosts", "heartbeat", "message"};
    case KeyType::Outcome:
      return {"success", "failure", "aborted"};
    case KeyType::GeneratedBy:
      return {"origin", "proxy"};
    case KeyType::Cause:
      return namesUpTo(static_cast<Cause>(kCauseCount - 1));
    case KeyType::Phase:
      return namesUpTo(Phase::Internal);
    case KeyType::Blame:
      return namesUpTo(Blame::Nobody);
    case KeyType::ProxyError:
      return namesUpTo(ProxyError::ProxyLoopDetected);
    case KeyType::Retry:
      return namesUpTo(Retry::IdempotentOnly);
    case KeyType::FindingList:
      return namesUpTo(static_cast<Finding>(kFindingCount - 1));
    case KeyType::String:
    case KeyType::Integer:
    case KeyType::Number:
    case KeyType::Boolean:
    case KeyType::StringList:
    case KeyType::Object:
    case KeyType::ObjectList:
    case KeyType::Timestamp:
    case KeyType::Timings:
    case KeyType::Diagnosis:
    case KeyType::Evidence:
    case KeyType::TryList:
      return {};
  }
  return {};
}

}  // namespace gatewhy
