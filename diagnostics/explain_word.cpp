// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/explain_word.h"

#include <fmt/format.h>
#include <iterator>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <set>

#include "diagnostics/cause.h"
#include "diagnostics/cause_id.h"
#include "diagnostics/explain.h"
#include "diagnostics/explain_search.h"
#include "diagnostics/findings.h"
#include "diagnostics/foreign_terms.h"
#include "diagnostics/nearest.h"
#include "diagnostics/octets.h"
#include "diagnostics/reason_phrase.h"
#include "diagnostics/status_registry.h"

namespace gatewhy {
namespace {

// ---- causes ---------------------------------------------------------------

std::vector<Explanation> findCause(std::string_view word, const ExplainStyle& style) {
  if (word.starts_with(kProblemTypePrefix)) {
    word.remove_prefix(kProblemTypePrefix.size());
  }
  const auto cause = causeByName(foldedWord(word));
  if (!cause) {
    return {};
  }
  return {{explainCause(*cause, style), causeJson(*cause)}};
}

std::vector<NearWord> nearCauses(std::string_view word) {
  std::vector<NearWord> near;
  for (const CauseInfo& row : allCauses()) {
    if (const auto distance = typingDistance(word, row.name)) {
      near.push_back({*distance, std::string(row.name)});
    }
  }
  return near;
}

// ---- statuses -------------------------------------------------------------

// "502", and the number at the start of "502 Bad Gateway"; 0 for others.
std::uint16_t leadingCode(std::string_view word) {
  std::uint16_t code = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), code);
  const auto digits = static_cast<std::size_t>(end - word.data());
  return error == std::errc() && digits == 3 && (digits == word.size() || word[digits] == ' ') ? code : 0;
}

// A cause's own name means the cause alone: client_closed_request, although
// 499 is called that in nginx.
std::vector<std::uint16_t> codesNamed(std::string_view word) {
  if (causeByName(word)) {
    return {};
  }
  const std::string wanted = foldedWord(word);
  std::vector<std::uint16_t> codes;
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    for (const std::string_view name : namesOf(meaning)) {
      if (foldedWord(name) == wanted && (codes.empty() || codes.back() != meaning.code)) {
        codes.push_back(meaning.code);
      }
    }
  }
  return codes;
}

std::vector<Explanation> findStatus(std::string_view word, const ExplainStyle& style) {
  if (word.size() == 3 && foldedWord(word.substr(1)) == "xx" && word[0] >= '1' && word[0] <= '5') {
    const auto digit = static_cast<std::uint16_t>(word[0] - '0');
    return {{explainStatusClass(digit, style), statusClassJson(digit)}};
  }
  std::vector<std::uint16_t> codes = codesNamed(word);
  if (const std::uint16_t code = leadingCode(word); code != 0 && !meaningsOf(code).empty()) {
    codes = {code};
  }
  std::vector<Explanation> found;
  found.reserve(codes.size());
  for (const std::uint16_t code : codes) {
    found.push_back({explainStatus(code, style), statusJson(code)});
  }
  return found;
}

// A digit too many, too few, wrong or swapped; then the neighbours by value.
std::vector<NearWord> nearCodes(std::string_view digits) {
  constexpr std::size_t kLongestNumber = 6;
  constexpr int kNeighbour = 5;
  std::vector<NearWord> near;
  if (digits.size() > kLongestNumber) {
    return near;
  }
  const int value = std::atoi(std::string(digits).c_str());
  std::uint16_t previous = 0;
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    if (meaning.code == previous) {
      continue;
    }
    previous = meaning.code;
    const std::string candidate = fmt::format("{}", meaning.code);
    const bool begins = candidate.starts_with(digits) || digits.starts_with(candidate);
    const int away = std::abs(value - meaning.code);
    if (begins && digits.size() > 1) {
      near.push_back({0, candidate});
    } else if (digits.size() == candidate.size() && away <= kNeighbour) {
      near.push_back({static_cast<std::size_t>(away), candidate});
    } else if (editDistance(digits, candidate) <= 1) {
      near.push_back({kNeighbour + 1, candidate});
    }
  }
  return near;
}

std::vector<NearWord> nearStatuses(std::string_view word) {
  if (!word.empty() && std::ranges::all_of(word, octets::isDigit)) {
    return nearCodes(word);
  }
  std::vector<NearWord> near;
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    for (const std::string_view name : namesOf(meaning)) {
      if (const auto distance = typingDistance(word, name)) {
        near.push_back({*distance, fmt::format("{} {}", meaning.code, name)});
      }
    }
  }
  return near;
}

// ---- findings -------------------------------------------------------------

std::vector<Explanation> findFinding(std::string_view word, const ExplainStyle& style) {
  const auto finding = findingById(foldedWord(word));
  if (!finding) {
    return {};
  }
  return {{explainFinding(*finding, style), findingJson(*finding)}};
}

std::vector<NearWord> nearFindings(std::string_view word) {
  std::vector<NearWord> near;
  for (const FindingInfo& row : allFindings()) {
    if (const auto distance = typingDistance(word, row.id)) {
      near.push_back({*distance, std::string(row.id)});
    }
  }
  return near;
}

// ---- statuses of gRPC -----------------------------------------------------

// "UNAVAILABLE"; in any case, or by number, behind "grpc" or "grpc-status:". Some
// names are an HTTP status's too, in lower case.
std::vector<Explanation> findGrpcStatus(std::string_view word, const ExplainStyle& style) {
  std::string wanted = foldedWord(word);
  constexpr std::string_view kPrefix = "grpc", kField = "grpc_status";
  const bool named = wanted.starts_with(kPrefix);
  if (named) {
    const std::size_t prefix = wanted.starts_with(kField) ? kField.size() : kPrefix.size();
    wanted.erase(0, std::min(wanted.find_first_not_of("_:", prefix), wanted.size()));
  }
  for (const GrpcStatusInfo& row : allGrpcStatuses()) {
    const bool meant =
        named && (wanted == foldedWord(row.name) || wanted == std::to_string(static_cast<int>(row.status)));
    if (meant || word == row.name) {
      return {{explainGrpcStatus(row.status, style), grpcStatusJson(row.status)}};
    }
  }
  return {};
}

std::vector<NearWord> nearGrpcStatuses(std::string_view word) {
  std::vector<NearWord> near;
  for (const GrpcStatusInfo& row : allGrpcStatuses()) {
    if (const auto distance = typingDistance(word, row.name)) {
      near.push_back({*distance, std::string(row.name)});
    }
  }
  return near;
}

constexpr auto kTables = std::to_array<ExplainTable>({
    {"causes", "Causes", findCause, causesTable, causesJson, nearCauses},
    {"statuses", "Status codes", findStatus, statusesTable, statusesJson, nearStatuses},
    {"findings", "Findings of the response lint", findFinding, findingsTable, findingsJson, nearFindings},
    {"grpc_statuses", "Status codes of gRPC", findGrpcStatus, grpcStatusesTable, grpcStatusesJson, nearGrpcStatuses},
    {"errnos", "Error numbers", findErrno, errnosTable, errnosJson, nearErrnos},
    {"proxy_words", "Words of other proxies", findProxyWord, proxyWordsTable, proxyWordsJson, nearProxyWords},
});

std::vector<std::string> nearest(std::string_view word) {
  constexpr std::size_t kShown = 5;
  std::vector<NearWord> near;
  for (const ExplainTable& table : kTables) {
    std::ranges::move(table.near(word), std::back_inserter(near));
  }
  std::ranges::stable_sort(near, {}, &NearWord::distance);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < near.size() && i < kShown; ++i) {
    words.push_back(near[i].word);
  }
  return words;
}

// The words of which names are made: "timout" is near no name, but "timeout"
// is part of many.
std::vector<std::string> nearestParts(std::string_view word) {
  constexpr std::size_t kShortestPart = 4;
  constexpr std::size_t kShown = 3;
  std::set<std::string, std::less<>> parts;
  const auto add = [&](std::string_view name) {
    const std::string folded = foldedWord(name);
    for (std::size_t from = 0; from < folded.size();) {
      const std::size_t end = std::min(folded.find('_', from), folded.size());
      if (end - from >= kShortestPart) {
        parts.insert(folded.substr(from, end - from));
      }
      from = end + 1;
    }
  };
  for (const CauseInfo& row : allCauses()) {
    add(row.name);
  }
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    add(meaning.name);
  }
  for (const FindingInfo& row : allFindings()) {
    add(row.id);
  }
  const auto near = nearestWords(word, std::vector<std::string_view>(parts.begin(), parts.end()), kShown);
  return {near.begin(), near.end()};
}

}  // namespace

std::span<const ExplainTable> explainTables() noexcept {
  return kTables;
}

Result<Explanation, std::vector<std::string>> explainWord(std::string_view word, const ExplainStyle& style) {
  std::vector<Explanation> found;
  for (const ExplainTable& table : kTables) {
    std::ranges::move(table.find(word, style), std::back_inserter(found));
  }
  if (found.empty()) {
    if (auto listed = searchFragment(word, SearchIn::Names, style)) {
      return *std::move(listed);
    }
    std::vector<std::string> near = nearest(word);
    auto listed = near.empty() ? searchFragment(word, SearchIn::Sentences, style) : std::nullopt;
    if (listed) {
      return *std::move(listed);
    }
    return Failure{near.empty() ? nearestParts(word) : std::move(near)};
  }
  Explanation all = std::move(found.front());
  for (std::size_t i = 1; i < found.size(); ++i) {
    all.text += '\n' + found[i].text;
    all.json += ",\n" + found[i].json;
  }
  if (found.size() > 1) {
    all.json = "[\n" + all.json + "\n]";
  }
  return all;
}

Explanation explainEverything(const ExplainStyle& style) {
  Explanation all;
  for (const ExplainTable& table : kTables) {
    all.text += fmt::format("{}{}\n\n{}", all.text.empty() ? "" : "\n\n", bold(table.title, style), table.list(style));
    all.json += fmt::format("{}\"{}\":{}", all.json.empty() ? "{" : ",\n", table.plural, table.json());
  }
  all.json += '}';
  return all;
}

std::string unregisteredCode(std::string_view word) {
  const std::uint16_t code = leadingCode(word);
  const StatusClass* known = statusClass(code);
  if (known == nullptr || !meaningsOf(code).empty()) {
    return {};
  }
  const auto general = static_cast<std::uint16_t>(known->digit * 100);
  return fmt::format("{} is not registered; a client treats it as {} {} (RFC 9110 section 15)", code, general,
                     reasonPhrase(general));
}

}  // namespace gatewhy
