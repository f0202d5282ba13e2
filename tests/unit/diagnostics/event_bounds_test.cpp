// SPDX-License-Identifier: Apache-2.0
// However much strangers send, a line has an end; and it cannot deceive.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "diagnostics/event.h"
#include "diagnostics/html_text.h"
#include "diagnostics/json_writer.h"
#include "diagnostics/unsafe_text.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string lineOf(const ExchangeEvent& event) {
  std::string line;
  appendJson(line, event);
  EXPECT_LE(line.size(), kMostEvent);
  EXPECT_TRUE(json::accept(line)) << line;
  return line;
}

TEST(EventBoundsTest, LongValuesAreCutWithAMark) {
  const std::string path = "/" + std::string(5000, 'a');
  const std::string query(12000, '"');
  const std::string agent(12000, '\xFF');
  ExchangeEvent event;
  event.path = path;
  event.query = query;
  event.user_agent = agent;
  const json read = json::parse(lineOf(event));
  EXPECT_THAT(read["url"]["path"].get<std::string>(), testing::StartsWith("/aaaa"));
  EXPECT_THAT(read["url"]["path"].get<std::string>(), testing::EndsWith("…[+2953]"));
  EXPECT_THAT(read["user_agent"]["original"].get<std::string>(), HasSubstr("…[+"));
}

TEST(EventBoundsTest, WhatFitsIsWhole) {
  const std::string path = "/" + std::string(2000, 'a');
  ExchangeEvent event;
  event.path = path;
  EXPECT_EQ(json::parse(lineOf(event))["url"]["path"], path);
}

TEST(EventBoundsTest, ManyTriesAreBoundedToo) {
  Observation seen;
  seen.phase = Phase::ResponseHead;
  seen.fault = ParseFault{.error = ParseError::NotHttp, .excerpt = std::string(64, '\x01')};
  seen.bytes.last_line = std::string(4000, '\x1B');
  std::vector<TryRecord> tries(200);
  for (TryRecord& attempt : tries) {
    attempt.endpoint = "http://" + std::string(200, 'e');
    attempt.diagnosis = diagnose(seen, StatusPolicy{});
  }
  const Diagnosis diagnosis = diagnose(seen, StatusPolicy{});
  ExchangeEvent event;
  event.attempts = 200;
  event.tries = &tries;
  event.diagnosis = &diagnosis;
  event.outcome = Outcome::Failure;
  const json read = json::parse(lineOf(event));
  EXPECT_EQ(read["attempts"], 200);
  EXPECT_EQ(read["diagnosis"]["cause"], "response_not_http");
}

TEST(EventBoundsTest, LifecycleEventsAreBounded) {
  LifecycleEvent event{.event = "reload", .message = "refused"};
  event.facts.push_back({.key = "problems", .list = std::vector<std::string>(5000, std::string(100, 'p'))});
  std::string line;
  appendJson(line, event, {});
  EXPECT_LE(line.size(), kMostEvent);
  EXPECT_THAT(json::parse(line)["problems"].back().get<std::string>(), testing::EndsWith(" more"));
}

TEST(UnsafeTextTest, MarksOfDirectionAreShown) {
  const std::string text = "a\u202Eb\u2066c\u200Ed\u061Ce\uFEFFf\U000E0041g";
  std::string escaped;
  appendJsonEscaped(escaped, text);
  EXPECT_EQ(escaped, R"(a\u202eb\u2066c\u200ed\u061ce\ufefff\udb40\udc41g)");
  EXPECT_EQ(json::parse("\"" + escaped + "\"").get<std::string>(), text);
  EXPECT_EQ(escapeHtml(text), R"(a\u{202E}b\u{2066}c\u{200E}d\u{061C}e\u{FEFF}f\u{E0041}g)");
  EXPECT_EQ(escapeHtml("grün – 日本"), "grün – 日本");
}

TEST(UnsafeTextTest, AnyOctetsAreReadToTheirEnd) {
  for (unsigned lead = 0; lead < 256; ++lead) {
    std::string text(1, static_cast<char>(lead));
    text += "\x80\xBF\xFF";
    for (std::string_view rest = text; !rest.empty();) {
      const Utf8Unit unit = firstCharacter(rest);
      ASSERT_GE(unit.length, 1U);
      ASSERT_LE(unit.length, rest.size());
      rest.remove_prefix(unit.length);
    }
  }
}

}  // namespace
}  // namespace gatewhy
