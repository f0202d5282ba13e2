// SPDX-License-Identifier: Apache-2.0
// The PROXY header that goes to origins: octet by octet, and as our own reader
// takes it.
#include "proxy/net/proxy_protocol.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>
#include <vector>

namespace gatewhy::test {
namespace {

using namespace std::string_literals;

const std::string kV2Signature = "\r\n\r\n\0\r\nQUIT\n"s;

ProxiedAddresses between(const char* source, std::uint16_t source_port, const char* destination,
                         std::uint16_t destination_port) {
  return {.source = *Address::fromIp(source, source_port),
          .destination = *Address::fromIp(destination, destination_port)};
}

struct HeaderRow {
  std::string what;
  ProxiedAddresses client;
  std::string v1, v2;
};

const std::vector<HeaderRow>& headerRows() {
  static const std::vector<HeaderRow> rows = {
      {"IPv4", between("192.0.2.1", 1025, "198.51.100.2", 443), "PROXY TCP4 192.0.2.1 198.51.100.2 1025 443\r\n",
       "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\x04\x01\x01\xbb"s},
      {"IPv6", between("2001:db8::1", 1025, "2001:db8::2", 443), "PROXY TCP6 2001:db8::1 2001:db8::2 1025 443\r\n",
       "\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x04\x01\x01\xbb"s},
      {"both families", between("192.0.2.1", 1025, "2001:db8::2", 443),
       "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1025 443\r\n",
       "\x21\x21\x00\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x04\x01\x01\xbb"s},
      {"a unix socket", {}, "PROXY UNKNOWN\r\n", "\x21\x00\x00\x00"s},
  };
  return rows;
}

TEST(ProxyHeaderWriter, OctetByOctet) {
  for (const HeaderRow& row : headerRows()) {
    EXPECT_EQ(proxyHeader(SendProxyProtocol::V1, &row.client), row.v1) << row.what;
    EXPECT_EQ(proxyHeader(SendProxyProtocol::V2, &row.client), kV2Signature + row.v2) << row.what;
    EXPECT_EQ(proxyHeader(SendProxyProtocol::Off, &row.client), "") << row.what;
  }
}

TEST(ProxyHeaderWriter, OurOwnRequestsAreNobodys) {
  EXPECT_EQ(proxyHeader(SendProxyProtocol::V1, nullptr), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(proxyHeader(SendProxyProtocol::V2, nullptr), kV2Signature + "\x20\x00\x00\x00"s);
}

TEST(ProxyHeaderWriter, AZoneIsLeftOut) {
  ProxiedAddresses client = between("fe80::1", 1, "fe80::2", 2);
  reinterpret_cast<sockaddr_in6&>(client.source.storage).sin6_scope_id = 1;
  EXPECT_EQ(proxyHeader(SendProxyProtocol::V1, &client), "PROXY TCP6 fe80::1 fe80::2 1 2\r\n");
}

TEST(ProxyHeaderWriter, OurReaderTakesItAsItWasMeant) {
  for (const HeaderRow& row : headerRows()) {
    for (const auto version : {SendProxyProtocol::V1, SendProxyProtocol::V2}) {
      const std::string bytes = proxyHeader(version, &row.client);
      const ProxyHeader read = parseProxyHeader(bytes + "GET");
      ASSERT_EQ(read.status, ProxyHeader::Status::Done) << row.what << read.problem;
      EXPECT_EQ(read.consumed, bytes.size());
      if (row.client.source.size == 0) {
        EXPECT_FALSE(read.source || read.destination);
      } else {
        EXPECT_EQ(read.source->text(), row.client.source.text());
        EXPECT_EQ(read.destination->text(), row.client.destination.text());
      }
    }
  }
}

}  // namespace
}  // namespace gatewhy::test
