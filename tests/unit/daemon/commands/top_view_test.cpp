// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/top/top_view.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace gatewhy {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
constexpr TextStyle kNarrow{.colour = false, .unicode = true, .width = 80};

std::vector<std::string> linesOf(const std::string& frame) {
  std::istringstream stream(frame);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

// The line of an origin, and its number.
std::size_t lineOf(const std::vector<std::string>& lines, const std::string& name) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].starts_with(name + " ")) {
      return i;
    }
  }
  return lines.size();
}

void addOrigin(TopSnapshot& snapshot, const std::string& name, int requests, int failures,
               const std::string& state = "up", const std::string& cause = "connection_refused") {
  const bool clients = cause.starts_with("client_");
  const std::string seen = state != "up"                           ? state
                           : requests == 0                         ? "no_traffic"
                           : !clients && 20 * failures >= requests ? "failing"
                                                                   : "up";
  const int failed = clients ? 0 : failures;
  snapshot.origins["origins"].push_back(
      {{"name", name},
       {"exchanges", requests},
       {"failures", failures},
       {"causes", {{cause, failures}}},
       {"latency_ms", {{"exchange", {{"p50", 1.5}, {"p99", 12.0}}}, {"wait", {{"p99", 11.0}}}}},
       {"endpoints",
        {{{"url", "http://" + name + ".internal.example:8080"},
          {"state", seen},
          {"recent", {{"answered", requests - failures}, {"failed", failed}}},
          {"rescued", Json::object()},
          {"connections", {{"in_use", 1}, {"idle", 2}}}}}}});
  snapshot.history["origins"].push_back({{"name", name}, {"exchanges", {requests}}, {"causes", {{cause, {failures}}}}});
}

TopSnapshot many() {
  TopSnapshot snapshot;
  snapshot.status = {
      {"version", "9.9"}, {"readiness", "ready"}, {"client_connections", 14}, {"exchanges_in_flight", 2}};
  for (int i = 0; i < 9; ++i) {
    addOrigin(snapshot, fmt::format("well-{}", i), 100, 0);
  }
  addOrigin(snapshot, "idle", 0, 0);
  addOrigin(snapshot, "broken", 100, 100);
  addOrigin(snapshot, "weak", 1000, 60);
  addOrigin(snapshot, "scanned", 1000, 900, "up", "client_request_malformed");
  addOrigin(snapshot, "out", 100, 0, "ejected");
  snapshot.at_s = 10;
  return snapshot;
}

TEST(TopView, FitsIntoTheSmallestTerminal) {
  TopSnapshot before = many();
  before.at_s = 9;
  for (const unsigned width : {80U, 200U}) {
    const TextStyle style{.colour = false, .unicode = true, .width = width};
    const auto lines = linesOf(topFrame(many(), &before, style, {.height = 22, .details = false}));
    EXPECT_LE(lines.size(), 22U);
    for (const std::string& line : lines) {
      EXPECT_LE(columnsOf(line), width) << line;
    }
  }
}

TEST(TopView, WhatFailsComesFirstAndIsCalledSo) {
  const auto lines = linesOf(topFrame(many(), nullptr, kNarrow, {.height = kAll, .details = false}));
  EXPECT_LT(lineOf(lines, "broken"), lineOf(lines, "out"));
  EXPECT_LT(lineOf(lines, "out"), lineOf(lines, "weak"));
  EXPECT_LT(lineOf(lines, "weak"), lineOf(lines, "well-0"));
  EXPECT_THAT(lines[lineOf(lines, "broken")], HasSubstr("failing 100 %"));
  EXPECT_THAT(lines[lineOf(lines, "broken") + 2], AllOf(HasSubstr("http://broken"), HasSubstr(" failing")));
  EXPECT_THAT(lines[lineOf(lines, "weak")], HasSubstr("failing 6.0 %"));
  EXPECT_THAT(lines[lineOf(lines, "out")], HasSubstr(" ejected "));
  EXPECT_THAT(lines[lineOf(lines, "idle")], HasSubstr(" no traffic "));
  EXPECT_THAT(lines[lineOf(lines, "well-0")], HasSubstr(" up "));
  EXPECT_THAT(lines[lineOf(lines, "scanned")], HasSubstr(" up ")) << "clients' faults are not the origin's";
}

// Its clients see nothing of it.
TEST(TopView, ShowsWhatRetriesHide) {
  TopSnapshot snapshot = many();
  Json& endpoints = snapshot.origins["origins"][3]["endpoints"];
  endpoints.push_back(endpoints[0]);
  endpoints[0]["state"] = "failing";
  endpoints[0]["recent"] = {{"answered", 0}, {"failed", 4}};
  endpoints[0]["rescued"] = {{"connection_timeout", 4}};
  endpoints[0]["last_failure"] = {{"timestamp", "2026-01-01T12:00:07Z"}, {"cause", "connection_timeout"}};
  const auto lines = linesOf(topFrame(snapshot, nullptr, kNarrow, {.height = kAll, .details = false}));
  const std::size_t at = lineOf(lines, "well-3");
  EXPECT_LT(at, lineOf(lines, "well-0")) << "above those that are well";
  EXPECT_THAT(lines[at], HasSubstr("1/2 failing"));
  EXPECT_THAT(lines[at + 2], HasSubstr("failing 100 %"));
  EXPECT_EQ(lines[at + 3], "    4 rescued from connection_timeout; last failure 12:00:07 connection_timeout");
  EXPECT_THAT(lines[at + 4], HasSubstr(" up"));
}

TEST(TopView, SaysAtTheTopHowMuchFails) {
  TopSnapshot before = many();
  TopSnapshot now = many();
  now.at_s = before.at_s + 2;
  now.origins["origins"][0]["exchanges"] = 300;
  now.origins["origins"][0]["failures"] = 10;
  EXPECT_THAT(linesOf(topFrame(now, &before, kNarrow, {.height = kAll}))[1],
              HasSubstr("100 requests/s, 5.0 % failing"));
  EXPECT_THAT(linesOf(topFrame(before, &before, kNarrow, {.height = kAll}))[1], Not(HasSubstr("requests/s")));
}

TEST(TopView, ScrollsAndSorts) {
  const std::string all = topFrame(many(), nullptr, kNarrow, {.height = kAll});
  const std::string top = topFrame(many(), nullptr, kNarrow, {.height = 10});
  const std::string next = topFrame(many(), nullptr, kNarrow, {.height = 10, .skip = 8});
  EXPECT_EQ(linesOf(all)[10], linesOf(next)[2]);
  EXPECT_EQ(linesOf(top)[0], linesOf(next)[0]) << "the head stays";
  const auto last = linesOf(topFrame(many(), nullptr, kNarrow, {.height = 10, .skip = 1000}));
  EXPECT_EQ(last.back(), linesOf(all).back());
  EXPECT_EQ(last.size(), 10U);
  const auto by_name = linesOf(topFrame(many(), nullptr, kNarrow, {.height = kAll, .sort = TopSort::Name}));
  EXPECT_LT(lineOf(by_name, "broken"), lineOf(by_name, "idle"));
  EXPECT_LT(lineOf(by_name, "weak"), lineOf(by_name, "well-0"));
  EXPECT_LT(lineOf(by_name, "scanned"), lineOf(by_name, "weak"));
}

}  // namespace
}  // namespace gatewhy
