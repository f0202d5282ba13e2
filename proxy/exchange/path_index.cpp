// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/path_index.h"

#include <re2/re2.h>

#include <algorithm>

#include "config/path_readings.h"

namespace gatewhy {
namespace {

// Whether `path` with a '/' behind it sorts before `prefix`.
bool isBefore(std::string_view path, std::string_view prefix) noexcept {
  const int order = path.compare(prefix.substr(0, path.size()));
  if (order != 0 || prefix.size() <= path.size()) {
    return order < 0;
  }
  const auto next = static_cast<unsigned char>(prefix[path.size()]);
  return next == '/' ? prefix.size() > path.size() + 1 : next > '/';
}

re2::StringPiece pieceOf(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

void PathIndex::Leads::add(const RouteConfig& route, std::uint32_t index) {
  if (first != kNone) {
    return;  // never reached
  }
  if (route.match.empty()) {
    first = index;
  } else {
    conditional.push_back(index);
  }
}

std::uint32_t PathIndex::Leads::find(std::uint32_t best, const Holds& holds) const {
  for (const std::uint32_t index : conditional) {
    if (index >= best) {
      return best;
    }
    if (holds(index)) {
      return index;
    }
  }
  return std::min(best, first);
}

void PathIndex::add(const RouteConfig& route, std::uint32_t index) {
  lowest_ = std::min(lowest_, index);
  if (route.path_match == PathMatch::Regex) {
    expressions_.push_back({.pattern = route.regex, .route = index, .conditions = !route.match.empty()});
    return;
  }
  std::string text = comparablePath(route.path);
  if (route.path_match == PathMatch::Exact) {
    exact_[std::move(text)].add(route, index);
    return;
  }
  if (!text.empty() && text.back() != '/') {
    text.push_back('/');
  }
  prefixes_.push_back({.text = std::move(text), .leads = {}, .parent = kNone, .lowest = kNone, .conditions = false});
  prefixes_.back().leads.add(route, index);
}

void PathIndex::seal() {
  // Stable: routes of one prefix stay in their order, and become one entry.
  std::stable_sort(prefixes_.begin(), prefixes_.end(),
                   [](const Prefix& a, const Prefix& b) { return a.text < b.text; });
  std::vector<Prefix> merged;
  for (Prefix& prefix : prefixes_) {
    if (merged.empty() || merged.back().text != prefix.text) {
      merged.push_back(std::move(prefix));
      continue;
    }
    Leads& leads = merged.back().leads;
    if (leads.first == kNone) {
      leads.conditional.insert(leads.conditional.end(), prefix.leads.conditional.begin(),
                               prefix.leads.conditional.end());
      leads.first = prefix.leads.first;
    }
  }
  merged.shrink_to_fit();
  prefixes_ = std::move(merged);
  // In this order every prefix stands behind all those that it begins with.
  for (std::uint32_t i = 0; i < prefixes_.size(); ++i) {
    Prefix& prefix = prefixes_[i];
    std::uint32_t parent = i == 0 ? kNone : i - 1;
    while (parent != kNone && !prefix.text.starts_with(prefixes_[parent].text)) {
      parent = prefixes_[parent].parent;
    }
    prefix.parent = parent;
    prefix.lowest = prefix.leads.first;
    prefix.conditions = !prefix.leads.conditional.empty();
    if (parent != kNone) {
      prefix.lowest = std::min(prefix.lowest, prefixes_[parent].lowest);
      prefix.conditions = prefix.conditions || prefixes_[parent].conditions;
    }
  }
  if (!expressions_.empty()) {
    auto set = std::make_shared<re2::RE2::Set>(expressions_.front().pattern->options(), re2::RE2::UNANCHORED);
    bool complete = true;
    for (const Expression& expression : expressions_) {
      complete = complete && set->Add(expression.pattern->pattern(), nullptr) >= 0;
    }
    if (complete && set->Compile()) {
      automaton_ = std::move(set);
    }
  }
}

std::uint32_t PathIndex::nearest(std::string_view path) const noexcept {
  // Every prefix ends with '/', and so, in thought, does the path: that is what
  // keeps /apix from /api. Whatever the path begins with sorts before it or is
  // it, and the last entry that does so begins with it too: it or one of its
  // parents is the answer.
  const auto after =
      std::upper_bound(prefixes_.begin(), prefixes_.end(), path,
                       [](std::string_view wanted, const Prefix& p) { return isBefore(wanted, p.text); });
  if (after == prefixes_.begin()) {
    return kNone;
  }
  auto at = static_cast<std::uint32_t>(after - prefixes_.begin() - 1);
  const std::string_view text = prefixes_[at].text;
  const auto differ = std::mismatch(text.begin(), text.end(), path.begin(), path.end()).first;
  auto shared = static_cast<std::size_t>(differ - text.begin());
  if (shared == path.size() && differ != text.end() && *differ == '/') {
    ++shared;
  }
  while (at != kNone && prefixes_[at].text.size() > shared) {
    at = prefixes_[at].parent;
  }
  return at;
}

std::uint32_t PathIndex::findRegex(std::string_view path, std::uint32_t best, const Holds& holds) const {
  const auto take = [&](const Expression& expression) {
    return expression.route < best && (!expression.conditions || holds(expression.route));
  };
  std::vector<int> matching;
  re2::RE2::Set::ErrorInfo error{};
  if (automaton_ != nullptr &&
      (automaton_->Match(pieceOf(path), &matching, &error) || error.kind == re2::RE2::Set::kNoError)) {
    std::sort(matching.begin(), matching.end());
    for (const int i : matching) {
      if (take(expressions_[static_cast<std::size_t>(i)])) {
        return expressions_[static_cast<std::size_t>(i)].route;
      }
    }
    return best;
  }
  // The automaton grew too large for its memory: one by one.
  for (const Expression& expression : expressions_) {
    if (take(expression) && re2::RE2::PartialMatch(pieceOf(path), *expression.pattern)) {
      return expression.route;
    }
  }
  return best;
}

std::uint32_t PathIndex::find(std::string_view path, std::uint32_t best, const Holds& holds) const {
  if (std::uint32_t at = nearest(path); at != kNone) {
    best = std::min(best, prefixes_[at].lowest);
    for (; at != kNone && prefixes_[at].conditions; at = prefixes_[at].parent) {
      best = prefixes_[at].leads.find(best, holds);
    }
  }
  if (!exact_.empty()) {
    if (const auto found = exact_.find(path); found != exact_.end()) {
      best = found->second.find(best, holds);
    }
  }
  return !expressions_.empty() && expressions_.front().route < best ? findRegex(path, best, holds) : best;
}

}  // namespace gatewhy
