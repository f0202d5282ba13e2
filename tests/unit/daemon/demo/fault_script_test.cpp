// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/fault_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace gatewhy {
namespace {

using std::chrono::milliseconds;

Script parsed(std::string_view text) {
  Result<Script, ScriptError> script = parseScript(text);
  EXPECT_TRUE(script) << (script ? "" : script.error().message);
  return script ? script.value() : Script{};
}

ScriptError refused(std::string_view text) {
  Result<Script, ScriptError> script = parseScript(text);
  EXPECT_FALSE(script) << text;
  return script ? ScriptError{} : script.error();
}

TEST(FaultScript, ReadsStepsInOrder) {
  const Script script = parsed("accept, read_head ,send \"ab\",pause 250ms, reset");
  ASSERT_EQ(script.size(), 5U);
  EXPECT_EQ(script[0].kind, StepKind::Accept);
  EXPECT_EQ(script[1].kind, StepKind::ReadHead);
  EXPECT_EQ(script[2].kind, StepKind::Send);
  EXPECT_EQ(script[2].text, "ab");
  EXPECT_EQ(script[3].duration, milliseconds(250));
  EXPECT_EQ(script[4].kind, StepKind::Reset);
}

TEST(FaultScript, EmptyTextIsAnEmptyScript) {
  EXPECT_TRUE(parsed("").empty());
  EXPECT_TRUE(parsed("  \n").empty());
}

TEST(FaultScript, DecodesEscapes) {
  EXPECT_EQ(parsed(R"(send "a\r\n\t\0\\\"\x7f\xFF,b")")[0].text, std::string("a\r\n\t\0\\\"\x7f\xff,b", 11));
}

TEST(FaultScript, ReadsNumbersAndOptions) {
  const Script script =
      parsed("read 17, repeat 3 \"xy\", respond 404 gone, pause 2s, tls cert=expired max=1.2, wait a");
  EXPECT_EQ(script[0].count, 17U);
  EXPECT_EQ(script[1].count, 3U);
  EXPECT_EQ(script[1].text, "xy");
  EXPECT_EQ(script[2].count, 404U);
  EXPECT_EQ(script[2].text, "gone");
  EXPECT_EQ(script[3].duration, milliseconds(2000));
  EXPECT_EQ(script[4].option("cert"), "expired");
  EXPECT_EQ(script[4].option("max"), "1.2");
  EXPECT_EQ(script[4].option("min"), "");
  EXPECT_EQ(script[5].text, "a");
}

TEST(FaultScript, NamesThePositionOfAnError) {
  EXPECT_EQ(refused("accept, raed_head").column, 8U);
  EXPECT_THAT(refused("accept, raed_head").message, testing::HasSubstr("raed_head"));
  EXPECT_EQ(refused("read_head send x").column, 10U);
  EXPECT_EQ(refused("accept,").column, 7U);
  EXPECT_EQ(refused("send \"ab").column, 5U);
  EXPECT_EQ(refused("send \"a\\qb\"").column, 7U);
  EXPECT_EQ(refused("send \"\\x1\"").column, 6U);
  EXPECT_EQ(refused("send").column, 4U);
  EXPECT_EQ(refused("pause 5").column, 6U);
  EXPECT_EQ(refused("pause ms").column, 6U);
  EXPECT_EQ(refused("read x").column, 5U);
  EXPECT_EQ(refused("tls expired").column, 4U);
}

TEST(FaultScript, AcceptComesFirst) {
  EXPECT_THAT(refused("read_head, accept").message, testing::HasSubstr("first"));
}

TEST(FaultScript, YamlAndTextFormsAgree) {
  const Result<Script, ScriptError> yaml = parseScript(
      YAML::Load(R"([accept, "read 4", send: "a\r\nb", repeat: [2, "q"], pause: 5ms, tls: {max: "1.2"}, close])"));
  ASSERT_TRUE(yaml) << yaml.error().message;
  EXPECT_EQ(yaml.value(), parsed(R"(accept, read 4, send "a\r\nb", repeat 2 "q", pause 5ms, tls max=1.2, close)"));
  const Result<Script, ScriptError> line = parseScript(YAML::Load("accept, read_head, reset"));
  ASSERT_TRUE(line);
  EXPECT_EQ(line.value(), parsed("accept, read_head, reset"));
}

TEST(FaultScript, YamlErrorsCarryLineAndColumn) {
  const Result<Script, ScriptError> unknown = parseScript(YAML::Load("- accept\n- {sned: x}\n"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().line, 1U);
  EXPECT_EQ(unknown.error().column, 2U);
  EXPECT_FALSE(parseScript(YAML::Load("{a: b}")));
  EXPECT_FALSE(parseScript(YAML::Load("[close: now]")));
  EXPECT_FALSE(parseScript(YAML::Load("[repeat: [x, y]]")));
  EXPECT_FALSE(parseScript(YAML::Load("[[accept]]")));
}

}  // namespace
}  // namespace gatewhy
