// SPDX-License-Identifier: Apache-2.0
// One picture of a running daemon out of its admin API's JSON. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/commands/text_style.h"

namespace gatewhy {

// What the admin listener said at one moment; parts may be missing.
struct TopSnapshot {
  nlohmann::ordered_json status, origins, history, events;
  double at_s = 0;  // on any steady clock
};

// Rates are differences to `before`; null: there is nothing to compare with.
// At most `height` lines, each with its newline.
[[nodiscard]] std::string topFrame(const TopSnapshot& now, const TopSnapshot* before, const TextStyle& style,
                                   std::size_t height);

}  // namespace gatewhy
