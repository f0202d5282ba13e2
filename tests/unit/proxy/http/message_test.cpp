// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/message.h"

#include <gtest/gtest.h>

#include "diagnostics/octets.h"
#include "parse_runs.h"

namespace gatewhy::test {
namespace {

TEST(FieldIds, KnownNamesInAnyCase) {
  EXPECT_EQ(fieldId("te"), FieldId::Te);
  EXPECT_EQ(fieldId("VIA"), FieldId::Via);
  EXPECT_EQ(fieldId("Host"), FieldId::Host);
  EXPECT_EQ(fieldId("date"), FieldId::Date);
  EXPECT_EQ(fieldId("Content-Length"), FieldId::ContentLength);
  EXPECT_EQ(fieldId("tRANSFER-eNCODING"), FieldId::TransferEncoding);
  EXPECT_EQ(fieldId("x-forwarded-proto"), FieldId::XForwardedProto);
  EXPECT_EQ(fieldId("Sec-WebSocket-Key"), FieldId::SecWebSocketKey);
  EXPECT_EQ(fieldId("Sec-WebSocket-Accept"), FieldId::SecWebSocketAccept);
  EXPECT_EQ(fieldId("X-Request-Id"), FieldId::XRequestId);
  EXPECT_EQ(fieldId("Retry-After"), FieldId::RetryAfter);
}

TEST(FieldIds, NeighboursAreOther) {
  for (const std::string_view name : {""sv, "t"sv, "hosts"sv, "hos"sv, "content_length"sv, "connectioN "sv, "\xc8ost"sv,
                                      "sec-websocket-accept2"sv, "x"sv, "@ost"sv, "content-lengtH\0"sv}) {
    EXPECT_EQ(fieldId(name), FieldId::Other) << escaped(name);
  }
}

TEST(FieldIds, CaseIsFoldedAtEveryPlaceOfEverySize) {
  for (std::size_t size = 1; size <= 24; ++size) {
    const std::string lower(size, 'q');
    for (int octet = 0; octet < 256; ++octet) {
      for (std::size_t place = 0; place < size; ++place) {
        std::string other = lower;
        other[place] = static_cast<char>(octet);
        ASSERT_EQ(equalsIgnoreCase(lower, other), octet == 'q' || octet == 'Q')
            << octet << " at " << place << " of " << size;
      }
    }
  }
}

TEST(FieldIds, CaseFoldingIsAsciiOnly) {
  EXPECT_TRUE(equalsIgnoreCase("aZ-", "Az-"));
  EXPECT_FALSE(equalsIgnoreCase("[", "{"));
  EXPECT_FALSE(equalsIgnoreCase("@", "`"));
  EXPECT_FALSE(equalsIgnoreCase("\xc0", "\xe0"));
}

TEST(Tokens, EveryOctet) {
  const std::string_view marks = "!#$%&'*+-.^_`|~";
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    const bool alnum = octet < 128 && std::isalnum(octet) != 0;
    const bool token = alnum || (c != '\0' && marks.find(c) != std::string_view::npos);
    EXPECT_EQ(isToken(std::string_view(&c, 1)), token) << octet;
    EXPECT_EQ(octets::is(c, octets::kValue), octet == 9 || (octet >= 32 && octet != 127)) << octet;
  }
  EXPECT_FALSE(isToken(""));
}

TEST(Values, EveryOctetAtEveryPlaceOfEverySizeAroundABlock) {
  for (std::size_t size = 1; size <= 36; ++size) {
    std::string text(size, 'a');
    for (int octet = 0; octet < 256; ++octet) {
      for (std::size_t place = 0; place < size; ++place) {
        text[place] = static_cast<char>(octet);
        const bool valid = octets::is(text[place], octets::kValue);
        ASSERT_EQ(findInvalidValueOctet(text, 0), valid ? size : place) << octet << " at " << place << " of " << size;
        text[place] = 'a';
      }
    }
  }
}

TEST(Values, FieldLinesOfEverySizeAroundABlock) {
  for (std::size_t name = 1; name <= 20; ++name) {
    for (std::size_t value = 0; value <= 36; ++value) {
      std::string line = std::string(name, 'n') + ":" + std::string(value, 'v');
      FieldLine parsed;
      ASSERT_FALSE(parseFieldLine(line, parsed));
      ASSERT_EQ(parsed.name_size, name);
      ASSERT_EQ(parsed.value_size, value);
      for (std::size_t at = name + 1; at < line.size(); ++at) {
        line[at] = '\x7f';
        const auto fault = parseFieldLine(line, parsed);
        ASSERT_TRUE(fault);
        ASSERT_EQ(fault->at, at);
        line[at] = 'v';
      }
    }
  }
}

TEST(Methods, Idempotence) {
  EXPECT_TRUE(isIdempotent(Method::Get, "GET"));
  EXPECT_TRUE(isIdempotent(Method::Delete, "DELETE"));
  EXPECT_FALSE(isIdempotent(Method::Post, "POST"));
  EXPECT_FALSE(isIdempotent(Method::Patch, "PATCH"));
  EXPECT_FALSE(isIdempotent(Method::Connect, "CONNECT"));
  EXPECT_TRUE(isIdempotent(Method::Other, "PROPFIND"));
  EXPECT_FALSE(isIdempotent(Method::Other, "get"));
}

TEST(Lists, MembersAndTheirOffsets) {
  ListReader list(" a ,, b\t,");
  std::vector<std::pair<std::string, std::size_t>> seen;
  while (list.next()) {
    seen.emplace_back(list.member(), list.offset());
  }
  const std::vector<std::pair<std::string, std::size_t>> expected{{"a", 1}, {"", 4}, {"b", 6}, {"", 9}};
  EXPECT_EQ(seen, expected);
}

}  // namespace
}  // namespace gatewhy::test
