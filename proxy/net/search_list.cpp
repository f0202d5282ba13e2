// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/search_list.h"

#include <algorithm>
#include <charconv>

namespace gatewhy {
namespace {

constexpr std::size_t kMostDomains = 32;  // as many as Kubernetes allows
constexpr unsigned kMostDots = 15;        // as the C library has it
constexpr std::size_t kLongestName = 253;

std::string_view nextResolvWord(std::string_view& line) {
  const std::size_t start = std::min(line.find_first_not_of(" \t\r"), line.size());
  line.remove_prefix(start);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

void addDomain(std::vector<std::string>& domains, std::string_view word) {
  while (word.ends_with('.')) {
    word.remove_suffix(1);
  }
  if (word.empty() || domains.size() == kMostDomains) {
    return;
  }
  std::string& domain = domains.emplace_back(word);
  std::transform(domain.begin(), domain.end(), domain.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
}

void readOption(std::string_view word, unsigned& ndots) {
  constexpr std::string_view kDots = "ndots:";
  if (!word.starts_with(kDots)) {
    return;
  }
  unsigned number = 0;
  const std::string_view digits = word.substr(kDots.size());
  if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc{}) {
    ndots = std::min(number, kMostDots);
  }
}

}  // namespace

SearchList SearchList::parse(std::string_view resolv_conf) {
  SearchList list;
  while (!resolv_conf.empty()) {
    const std::size_t end = std::min(resolv_conf.find('\n'), resolv_conf.size());
    std::string_view line = resolv_conf.substr(0, end);
    resolv_conf.remove_prefix(std::min(end + 1, resolv_conf.size()));
    const std::string_view key = nextResolvWord(line);
    if (key == "search" || key == "domain") {
      list.domains.clear();
      for (auto word = nextResolvWord(line); !word.empty(); word = nextResolvWord(line)) {
        addDomain(list.domains, word);
        if (key == "domain") {
          break;
        }
      }
    } else if (key == "options") {
      for (auto word = nextResolvWord(line); !word.empty(); word = nextResolvWord(line)) {
        readOption(word, list.ndots);
      }
    }
  }
  return list;
}

std::vector<std::string> SearchList::namesFor(const std::string& name) const {
  std::vector<std::string> names;
  const bool itself_first = static_cast<unsigned>(std::count(name.begin(), name.end(), '.')) >= ndots;
  if (itself_first) {
    names.push_back(name);
  }
  for (const std::string& domain : domains) {
    if (name.size() + 1 + domain.size() <= kLongestName) {
      std::string& full = names.emplace_back(name);
      full += '.';
      full += domain;
    }
  }
  if (!itself_first) {
    names.push_back(name);
  }
  return names;
}

}  // namespace gatewhy
