// SPDX-License-Identifier: Apache-2.0
// What people have in hand when they ask: other proxies' words, error numbers,
// a part of a name.
#include "diagnostics/foreign_terms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "diagnostics/explain.h"
#include "diagnostics/explain_word.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string explained(std::string_view word) {
  const auto found = explainWord(word);
  return found ? found.value().text : "unknown";
}

std::size_t wordsIn(std::string_view names) {
  std::istringstream words{std::string(names)};
  std::size_t count = 0;
  for (std::string word; words >> word;) {
    ++count;
  }
  return count;
}

TEST(ForeignTerms, EveryRowNamesCausesThatExist) {
  for (const ProxyWord& row : allProxyWords()) {
    EXPECT_GE(causesIn(row.causes).size(), 1U) << row.word;
    EXPECT_EQ(causesIn(row.causes).size(), wordsIn(row.causes)) << row.word << ": " << row.causes;
    EXPECT_THAT(std::string(row.meaning), testing::EndsWith(".")) << row.word;
  }
  for (const ErrnoWord& row : allErrnoWords()) {
    EXPECT_EQ(causesIn(row.causes).size(), wordsIn(row.causes)) << row.name;
  }
}

// Each row is found by its word, says whose it is, and leads to its causes.
TEST(ForeignTerms, EveryProxyWordIsFound) {
  std::set<std::string_view> products;
  for (const ProxyWord& row : allProxyWords()) {
    products.insert(row.product);
    const std::string text = explained(row.word);
    EXPECT_THAT(text, HasSubstr(std::string(row.product))) << row.word;
    EXPECT_THAT(text, HasSubstr(std::string(row.word) + "\n")) << row.word;
    for (const Cause cause : causesIn(row.causes)) {
      EXPECT_THAT(text, HasSubstr(std::string(info(cause).name) + ":")) << row.word;
    }
  }
  EXPECT_EQ(products.size(), 9U);
}

TEST(ForeignTerms, EveryErrnoIsFoundByNameNumberAndText) {
  for (const ErrnoWord& row : allErrnoWords()) {
    EXPECT_THAT(explained(row.name), StartsWith(std::string(row.name) + " (" + std::to_string(row.number)));
    EXPECT_THAT(explained(std::to_string(row.number)), HasSubstr(std::string(row.name) + " ("));
  }
  EXPECT_THAT(explained("ECONNREFUSED"), HasSubstr("connection_refused: "));
  EXPECT_THAT(explained("econnrefused"), StartsWith("ECONNREFUSED (111"));
  EXPECT_THAT(explained("111"), StartsWith("ECONNREFUSED (111, Connection refused)"));
  EXPECT_EQ(json::parse(explainWord("111").value().json).at("causes").front(), "connection_refused");
}

TEST(ForeignTerms, LettersCountTheirCase) {
  EXPECT_THAT(explained("SC"), AllOf(HasSubstr("connection_refused"), Not(HasSubstr("timeout connect"))));
  EXPECT_THAT(explained("sC"), AllOf(HasSubstr("connection_timeout"), Not(HasSubstr("connection_refused:"))));
  EXPECT_EQ(explained("SC--"), explained("SC"));
  EXPECT_EQ(explained("sHVN"), explained("sH"));
  EXPECT_EQ(explained("UF,URX"), explained("UF"));
  EXPECT_EQ(explained("uf"), explained("UF"));
}

TEST(ForeignTerms, AWholeLineOfALogIsUnderstood) {
  EXPECT_THAT(explained("2026/11/20 10:00:00 [error] 7#7: *1 connect() failed (111: Connection refused) while "
                        "connecting to upstream, client: 192.0.2.1, server: shop.example"),
              AllOf(HasSubstr("nginx: error log"), HasSubstr("connection_refused: ")));
  EXPECT_THAT(explained("upstream  timed out (110: Connection timed out) while reading response header from upstream"),
              AllOf(HasSubstr("response_timeout: "), Not(HasSubstr("connection_timeout: "))))
      << "the longest phrase counts";
  EXPECT_THAT(
      explained("connect() to unix:/run/app.sock failed (2: No such file or directory) while connecting to upstream"),
      AllOf(HasSubstr("unix_socket_missing: "), Not(HasSubstr("unix_socket_denied: "))));
  EXPECT_THAT(explained("dial tcp 10.0.0.7:80: connect: connection refused"), HasSubstr("Caddy: log"));
  EXPECT_THAT(explained("upstream connect error or disconnect/reset before headers. reset reason: connection failure"),
              HasSubstr("Envoy"));
}

TEST(ForeignTerms, PartsOfNamesListThem) {
  const std::string timeouts = explained("timeout");
  EXPECT_THAT(timeouts, AllOf(HasSubstr("Causes with 'timeout'"), HasSubstr("  connection_timeout "),
                              HasSubstr("  response_timeout "), HasSubstr("408 Request Timeout"),
                              HasSubstr("504 Gateway Timeout"), HasSubstr("backend_timeout")));
  EXPECT_THAT(explained("tls"), HasSubstr("  tls_handshake_timeout "));
  EXPECT_THAT(explained("refused"), HasSubstr("  connection_refused "));
  EXPECT_THAT(explained("too large"), AllOf(HasSubstr("413 "), HasSubstr("client_body_too_large")));
  EXPECT_THAT(explained("upstream prematurely closed"), HasSubstr("upstream prematurely closed connection"));
  EXPECT_THAT(explained("neighbor"), StartsWith("neighbor_unresolved\n")) << "a single one is explained at once";
  const json listed = json::parse(explainWord("timeout").value().json);
  EXPECT_EQ(listed.at("search"), "timeout");
  EXPECT_GT(listed.at("causes").size(), 10U);
}

TEST(ForeignTerms, WordsOfTheSentencesAreTheLastResort) {
  EXPECT_THAT(explained("accept queue"), Not(HasSubstr("unknown")));
  EXPECT_EQ(explained("xyzzy"), "unknown");
  EXPECT_EQ(explained("52"), "unknown") << "digits are not searched for";
}

}  // namespace
}  // namespace gatewhy
