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

enum class TopSort : std::uint8_t { Failing, Requests, Name };

// How the picture is looked at.
struct TopView {
  std::size_t height;    // at most so many lines
  std::size_t skip = 0;  // lines scrolled past, below the two of the head
  TopSort sort = TopSort::Failing;
  bool details = true;  // endpoints and phases of all origins, not only of those in trouble
};

// Rates are differences to `before`; null: there is nothing to compare with.
// Whole lines, none wider than the terminal.
[[nodiscard]] std::string topFrame(const TopSnapshot& now, const TopSnapshot* before, const TextStyle& style,
                                   const TopView& view);

}  // namespace gatewhy
