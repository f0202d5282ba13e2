// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "diagnostics/explain.h"
#include "diagnostics/reason_phrase.h"
#include "diagnostics/status_registry.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

std::set<std::uint16_t> allCodes() {
  std::set<std::uint16_t> codes;
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    codes.insert(meaning.code);
  }
  return codes;
}

// Without the line breaks and indentation of the layout.
std::string flat(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string word; in >> word;) {
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

TEST(ExplainStatus, SaysEverythingThatTheRegistryHas) {
  for (const std::uint16_t code : allCodes()) {
    const std::string text = flat(explainStatus(code));
    for (const StatusMeaning& meaning : meaningsOf(code)) {
      for (const std::string_view part :
           {meaning.name, meaning.other_names, meaning.owner, meaning.reference, name(meaning.standing),
            words(meaning.emitter), words(meaning.retry), meaning.meaning, meaning.check_first, meaning.note}) {
        EXPECT_THAT(text, HasSubstr(std::string(part))) << code;
      }
    }
  }
}

TEST(ExplainStatus, ListsTheCausesOfTheCode) {
  for (const CauseInfo& row : allCauses()) {
    for (const std::uint16_t code : {row.sent_status, row.log_status}) {
      if (code != 0) {
        EXPECT_THAT(explainStatus(code), HasSubstr("\n  " + std::string(row.name) + " ")) << code;
      }
    }
  }
}

TEST(ExplainStatus, GatewhysOwnMeaningComesFirstAndIsCalledThat) {
  const std::string text = explainStatus(499);
  const std::size_t own = text.find("Client Closed Request (what gatewhy means by 499)");
  ASSERT_NE(own, std::string::npos);
  EXPECT_LT(own, text.find("Token Required"));
  EXPECT_LT(own, text.find("Request has been forbidden by antivirus"));
  EXPECT_THAT(text, HasSubstr("499 is only in the log for"));
  EXPECT_THAT(text, Not(HasSubstr("generated_by: proxy")));
  EXPECT_THAT(explainStatus(420), Not(HasSubstr("what gatewhy means")));
}

TEST(ExplainStatus, AnOriginsOwnIsNeverConfusedWithOurs) {
  const std::string text = flat(explainStatus(502));
  EXPECT_THAT(text, HasSubstr("An origin's own 502 is passed on untouched: the event says generated_by: origin and "
                              "origin_status: 502, and has no diagnosis."));
  EXPECT_THAT(text, HasSubstr("generated_by: proxy and has a diagnosis"));
  EXPECT_THAT(text, HasSubstr("502 is sent for destination_ip_prohibited"));
  EXPECT_THAT(text, HasSubstr("causes that otherwise are 499, 503, 508, 520, 521, 522, 523, 525, 526"));
  EXPECT_THAT(flat(explainStatus(404)), HasSubstr("404 is sent for no_route"));
  EXPECT_THAT(flat(explainStatus(302)), HasSubstr("Only if a route's respond"));
  EXPECT_THAT(flat(explainStatus(103)), HasSubstr("ahead of the final answer"));
  EXPECT_THAT(flat(explainStatus(999)), HasSubstr("gatewhy answers 520 response_status_invalid"));
}

TEST(ExplainStatus, KeepsToTheWidthAndSurvivesAny) {
  const auto longest = [](const std::string& text) {
    std::istringstream lines(text);
    std::size_t most = 0;
    for (std::string line; std::getline(lines, line);) {
      most = std::max(most, line.size());
    }
    return most;
  };
  for (const std::uint16_t code : allCodes()) {
    EXPECT_LE(longest(explainStatus(code)), 80U) << code;
    EXPECT_FALSE(explainStatus(code, {.width = 0}).empty());
  }
  EXPECT_LE(longest(statusesTable()), 80U);
  EXPECT_FALSE(statusesTable({.width = 1}).empty());
}

TEST(ExplainStatus, ColourIsAnsiAndOnlyThat) {
  std::string text = explainStatus(499, {.colour = true});
  EXPECT_THAT(text, HasSubstr("\x1b[1m499 Client Closed Request\x1b[0m"));
  for (const std::string_view code : {"\x1b[1m", "\x1b[2m", "\x1b[0m"}) {
    for (std::size_t at = text.find(code); at != std::string::npos; at = text.find(code)) {
      text.erase(at, code.size());
    }
  }
  EXPECT_EQ(text, explainStatus(499));
}

TEST(ExplainStatus, TheTableHasEveryMeaningOnce) {
  const std::string table = statusesTable();
  EXPECT_EQ(std::ranges::count(table, '\n'),
            static_cast<std::ptrdiff_t>(allStatusMeanings().size() + 2 * allStatusClasses().size() + 3));
  EXPECT_THAT(table, HasSubstr("\n  499* Client Closed Request "));
  EXPECT_THAT(table, HasSubstr("\n  499  Token Required "));
  EXPECT_THAT(table, HasSubstr("\n5xx Server Error\n"));
  EXPECT_THAT(table, HasSubstr("\n  999  Request Denied "));
}

TEST(ExplainStatus, AClassListsItsCodes) {
  const std::string text = explainStatusClass(3);
  EXPECT_THAT(text, HasSubstr("3xx Redirection\n"));
  EXPECT_THAT(text, HasSubstr("\n  304  Not Modified"));
  EXPECT_THAT(text, Not(HasSubstr("\n  400")));
  EXPECT_THAT(text, Not(HasSubstr("\n  226")));
  const json parsed = json::parse(statusClassJson(3));
  EXPECT_EQ(parsed.at("class"), "Redirection");
  EXPECT_EQ(parsed.at("statuses").front().at("code"), 300);
  EXPECT_EQ(parsed.at("statuses").back().at("code"), 308);
}

TEST(ExplainStatus, JsonHasTheWholeRow) {
  for (const std::uint16_t code : allCodes()) {
    const json parsed = json::parse(statusJson(code));
    EXPECT_EQ(parsed.at("code"), code);
    EXPECT_EQ(parsed.value("phrase", ""), reasonPhrase(code));
    EXPECT_EQ(parsed.contains("class"), code < 600);
    ASSERT_EQ(parsed.at("meanings").size(), meaningsOf(code).size());
    for (const StatusMeaning& meaning : meaningsOf(code)) {
      const auto row = std::ranges::find_if(parsed["meanings"], [&](const json& candidate) {
        return candidate.at("owner") == meaning.owner && candidate.at("name") == meaning.name;
      });
      ASSERT_NE(row, parsed["meanings"].end()) << code;
      EXPECT_EQ(row->at("reference"), meaning.reference);
      EXPECT_EQ(row->at("standing"), name(meaning.standing));
      EXPECT_EQ(row->at("emitter"), name(meaning.emitter));
      EXPECT_EQ(row->at("retry"), name(meaning.retry));
      EXPECT_EQ(row->at("heuristically_cacheable"), meaning.cacheable);
      EXPECT_EQ(row->at("meaning"), meaning.meaning);
      EXPECT_EQ(row->at("check_first"), meaning.check_first);
      EXPECT_EQ(row->value("note", ""), meaning.note);
      EXPECT_EQ(row->at("used_by_gatewhy"), &meaning == ownMeaning(code) && !statusUse(code).none());
      EXPECT_EQ(row->contains("other_names") ? row->at("other_names").size() + 1 : 1, namesOf(meaning).size());
    }
    const StatusUse use = statusUse(code);
    EXPECT_EQ(parsed.at("causes").at("sent").size(), use.sent.size());
    EXPECT_EQ(parsed.at("causes").at("log_only").size(), use.log_only.size());
    EXPECT_EQ(parsed.at("causes").at("standard").size(), use.standard.size());
    EXPECT_FALSE(parsed.at("from_origin").get<std::string>().empty());
  }
  EXPECT_EQ(json::parse(statusesJson()).size(), allCodes().size());
  EXPECT_EQ(json::parse(statusJson(499)).at("meanings").front().at("owner"), "nginx");
}

}  // namespace
}  // namespace gatewhy
