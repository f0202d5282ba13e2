// SPDX-License-Identifier: Apache-2.0
// Lines of HTTP/1.1 as fields of HTTP/2, on their way out.
#include "proxy/http/h2/h2_fields.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace gatewhy::test {
namespace {

// "name=value|" each; "!" in front of what the peer's table must not keep.
std::string listed(const H2FieldList& list) {
  std::string text;
  for (std::size_t at = 0; at < list.size(); ++at) {
    const nghttp2_nv& field = list.data()[at];
    text += (field.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0 ? "!" : "";
    text.append(reinterpret_cast<const char*>(field.name), field.namelen).append("=");
    text.append(reinterpret_cast<const char*>(field.value), field.valuelen).append("|");
  }
  return text;
}

std::string ofLines(std::string_view lines) {
  H2FieldList list;
  list.lines(lines);
  return listed(list);
}

TEST(H2Fields, LinesBecomeFields) {
  EXPECT_EQ(ofLines(""), "");
  EXPECT_EQ(ofLines("A: b\r\nServer: x: y\r\n\r\n"), "A=b|Server=x: y|");
  EXPECT_EQ(ofLines("A:b\r\nB: \r\nC:\t c d \t\r\n"), "A=b|B=|C=c d|");
  EXPECT_EQ(ofLines("A: b"), "A=b|");
}

TEST(H2Fields, ThoseOfTheConnectionStayOut) {
  for (const std::string_view name : {"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade",
                                      "connection", "kEEP-aLIVE", "pROXY-cONNECTION", "tRANSFER-eNCODING", "uPGRADE"}) {
    EXPECT_EQ(ofLines("A: b\r\n" + std::string(name) + ": x\r\nC: d\r\n"), "A=b|C=d|") << name;
  }
  EXPECT_EQ(ofLines("TE: trailers\r\n"), "TE=trailers|");
  EXPECT_EQ(ofLines("te: gzip, trailers\r\n"), "");
}

// As long as one of those, with the same first letter.
TEST(H2Fields, WhatOnlyLooksLikeThemPasses) {
  const std::string all =
      "TX: 1\r\nUpgrads: 1\r\nConnectioN2: 1\r\nConnexions: 1\r\nKeep-Alove: 1\r\nProxy-Connexions: 1\r\n"
      "Transfer-Encodinh: 1\r\nTransfer-Encodings: 1\r\n";
  EXPECT_EQ(ofLines(all),
            "TX=1|Upgrads=1|ConnectioN2=1|Connexions=1|Keep-Alove=1|Proxy-Connexions=1|Transfer-Encodinh=1|"
            "Transfer-Encodings=1|");
}

// A value that never comes twice pushes out of the table what does.
TEST(H2Fields, ValuesThatDifferInEachMessageAreNotIndexed) {
  EXPECT_EQ(ofLines("Date: today\r\nX-Request-ID: 1\r\nx-request-id: 2\r\nX-Request-IX: 3\r\nTraceparent: 4\r\n"),
            "Date=today|!X-Request-ID=1|!x-request-id=2|X-Request-IX=3|!Traceparent=4|");
  H2FieldList list;
  ASSERT_TRUE(list.request("GET /a HTTP/1.1\r\nHost: a.example\r\ntraceparent: 1\r\nAccept: x\r\n\r\n", true, ""));
  EXPECT_EQ(listed(list), ":method=GET|:authority=a.example|:scheme=https|:path=/a|!traceparent=1|Accept=x|");
}

TEST(H2Fields, ASocketsKeyHasNoMeaning) {
  H2FieldList list;
  ASSERT_TRUE(list.request("GET /a HTTP/1.1\r\nhOST: a.example\r\nSec-WebSocket-Key: k\r\nUpgrade: websocket\r\n\r\n",
                           true, "websocket"));
  EXPECT_EQ(listed(list), ":method=CONNECT|:authority=a.example|:scheme=https|:path=/a|:protocol=websocket|");
}

}  // namespace
}  // namespace gatewhy::test
