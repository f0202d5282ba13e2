// SPDX-License-Identifier: Apache-2.0
#include "config/url.h"

#include <gmock/gmock.h>

namespace gatewhy {
namespace {

using ::testing::HasSubstr;

TEST(Endpoint, Http) {
  const auto endpoint = parseEndpoint("http://Shop-1.Internal:8443/");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->scheme, EndpointScheme::Http);
  EXPECT_EQ(endpoint->host, "shop-1.internal");
  EXPECT_EQ(endpoint->port, 8443);
  EXPECT_EQ(endpoint->url, "http://Shop-1.Internal:8443/");
}

TEST(Endpoint, DefaultPorts) {
  EXPECT_EQ(parseEndpoint("http://a")->port, 80);
  EXPECT_EQ(parseEndpoint("HTTPS://a")->port, 443);
  EXPECT_EQ(parseEndpoint("HTTPS://a")->scheme, EndpointScheme::Https);
}

TEST(Endpoint, VersionsOfHttp) {
  struct Row {
    const char* url;
    EndpointScheme scheme;
    EndpointHttp http;
    std::uint16_t port;
  };
  for (const Row& row : {Row{"http://a", EndpointScheme::Http, EndpointHttp::Http1, 80},
                         Row{"https://a", EndpointScheme::Https, EndpointHttp::Negotiated, 443},
                         Row{"h2://a", EndpointScheme::Https, EndpointHttp::Http2, 443},
                         Row{"h2c://a", EndpointScheme::Http, EndpointHttp::Http2, 80}}) {
    const auto endpoint = parseEndpoint(row.url);
    ASSERT_TRUE(endpoint) << row.url;
    EXPECT_EQ(endpoint->scheme, row.scheme) << row.url;
    EXPECT_EQ(endpoint->http, row.http) << row.url;
    EXPECT_EQ(endpoint->port, row.port) << row.url;
  }
}

TEST(Endpoint, Addresses) {
  EXPECT_EQ(parseEndpoint("http://10.0.0.7:1")->host, "10.0.0.7");
  EXPECT_EQ(parseEndpoint("https://[2001:db8::1]:8443")->host, "2001:db8::1");
  EXPECT_EQ(parseEndpoint("http://[fe80::1%eth0]:80")->host, "fe80::1%eth0");
}

TEST(Endpoint, AFinalDotSaysThatTheNameIsComplete) {
  const auto endpoint = parseEndpoint("https://Svc.Test.:443");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host, "svc.test");
  EXPECT_TRUE(endpoint->absolute);
  EXPECT_FALSE(parseEndpoint("https://svc.test:443")->absolute);
  EXPECT_EQ(hostComplaint(std::string(62, 'a') + '.'), "");
  EXPECT_EQ(canonicalHost("*.Wild.Example."), "*.wild.example");
}

TEST(Endpoint, Unix) {
  const auto endpoint = parseEndpoint("unix:/run/app.sock");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->scheme, EndpointScheme::Unix);
  EXPECT_EQ(endpoint->unix_path, "/run/app.sock");
  EXPECT_TRUE(endpoint->host.empty());
  EXPECT_THAT(parseEndpoint("unix:app.sock").error(), HasSubstr("absolute"));
  EXPECT_THAT(parseEndpoint("unix:///run/app.sock").error(), HasSubstr("one slash"));
  EXPECT_THAT(parseEndpoint("unix:/").error(), HasSubstr("no socket"));
  EXPECT_THAT(parseEndpoint("unix:/" + std::string(107, 'a')).error(), HasSubstr("107 bytes"));
  EXPECT_TRUE(parseEndpoint("unix:/" + std::string(106, 'a')));
}

TEST(Endpoint, RefusesWithAReason) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"", "is not a URL"},
      {"shop:8080", "is not a URL"},
      {"ftp://shop", "scheme 'ftp' is unknown"},
      {"srv+http://_http._tcp.shop.internal", "SRV records are not read: list the endpoints"},
      {"SRV+https://_http._tcp.shop.internal", "SRV records are not read: list the endpoints"},
      {"srv://_http._tcp.shop.internal", "SRV records are not read: list the endpoints"},
      {"grpc://shop", "write h2c://"},
      {"grpcs://shop", "write h2://"},
      {"http://", "host is missing"},
      {"http://:80", "host is missing"},
      {"http://a b", "contains ' '"},
      {"http://a\r\nb", "is not a host"},
      {"http://a:0", "is not a port"},
      {"http://a:65536", "is not a port"},
      {"http://a:", "is not a port"},
      {"http://a:080", "is not a port"},
      {"http://a:-1", "is not a port"},
      {"http://a/path", "remove the path"},
      {"http://a?q", "remove the path"},
      {"http://a#f", "remove the path"},
      {"http://user:secret@a", "not accepted"},
      {"http://::1", "write http://[::1]"},
      {"http://a:b:c", "more than one colon"},
      {"http://[::1", "closing bracket"},
      {"http://[10.0.0.1]", "is not an IPv6 address"},
      {"http://[::1]8080", "is not a port"},
      {"http://10.0.0", "neither an IPv4 address nor a name"},
      {"http://10.0.0.256", "neither an IPv4 address nor a name"},
      {"http://-a", "begins or ends with '-'"},
      {"http://a..b", "empty or longer"},
      {"http://a..", "empty or longer"},
      {"http://.", "empty or longer"},
      {"http://\xC3\xA9", "xn--"},
  };
  for (const auto& [url, reason] : cases) {
    const auto endpoint = parseEndpoint(url);
    ASSERT_FALSE(endpoint) << url;
    EXPECT_THAT(endpoint.error(), HasSubstr(reason)) << url;
  }
}

TEST(ListenerAddress, OneSpelling) {
  EXPECT_EQ(*canonicalListenerAddress("0.0.0.0:8080"), "0.0.0.0:8080");
  EXPECT_EQ(*canonicalListenerAddress("[0:0::0]:65535"), "[::]:65535");
  EXPECT_EQ(*canonicalListenerAddress("127.0.0.1:0"), "127.0.0.1:0");
  EXPECT_EQ(*canonicalListenerAddress("unix:/run/a.sock"), "unix:/run/a.sock");
  EXPECT_EQ(*canonicalListenerAddress("systemd:http"), "systemd:http");
}

TEST(ListenerAddress, Refuses) {
  for (const char* text : {"", "8080", ":8080", "*:8080", "localhost:8080", "0.0.0.0", "0.0.0.0:65536", "0.0.0.0:-1",
                           "::1:8080", "[::1]", "unix:", "unix:a", "systemd:", "systemd:a:b", "http://0.0.0.0:80"}) {
    EXPECT_FALSE(canonicalListenerAddress(text)) << text;
  }
}

}  // namespace
}  // namespace gatewhy
