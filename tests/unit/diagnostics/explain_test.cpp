// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

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
  const std::string text = explainCause(Cause::ConnectionRefused, false);
  EXPECT_THAT(text, HasSubstr("connection_refused\n"));
  EXPECT_THAT(text, HasSubstr("521; with profile standard 502"));
  EXPECT_THAT(text, HasSubstr("Whoever runs the origin."));
  EXPECT_THAT(text, HasSubstr("ss -ltn"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(Explain, ColourIsAnsiAndOnlyThat) {
  std::string text = explainCause(Cause::NoRoute, true);
  EXPECT_THAT(text, HasSubstr("\x1b[1mno_route\x1b[0m"));
  for (const std::string_view code : {"\x1b[1m", "\x1b[2m", "\x1b[0m"}) {
    for (std::size_t at = text.find(code); at != std::string::npos; at = text.find(code)) {
      text.erase(at, code.size());
    }
  }
  EXPECT_EQ(text, explainCause(Cause::NoRoute, false));
}

TEST(Explain, KeepsToTheWidth) {
  for (const CauseInfo& row : allCauses()) {
    for (const unsigned width : {50U, 80U, 120U}) {
      EXPECT_LE(longestLine(explainCause(row.cause, false, width)), width) << row.name;
    }
  }
  EXPECT_LE(longestLine(causesTable(80)), 80U);
  EXPECT_LE(longestLine(causesTable(200)), 200U);
}

TEST(Explain, SurvivesAnyWidth) {
  for (const unsigned width : {0U, 1U, 40U}) {
    EXPECT_THAT(causesTable(width), HasSubstr("proxy_internal_error"));
    EXPECT_THAT(explainCause(Cause::ProxyInternalError, false, width), HasSubstr("never"));
  }
}

TEST(Explain, LogOnlyCodesAreCalledThat) {
  EXPECT_THAT(explainCause(Cause::ClientClosedRequest, false), HasSubstr("none is sent, 499 in the log"));
  EXPECT_THAT(explainCause(Cause::ClientPlaintextOnTls, false), HasSubstr("400 is sent, 497 in the log"));
  EXPECT_THAT(explainCause(Cause::ClientIdleClosed, false), HasSubstr("none of its own"));
}

TEST(Explain, TheTableHasEveryCauseOnce) {
  const std::string table = causesTable(100);
  for (const CauseInfo& row : allCauses()) {
    const std::string line_start = "\n  " + std::string(row.name) + " ";
    const std::size_t at = table.find(line_start);
    ASSERT_NE(at, std::string::npos) << row.name;
    EXPECT_EQ(table.find(line_start, at + 1), std::string::npos) << row.name;
  }
}

TEST(Explain, JsonHasTheWholeRow) {
  for (const CauseInfo& row : allCauses()) {
    const nlohmann::json json = nlohmann::json::parse(causeJson(row.cause));
    EXPECT_EQ(json.at("cause"), row.name);
    EXPECT_EQ(json.at("phase"), name(row.phase));
    EXPECT_EQ(json.at("seen"), row.seen);
    EXPECT_EQ(json.at("who_acts"), row.who_acts);
    EXPECT_EQ(json.at("check_first"), row.check_first);
    EXPECT_EQ(json.at("sent_status").is_null(), row.sent_status == 0);
    EXPECT_EQ(json.at("proxy_error").is_null(), row.proxy_error == ProxyError::None);
  }
}

TEST(Explain, TheManualIsUpToDate) {
  std::ifstream file(GATEWHY_SOURCE_DIR "/docs/causes.md", std::ios::binary);
  ASSERT_TRUE(file) << "docs/causes.md is missing";
  const std::string manual{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  // When causes.def changes: GATEWHY_UPDATE_DOCS=1 unit_diagnostics writes it.
  if (std::getenv("GATEWHY_UPDATE_DOCS") != nullptr) {
    std::ofstream(GATEWHY_SOURCE_DIR "/docs/causes.md", std::ios::binary) << causesMarkdown();
    GTEST_SKIP() << "docs/causes.md written";
  }
  EXPECT_TRUE(manual == causesMarkdown()) << "docs/causes.md differs; run make docs";
}

}  // namespace
}  // namespace gatewhy
