// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/hosts_file.h"

#include <algorithm>
#include <fstream>

namespace gatewhy {
namespace {

std::string_view nextWord(std::string_view& line) {
  const std::size_t start = line.find_first_not_of(" \t\r");
  if (start == std::string_view::npos) {
    line = {};
    return {};
  }
  line.remove_prefix(start);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

std::string normalized(std::string_view word) {
  std::string out(word);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (!out.empty() && out.back() == '.') {
    out.pop_back();
  }
  return out;
}

}  // namespace

const HostsFile::Entry* HostsFile::find(const std::string& name) {
  refresh();
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

void HostsFile::refresh() {
  if (!stamp_.changed()) {
    return;
  }
  entries_.clear();
  std::ifstream file(path_);
  for (std::string line; std::getline(file, line);) {
    readLine(line);
  }
}

void HostsFile::readLine(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const auto address = Address::fromIp(nextWord(line), 0);
  if (!address) {
    return;
  }
  for (std::string_view word = nextWord(line); !word.empty(); word = nextWord(line)) {
    Entry& entry = entries_[normalized(word)];
    auto& list = address->family() == AF_INET ? entry.v4 : entry.v6;
    if (std::find(list.begin(), list.end(), *address) == list.end()) {
      list.push_back(*address);
    }
  }
}

}  // namespace gatewhy
