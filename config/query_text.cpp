// SPDX-License-Identifier: Apache-2.0
#include "config/query_text.h"

#include <algorithm>

#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

std::string formDecoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const int octet = octets::encodedOctet(text, at); octet >= 0) {
      out.push_back(static_cast<char>(octet));
      at += 2;
    } else {
      out.push_back(text[at] == '+' ? ' ' : text[at]);
    }
  }
  return out;
}

}  // namespace

bool QueryReader::next() {
  while (!rest_.empty()) {
    const std::size_t end = std::min(rest_.find('&'), rest_.size());
    const std::string_view pair = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (pair.empty()) {
      continue;
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    name_ = formDecoded(pair.substr(0, equals));
    value_ = formDecoded(pair.substr(std::min(equals + 1, pair.size())));
    return true;
  }
  return false;
}

}  // namespace gatewhy
