// SPDX-License-Identifier: Apache-2.0
// What the check says to mistakes that people make, word for word.
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/certificate_file.h"
#include "config/config_summary.h"
#include "config_testing.h"

namespace gatewhy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::problems;
using testing::withBase;

TEST(CheckMessages, TabsAndIndentation) {
  EXPECT_THAT(problems("listeners:\n\t- address: \"127.0.0.1:80\"\n"),
              ElementsAre("t.yaml:2:1: error: a tab; YAML indents with spaces"));
  EXPECT_THAT(problems("origins:\n  shop:\n\tendpoints: [x]\n"),
              ElementsAre("t.yaml:3:1: error: a tab; YAML indents with spaces"));
  EXPECT_THAT(problems("listeners:\n  - address: \"127.0.0.1:80\"\n   tls: {}\n"),
              ElementsAre("t.yaml:3:4: error: indented 3, expected 4 (under 'address') or 2"));
  EXPECT_THAT(problems("listeners:\n  - address: \"127.0.0.1:80\"\n     tls: {}\n"),
              ElementsAre("t.yaml:3:6: error: indented 5, expected 4 (under 'address')"));
  EXPECT_THAT(problems("origins:\n  shop:\n    endpoints: [\"http://a\"]\n   timeouts: {}\n"),
              ElementsAre("t.yaml:4:4: error: indented 3, expected 4 (under 'endpoints') or 2"));
}

TEST(CheckMessages, TabsThatYamlAllowsAreNoMistake) {
  EXPECT_THAT(problems(withBase("limits: {\n\tconnections: 5\n  }\n")), IsEmpty());
  EXPECT_THAT(problems(withBase("limits:\t{connections: 5}\t# why\n")), IsEmpty());
}

TEST(CheckMessages, AddressesOfOtherPrograms) {
  const auto listening = [](const std::string& address) {
    return problems("listeners: [{address: \"" + address + "\"}]\norigins: {a: {endpoints: [\"http://a\"]}}\n");
  };
  const std::string at = "t.yaml:1:23: error: 'address': ";
  EXPECT_THAT(listening(":8080"), ElementsAre(at + "write 0.0.0.0:8080 (or [::]:8080 for both families)"));
  EXPECT_THAT(listening("*:80"), ElementsAre(at + "write 0.0.0.0:80 (or [::]:80 for both families)"));
  EXPECT_THAT(listening("8080"), ElementsAre(at + "write 0.0.0.0:8080 (or [::]:8080 for both families)"));
  EXPECT_THAT(listening("localhost:80"), ElementsAre(at + "write 127.0.0.1:80"));
  EXPECT_THAT(listening("::1:8080"), ElementsAre(at + "write [::1]:8080"));
  EXPECT_THAT(listening(":::80"), ElementsAre(at + "write [::]:80"));
  EXPECT_THAT(listening("shop.example:80"), ElementsAre(HasSubstr("'shop.example' is not an IP address; write")));
}

TEST(CheckMessages, EndpointsWithoutBrackets) {
  const auto to = [](const std::string& url) {
    return problems("listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [\"" + url + "\"]}}\n");
  };
  EXPECT_THAT(to("http://::1:8080"), ElementsAre(HasSubstr(": write http://[::1]:8080")));
  EXPECT_THAT(to("https://2001:db8::1"), ElementsAre(HasSubstr(": write https://[2001:db8::1]")));
  EXPECT_THAT(to("http://a:b:c"), ElementsAre(HasSubstr("'a:b:c' has more than one colon")));
  EXPECT_THAT(to("http://a/api"), ElementsAre(HasSubstr("remove the path: an endpoint takes the path from the "
                                                        "request (strip_prefix changes it)")));
}

TEST(CheckMessages, HostsOfRoutes) {
  const auto host = [](const std::string& name) {
    return problems(withBase("routes: [{host: \"" + name + "\", origin: shop}]\n"));
  };
  const std::string at = "t.yaml:6:17: error: 'host': ";
  EXPECT_THAT(host("https://x"), ElementsAre(at + "'https://x' is a URL; write the host only: x"));
  EXPECT_THAT(host("https://x.example:8443/a"),
              ElementsAre(at + "'https://x.example:8443/a' is a URL; write the host only: x.example"));
  EXPECT_THAT(host("*.*.x"), ElementsAre(at + "'*.*.x' is not a host; a wildcard is one '*.' at the beginning"));
  EXPECT_THAT(host("x.*"), ElementsAre(at + "'x.*' is not a host; a wildcard is one '*.' at the beginning"));
}

TEST(CheckMessages, FilesOfOtherProxies) {
  const auto of = [](const std::string& product) {
    return "t.yaml:1:1: error: this looks like a configuration of " + product +
           "; docs/migrating.md has gatewhy's names for its settings";
  };
  EXPECT_THAT(problems("worker_processes 4;\nhttp {\n  server {\n    listen 80;\n  }\n}\n"), ElementsAre(of("nginx")));
  EXPECT_THAT(problems("server {\n\tlisten 80;\n\tlocation / { proxy_pass http://a; }\n}\n"), ElementsAre(of("nginx")));
  EXPECT_THAT(problems("global\n  daemon\ndefaults\n  mode http\nfrontend web\n  bind :80\n  default_backend app\n"),
              ElementsAre(of("HAProxy")));
  EXPECT_THAT(problems("shop.example {\n\treverse_proxy localhost:9000\n}\n"), ElementsAre(of("Caddy")));
  EXPECT_THAT(problems("http:\n  routers:\n    a: {rule: \"Host(`a`)\", service: a}\n"), ElementsAre(of("Traefik")));
  EXPECT_THAT(problems("[entryPoints.web]\n  address = \":80\"\n"), ElementsAre(of("Traefik")));
  EXPECT_THAT(problems("static_resources:\n  listeners: []\n"), ElementsAre(of("Envoy")));
  EXPECT_THAT(problems("<VirtualHost *:80>\n  ProxyPass / http://a/\n</VirtualHost>\n"), ElementsAre(of("Apache")));
  EXPECT_THAT(problems(withBase("http:\n  routers: {}\n")), ElementsAre(HasSubstr("unknown key 'http'")))
      << "a file of ours with a mistake is still ours";
}

TEST(CheckMessages, KeysOfOtherProxies) {
  EXPECT_THAT(problems(withBase("upstream: {}\n")),
              ElementsAre("t.yaml:6:1: error: unknown key 'upstream'; write 'origins' (docs/migrating.md)"));
  EXPECT_THAT(problems(testing::withOrigin("servers: []")),
              ElementsAre(HasSubstr("unknown key 'servers'; write 'endpoints' in an origin (docs/migrating.md)")));
  EXPECT_THAT(problems(withBase("routes: [{origin: shop, proxy_pass: \"http://a\"}]\n")),
              ElementsAre(HasSubstr("unknown key 'proxy_pass'; write 'origin' in a route (docs/migrating.md)")));
  EXPECT_THAT(
      problems("just words\n"),
      ElementsAre("t.yaml:1:1: error: the configuration must be a map of keys and values, such as 'listeners:'"));
}

class CheckFileMessages : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "/gatewhy-check-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // A pair that is for `names` ("DNS:a.example, DNS:*.b.example") and expires
  // in so many seconds.
  void makePair(const std::string& file, const std::string& names, long until) {
    const KeyPtr key(EVP_EC_gen("P-256"));
    const X509Ptr certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until);
    X509_set_pubkey(certificate.get(), key.get());
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    std::FILE* out = std::fopen((directory_ + "/" + file + ".pem").c_str(), "w");
    PEM_write_X509(out, certificate.get());
    std::fclose(out);
    out = std::fopen((directory_ + "/" + file + ".key").c_str(), "w");
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    std::filesystem::permissions(directory_ + "/" + file + ".key", std::filesystem::perms::owner_read);
  }

  LoadedConfig load(const std::string& yaml) {
    std::ofstream(directory_ + "/c.yaml", std::ios::binary) << yaml;
    return loadConfigFile(directory_ + "/c.yaml");
  }
  std::vector<std::string> check(const std::string& yaml) {
    std::vector<std::string> out;
    for (ConfigProblem problem : load(yaml).problems) {
      problem.file = "c";
      out.push_back(format(problem));
    }
    return out;
  }

  std::string directory_;
};

constexpr std::string_view kWithTls =
    "listeners:\n"
    "  - address: \"127.0.0.1:0\"\n"
    "  - address: \"127.0.0.1:0\"\n"
    "    tls: {certificates: [{certificate: a.pem, key: a.key}]}\n"
    "origins:\n"
    "  shop: {endpoints: [\"http://a\"]}\n";

TEST_F(CheckFileMessages, HostsThatNoCertificateIsFor) {
  makePair("a", "DNS:shop.example, DNS:*.wild.example", 3600);
  EXPECT_THAT(check(std::string(kWithTls) + "routes:\n"
                                            "  - {host: shop.example, origin: shop}\n"
                                            "  - {host: x.wild.example, origin: shop}\n"
                                            "  - {host: \"*.wild.example\", origin: shop}\n"
                                            "  - {host: old.example, origin: shop}\n"
                                            "  - {host: \"*.old.example\", origin: shop}\n"
                                            "  - {origin: shop}\n"),
              ElementsAre("c:11:12: warning: no certificate is for 'old.example': browsers refuse "
                          "https://old.example/",
                          "c:12:12: warning: no certificate is for '*.old.example': browsers refuse "
                          "https://*.old.example/"));
}

TEST_F(CheckFileMessages, SaysWhatItFound) {
  makePair("a", "DNS:shop.example", 59L * 86400 + 3600);
  const LoadedConfig loaded = load(std::string(kWithTls) + "routes: [{path: /a, origin: shop}, {origin: shop}]\n");
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_EQ(describeConfig(*loaded.config),
            "2 listeners, 1 origin, 2 routes; certificate of shop.example expires in 59 days");
  makePair("a", "DNS:shop.example", 1L * 86400 + 3600);
  EXPECT_THAT(describeConfig(*loaded.config), HasSubstr("expires in 1 day"));
  makePair("a", "DNS:shop.example", 3600);
  EXPECT_THAT(describeConfig(*loaded.config), HasSubstr("expires today"));
  makePair("a", "DNS:shop.example", -10);
  EXPECT_THAT(describeConfig(*loaded.config), HasSubstr("certificate of shop.example has expired"));
  const LoadedConfig plain = load(testing::withBase(""));
  ASSERT_NE(plain.config, nullptr);
  EXPECT_EQ(describeConfig(*plain.config), "1 listener, 1 origin, 1 route");
}

TEST_F(CheckFileMessages, PathsThatLookLikePatterns) {
  const auto path = [this](const std::string& text) {
    return check(withBase("routes: [{path: \"" + text + "\", origin: shop}, {origin: shop}]\n"));
  };
  EXPECT_THAT(path("/api/*"), ElementsAre("c:6:17: warning: '*' in '/api/*' is an ordinary character, not a pattern; "
                                          "'/api/' already takes everything below it"));
  EXPECT_THAT(path("/exact$"), ElementsAre(HasSubstr("'$' in '/exact$' is an ordinary character, not a pattern")));
  EXPECT_THAT(path("/^v1/"), ElementsAre(HasSubstr("'^' in '/^v1/' is an ordinary character")));
  EXPECT_THAT(path("/plain"), IsEmpty());
  EXPECT_THAT(check(withBase("routes: [{path_regex: \"^/v[0-9]*$\", origin: shop}, {origin: shop}]\n")), IsEmpty());
}

TEST_F(CheckFileMessages, ABrokenRouteHidesNoOther) {
  const auto said =
      check(withBase("routes:\n"
                     "  - {path: \"^/x\", origin: shop}\n"
                     "  - {path: /y, origin: shop}\n"
                     "  - {path: /y/z, origin: shop}\n"));
  EXPECT_THAT(said, ElementsAre(HasSubstr("c:7:12: error: 'path': "),
                                "c:9:5: warning: this route is never reached: route 2 ('*/y') already matches "
                                "everything this one would"));
  EXPECT_THAT(check(withBase("routes: [{path: /a, origin: shpo}]\n")), Not(Contains(HasSubstr("no route leads"))));
}

}  // namespace
}  // namespace gatewhy
