// SPDX-License-Identifier: Apache-2.0
#include "config/cidr.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <string>

namespace gatewhy {
namespace {

std::array<std::uint8_t, 16> address(const std::string& text) {
  std::array<std::uint8_t, 16> bytes{};
  const bool v6 = text.find(':') != std::string::npos;
  EXPECT_EQ(::inet_pton(AF_INET6, v6 ? text.c_str() : ("::ffff:" + text).c_str(), bytes.data()), 1) << text;
  return bytes;
}

bool inside(const char* block, const char* ip) {
  const auto parsed = Cidr::parse(block);
  EXPECT_TRUE(parsed) << block;
  return parsed && parsed->contains(address(ip));
}

TEST(Cidr, Ipv4) {
  EXPECT_TRUE(inside("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(inside("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(inside("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(inside("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(inside("192.0.2.128/25", "192.0.2.255"));
  EXPECT_FALSE(inside("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(inside("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(inside("0.0.0.0/0", "2001:db8::1"));
}

TEST(Cidr, Ipv6) {
  EXPECT_TRUE(inside("2001:db8::/32", "2001:db8:ffff::1"));
  EXPECT_FALSE(inside("2001:db8::/32", "2001:db9::1"));
  EXPECT_TRUE(inside("2001:db8::8/125", "2001:db8::f"));
  EXPECT_FALSE(inside("2001:db8::8/125", "2001:db8::10"));
  EXPECT_TRUE(inside("::1", "::1"));
}

TEST(Cidr, MappedIsTheSameAsIpv4) {
  EXPECT_TRUE(inside("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(inside("::ffff:10.0.0.0/104", "10.1.2.3"));
}

TEST(Cidr, Refuses) {
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.1/8", "10.0.0/8",
                           "010.0.0.0/8", "2001:db8::/129", "2001:db8::1/32", "localhost", "10.0.0.0/8/8", "[::1]",
                           " 10.0.0.1", "fe80::1%eth0", "10.0.0.0/255.0.0.0", "1.2.3.4.5",
                           "0000000000000000000000000000000000000000000000000000000000000000000000001/8"}) {
    EXPECT_FALSE(Cidr::parse(text)) << text;
  }
}

}  // namespace
}  // namespace gatewhy
