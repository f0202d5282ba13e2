// SPDX-License-Identifier: Apache-2.0
// What resolv.conf(5) makes of a short name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatewhy {

struct SearchList {
  std::vector<std::string> domains;  // lower case, without final dots
  unsigned ndots = 1;

  // Of the content of a resolv.conf: the last of its "search" and "domain"
  // lines, and "options ndots:N". What is not understood counts for nothing.
  [[nodiscard]] static SearchList parse(std::string_view resolv_conf);

  // The names to ask for `name` (no final dot), in order, as the C library
  // does: one with at least `ndots` dots is asked as it is first, any other last.
  [[nodiscard]] std::vector<std::string> namesFor(const std::string& name) const;
};

}  // namespace gatewhy
