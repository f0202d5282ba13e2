// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/address.h"

#include <gtest/gtest.h>

#include "proxy/net/address_policy.h"

namespace gatewhy {
namespace {

Address at(std::string_view text) {
  const auto address = Address::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(Address{});
}

TEST(Address, TextSurvivesARoundTrip) {
  for (const char* text : {"192.0.2.1:80", "[2001:db8::1]:443", "[::]:0", "0.0.0.0:65535", "unix:/run/app.sock"}) {
    EXPECT_EQ(at(text).text(), text);
  }
}

TEST(Address, RefusesWhatIsNoAddress) {
  for (const char* text : {"", ":80", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1: 80",
                           "192.0.2:80", "host:80", "::1:80", "[::1]", "[::1]80", "[192.0.2.1]:80", "[]:80",
                           "unix:", "192.0.2.1:80x", "[::1%nosuchinterface]:80"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
  EXPECT_FALSE(Address::fromIp(std::string_view("192.0.2.1\0x", 11), 80));
  EXPECT_FALSE(Address::fromIp("[::1]", 80));
}

TEST(Address, UnixPathsFitOrAreRefused) {
  EXPECT_EQ(Address::unixPath(std::string(107, 'a'))->text(), "unix:" + std::string(107, 'a'));
  EXPECT_FALSE(Address::unixPath(std::string(108, 'a')));
}

TEST(Address, KeepsTheScopeOfLinkLocalAddresses) {
  const auto scoped = Address::fromIp("fe80::1%lo", 80);
  ASSERT_TRUE(scoped);
  EXPECT_EQ(scoped->text(), "[fe80::1%lo]:80");
  EXPECT_FALSE(*scoped == *Address::fromIp("fe80::1", 80));
}

TEST(Address, MapsIpv4IntoItsBytes) {
  const auto bytes = at("192.0.2.7:1").bytes();
  EXPECT_EQ(bytes, at("[::ffff:192.0.2.7]:1").bytes());
  EXPECT_EQ(bytes[15], 7);
}

TEST(Address, ComparesAddressAndPort) {
  EXPECT_EQ(at("192.0.2.1:80"), at("192.0.2.1:80"));
  EXPECT_FALSE(at("192.0.2.1:80") == at("192.0.2.1:81"));
  EXPECT_FALSE(at("[::1]:80") == at("[::2]:80"));
  EXPECT_FALSE(at("unix:/a") == at("unix:/b"));
}

TEST(AddressPolicy, NamesMustNotLeadToSpecialAddresses) {
  for (const char* text : {"169.254.169.254:80", "[fe80::1]:80", "224.0.0.1:80", "[ff02::1]:80", "0.0.0.0:80",
                           "[::]:80", "255.255.255.255:80", "[::ffff:169.254.169.254]:80", "[::ffff:0.0.0.0]:80"}) {
    EXPECT_TRUE(ruleAgainst(at(text))) << text;
  }
  for (const char* text : {"127.0.0.1:80", "10.0.0.1:80", "192.168.0.1:80", "[::1]:80", "[fd00::1]:80",
                           "[2001:db8::1]:80", "169.253.0.1:80", "240.0.0.1:80"}) {
    EXPECT_FALSE(ruleAgainst(at(text))) << text;
  }
}

TEST(AddressPolicy, FindsOwnListeners) {
  EXPECT_TRUE(isOwnListener(at("127.0.0.1:80"), {at("127.0.0.1:80")}));
  EXPECT_TRUE(isOwnListener(at("127.0.0.9:80"), {at("192.0.2.1:80"), at("0.0.0.0:80")}));
  EXPECT_FALSE(isOwnListener(at("127.0.0.1:80"), {at("[::]:80")}));
  EXPECT_TRUE(isOwnListener(at("127.0.0.1:80"), {at("[::]:80"), at("0.0.0.0:80")}));
  EXPECT_TRUE(isOwnListener(at("[::1]:80"), {at("[::]:80")}));
  EXPECT_TRUE(isOwnListener(at("unix:/a"), {at("unix:/a")}));
  EXPECT_FALSE(isOwnListener(at("[::1]:80"), {at("0.0.0.0:80")}));
  EXPECT_FALSE(isOwnListener(at("127.0.0.1:81"), {at("0.0.0.0:80"), at("127.0.0.1:80")}));
  EXPECT_FALSE(isOwnListener(at("192.0.2.1:80"), {at("0.0.0.0:80")}));
  EXPECT_FALSE(isOwnListener(at("127.0.0.2:80"), {at("127.0.0.1:80")}));
  EXPECT_FALSE(isOwnListener(at("127.0.0.1:80"), {}));
}

}  // namespace
}  // namespace gatewhy
