// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace gatewhy {
namespace {

using std::string_literals::operator""s;

constexpr const char* kReplacement = "\xEF\xBF\xBD";

std::string written(std::string_view text) {
  std::string out;
  JsonWriter writer(out);
  writer.string(text);
  return out;
}

std::string readBack(std::string_view text) {
  return nlohmann::json::parse(written(text)).get<std::string>();
}

std::string number(double value) {
  std::string out;
  JsonWriter writer(out);
  writer.number(value);
  return out;
}

TEST(JsonWriterTest, NestsObjectsAndArrays) {
  std::string out;
  JsonWriter writer(out);
  writer.beginObject();
  writer.member("name", "a");
  writer.beginArray("list");
  writer.integer(-1);
  writer.unsignedInteger(std::numeric_limits<std::uint64_t>::max());
  writer.beginObject();
  writer.endObject();
  writer.boolean(true);
  writer.endArray();
  writer.beginObject("inner");
  writer.memberNumber("ms", 0.5);
  writer.endObject();
  writer.memberBoolean("last", false);
  writer.endObject();
  EXPECT_EQ(out, R"({"name":"a","list":[-1,18446744073709551615,{},true],"inner":{"ms":0.5},"last":false})");
}

TEST(JsonWriterTest, LeavesOutEmptyTexts) {
  std::string out;
  JsonWriter writer(out);
  writer.beginObject();
  writer.member("absent", "");
  writer.memberExcerpt("absent", "");
  writer.endObject();
  EXPECT_EQ(out, "{}");
}

TEST(JsonWriterTest, BoundsDecimals) {
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(1), "1");
  EXPECT_EQ(number(1.5), "1.5");
  EXPECT_EQ(number(1.25), "1.25");
  EXPECT_EQ(number(1.0625), "1.063");
  EXPECT_EQ(number(0.007), "0.007");
  EXPECT_EQ(number(-2.5), "-2.5");
  EXPECT_EQ(number(-0.0001), "0");
  EXPECT_EQ(number(12345678901.125), "12345678901.125");
  EXPECT_EQ(number(1e15), "1000000000000000");
  EXPECT_EQ(number(std::nan("")), "0");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "0");
}

TEST(JsonWriterTest, EscapesWhatReadersActOn) {
  EXPECT_EQ(written("\"\\\n\r\t"), R"("\"\\\n\r\t")");
  EXPECT_EQ(written("\0\x01\x1F\x7F"s), R"("\u0000\u0001\u001f\u007f")");
  EXPECT_EQ(written("\xC2\x85\xC2\x9B"), R"("\u0085\u009b")");
  EXPECT_EQ(written("\xE2\x80\xA8\xE2\x80\xA9"), R"("\u2028\u2029")");
}

TEST(JsonWriterTest, PassesWellFormedUtf8) {
  for (const std::string text : {"plain", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF",
                                 "\xF4\x8F\xBF\xBF", "\xC2\xA0 twelve letters or more, so that words are compared"}) {
    EXPECT_EQ(written(text), '"' + text + '"');
  }
}

TEST(JsonWriterTest, ReplacesIllFormedUtf8ByMaximalParts) {
  const std::string r = kReplacement;
  EXPECT_EQ(readBack("\xC0\xAF"), r + r);                  // overlong
  EXPECT_EQ(readBack("\xE0\x80\xAF"), r + r + r);          // overlong
  EXPECT_EQ(readBack("\xED\xA0\x80"), r + r + r);          // surrogate
  EXPECT_EQ(readBack("\xF4\x90\x80\x80"), r + r + r + r);  // above the last code point
  EXPECT_EQ(readBack("\xE2\x82"), r);                      // truncated
  EXPECT_EQ(readBack("\xF0\x9F\x98|"), r + "|");
  EXPECT_EQ(readBack("\x80|\xFF"), r + "|" + r);
  EXPECT_EQ(readBack("\xE2\xE2\x82\xAC"), r + "\xE2\x82\xAC");
}

TEST(JsonWriterTest, EveryByteAtEveryPositionOfSizesAroundABlockIsSeen) {
  for (const std::size_t size : {1U, 7U, 15U, 16U, 17U, 31U, 33U}) {
    for (int byte = 0; byte < 256; ++byte) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        std::string expected = text;
        if (byte >= 0x80) {
          expected.replace(at, 1, kReplacement);
        }
        EXPECT_EQ(readBack(text), expected);
      }
    }
  }
}

TEST(JsonWriterTest, RandomBytesStayOneLineOfValidJson) {
  std::mt19937 random(20260131);
  std::uniform_int_distribution<int> byte(0, 255);
  std::uniform_int_distribution<std::size_t> length(0, 80);
  for (int round = 0; round < 20000; ++round) {
    std::string text(length(random), '\0');
    for (char& c : text) {
      c = static_cast<char>(byte(random));
    }
    std::string out;
    JsonWriter writer(out);
    writer.beginArray();
    writer.string(text);
    writer.excerpt(text);
    writer.endArray();
    ASSERT_TRUE(nlohmann::json::accept(out)) << out;
    ASSERT_EQ(out.find('\n'), std::string::npos);
  }
}

TEST(JsonWriterTest, ExcerptIsPrintableAndBounded) {
  std::string out;
  JsonWriter writer(out);
  writer.excerpt("SSH-2.0\r\n\t\\\0\xFF"s);
  EXPECT_EQ(nlohmann::json::parse(out).get<std::string>(), "SSH-2.0\\r\\n\\t\\\\\\x00\\xff");

  out.clear();
  JsonWriter bounded(out);
  bounded.excerpt(std::string(1000, '\xFE'));
  EXPECT_EQ(nlohmann::json::parse(out).get<std::string>().size(), 4 * JsonWriter::kMaxExcerptBytes);
}

}  // namespace
}  // namespace gatewhy
