// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_source.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<std::string> complaints(std::string_view text) {
  std::vector<std::string> out;
  for (const YamlProblem& problem : parseYaml(text).problems) {
    out.push_back(fmt::format("{}:{}: {}", problem.at.line, problem.at.column, problem.message));
  }
  return out;
}

TEST(Yaml, KeepsTextAndPlaces) {
  const YamlDocument document = parseYaml("a: 010\nb:\n  - \"x\"\n  - {c: no}\nd:\n");
  ASSERT_TRUE(document.root);
  EXPECT_THAT(document.problems, IsEmpty());
  const auto& entries = document.root->entries;
  ASSERT_THAT(entries, SizeIs(3));
  EXPECT_EQ(entries[0].value.text, "010");
  EXPECT_FALSE(entries[0].value.quoted);
  EXPECT_TRUE(entries[1].value.items[0].quoted);
  EXPECT_EQ(entries[1].value.items[1].entries[0].value.text, "no");
  EXPECT_EQ(entries[1].value.items[1].at.line, 4);
  EXPECT_EQ(entries[1].value.items[1].at.column, 5);
  EXPECT_EQ(entries[2].value.kind, YamlNode::Kind::Null);
  EXPECT_EQ(entries[2].value.at.line, 5);  // where its key is
}

TEST(Yaml, CountsColumnsInCharacters) {
  EXPECT_THAT(complaints("\xC3\xA9\xC3\xA9: *x\n"), ElementsAre(StartsWith("1:5: ")));
}

TEST(Yaml, AcceptsCrLfAndEndMarkers) {
  EXPECT_THAT(complaints("---\r\na: b\r\nc: 'it''s'\r\n...\r\n"), IsEmpty());
}

TEST(Yaml, RefusesDuplicateKeys) {
  EXPECT_THAT(complaints("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n"),
              ElementsAre("3:1: duplicate key 'a' (first on line 1)", "4:11: duplicate key 'd' (first on line 4)"));
}

TEST(Yaml, RefusesWhatYamlCppLetsPass) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"a: b\n---\nc: d\n", "2:1: text after the end"},
      {"{a: b} trailing", "1:8: text after the end"},
      {"a: b\n...\nmore\n", "3:1: text after the end"},
      {"- a\nb: c\n", "2:1: text after the end"},
      {"a: \"b\n", "1:"},
      {"a: 'b\n", "1:"},
      {"a: 'b''\n", "1:"},
      {"a: !foo 1\n", "1:4: YAML tags"},
      {"a: !!str 1\n", "1:4: YAML tags"},
      {"a: &x 1\n", "1:4: YAML anchors"},
      {"a: &x [1]\nb: *x\n", "1:4: YAML anchors"},
      {"%YAML 1.2\n---\na: b\n", "1:1: YAML directives"},
      {"# c\n\n%TAG ! x\n---\na: b\n", "3:1: YAML directives"},
      {"\xEF\xBB\xBF"
       "a: b\n",
       "1:1: the file begins with a byte order mark"},
      {"\xFF\xFE"
       "a",
       "1:1: the file is UTF-16"},
      {std::string_view("a: b\0c\n", 7), "1:5: a NUL byte"},
      {"a: b\x07\n", "1:5: a control character (U+0007)"},
      {"a: b\rc: d\n", "1:5: a carriage return"},
      {"a: \xC3\n", "1:4: not UTF-8"},
      {"a: \xED\xA0\x80\n", "1:4: not UTF-8"},
      {"a: \xC0\x80\n", "1:4: not UTF-8"},
      {"a: \xF4\x90\x80\x80\n", "1:4: not UTF-8"},
      {"? [a]\n: b\n", "1:3: a key must be a word"},
      {"", "1:1: the file is empty"},
      {"# only a comment\n", "1:1: the file is empty"},
      {"a: [1, 2\nb: 3\n", "1:4: not valid YAML: this bracket is not closed"},
      {"a: b: c\n", "1:5: not valid YAML"},
      {"a: @b\n", "1:4: not valid YAML"},
  };
  for (const auto& [text, start] : cases) {
    EXPECT_THAT(complaints(text), Not(IsEmpty())) << text;
    for (const std::string& complaint : complaints(text)) {
      EXPECT_THAT(complaint, StartsWith(start)) << text;
      break;
    }
  }
}

TEST(Yaml, AliasBombsAreRefusedAtOnce) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  EXPECT_THAT(parseYaml(bomb).problems, SizeIs(20 + 19 * 9));
}

TEST(Yaml, DepthIsBounded) {
  EXPECT_THAT(complaints(std::string(31, '[') + std::string(31, ']')), IsEmpty());
  for (const std::string_view step : {"[", "{a: ", "- ", "? ", "[a: "}) {
    std::string deep;
    while (deep.size() < 500'000) {
      deep += step;
    }
    ASSERT_THAT(complaints(deep), SizeIs(1)) << step;
    EXPECT_THAT(complaints(deep)[0], HasSubstr("nested more than")) << step;
  }
}

TEST(Yaml, SizeIsBounded) {
  EXPECT_THAT(complaints(std::string(kMaxYamlBytes + 1, '#')), ElementsAre("0:0: the file is larger than 1024 KiB"));
  std::string many = "[";
  while (many.size() < kMaxYamlBytes - 3) {
    many += "a,";
  }
  many += "]";
  ASSERT_THAT(complaints(many), SizeIs(1));
  EXPECT_THAT(complaints(many)[0], HasSubstr("more than 100000 values"));
}

}  // namespace
}  // namespace gatewhy
