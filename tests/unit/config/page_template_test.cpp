// SPDX-License-Identifier: Apache-2.0
#include "config/page_template.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> pageComplaints(std::string_view html) {
  std::vector<std::string> out;
  const ParsedPage parsed = parsePage(html);
  for (const PageProblem& problem : parsed.problems) {
    out.push_back(
        fmt::format("{}:{}{}: {}", problem.line, problem.column, problem.warning ? " warning" : "", problem.message));
  }
  return out;
}

// The page again, each variable as "<its number>".
std::string shape(std::string_view html) {
  const ParsedPage parsed = parsePage(html);
  std::string out;
  for (const TemplatePart& part : parsed.html.parts()) {
    out += part.variable ? fmt::format("<{}>", static_cast<int>(*part.variable)) : part.text;
  }
  return out;
}

const std::string kStatus = fmt::format("<{}>", static_cast<int>(Variable::Status));

TEST(PageTemplate, VariablesStandInTextAndInQuotes) {
  EXPECT_EQ(shape("<h1 title=\"{status}\" class='{status}'>{status}</h1>"),
            "<h1 title=\"" + kStatus + "\" class='" + kStatus + "'>" + kStatus + "</h1>");
  EXPECT_EQ(shape("<a href = \"\">{status}</a>"), "<a href = \"\">" + kStatus + "</a>");
  EXPECT_THAT(
      pageComplaints("<title>{status} {reason}</title><p>{message} {support} {evidence} {retry_after} {site_name} "
                     "{contact} {header.Accept}"),
      IsEmpty());
}

TEST(PageTemplate, WhatIsNoTextIsCopied) {
  for (const char* html :
       {"<style>p{color:red} @media print{p{margin:0}}</style>", "<STYLE media=print>\np{color:red}\n</Style >x",
        "<!-- {nothing} -->", "<!DOCTYPE html>", "<style>p{color:red}", "<p title=\"unclosed", "a < b {1} $5 {} <3",
        "<", "<!", "</", "<p", "", "<p a='x'b=\"y\">", "<script></script>"}) {
    EXPECT_EQ(shape(html), html);
  }
  EXPECT_EQ(shape("\xEF\xBB\xBF{{status} $$host"), "{status} $host") << "without the byte order mark";
  EXPECT_EQ(shape("<styles>{status}</styles>"), "<styles>" + kStatus + "</styles>");
  EXPECT_EQ(shape("<style></style>{status}"), "<style></style>" + kStatus);
}

TEST(PageTemplate, MistakesHaveTheirPlaceAndTheWordToUse) {
  EXPECT_THAT(pageComplaints("<p>\n  é{mesage}\n$remote_addr {hosts}"),
              ElementsAre("2:4: unknown variable '{mesage}'; did you mean {message}?; a brace is written {{",
                          "3:1: '$remote_addr' is nginx's; write {client_address}",
                          "3:14: unknown variable '{hosts}'; did you mean {host}?; a brace is written {{"));
}

TEST(PageTemplate, WhereEscapingDoesNotHelpVariablesAreRefused) {
  const auto refused = HasSubstr("must stand in a value in quotes");
  EXPECT_THAT(pageComplaints("<p title={host}>"), ElementsAre(refused));
  EXPECT_THAT(pageComplaints("<p {host}=\"x\">"), ElementsAre(refused));
  EXPECT_THAT(pageComplaints("<p title=a\"{host}\">"), ElementsAre(refused)) << "the quote is part of the value";
  EXPECT_THAT(pageComplaints("<p title=\"x\"{host}>"), ElementsAre(refused));
  EXPECT_THAT(pageComplaints("<a x==\"{host}\">"), ElementsAre(refused)) << "a value without quotes";
  EXPECT_THAT(pageComplaints("<a =\"{host}\">"), ElementsAre(refused)) << "an attribute's name";
  EXPECT_THAT(pageComplaints("<a x/=\"{host}\">"), ElementsAre(refused));
  EXPECT_THAT(pageComplaints("<a=\"{host}\">"), ElementsAre(refused)) << "the tag's name";
  EXPECT_THAT(pageComplaints("<style>a{b} p{{host}}</style>"),
              ElementsAre("1:15: variables have no value in a style sheet; '{host}' would stay as it is"));
  EXPECT_THAT(pageComplaints("<SCRIPT>say('{header.X}')</SCRIPT>"),
              ElementsAre(HasSubstr("1:9 warning: this script will not run"),
                          HasSubstr("1:14: variables have no value in a script")));
}

// Whatever the pieces make together: nothing is lost or added, and it ends.
TEST(PageTemplate, AnySequenceOfPiecesIsKept) {
  constexpr std::array<std::string_view, 18> kPieces{"<",        ">",        "\"",   "'",   "=",      "/",
                                                     " ",        "a",        "</",   "<p ", "<style", "<script>",
                                                     "</style>", "</script", "<!--", "-->", "<?x",    "{status}"};
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string html;
    const std::size_t count = random() % 12;
    for (std::size_t i = 0; i < count; ++i) {
      html += kPieces[random() % kPieces.size()];
    }
    std::string expected;
    const ParsedPage parsed = parsePage(html);
    for (const TemplatePart& part : parsed.html.parts()) {
      expected += part.variable ? "{status}" : part.text;
    }
    ASSERT_EQ(expected, html);
  }
}

TEST(PageTemplate, IsUtf8) {
  EXPECT_THAT(pageComplaints("<p>\n\xE9t\xE9</p>"), ElementsAre("2:1: a page is UTF-8, and this octet is not"));
}

TEST(PageTemplate, ManyMistakesAreCutOff) {
  std::string html;
  for (int i = 0; i < 100; ++i) {
    html += "{x}";
  }
  EXPECT_THAT(pageComplaints(html), SizeIs(20));
}

}  // namespace
}  // namespace gatewhy
