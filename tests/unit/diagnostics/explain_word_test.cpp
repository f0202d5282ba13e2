// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/explain_word.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "diagnostics/cause_id.h"
#include "diagnostics/explain.h"
#include "diagnostics/status_registry.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string textOf(std::string_view word) {
  const auto found = explainWord(word);
  return found ? found.value().text : "unknown";
}

std::vector<std::string> nearTo(std::string_view word) {
  const auto found = explainWord(word);
  EXPECT_FALSE(found) << word;
  return found ? std::vector<std::string>{} : found.error();
}

TEST(ExplainWord, KnowsEveryCodeAndEveryCause) {
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    EXPECT_THAT(textOf(std::to_string(meaning.code)), StartsWith(explainStatus(meaning.code)));
  }
  for (const CauseInfo& row : allCauses()) {
    EXPECT_THAT(textOf(row.name), StartsWith(explainCause(row.cause)));
    EXPECT_EQ(textOf(problemType(row.cause)), explainCause(row.cause));
  }
}

TEST(ExplainWord, KnowsEveryFinding) {
  for (const FindingInfo& row : allFindings()) {
    EXPECT_THAT(textOf(row.id), HasSubstr(explainFinding(row.finding)));
    const std::string text = explainFinding(row.finding);
    EXPECT_THAT(text, HasSubstr(std::string(row.section)));
    const json parsed = json::parse(findingJson(row.finding));
    EXPECT_EQ(parsed.at("finding"), row.id);
    EXPECT_EQ(parsed.at("level"), name(row.level));
    EXPECT_EQ(parsed.at("section"), row.section);
    EXPECT_EQ(parsed.at("seen"), row.seen);
    EXPECT_EQ(parsed.at("to_do"), row.to_do);
    EXPECT_THAT(findingsTable(), HasSubstr("  " + std::string(row.id) + " "));
  }
  EXPECT_EQ(nearTo("401_without_www_autenticate").front(), "401_without_www_authenticate");
  EXPECT_THAT(textOf("401"), HasSubstr("checked for   401_without_www_authenticate"));
  EXPECT_EQ(json::parse(explainWord("401").value().json).at("findings").front(), "401_without_www_authenticate");
}

std::string onOneLine(const std::string& text) {
  std::istringstream words(text);
  std::string line, word;
  while (words >> word) {
    line += (line.empty() ? "" : " ") + word;
  }
  return line;
}

TEST(ExplainWord, KnowsEveryStatusOfGrpc) {
  for (const GrpcStatusInfo& row : allGrpcStatuses()) {
    const std::string text = explainGrpcStatus(row.status);
    EXPECT_THAT(onOneLine(text), HasSubstr(std::string(row.meaning)));
    EXPECT_THAT(textOf(row.name), HasSubstr(text));
    EXPECT_EQ(textOf("grpc " + std::to_string(static_cast<int>(row.status))), text);
    EXPECT_EQ(textOf("grpc-status: " + std::to_string(static_cast<int>(row.status))), text);
    EXPECT_EQ(json::parse(grpcStatusJson(row.status)).at("name"), row.name);
  }
  EXPECT_EQ(textOf("grpc unavailable"), explainGrpcStatus(GrpcStatus::Unavailable));
  EXPECT_THAT(textOf("UNAVAILABLE"), HasSubstr("connection_refused"));
  EXPECT_EQ(nearTo("UNAVAILABEL").front(), "UNAVAILABLE");
}

TEST(ExplainWord, ExplainsACauseAndAFindingOfTheSameName) {
  const auto found = explainWord("response_extra_data");
  ASSERT_TRUE(found);
  EXPECT_EQ(found.value().text,
            explainCause(Cause::ResponseExtraData) + '\n' + explainFinding(Finding::ResponseExtraData));
  EXPECT_EQ(json::parse(found.value().json).size(), 2U);
}

TEST(ExplainWord, KnowsEveryNameInAnyCase) {
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    for (const std::string_view name : namesOf(meaning)) {
      EXPECT_THAT(textOf(name), HasSubstr(explainStatus(meaning.code))) << name;
    }
  }
  EXPECT_EQ(textOf("bad gateway"), explainStatus(502));
  EXPECT_EQ(textOf("BAD_GATEWAY"), explainStatus(502));
  EXPECT_EQ(textOf("502 Bad Gateway"), explainStatus(502));
  EXPECT_EQ(textOf("payload-too-large"), explainStatus(413)) << "an older name";
  EXPECT_EQ(textOf("Connection-Refused"), explainCause(Cause::ConnectionRefused));
}

TEST(ExplainWord, KnowsClasses) {
  EXPECT_EQ(textOf("5xx"), explainStatusClass(5));
  EXPECT_EQ(textOf("1XX"), explainStatusClass(1));
  EXPECT_EQ(textOf("6xx"), "unknown");
  EXPECT_EQ(textOf("0xx"), "unknown");
}

TEST(ExplainWord, ExplainsAllThatANameMayMean) {
  const auto found = explainWord("Unauthorized");
  ASSERT_TRUE(found);
  EXPECT_THAT(found.value().text, HasSubstr(explainStatus(401)));
  EXPECT_THAT(found.value().text, HasSubstr(explainStatus(561)));
  const json both = json::parse(found.value().json);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[1].at("code"), 561);
}

TEST(ExplainWord, ACausesOwnNameMeansTheCauseAlone) {
  EXPECT_EQ(textOf("client_closed_request"), explainCause(Cause::ClientClosedRequest));
  EXPECT_THAT(textOf("client closed request"), HasSubstr(explainStatus(499)));
}

TEST(ExplainWord, JsonIsOneObjectForOneThing) {
  EXPECT_EQ(json::parse(explainWord("525").value().json).at("code"), 525);
  EXPECT_EQ(json::parse(explainWord("no_route").value().json).at("cause"), "no_route");
  EXPECT_EQ(json::parse(explainWord("4xx").value().json).at("class"), "Client Error");
}

TEST(ExplainWord, EverythingHasEveryTable) {
  const Explanation all = explainEverything();
  const json parsed = json::parse(all.json);
  ASSERT_EQ(parsed.size(), explainTables().size());
  for (const ExplainTable& table : explainTables()) {
    EXPECT_THAT(all.text, HasSubstr(table.list({})));
    EXPECT_EQ(parsed.at(std::string(table.plural)), json::parse(table.json()));
    EXPECT_FALSE(parsed.at(std::string(table.plural)).empty());
  }
  EXPECT_EQ(parsed.at("causes").size(), allCauses().size());
}

TEST(ExplainWord, NearPartsOfNamesWhereNoNameIsNear) {
  EXPECT_THAT(nearTo("timout"), ElementsAre("timeout"));
  EXPECT_THAT(nearTo("refusd"), Contains("refused"));
  EXPECT_THAT(nearTo("conection"), Contains("connection"));
  EXPECT_THAT(nearTo("xylophone"), IsEmpty());
}

TEST(ExplainWord, NearNumbersForMistypedOnes) {
  EXPECT_THAT(nearTo("5200"), Contains("520"));
  EXPECT_THAT(nearTo("52"), ElementsAre("520", "521", "522", "523", "524"));
  EXPECT_THAT(nearTo("512"), ElementsAre("511", "510", "509", "508", "507"));
  EXPECT_THAT(nearTo("255"), Contains("525")) << "swapped";
  EXPECT_THAT(nearTo("1000000"), IsEmpty());
}

TEST(ExplainWord, NearWordsForMistypedOnes) {
  EXPECT_EQ(nearTo("tls_certificat_expired").front(), "tls_certificate_expired");
  EXPECT_EQ(nearTo("bad gatway").front(), "502 Bad Gateway");
  EXPECT_EQ(nearTo("conection-refused").front(), "connection_refused");
  EXPECT_LE(nearTo("tls_certificat_epxired").size(), 5U);
}

TEST(ExplainWord, NearWordsAreKnownThemselves) {
  for (const std::string_view word : {"52", "5200", "477", "bad gatway", "dns_nxdomian", "unautorized"}) {
    for (const std::string& near : nearTo(word)) {
      EXPECT_TRUE(explainWord(near)) << word << ": " << near;
    }
  }
}

TEST(ExplainWord, NothingIsNearToNonsense) {
  EXPECT_THAT(nearTo("xyzzy"), IsEmpty());
  EXPECT_THAT(nearTo(""), IsEmpty());
  EXPECT_THAT(nearTo(std::string(100000, '5')), IsEmpty());
  EXPECT_THAT(nearTo(std::string(100000, 'a')), IsEmpty());
}

TEST(ExplainWord, SaysWhatAnUnregisteredCodeIsTakenFor) {
  EXPECT_EQ(unregisteredCode("477"),
            "477 is not registered; a client treats it as 400 Bad Request (RFC 9110 section 15)");
  EXPECT_EQ(unregisteredCode("404"), "");
  EXPECT_EQ(unregisteredCode("600"), "");
  EXPECT_EQ(unregisteredCode("no_route"), "");
  EXPECT_EQ(unregisteredCode(""), "");
}

}  // namespace
}  // namespace gatewhy
