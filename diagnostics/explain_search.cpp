// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/explain_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "diagnostics/explain.h"
#include "diagnostics/foreign_terms.h"
#include "diagnostics/json_writer.h"
#include "diagnostics/nearest.h"
#include "diagnostics/status_registry.h"

namespace gatewhy {
namespace {

struct Hit {
  std::string name;
  std::string text;
};

struct HitGroup {
  std::string_view title;
  std::string_view key;  // in the JSON
  std::vector<Hit> hits;
};

class FragmentSearch {
 public:
  FragmentSearch(std::string_view fragment, SearchIn where) : fragment_(foldedWord(fragment)), where_(where) {}

  [[nodiscard]] bool has(std::string_view name, std::string_view sentence) const {
    return foldedWord(where_ == SearchIn::Names ? name : sentence).find(fragment_) != std::string::npos;
  }

 private:
  std::string fragment_;
  SearchIn where_;
};

HitGroup causeHits(const FragmentSearch& search) {
  HitGroup group{"Causes", "causes", {}};
  for (const CauseInfo& row : allCauses()) {
    if (search.has(row.name, row.seen)) {
      group.hits.push_back({std::string(row.name), std::string(row.seen)});
    }
  }
  return group;
}

HitGroup statusHits(const FragmentSearch& search) {
  HitGroup group{"Status codes", "statuses", {}};
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    const auto names = namesOf(meaning);
    if (std::any_of(names.begin(), names.end(),
                    [&](std::string_view name) { return search.has(name, meaning.meaning); })) {
      group.hits.push_back({fmt::format("{} {}", meaning.code, meaning.name), std::string(meaning.meaning)});
    }
  }
  return group;
}

HitGroup findingHits(const FragmentSearch& search) {
  HitGroup group{"Findings", "findings", {}};
  for (const FindingInfo& row : allFindings()) {
    if (search.has(row.id, row.seen)) {
      group.hits.push_back({std::string(row.id), std::string(row.seen)});
    }
  }
  return group;
}

HitGroup errnoHits(const FragmentSearch& search) {
  HitGroup group{"Error numbers", "errnos", {}};
  for (const ErrnoWord& row : allErrnoWords()) {
    if (search.has(row.name, row.meaning)) {
      group.hits.push_back({std::string(row.name), std::string(row.meaning)});
    }
  }
  return group;
}

HitGroup proxyWordHits(const FragmentSearch& search) {
  HitGroup group{"Words of other proxies", "proxy_words", {}};
  for (const ProxyWord& row : allProxyWords()) {
    // Two letters are found by their whole name only.
    if (row.word.size() > 2 && search.has(row.word, row.meaning)) {
      group.hits.push_back({std::string(row.word), fmt::format("{}: {}", row.product, row.causes)});
    }
  }
  return group;
}

std::string textOf(std::string_view fragment, const std::vector<HitGroup>& groups, const ExplainStyle& style) {
  constexpr std::size_t kColumn = 36;
  const std::size_t room = std::max<std::size_t>(style.width, kColumn + 24) - kColumn - 2;
  std::string out;
  for (const HitGroup& group : groups) {
    if (group.hits.empty()) {
      continue;
    }
    out += fmt::format("{}{} with '{}'\n", out.empty() ? "" : "\n", bold(group.title, style), fragment);
    for (const Hit& hit : group.hits) {
      if (hit.name.size() + 4 > kColumn) {  // the whole name, to be pasted
        out += fmt::format("  {}\n  {:<{}}{}\n", hit.name, "", kColumn, cutText(hit.text, room));
      } else {
        out += fmt::format("  {:<{}}{}\n", hit.name, kColumn, cutText(hit.text, room));
      }
    }
  }
  return out + "\n`gatewhy explain NAME` says more about one of them.\n";
}

std::string jsonOf(std::string_view fragment, const std::vector<HitGroup>& groups) {
  std::string out;
  JsonWriter json(out);
  json.beginObject();
  json.member("search", fragment);
  for (const HitGroup& group : groups) {
    json.beginArray(group.key);
    for (const Hit& hit : group.hits) {
      json.string(hit.name);
    }
    json.endArray();
  }
  json.endObject();
  return out;
}

}  // namespace

std::optional<Explanation> searchFragment(std::string_view fragment, SearchIn where, const ExplainStyle& style) {
  constexpr std::size_t kShortest = 3;
  constexpr std::size_t kLongest = 80;
  const bool number = std::ranges::all_of(fragment, [](char c) { return c >= '0' && c <= '9'; });
  if (fragment.size() < kShortest || fragment.size() > kLongest || number) {
    return std::nullopt;
  }
  const FragmentSearch search(fragment, where);
  const std::vector<HitGroup> groups{causeHits(search), statusHits(search), findingHits(search), errnoHits(search),
                                     proxyWordHits(search)};
  std::size_t hits = 0;
  for (const HitGroup& group : groups) {
    hits += group.hits.size();
  }
  if (hits == 0) {
    return std::nullopt;
  }
  if (hits == 1 && groups.front().hits.size() == 1) {
    const Cause only = *causeByName(groups.front().hits.front().name);
    return Explanation{explainCause(only, style), causeJson(only)};
  }
  return Explanation{textOf(fragment, groups, style), jsonOf(fragment, groups)};
}

}  // namespace gatewhy
