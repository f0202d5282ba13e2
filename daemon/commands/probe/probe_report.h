// SPDX-License-Identifier: Apache-2.0
// What probes found, as text. Pure.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/commands/probe/prober.h"
#include "daemon/commands/text_style.h"

namespace gatewhy {

[[nodiscard]] std::string probeText(const ProbeResult& result, std::string_view url, const TextStyle& style);

// `--all-addresses`: a row each.
[[nodiscard]] std::string addressTableHead(std::string_view url, std::size_t addresses, const TextStyle& style);
[[nodiscard]] std::string addressRow(std::string_view address, bool v6, const ProbeResult& result,
                                     const TextStyle& style);

// `--repeat`: least, median and greatest per phase, and what came of it.
class ProbeSummary {
 public:
  void add(const ProbeResult& result);
  [[nodiscard]] std::size_t failures() const { return failures_; }
  [[nodiscard]] std::string text(const TextStyle& style) const;

 private:
  static constexpr std::size_t kPhases = 7;
  std::array<std::vector<double>, kPhases> times_;
  std::map<std::string, std::size_t> outcomes_;  // "200", or the cause
  std::size_t probes_ = 0, failures_ = 0;
};

}  // namespace gatewhy
