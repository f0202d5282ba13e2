// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/admission.h"

#include <gtest/gtest.h>

#include "config/load.h"
#include "proxy/exchange/client_address.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

constexpr std::string_view kHead =
    "listeners: [{address: \"127.0.0.1:0\"}]\norigins: {shop: {endpoints: [\"http://127.0.0.1:9\"]}}\n";

ClientFacts clientAt(const char* ip) {
  ClientFacts facts;
  facts.ip = ip;
  facts.address = Address::fromIp(ip, 0)->bytes();
  return facts;
}

class AdmissionTest : public testing::Test {
 protected:
  // `rules`: keys of the only route; `more`: of the top level.
  void configure(const std::string& rules, const std::string& more = "") {
    LoadedConfig loaded =
        loadConfig(std::string(kHead) + more + "routes: [{origin: shop" + (rules.empty() ? "" : ", " + rules) + "}]\n",
                   "t.yaml", [](const std::string&) { return std::optional<std::string>(); });
    ASSERT_TRUE(loaded.config) << (loaded.problems.empty() ? "" : format(loaded.problems.front()));
    auto made = Generation::create(loaded.config, states_);
    ASSERT_TRUE(made);
    generation_ = std::move(made).value();
  }

  Admission judge(const std::string& head) {
    parser_.reset();
    EXPECT_EQ(parser_.feed(head).status, ParseStatus::Done) << head;
    return admit(parser_.head(), client_, *generation_, EventLoop::now());
  }

  static const DecisionFault& decision(const Admission& admission) {
    return std::get<DecisionFault>(admission.refusal.value());
  }
  static std::string causeOf(const Admission& admission) {
    return admission.refusal ? std::string(name(decision(admission).cause)) : std::string();
  }

  std::string refusalOf(const std::string& head) { return causeOf(judge(head)); }

  SharedStates states_;
  GenerationPtr generation_;
  RequestParser parser_{HeadLimits{}};
  ClientFacts client_ = clientAt("192.0.2.1");
};

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";

TEST_F(AdmissionTest, AClientCertificateIsRefusedWithAllThatIsWrongWithIt) {
  configure("");
  client_.wants_certificate = true;
  client_.certificate.presented = true;
  EXPECT_EQ(refusalOf(kGet), "");
  client_.certificate.problems = {X509Problem{.code = 23, .serial = "0A"}, X509Problem{.code = 10}};
  const Admission refused = judge(kGet);
  const auto& fault = std::get<TlsFault>(refused.refusal.value());
  EXPECT_EQ(fault.failure, TlsFailure::Certificate);
  ASSERT_EQ(fault.problems.size(), 2U);
  EXPECT_EQ(fault.problems.front().serial, "0A");
}

TEST_F(AdmissionTest, WithoutRulesAllButTwoMethodsPass) {
  configure("");
  EXPECT_EQ(refusalOf(kGet), "");
  EXPECT_EQ(refusalOf("BREW / HTTP/1.1\r\nHost: shop.example\r\n\r\n"), "")
      << "unknown methods are the origin's to judge";
  EXPECT_EQ(refusalOf("TRACE / HTTP/1.1\r\nHost: shop.example\r\n\r\n"), "client_method_unsupported");
}

TEST_F(AdmissionTest, MethodsAreCaseSensitive) {
  configure("methods: [GET, HEAD]");
  EXPECT_EQ(refusalOf(kGet), "");
  EXPECT_EQ(refusalOf("get / HTTP/1.1\r\nHost: shop.example\r\n\r\n"), "client_method_unsupported");
  EXPECT_EQ(allowedMethods(&generation_->config->routes[0]), "GET, HEAD");
}

TEST_F(AdmissionTest, TheFirstThingAClientCanMendIsNamed) {
  configure("methods: [GET], clients: {deny: [192.0.2.0/24]}, requires: {http_version: \"1.1\"}");
  client_.refused = Cause::ProxyOverloaded;
  EXPECT_EQ(refusalOf(kGet), "proxy_overloaded");
  client_.refused = Cause::ClientConnectionLimit;
  EXPECT_EQ(refusalOf(kGet), "client_connection_limit");
  client_.refused.reset();
  EXPECT_EQ(refusalOf("POST / HTTP/1.0\r\n\r\n"), "request_denied");
  client_ = clientAt("198.51.100.1");
  EXPECT_EQ(refusalOf("POST / HTTP/1.0\r\n\r\n"), "client_upgrade_required");
  EXPECT_EQ(refusalOf("POST / HTTP/1.1\r\nHost: shop.example\r\n\r\n"), "client_method_unsupported");
}

TEST_F(AdmissionTest, ACertificateIsGoodForItsHostOnly) {
  configure("");
  client_.certificate_covers = [](const std::string& host) { return host == "shop.example"; };
  const std::string other = "GET / HTTP/1.1\r\nHost: admin.example\r\n\r\n";
  EXPECT_EQ(refusalOf(other), "") << "no client certificate was asked for";
  client_.wants_certificate = true;
  EXPECT_EQ(refusalOf(other), "client_misdirected");
  EXPECT_EQ(refusalOf(kGet), "");
  client_.requires_certificate = true;
  EXPECT_EQ(refusalOf(kGet), "client_certificate_missing");
}

TEST_F(AdmissionTest, DenyGoesBeforeAllow) {
  configure("clients: {allow: [192.0.2.0/24], deny: [192.0.2.128/25]}");
  EXPECT_EQ(refusalOf(kGet), "");
  client_ = clientAt("192.0.2.200");
  EXPECT_EQ(decision(judge(kGet)).detail, "clients.deny 192.0.2.128/25 covers 192.0.2.200");
  client_ = clientAt("192.0.3.1");
  EXPECT_EQ(decision(judge(kGet)).detail, "clients.allow does not cover 192.0.3.1");
}

TEST_F(AdmissionTest, AClientWithoutAddressIsNotAllowed) {
  configure("clients: {allow: [192.0.2.0/24]}");
  client_.ip.clear();  // a unix socket
  client_.address = {};
  EXPECT_EQ(refusalOf(kGet), "request_denied");
}

TEST_F(AdmissionTest, OnlyTrustedPeersSpeakForOthers) {
  configure("clients: {allow: [203.0.113.0/24]}", "trusted_proxies: [192.0.2.1]\n");
  const std::string head = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n";
  EXPECT_EQ(refusalOf(head), "request_denied") << "the flag says whether the peer is one";
  client_.trusted = true;
  const Admission admission = judge(head);
  EXPECT_EQ(causeOf(admission), "");
  EXPECT_EQ(admission.forwarded_client, "203.0.113.7");
}

TEST_F(AdmissionTest, LimitsCountOnlyWhatWouldPass) {
  configure("methods: [GET], rate_limit: {requests: 1, per: 1h}");
  const std::string post = "POST / HTTP/1.1\r\nHost: shop.example\r\n\r\n";
  EXPECT_EQ(refusalOf(post), "client_method_unsupported");
  EXPECT_EQ(refusalOf(kGet), "");
  EXPECT_EQ(refusalOf(post), "client_method_unsupported");
  const Admission late = judge(kGet);
  EXPECT_EQ(causeOf(late), "rate_limited");
  EXPECT_GT(decision(late).retry_after_s, 3500U);
  EXPECT_LE(decision(late).retry_after_s, 3600U);
}

TEST_F(AdmissionTest, ALimitSurvivesAReloadUnlessItChanges) {
  configure("rate_limit: {requests: 1, per: 1h}");
  EXPECT_EQ(refusalOf(kGet), "");
  configure("methods: [GET], rate_limit: {requests: 1, per: 1h}");
  EXPECT_EQ(refusalOf(kGet), "rate_limited");
  configure("rate_limit: {requests: 2, per: 1h}");
  EXPECT_EQ(refusalOf(kGet), "");
}

TEST_F(AdmissionTest, DemandedProtocolsNameWhatIsMissing) {
  configure("requires: {tls: true, http_version: \"1.1\"}", "trusted_proxies: [192.0.2.9]\n");
  const RouteConfig& route = generation_->config->routes[0];
  EXPECT_EQ(refusalOf(kGet), "client_upgrade_required");
  EXPECT_EQ(demandedProtocols(route, parser_.head(), client_), "TLS/1.2, HTTP/1.1");
  client_.tls = true;
  EXPECT_EQ(refusalOf(kGet), "");
  EXPECT_EQ(refusalOf("GET / HTTP/1.0\r\n\r\n"), "client_upgrade_required");
  EXPECT_EQ(demandedProtocols(route, parser_.head(), client_), "HTTP/1.1");
}

TEST(ForwardedClient, IsReadFromTheRight) {
  const std::vector<Cidr> trusted{*Cidr::parse("10.0.0.0/8"), *Cidr::parse("2001:db8::/32")};
  const auto read = [&](const std::string& fields) {
    RequestParser parser{HeadLimits{}};
    EXPECT_EQ(parser.feed("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n").status, ParseStatus::Done);
    const auto client = forwardedClient(parser.head(), trusted);
    return client ? client->ip() : std::string("none");
  };
  EXPECT_EQ(read(""), "none");
  EXPECT_EQ(read("X-Forwarded-For: 192.0.2.1\r\n"), "192.0.2.1");
  EXPECT_EQ(read("X-Forwarded-For: 1.1.1.1, 192.0.2.1, 10.0.0.1\r\n"), "192.0.2.1");
  EXPECT_EQ(read("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 10.0.0.2 , 10.0.0.1\r\n"), "1.1.1.1");
  EXPECT_EQ(read("X-Forwarded-For: 10.0.0.2, 10.0.0.1\r\n"), "10.0.0.2") << "all trusted: the leftmost";
  EXPECT_EQ(read("X-Forwarded-For: 192.0.2.1:4711, [2001:db8::1]:80\r\n"), "192.0.2.1");
  EXPECT_EQ(read("X-Forwarded-For: [2001:db9::1]\r\n"), "2001:db9::1");
  EXPECT_EQ(read("X-Forwarded-For: 192.0.2.1, unknown\r\n"), "none");
  EXPECT_EQ(read("X-Forwarded-For: unknown, 10.0.0.1\r\n"), "10.0.0.1");
  EXPECT_EQ(read("X-Forwarded-For: unix:/run/x\r\n"), "none");
  EXPECT_EQ(read("X-Forwarded-For: ,\r\n"), "none");
  EXPECT_EQ(read("X-Forwarded-For: 192.0.2.1,\r\n"), "192.0.2.1") << "empty members do not count";
  EXPECT_EQ(read("X-Forwarded-For: 192.0.2.1,, 10.0.0.1\r\nX-Forwarded-For: ,\r\n"), "192.0.2.1");
  EXPECT_EQ(read("X-Forwarded-For: 192.0.2.1, ::ffff:10.0.0.1\r\n"), "192.0.2.1");
  EXPECT_EQ(read("X-Forwarded-For: ::ffff:192.0.2.1\r\n"), "192.0.2.1");
}

TEST(ForwardedClient, ForwardedAloneCounts) {
  const std::vector<Cidr> trusted{*Cidr::parse("10.0.0.0/8")};
  const auto read = [&](const std::string& fields) {
    RequestParser parser{HeadLimits{}};
    EXPECT_EQ(parser.feed("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n").status, ParseStatus::Done);
    const auto client = forwardedClient(parser.head(), trusted);
    TextBuffer hops;
    appendEarlierHops(hops, parser.head());
    return (client ? client->ip() : std::string("none")) + " | " + std::string(hops.view());
  };
  EXPECT_EQ(read("Forwarded: for=192.0.2.1\r\n"), "192.0.2.1 | 192.0.2.1, ");
  EXPECT_EQ(read("Forwarded: proto=https;For=\"[2001:db8::1]:4711\";host=\"a,b;for=1.1.1.1\"\r\n"),
            "2001:db8::1 | 2001:db8::1, ");
  EXPECT_EQ(read("Forwarded: for=1.1.1.1, for=192.0.2.1:80 , for=10.0.0.1\r\nForwarded: ,\r\n"),
            "192.0.2.1 | 1.1.1.1, 192.0.2.1, 10.0.0.1, ");
  EXPECT_EQ(read("Forwarded: for=192.0.2.1, for=_hidden, for=10.0.0.1\r\n"),
            "10.0.0.1 | 192.0.2.1, unknown, 10.0.0.1, ");
  EXPECT_EQ(read("Forwarded: for=unknown\r\n"), "none | unknown, ");
  EXPECT_EQ(read("Forwarded: by=10.0.0.1;proto=http\r\n"), "none | unknown, ");
  EXPECT_EQ(read("Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n"), "192.0.2.2 | 192.0.2.2, ");
}

TEST_F(AdmissionTest, AnOptionsMayEndHere) {
  configure("methods: [GET, OPTIONS], path: /x");
  const auto options = [&](const std::string& target, const std::string& hops) {
    return judge("OPTIONS " + target + " HTTP/1.1\r\nHost: a\r\nMax-Forwards: " + hops + "\r\n\r\n");
  };
  EXPECT_TRUE(options("/x", "0").options_end_here);
  EXPECT_TRUE(options("/x", "000").options_end_here);
  EXPECT_FALSE(options("/x", "1").options_end_here);
  EXPECT_FALSE(options("/x", "-0").options_end_here);
  EXPECT_FALSE(options("/x", "99999999999999999999").options_end_here);
  EXPECT_EQ(causeOf(options("/y", "0")), "no_route");
  EXPECT_EQ(causeOf(options("*", "0")), "") << "about this hop";
  EXPECT_EQ(refusalOf("TRACE /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n"), "client_method_unsupported");
}

TEST_F(AdmissionTest, APlainListenerThatRedirectsAnswersBeforeAnyRoute) {
  configure("clients: {deny: [192.0.2.1]}");
  client_.redirects_to_https = true;
  EXPECT_EQ(judge(kGet).route, &httpsRedirect());
  EXPECT_EQ(refusalOf(kGet), "");
  EXPECT_EQ(refusalOf("GET / HTTP/1.0\r\n\r\n"), "client_host_invalid") << "there is no host to redirect to";
  EXPECT_EQ(refusalOf("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n"), "client_method_unsupported");
  EXPECT_EQ(refusalOf("GET /.well-known/acme-challenge/t HTTP/1.1\r\nHost: h\r\n\r\n"), "request_denied");
  EXPECT_EQ(judge("GET /.well-known/acme-challenge/../x HTTP/1.1\r\nHost: h\r\n\r\n").route, &httpsRedirect());
  const std::string forwarded = "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\n\r\n";
  EXPECT_EQ(judge(forwarded).route, &httpsRedirect()) << "a stranger says so";
  client_.trusted = true;
  EXPECT_EQ(refusalOf(forwarded), "request_denied");
}

TEST_F(AdmissionTest, OfSeveralProtocolsTheNearestCounts) {
  configure("requires: {tls: true}");
  client_.trusted = true;
  const auto asked = [](const std::string& fields) { return "GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n"; };
  EXPECT_EQ(refusalOf(asked("X-Forwarded-Proto: https\r\n")), "");
  EXPECT_EQ(refusalOf(asked("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n")), "client_upgrade_required");
  EXPECT_EQ(refusalOf(asked("X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n")), "");
}

TEST_F(AdmissionTest, ARoutesOwnLimitForBodiesCounts) {
  configure("limits: {request_body: 4B}", "limits: {request_body: 100B}\n");
  const auto upload = [](int size) {
    return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  EXPECT_EQ(refusalOf(upload(4)), "");
  EXPECT_EQ(refusalOf(upload(5)), "client_body_too_large");
}

TEST_F(AdmissionTest, FieldNamesWithUnderscoresCanBeRefused) {
  configure("", "limits: {underscores: refuse}\n");
  EXPECT_EQ(refusalOf("GET / HTTP/1.1\r\nHost: h\r\nX_A: 1\r\n\r\n"), "client_request_malformed");
  EXPECT_EQ(refusalOf("GET / HTTP/1.1\r\nHost: h\r\nX-A: a_b\r\n\r\n"), "");
}

TEST_F(AdmissionTest, AClientStaysWithOneOfSeveralOrigins) {
  LoadedConfig loaded = loadConfig(
      "listeners: [{address: \"127.0.0.1:0\"}]\norigins:\n  a: {endpoints: [\"http://127.0.0.1:9\"]}\n"
      "  b: {endpoints: [\"http://127.0.0.1:8\"]}\nroutes: [{origins: {a: 90, b: 10}}]\n",
      "t.yaml", [](const std::string&) { return std::optional<std::string>(); });
  ASSERT_TRUE(loaded.config) << format(loaded.problems.front());
  generation_ = Generation::create(loaded.config, states_).value();
  int of_b = 0;
  for (int i = 0; i < 1000; ++i) {
    client_ = clientAt(("198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250)).c_str());
    const std::size_t origin = judge(kGet).origin;
    EXPECT_EQ(judge(kGet).origin, origin);
    of_b += origin == 1 ? 1 : 0;
  }
  EXPECT_GT(of_b, 50);
  EXPECT_LT(of_b, 200);
}

}  // namespace
}  // namespace gatewhy
