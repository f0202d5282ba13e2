// SPDX-License-Identifier: Apache-2.0
#include "config/secrets_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "config/file_text.h"

namespace gatewhy {

Result<std::vector<std::string>, std::string> readSecrets(const std::string& file) {
  constexpr std::size_t kMost = 64UL * 1024;
  const auto text = readTextFile(file, kMost);
  if (!text || text->size() > kMost) {
    return Failure{fmt::format("'{}' cannot be read: {}", file, text ? "it is longer than 64 KiB" : text.error())};
  }
  std::vector<std::string> keys;
  std::size_t number = 0;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if (line.size() < kShortestSecret) {
      return Failure{
          fmt::format("line {} of '{}' has {} bytes; a key needs {} or more, such as from 'openssl rand -hex 32'",
                      number, file, line.size(), kShortestSecret)};
    }
    keys.emplace_back(line);
  }
  if (keys.empty()) {
    return Failure{fmt::format("'{}' holds no key; 'openssl rand -hex 32' makes one", file)};
  }
  return keys;
}

}  // namespace gatewhy
