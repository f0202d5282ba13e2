// SPDX-License-Identifier: Apache-2.0
#include "config/pages.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatewhy {

const OwnPage* PagesConfig::named(std::string_view page) const {
  const auto found = pages.find(page);
  return found == pages.end() ? nullptr : &found->second;
}

const OwnPage* PagesConfig::forStatus(std::uint16_t status) const {
  if (pages.empty() || status < 400) {
    return nullptr;
  }
  const OwnPage* own = named(std::string_view(fmt::format_int(status).c_str(), 3));
  return own != nullptr ? own : named(status < 500 ? "4xx" : "5xx");
}

bool isStatusPage(std::string_view name) noexcept {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return name.size() == 3 && (name[0] == '4' || name[0] == '5') &&
         (name.substr(1) == "xx" || (digit(name[1]) && digit(name[2])));
}

}  // namespace gatewhy
