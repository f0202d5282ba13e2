// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "diagnostics/cause_id.h"

namespace gatewhy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::size_t longestLine(const std::string& text) {
  std::istringstream lines(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) {
    longest = std::max(longest, line.size());
  }
  return longest;
}

TEST(Explain, SaysWhatWasSeenWhoActsAndWhatToCheck) {
  const std::string text = explainCause(Cause::ConnectionRefused);
  EXPECT_THAT(text, HasSubstr("connection_refused\n"));
  EXPECT_THAT(text, HasSubstr("521; with profile standard 502"));
  EXPECT_THAT(text, HasSubstr("Whoever runs the origin."));
  EXPECT_THAT(text, HasSubstr("ss -ltn"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(Explain, ColourIsAnsiAndOnlyThat) {
  std::string text = explainCause(Cause::NoRoute, {.colour = true});
  EXPECT_THAT(text, HasSubstr("\x1b[1mno_route\x1b[0m"));
  for (const std::string_view code : {"\x1b[1m", "\x1b[2m", "\x1b[0m"}) {
    for (std::size_t at = text.find(code); at != std::string::npos; at = text.find(code)) {
      text.erase(at, code.size());
    }
  }
  EXPECT_EQ(text, explainCause(Cause::NoRoute));
}

TEST(Explain, KeepsToTheWidth) {
  for (const CauseInfo& row : allCauses()) {
    for (const unsigned width : {50U, 80U, 120U}) {
      EXPECT_LE(longestLine(explainCause(row.cause, {.width = width})), width) << row.name;
    }
  }
  EXPECT_LE(longestLine(causesTable({.width = 80})), 80U);
  EXPECT_LE(longestLine(causesTable({.width = 200})), 200U);
}

TEST(Explain, SurvivesAnyWidth) {
  for (const unsigned width : {0U, 1U, 40U}) {
    EXPECT_THAT(causesTable({.width = width}), HasSubstr("proxy_internal_error"));
    EXPECT_THAT(explainCause(Cause::ProxyInternalError, {.width = width}), HasSubstr("never"));
  }
}

TEST(Explain, LogOnlyCodesAreCalledThat) {
  EXPECT_THAT(explainCause(Cause::ClientClosedRequest), HasSubstr("none is sent, 499 in the log"));
  EXPECT_THAT(explainCause(Cause::ClientPlaintextOnTls), HasSubstr("400 is sent, 497 in the log"));
  EXPECT_THAT(explainCause(Cause::ClientIdleClosed), HasSubstr("none of its own"));
}

TEST(Explain, TheTableHasEveryCauseOnce) {
  const std::string table = causesTable({.width = 100});
  for (const CauseInfo& row : allCauses()) {
    const std::string line_start = "\n  " + std::string(row.name) + " ";
    const std::size_t at = table.find(line_start);
    ASSERT_NE(at, std::string::npos) << row.name;
    EXPECT_EQ(table.find(line_start, at + 1), std::string::npos) << row.name;
  }
}

TEST(Explain, JsonHasTheWholeRow) {
  for (const CauseInfo& row : allCauses()) {
    const nlohmann::json parsed = nlohmann::json::parse(causeJson(row.cause));
    EXPECT_EQ(parsed.at("cause"), row.name);
    EXPECT_EQ(parsed.at("type"), problemType(row.cause));
    EXPECT_EQ(parsed.at("message_id"), messageId(row.cause));
    EXPECT_EQ(parsed.at("phase"), name(row.phase));
    EXPECT_EQ(parsed.at("seen"), row.seen);
    EXPECT_EQ(parsed.at("who_acts"), row.who_acts);
    EXPECT_EQ(parsed.at("check_first"), row.check_first);
    EXPECT_EQ(parsed.at("sent_status").is_null(), row.sent_status == 0);
    EXPECT_EQ(parsed.at("proxy_error").is_null(), row.proxy_error == ProxyError::None);
  }
}

TEST(Explain, AllCausesAreOneJsonArray) {
  const nlohmann::json parsed = nlohmann::json::parse(causesJson());
  ASSERT_EQ(parsed.size(), allCauses().size());
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    EXPECT_EQ(parsed[i], nlohmann::json::parse(causeJson(allCauses()[i].cause)));
  }
}

}  // namespace
}  // namespace gatewhy
