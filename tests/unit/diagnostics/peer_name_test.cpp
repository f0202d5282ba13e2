// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/peer_name.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "diagnostics/errno_name.h"
#include "diagnostics/tls_alert.h"

namespace gatewhy {
namespace {

using namespace std::string_view_literals;

TEST(PeerName, KnowsCommonProtocols) {
  EXPECT_EQ(identifyPeer(""), "");
  EXPECT_EQ(identifyPeer("HTTP/1.1 200 OK\r\n"), "HTTP");
  EXPECT_EQ(identifyPeer("SSH-2.0-OpenSSH_9.2"), "SSH");
  EXPECT_EQ(identifyPeer("220 mail.example ESMTP Postfix"), "SMTP");
  EXPECT_EQ(identifyPeer("220 (vsFTPd 3.0.3)"), "FTP");
  EXPECT_EQ(identifyPeer("220 welcome"), "SMTP or FTP");
  EXPECT_EQ(identifyPeer("ICY 200 OK"), "ICY (SHOUTcast)");
  EXPECT_EQ(identifyPeer("+OK ready"), "POP3");
  EXPECT_EQ(identifyPeer("* OK IMAP4rev1"), "IMAP");
  EXPECT_EQ(identifyPeer("-ERR unknown command 'GET'"), "Redis");
  EXPECT_EQ(identifyPeer("\x15\x03\x01\x00\x02\x02\x46"sv), "TLS alert");
  EXPECT_EQ(identifyPeer("\x16\x03\x01\x02\x00\x01"sv), "TLS handshake");
  EXPECT_EQ(identifyPeer("\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00"sv), "HTTP/2 SETTINGS");
  EXPECT_EQ(identifyPeer("PRI * HTTP/2.0\r\n\r\nSM"), "HTTP/2 preface");
  EXPECT_EQ(identifyPeer("\x01\x06\x00\x01\x00\x20\x00\x00"sv), "FastCGI");
  EXPECT_EQ(identifyPeer("\x4a\x00\x00\x00\x0a"
                         "8.0.36"sv),
            "MySQL");
  EXPECT_EQ(identifyPeer("E\x00\x00\x00\x63SFATAL"sv), "PostgreSQL");
}

TEST(PeerName, TellsTextFromBytes) {
  EXPECT_EQ(identifyPeer("<html><body>"), "HTML or XML without a response head");
  EXPECT_EQ(identifyPeer("\r\n <!DOCTYPE html>"), "HTML or XML without a response head");
  EXPECT_EQ(identifyPeer("Warning: mysql_connect()"), "text");
  EXPECT_EQ(identifyPeer("\x7f\x45\x4c\x46\x02\x01"sv), "binary");
  EXPECT_EQ(identifyPeer("\x00"sv), "binary");
}

TEST(PeerName, SurvivesEveryShortStart) {
  for (const std::string_view whole : {"\x16\x03\x01\x02"sv, "\x00\x00\x12\x04\x00\x00\x00\x00\x00"sv,
                                       "\x4a\x00\x00\x00\x0a"
                                       "8"sv,
                                       "E\x00\x00\x00\x63S"sv}) {
    for (std::size_t length = 1; length <= whole.size(); ++length) {
      EXPECT_FALSE(identifyPeer(whole.substr(0, length)).empty());
    }
  }
}

TEST(PeerName, TlsAlert) {
  EXPECT_TRUE(beginsWithTlsAlert("\x15\x03\x03\x00\x02\x02\x28"sv));
  EXPECT_FALSE(beginsWithTlsAlert("\x15\x07\x03"sv));
  EXPECT_FALSE(beginsWithTlsAlert("\x15"sv));
}

TEST(ErrnoName, NamesNumbers) {
  EXPECT_EQ(errnoName(ECONNREFUSED), "ECONNREFUSED");
  EXPECT_EQ(errnoName(ETIMEDOUT), "ETIMEDOUT");
  EXPECT_EQ(errnoName(0), "");
  EXPECT_EQ(errnoName(-1), "");
  EXPECT_EQ(errnoName(99999), "");
}

TEST(TlsAlertName, NamesNumbers) {
  EXPECT_EQ(tlsAlertName(40), "handshake_failure");
  EXPECT_EQ(tlsAlertName(116), "certificate_required");
  EXPECT_EQ(tlsAlertName(120), "no_application_protocol");
  EXPECT_EQ(tlsAlertName(200), "");
  EXPECT_EQ(tlsAlertName(-1), "");
}

}  // namespace
}  // namespace gatewhy
