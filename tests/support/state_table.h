// SPDX-License-Identifier: Apache-2.0
// State machines as data: what becomes of each event in each state. The table is
// the contract; a pair without a row fails, and so does a row that is not so.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatewhy::test {

// It cannot come there: nobody is left, or there yet, who could tell it.
inline constexpr std::string_view kNever = "-";

struct TableRow {
  std::string_view state, event, outcome;
};

// Of each event: what follows, by the states in their order.
template <std::size_t N>
struct EventRow {
  std::string_view event;
  std::array<std::string_view, N> outcomes;  // one that is missing is no row
};

template <std::size_t N, std::size_t R>
std::vector<TableRow> rowsOf(const std::array<std::string_view, N>& states, const EventRow<N> (&table)[R]) {
  std::vector<TableRow> rows;
  for (const EventRow<N>& row : table) {
    for (std::size_t i = 0; i < N; ++i) {
      if (!row.outcomes[i].empty()) {
        rows.push_back({.state = states[i], .event = row.event, .outcome = row.outcomes[i]});
      }
    }
  }
  return rows;
}

// `play` puts a machine into the state, lets the event come and tells the
// outcome; kNever where it cannot. `trusted`: rows that say kNever are not played.
inline void expectTable(const std::vector<TableRow>& rows, const std::vector<std::string_view>& states,
                        const std::vector<std::string_view>& events,
                        const std::function<std::string(std::string_view state, std::string_view event)>& play,
                        bool trusted) {
  std::map<std::pair<std::string_view, std::string_view>, std::string_view> table;
  for (const TableRow& row : rows) {
    EXPECT_TRUE(table.emplace(std::pair(row.state, row.event), row.outcome).second)
        << row.state << " × " << row.event << " twice";
  }
  std::string wrong;  // as rows
  for (const std::string_view state : states) {
    for (const std::string_view event : events) {
      const auto row = table.find({state, event});
      if (row != table.end() && trusted && row->second == kNever) {
        table.erase(row);
        continue;
      }
      const std::string is = play(state, event);
      if (row == table.end() || row->second != is) {
        wrong += "{\"" + std::string(state) + "\", \"" + std::string(event) + "\", \"" + is + "\"},\n";
      }
      if (row != table.end()) {
        table.erase(row);
      }
    }
  }
  EXPECT_EQ(wrong, "") << "these are not as the table says, or not in it";
  for (const auto& [pair, outcome] : table) {
    ADD_FAILURE() << pair.first << " × " << pair.second << " cannot be";
  }
}

// Events by name, for machines that are played in one world.
template <class World>
using Events = std::map<std::string_view, std::function<void(World&)>>;

template <class World>
std::vector<std::string_view> namesOf(const Events<World>& events) {
  std::vector<std::string_view> names;
  for (const auto& event : events) {
    names.push_back(event.first);
  }
  return names;
}

}  // namespace gatewhy::test
