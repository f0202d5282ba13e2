// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/nearest.h"

#include <algorithm>

namespace gatewhy {

std::string foldedWord(std::string_view word) {
  std::string out(word);
  for (char& c : out) {
    c = c == '-' || c == ' ' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

// Optimal string alignment.
std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    last[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::optional<std::size_t> typingDistance(std::string_view word, std::string_view candidate) {
  constexpr std::size_t kLongestWord = 80;  // longer ones are not typed by hand; bounds the work
  if (word.empty() || word.size() > kLongestWord || candidate.size() > kLongestWord) {
    return std::nullopt;
  }
  // A third of the letters wrong is still a typo; more is another word.
  const std::size_t tolerated = std::max<std::size_t>(1, word.size() / 3);
  const std::size_t distance = editDistance(foldedWord(word), foldedWord(candidate));
  return distance <= tolerated && distance < candidate.size() ? std::optional(distance) : std::nullopt;
}

std::vector<std::string_view> nearestWords(std::string_view word, std::span<const std::string_view> candidates,
                                           std::size_t limit) {
  struct Near {
    std::size_t distance;
    std::string_view word;
  };
  std::vector<Near> near;
  for (const std::string_view candidate : candidates) {
    if (const auto distance = typingDistance(word, candidate)) {
      near.push_back({*distance, candidate});
    }
  }
  std::ranges::stable_sort(near, {}, &Near::distance);
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < near.size() && i < limit; ++i) {
    words.push_back(near[i].word);
  }
  return words;
}

std::optional<std::string_view> nearestWord(std::string_view word, const std::vector<std::string_view>& candidates) {
  const auto words = nearestWords(word, candidates, 1);
  return words.empty() ? std::nullopt : std::optional(words.front());
}

}  // namespace gatewhy
