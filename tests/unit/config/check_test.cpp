// SPDX-License-Identifier: Apache-2.0
#include "config/check.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/certificate_file.h"
#include "config_testing.h"
#include "tests/support/revocation.h"

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "/gatewhy-check-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const std::string& content) {
    std::ofstream(directory_ + "/" + name, std::ios::binary) << content;
  }

  // A key, and a self-signed certificate for it that is valid between the two
  // offsets from now, in seconds.
  void makePair(const std::string& name, long from, long until) {
    const KeyPtr key(EVP_EC_gen("P-256"));
    const X509Ptr certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    std::FILE* file = std::fopen((directory_ + "/" + name + ".pem").c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    const std::string key_path = directory_ + "/" + name + ".key";
    file = std::fopen(key_path.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    ::chmod(key_path.c_str(), 0600);
  }

  // Problems without the file's name.
  std::vector<std::string> check(const std::string& yaml) {
    write("c.yaml", yaml);
    std::vector<std::string> out;
    for (ConfigProblem problem : loadConfigFile(directory_ + "/c.yaml").problems) {
      problem.file = "c";
      out.push_back(format(problem));
    }
    return out;
  }

  std::vector<std::string> checkListener(const std::string& pair, const std::string& more = "") {
    return check("listeners:\n  - address: \"127.0.0.1:0\"\n    tls:\n      certificates:\n        - " + pair + "\n" +
                 more + "origins: {a: {endpoints: [\"http://a\"]}}\n");
  }

  std::string directory_;
};

TEST_F(CheckTest, FileItself) {
  const auto missing = loadConfigFile(directory_ + "/none.yaml");
  EXPECT_THAT(testing::lines(missing),
              ElementsAre(directory_ + "/none.yaml: error: cannot be read: No such file or directory"));
  EXPECT_THAT(testing::lines(loadConfigFile(directory_)), ElementsAre(EndsWith("cannot be read: Is a directory")));
}

TEST_F(CheckTest, GoodPair) {
  makePair("a", -60, 3600);
  EXPECT_THAT(checkListener("{certificate: a.pem, key: a.key}"), IsEmpty());
}

TEST_F(CheckTest, WordsOfTls) {
  makePair("a", -60, 3600);
  const auto checkTls = [this](const std::string& key) {
    return checkListener("{certificate: a.pem, key: a.key}", "      " + key + "\n");
  };
  EXPECT_THAT(checkTls("groups: \"X25519:P-256:secp384r1\""), IsEmpty());
  EXPECT_THAT(checkTls("groups: \"X25519:P-257\""),
              ElementsAre("c:6:15: error: 'tls.groups': OpenSSL does not know the group 'P-257'; write names such as "
                          "X25519, P-256 or P-384, "
                          "separated by colons"));
  EXPECT_THAT(checkTls("groups: \"X25519:\""),
              ElementsAre(HasSubstr("c:6:15: error: 'tls.groups': OpenSSL does not know the group ''")));
  EXPECT_THAT(checkTls("groups: \"X25519:ffdhe2048\""), ElementsAre(HasSubstr("warning: with a group of finite")));
  EXPECT_THAT(checkTls("ciphers: \"TLS_AES_256_GCM_SHA384:ECDHE+AESGCM:!aNULL:@STRENGTH\""), IsEmpty());
  EXPECT_THAT(checkTls("ciphers: TLS_AES_256_GCM_SHA384"), IsEmpty());
  EXPECT_THAT(checkTls("ciphers: \"ECDHE+AESGCM:NONESUCH\""),
              ElementsAre("c:6:16: error: 'tls.ciphers': OpenSSL does not know the cipher 'NONESUCH'; `openssl "
                          "ciphers` lists them, separated "
                          "by colons"));
  EXPECT_THAT(checkTls("ciphers: TLS_NONESUCH"), ElementsAre(HasSubstr("the cipher 'TLS_NONESUCH'")));
  EXPECT_THAT(checkTls("ciphers: \"AESGCM:!AESGCM\""), ElementsAre(HasSubstr("leaves no cipher")));
}

TEST_F(CheckTest, MissingFiles) {
  EXPECT_THAT(checkListener("{certificate: a.pem, key: a.key}"),
              ElementsAre("c:5:25: error: cannot read '" + directory_ + "/a.pem': No such file or directory",
                          "c:5:37: error: cannot read '" + directory_ + "/a.key': No such file or directory"));
}

TEST_F(CheckTest, BrokenFiles) {
  makePair("a", -60, 3600);
  write("b.pem", "hello\n");
  write("b.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  write("c.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(checkListener("{certificate: b.pem, key: b.key}"),
              ElementsAre(HasSubstr("holds no PEM certificate"), HasSubstr("no usable PEM private key")));
  EXPECT_THAT(checkListener("{certificate: c.pem, key: a.pem}"),
              ElementsAre(HasSubstr("broken certificate (number 1)"), HasSubstr("no usable PEM private key")));
}

TEST_F(CheckTest, KeyOfAnother) {
  makePair("a", -60, 3600);
  makePair("b", -60, 3600);
  EXPECT_THAT(checkListener("{certificate: a.pem, key: b.key}"),
              ElementsAre(HasSubstr("does not belong to the certificate")));
}

TEST_F(CheckTest, PassphraseIsNotAskedFor) {
  makePair("a", -60, 3600);
  const KeyPtr key(EVP_EC_gen("P-256"));
  std::FILE* file = std::fopen((directory_ + "/a.key").c_str(), "w");
  unsigned char secret[] = "secret";
  PEM_write_PrivateKey(file, key.get(), EVP_aes_128_cbc(), secret, 6, nullptr, nullptr);
  std::fclose(file);
  EXPECT_THAT(checkListener("{certificate: a.pem, key: a.key}"), ElementsAre(HasSubstr("needs a passphrase")));
}

TEST_F(CheckTest, DatesAndModesAreWarnings) {
  makePair("old", -7200, -3600);
  makePair("new", 3600, 7200);
  EXPECT_THAT(checkListener("{certificate: old.pem, key: old.key}"), ElementsAre(HasSubstr("expired on ")));
  EXPECT_THAT(checkListener("{certificate: new.pem, key: new.key}"), ElementsAre(HasSubstr("is not valid before ")));
  makePair("a", -60, 3600);
  ::chmod((directory_ + "/a.key").c_str(), 0644);
  EXPECT_THAT(checkListener("{certificate: a.pem, key: a.key}"),
              ElementsAre(HasSubstr("warning: every user of this machine")));
}

TEST_F(CheckTest, AuthoritiesAndOriginCertificate) {
  EXPECT_THAT(check("listeners: [{address: \"127.0.0.1:0\"}]\norigins:\n  a:\n    endpoints: [\"https://a\"]\n"
                    "    tls: {ca_file: ca.pem, certificate: a.pem, key: a.key}\n"),
              ElementsAre(HasSubstr("c:5:20: error: cannot read"), HasSubstr("a.pem"), HasSubstr("a.key")));
}

TEST_F(CheckTest, RevocationLists) {
  const test::PemDirectory pem;
  const test::Identity root = test::selfSigned(test::authority("Root"));
  const test::Identity intermediate = test::signedBy(root, test::authority("Intermediate"));
  const std::string authorities = pem.certificates("ca.pem", {&root, &intermediate});
  const test::CrlSpec old{.last_update = -std::chrono::hours(48), .next_update = -std::chrono::hours(24)};
  const auto with = [&](const std::string& lists) {
    return check(
        "listeners: [{address: \"127.0.0.1:0\"}]\norigins:\n  a:\n    endpoints: [\"https://a\"]\n    tls: {ca_file: " +
        authorities + ", crl_file: " + pem.write("lists.pem", lists) + "}\n");
  };
  const std::string both = test::crlPem(root, {}) + test::crlPem(intermediate, {});
  EXPECT_THAT(with(both), IsEmpty());
  EXPECT_THAT(with(test::crlPem(intermediate, {})),
              ElementsAre(AllOf(HasSubstr("warning: "), HasSubstr("no revocation list of 'CN=Root'"))));
  EXPECT_THAT(
      with(test::crlPem(root, {}) + test::crlPem(intermediate, {}, old)),
      ElementsAre(AllOf(HasSubstr("warning: the revocation list of 'CN=Intermediate'"), HasSubstr("expired on"))));
  EXPECT_THAT(with("nothing"), ElementsAre(AllOf(HasSubstr("error: "), HasSubstr("no PEM revocation list"))));
}

TEST_F(CheckTest, RevocationListsOfClients) {
  const test::PemDirectory pem;
  const test::Identity root = test::selfSigned(test::authority("Root"));
  const std::string authorities = pem.certificates("ca.pem", {&root});
  makePair("a", -60, 3600);
  const auto with = [&](const std::string& lists) {
    return checkListener(
        "{certificate: a.pem, key: a.key}",
        "      client_ca: " + authorities + "\n      client_crl_file: " + pem.write("lists.pem", lists) + "\n");
  };
  EXPECT_THAT(with(test::crlPem(root, {})), IsEmpty());
  const test::CrlSpec old{.last_update = -std::chrono::hours(48), .next_update = -std::chrono::hours(24)};
  EXPECT_THAT(with(test::crlPem(root, {}, old)),
              ElementsAre(AllOf(HasSubstr("warning: the revocation list of 'CN=Root'"), HasSubstr("expired on"))));
  EXPECT_THAT(with(test::crlPem(test::selfSigned(test::authority("Other")), {})),
              ElementsAre(AllOf(HasSubstr("no revocation list of 'CN=Root'"), HasSubstr("clients with"))));
  EXPECT_THAT(with("nothing"), ElementsAre(AllOf(HasSubstr("error: "), HasSubstr("no PEM revocation list"))));
  EXPECT_THAT(checkListener("{certificate: a.pem, key: a.key}",
                            "      client_crl_file: " + pem.write("lists.pem", test::crlPem(root, {})) + "\n"),
              ElementsAre(HasSubstr("has no effect without 'tls.client_ca'")));
}

TEST_F(CheckTest, DirectoriesOfLogAndSocket) {
  const auto with = [](const std::string& listener, const std::string& log) {
    return "listeners: [{address: \"" + listener +
           "\"}]\norigins: {a: {endpoints: [\"http://a\"]}}\nlog: {destination: " + log + "}\n";
  };
  EXPECT_THAT(check(with("127.0.0.1:0", "./events.json")), IsEmpty());
  EXPECT_THAT(check(with("127.0.0.1:0", "none/events.json")),
              ElementsAre(HasSubstr("c:3:20: error: the directory '" + directory_ + "/none' cannot be used")));
  EXPECT_THAT(check(with("127.0.0.1:0", "/proc/self")), ElementsAre(HasSubstr("is a directory")));
  EXPECT_THAT(check(with("unix:/nonexistent/a.sock", "stderr")),
              ElementsAre(HasSubstr("error: the directory '/nonexistent' cannot be used")));
}

TEST_F(CheckTest, UnreachableRoutes) {
  EXPECT_THAT(
      check(testing::withBase("routes:\n"
                              "  - {host: \"*.example\", path: /a, origin: shop}\n"
                              "  - {host: b.example, path: /a/b, origin: shop}\n"
                              "  - {host: b.example, path: /ab, origin: shop}\n"
                              "  - {host: example, path: /a, origin: shop}\n"
                              "  - {origin: shop}\n"
                              "  - {path: /x, respond: {}}\n")),
      ElementsAre(
          "c:8:5: warning: this route is never reached: route 1 ('*.example/a') already matches everything this one "
          "would",
          "c:12:5: warning: this route is never reached: route 5 ('*') already matches everything this one would"));
}

TEST_F(CheckTest, ContradictorySettingsAreWarnings) {
  const auto only = [this](const std::string& yaml, const std::string& part) {
    EXPECT_THAT(check(yaml), ElementsAre(HasSubstr("warning: " + part))) << yaml;
    EXPECT_TRUE(loadConfigFile(directory_ + "/c.yaml").config) << yaml;
  };
  only(testing::withOrigin("timeouts: {connect: 5s, exchange: 2s}"),
       "'timeouts.connect' (5s) can never fire: 'timeouts.exchange' (2s)");
  only(testing::withOrigin("timeouts: {exchange: 2s}"), "'timeouts.connect' (5s) can never fire");
  only(testing::withOrigin("timeouts: {response_head: 40s, exchange: 30s}"), "'timeouts.response_head' (40s)");
  only(testing::withOrigin("tls: {verify: false}"), "these settings have no effect");
  only(testing::withOrigin("retry: {budget: 0%}"), "a budget of 0%");
  only(testing::withOrigin("eject: {failures: 3}"), "'eject' has no effect: the only endpoint of an origin");
  only(testing::withOrigin("panic: 30%"), "'panic' has no effect: the only endpoint of an origin");
  only(testing::withOrigin("slow_start: 30s"), "'slow_start' has no effect: the only endpoint of an origin");
  only(testing::withOrigin("health: {expect: [204]}"), "'health.expect' has no effect without 'health.path'");
  only(
      "listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [\"http://a\", \"http://b\"], eject: false, "
      "panic: 20%}}\n",
      "'panic' has no effect with 'eject: false'");
  only(
      "listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [\"http://a\", \"unix:/b\"], health: {port: "
      "81}}}\n",
      "'health.port' has no effect on the endpoints that are unix sockets");
  only(
      "listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [\"h2c://a\"], health: {grpc: b, expect: "
      "[204]}}}\n",
      "'health.expect' has no effect with 'health.grpc'");
  only(testing::withBase("limits: {client_head_timeout: 0}"), "without 'limits.client_head_timeout'");
  only(testing::withBase("limits: {request_head: 0}"), "without 'limits.request_head'");
  only(testing::withBase("routes: [{respond: {}}]"), "no route leads to the origin 'shop'");
  only("listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [\"https://a\"], tls: {verify: false}}}\n",
       "the origin's certificate is not checked");
  only("listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [{url: \"http://a\", backup: true}]}}\n",
       "every endpoint is a backup");
  only("listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [\"http://a\", \"http://A:80\"]}}\n",
       "the endpoint 'http://A:80' is listed twice");
}

TEST_F(CheckTest, WarningsStandBesideErrors) {
  EXPECT_THAT(check(testing::withOrigin("timeouts: {connect: 5s, exchange: 2s}\nwrong: 1")),
              ElementsAre(HasSubstr("warning: "), HasSubstr("error: unknown key 'wrong'")));
}

// ---- what routes refuse --------------------------------------------------

std::string withRules(std::string_view rules) {
  return testing::withBase("routes:\n  - {origin: shop, " + std::string(rules) + "}\n");
}

TEST_F(CheckTest, ChecksByGrpcNeedHttp2) {
  const auto only = [this](const std::string& endpoint, const std::string& keys, const std::string& problem) {
    const std::string yaml =
        "listeners: [{address: \"127.0.0.1:0\"}]\norigins:\n  a:\n    endpoints: [\"" + endpoint + "\"]\n" + keys;
    EXPECT_THAT(check(yaml), ElementsAre(HasSubstr(problem))) << yaml;
  };
  only("h2c://a", "    health: {grpc: b, path: /c}\n",
       ":5:29: error: 'health.path' contradicts 'health.grpc': a check asks for one of them");
  only("http://a", "    health: {grpc: b}\n",
       ":5:20: error: 'health.grpc' needs HTTP/2, which the endpoint http://a is not spoken to in: write h2c:// there");
  only("https://a", "    http2: false\n    health: {grpc: b}\n",
       ":6:20: error: 'health.grpc' needs HTTP/2, which the endpoint https://a is not spoken to in: leave 'http2: "
       "false'");
  only("unix:/a", "    health: {grpc: b}\n",
       ":5:20: error: 'health.grpc' needs HTTP/2, which the endpoint unix:/a is not spoken to in: leave 'grpc' out");
  only("srv+http://_http._tcp.a", "", "c:4:17: error: 'endpoints': SRV records are not read: list the endpoints");
}

TEST_F(CheckTest, RulesThatCannotBeMetAreErrors) {
  EXPECT_THAT(check(withRules("requires: {tls: true}")),
              ElementsAre("c:7:36: error: no request can meet 'requires.tls': no listener speaks TLS, and no trusted "
                          "proxy could have ended it"));
  EXPECT_THAT(check(withRules("requires: {tls: true}") + "trusted_proxies: [10.0.0.1]\n"), IsEmpty());
  EXPECT_THAT(check(withRules("clients: {allow: [10.1.0.0/16], deny: [10.0.0.0/8]}")),
              ElementsAre("c:7:29: error: no client can use this route: 'deny' refuses all that 'allow' lists",
                          "c:7:38: warning: '10.1.0.0/16' has no effect: 'deny' refuses all of it ('10.0.0.0/8')"));
  EXPECT_THAT(check(withRules("clients: {allow: [10.1.0.0/16], deny: [10.1.2.0/24]}")), IsEmpty());
}

TEST_F(CheckTest, RulesWithoutEffectAreWarnings) {
  EXPECT_THAT(check(withRules("methods: [GET]")),
              ElementsAre("c:7:29: warning: HEAD is refused although GET is taken; monitors and caches send it"));
  EXPECT_THAT(check(withRules("methods: [POST], upgrade: true")),
              ElementsAre("c:7:46: warning: 'upgrade' has no effect: a WebSocket begins with GET, which 'methods' "
                          "refuses"));
  EXPECT_THAT(check(withRules("rate_limit: {requests: 1, key: route, max_keys: 100}")),
              ElementsAre("c:7:68: warning: 'rate_limit.max_keys' has no effect with 'key: route'"));
}

std::string responding(std::string_view respond, std::string_view more = "") {
  return testing::withBase("routes:\n  - {path: /fixed, respond: {" + std::string(respond) + "}" + std::string(more) +
                           "}\n  - {origin: shop}\n");
}

TEST_F(CheckTest, FixedAnswersHaveWhatTheirStatusDemands) {
  EXPECT_THAT(check(responding("status: 401")),
              ElementsAre("c:7:38: error: a 401 must have WWW-Authenticate (RFC 9110 section 15.5.2); set it in the "
                          "route's 'response_headers'"));
  EXPECT_THAT(check(responding("status: 401", ", response_headers: {set: {www-authenticate: Basic}}")), IsEmpty());
  EXPECT_THAT(check(responding("status: 308")), ElementsAre(HasSubstr("warning: a 308 needs Location")));
  EXPECT_THAT(check(responding("status: 308", ", response_headers: {set: {Location: /new}}")), IsEmpty());
  EXPECT_THAT(check(responding("status: 405")), IsEmpty()) << "Allow is always there";
  EXPECT_THAT(check(responding("status: 426")), ElementsAre(HasSubstr("error: a 426 must name the protocol")));
  EXPECT_THAT(check(responding("status: 426, upgrade: \"HTTP/2.0, websocket\"")), IsEmpty());
  EXPECT_THAT(check(responding("upgrade: websocket")),
              ElementsAre(HasSubstr("warning: 'respond.upgrade' has an effect only with status 426")));
  for (const char* wrong : {"web socket", "websocket,", "HTTP/", "/2", "a/b/c"}) {
    EXPECT_THAT(check(responding("status: 426, upgrade: \"" + std::string(wrong) + "\"")),
                ElementsAre(HasSubstr("is not a protocol")))
        << wrong;
  }
}

}  // namespace
}  // namespace gatewhy
