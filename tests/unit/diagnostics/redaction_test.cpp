// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/redaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatewhy {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string query(std::string_view text) {
  return Redaction().pairs(text).value_or(std::string(text));
}

TEST(RedactionTest, ValuesOfHiddenPairsAreReplaced) {
  EXPECT_EQ(query("token=S3&page=2"), "token=…&page=2");
  EXPECT_EQ(query("page=2&access_token=S3"), "page=2&access_token=…");
  EXPECT_EQ(query("API_KEY=S3;S3,'S3'"), "API_KEY=…");
  EXPECT_EQ(query("to%6ben=S3&user[password]=S3"), "to%6ben=…&user[password]=…");
  EXPECT_EQ(query("sig=a%26b%3Dc&z=1"), "sig=…&z=1") << "an encoded separator is part of the value";
  EXPECT_EQ(query("token=&a=b"), "token=&a=b");
  EXPECT_EQ(query("token"), "token");
  EXPECT_EQ(query("a=b=c&d"), "a=b=c&d");
  EXPECT_EQ(query("next=/login?token=S3&x=1"), "next=/login?token=…&x=1");
  EXPECT_EQ(query("next=https%3A%2F%2Fa.example%2F%3Ftoken%3DS3%26page%3D2"),
            "next=https%3A%2F%2Fa.example%2F%3Ftoken%3D…%26page%3D2");
  EXPECT_EQ(query("/app;jsessionid=S3/x"), "/app;jsessionid=…") << "rather too much than too little";
  EXPECT_EQ(query("SAMLResponse=S3&PHPSESSID=S3&code_verifier=S3&spin=1&airticket=2"),
            "SAMLResponse=…&PHPSESSID=…&code_verifier=…&spin=1&airticket=2");
  EXPECT_EQ(query("a=1&url=http://user:S3@host/&b=2"), "a=1&url=http://…@host/&b=2");
  EXPECT_EQ(query("/pkg//user@host/"), "/pkg//user@host/");
  EXPECT_EQ(query("codec=h264&zip_code=1&code=S3"), "codec=h264&zip_code=1&code=…");
}

TEST(RedactionTest, NothingHiddenCostsNothing) {
  EXPECT_FALSE(Redaction().pairs("page=2&sort=name").has_value());
  EXPECT_FALSE(Redaction().pairs("").has_value());
}

TEST(RedactionTest, RulesAreTheFiles) {
  const Redaction mine({.query = {"PIN", "x-*-y"}, .headers = {"X-Internal-*"}});
  EXPECT_EQ(mine.pairs("pin=1&token=2&x-a-y=3").value_or(""), "pin=…&token=2&x-a-y=…");
  EXPECT_TRUE(mine.hidesField("x-internal-user"));
  EXPECT_TRUE(mine.hidesField("Set-Cookie")) << "always";
  EXPECT_TRUE(mine.hidesField("PROXY-AUTHORIZATION"));
  EXPECT_FALSE(mine.hidesField("Accept"));
  const Redaction none({.query = {}, .headers = {}});
  EXPECT_FALSE(none.pairs("token=1").has_value());
}

TEST(RedactionTest, FieldsInAnExcerpt) {
  const Redaction redact;
  EXPECT_EQ(redact.text("GET /a?token=S3&b=1 HTTP/1.1\r\nAuthorization: Bearer S3\r\nAccept: x\r\n"),
            "GET /a?token=…&b=1 HTTP/1.1\r\nAuthorization: …\r\nAccept: x\r\n");
  EXPECT_EQ(redact.text("Authorization: Bearer S1\x01tail\r\n"), "Authorization: …\x01…\r\n");
  EXPECT_EQ(redact.text("Cookie : a=S3\r\n"), "Cookie : …\r\n");
  EXPECT_EQ(redact.text("Cookie a=S3\r\n"), "Cookie …\r\n");
  EXPECT_EQ(redact.text("Cookie\x01: a=S3\r\n"), "Cookie\x01…\r\n");
  EXPECT_EQ(redact.text("Set-Cookie: a=S3\r\n S3 folded\r\nDate: x\r\n"), "Set-Cookie: …\r\n…\r\nDate: x\r\n");
  EXPECT_EQ(redact.text("A: b\rX-Api-Key: S3\n"), "A: b\rX-Api-Key: …\n");
  EXPECT_EQ(redact.text("GET http://user:S3@host/ HTTP/1.1"), "GET http://…@host/ HTTP/1.1");
  EXPECT_EQ(redact.text("hOst: user:S3@host\r\nHost:host\r\n"), "hOst: …@host\r\nHost:host\r\n");
  EXPECT_EQ(redact.text("Location: https://a.example/cb?code=S3#x"), "Location: https://a.example/cb?code=…");
}

// The name may stand before what is shown.
TEST(RedactionTest, AnExcerptKnowsWhatStandsBefore) {
  const std::string head = "GET / HTTP/1.1\r\nAuthorization: Bearer S1S1S1S1S1S1S1S1S1S1\x02\r\nbroken line\r\n";
  const std::size_t fault = head.find('\x02');
  for (std::size_t before = 0; before <= fault; ++before) {
    const std::string shown = Redaction().excerpt(head, fault - before, before + 20);
    EXPECT_THAT(shown, Not(HasSubstr("S1"))) << before;
    EXPECT_THAT(shown, HasSubstr("\x02"));
  }
  const std::size_t broken = head.find("broken");
  EXPECT_THAT(Redaction().excerpt(head, broken - 20, 40), HasSubstr("broken line"));
}

TEST(RedactionTest, SurvivesAnyOctets) {
  std::string all;
  for (int i = 0; i < 512; ++i) {
    all += static_cast<char>(i);
    all += "=%";
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_FALSE(Redaction().excerpt(all, i, 64).empty());
  }
  EXPECT_EQ(Redaction().excerpt("abc", 9, 9), "");
}

}  // namespace
}  // namespace gatewhy
