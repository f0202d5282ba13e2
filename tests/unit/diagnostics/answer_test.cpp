// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "diagnostics/accept.h"
#include "tests/unit/diagnostics/evidence_samples.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kHtml = "text/html";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kAny = "*/*";
constexpr std::string_view kNoIcon = "<link rel=\"icon\" href=\"data:,\">";

Answer answer(const Diagnosis& diagnosis, std::string_view accept, Disclose disclose) {
  return makeAnswer(diagnosis, 523, "req-1", accept, disclose, "edge-1");
}

Diagnosis refused() {
  Observation observation;
  observation.phase = Phase::Connect;
  observation.fault = ConnectFault{.error = 113, .icmp = IcmpError{false, 3, 1, "198.51.100.1"}};
  observation.connection.endpoint = "http://secret-host:8080";
  observation.connection.peer_address = "10.9.8.7:8080";
  return diagnose(std::move(observation), StatusPolicy{});
}

TEST(AcceptTest, ChoosesTheForm) {
  const auto text = AnswerFormat::Text;
  const auto html = AnswerFormat::Html;
  const auto problem = AnswerFormat::ProblemJson;
  EXPECT_EQ(negotiateFormat(""), text);
  EXPECT_EQ(negotiateFormat("*/*"), text);
  EXPECT_EQ(negotiateFormat("text/*"), text);
  EXPECT_EQ(negotiateFormat("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"), html);
  EXPECT_EQ(negotiateFormat("TEXT/HTML"), html);
  EXPECT_EQ(negotiateFormat("application/json"), problem);
  EXPECT_EQ(negotiateFormat("application/problem+json"), problem);
  EXPECT_EQ(negotiateFormat("application/*"), problem);
  EXPECT_EQ(negotiateFormat("application/json, text/plain, */*"), problem);
  EXPECT_EQ(negotiateFormat("text/html;q=0.4, application/json;q=0.5"), problem);
  EXPECT_EQ(negotiateFormat("text/html ; q=0.5 , text/plain"), text);
  EXPECT_EQ(negotiateFormat("text/html;q=0, */*"), text);
  EXPECT_EQ(negotiateFormat("text/plain;q=0, */*"), problem);
  EXPECT_EQ(negotiateFormat("text/html;q=0"), text);
  EXPECT_EQ(negotiateFormat("image/png"), text);
  EXPECT_EQ(negotiateFormat("text/html;level=\"1,2;q=0\";q=0.3, text/plain;q=0.2"), html);
}

TEST(AcceptTest, BrokenElementsAreIgnored) {
  EXPECT_EQ(negotiateFormat("text/html;q=2, application/json;q=0.1"), AnswerFormat::ProblemJson);
  EXPECT_EQ(negotiateFormat("text/html;q=abc"), AnswerFormat::Text);
  EXPECT_EQ(negotiateFormat(",,;;=\"\\"), AnswerFormat::Text);
  EXPECT_EQ(negotiateFormat("\"unterminated, text/html"), AnswerFormat::Text);
}

TEST(AnswerTest, ContentTypes) {
  EXPECT_EQ(answer(refused(), kHtml, Disclose::Cause).content_type, "text/html; charset=utf-8");
  EXPECT_EQ(answer(refused(), kJson, Disclose::Cause).content_type, "application/problem+json");
  EXPECT_EQ(answer(refused(), kAny, Disclose::Cause).content_type, "text/plain; charset=utf-8");
}

TEST(AnswerTest, ProblemDocument) {
  const Diagnosis diagnosis = refused();
  const std::string cause(name(diagnosis.cause));
  json body = json::parse(answer(diagnosis, kJson, Disclose::Cause).body);
  EXPECT_EQ(body, (json{{"type", "urn:gatewhy:cause:" + cause},
                        {"title", "Origin Is Unreachable"},
                        {"status", 523},
                        {"detail", info(diagnosis.cause).seen},
                        {"cause", cause},
                        {"generated_by", "proxy"},
                        {"instance", "urn:gatewhy:request:req-1"},
                        {"request_id", "req-1"}}));
  body = json::parse(answer(diagnosis, kJson, Disclose::Evidence).body);
  EXPECT_EQ(body["detail"], diagnosis.summary);
  EXPECT_EQ(body["evidence"]["icmp"]["sender"], "198.51.100.1");
  body = json::parse(answer(diagnosis, kJson, Disclose::None).body);
  EXPECT_EQ(body, (json{{"type", "about:blank"},
                        {"title", "Origin Is Unreachable"},
                        {"status", 523},
                        {"instance", "urn:gatewhy:request:req-1"},
                        {"request_id", "req-1"}}));
}

TEST(AnswerTest, NoneTellsOnlyStatusAndRequestId) {
  EXPECT_EQ(answer(refused(), kAny, Disclose::None).body, "523 Origin Is Unreachable\n\nRequest id: req-1\n");
  EXPECT_EQ(answer(refused(), kHtml, Disclose::None).body,
            makeAnswer(test::bodySample(), 523, "req-1", kHtml, Disclose::None, "other").body)
      << "the same whatever the cause";
}

TEST(AnswerTest, CauseTellsNoHostAddressOrFact) {
  for (const std::string_view accept : {kHtml, kJson, kAny}) {
    for (const Diagnosis& diagnosis : test::allSamples()) {
      const std::string body = answer(diagnosis, accept, Disclose::Cause).body;
      EXPECT_THAT(body, HasSubstr(std::string(name(diagnosis.cause))));
      for (const char* fact :
           {"10.0.0.7", "198.51.100", "shop.", "192.0.2", "CN=", "errno", "EPIPE", "SSH-2.0", "X-Big"}) {
        EXPECT_THAT(body, Not(HasSubstr(fact))) << name(diagnosis.cause);
      }
    }
    EXPECT_THAT(answer(refused(), accept, Disclose::Cause).body,
                AllOf(Not(HasSubstr("secret-host")), Not(HasSubstr("10.9.8.7")), Not(HasSubstr("198.51.100.1"))));
  }
}

TEST(AnswerTest, EvidenceTellsAll) {
  for (const std::string_view accept : {kHtml, kJson, kAny}) {
    EXPECT_THAT(answer(refused(), accept, Disclose::Evidence).body,
                AllOf(HasSubstr("198.51.100.1"), HasSubstr("EHOSTUNREACH")));
  }
}

TEST(AnswerTest, PageShowsWhichLegFailed) {
  const auto state = [](Blame blame, Phase phase) {
    Diagnosis diagnosis = refused();
    diagnosis.blame = blame;
    diagnosis.phase = phase;
    const std::string body = answer(diagnosis, kHtml, Disclose::Cause).body;
    const std::size_t bad = body.find("class=\"bad\"><b>");
    return body.substr(bad + 15, body.find('<', bad + 15) - bad - 15);
  };
  EXPECT_EQ(state(Blame::Client, Phase::ClientRequest), "You");
  EXPECT_EQ(state(Blame::Proxy, Phase::Connect), "edge-1");
  EXPECT_EQ(state(Blame::Config, Phase::Routing), "edge-1");
  EXPECT_EQ(state(Blame::Config, Phase::TlsHandshake), "The site's server");
  EXPECT_EQ(state(Blame::Network, Phase::Connect), "The site's server");
  EXPECT_EQ(state(Blame::Origin, Phase::Routing), "The site's server");
}

// A browser that finds no icon asks for /favicon.ico, which fails once more.
TEST(AnswerTest, PageMakesBrowsersAskForNoIcon) {
  const Answer page = answer(refused(), kHtml, Disclose::Cause);
  EXPECT_THAT(page.body, HasSubstr(std::string(kNoIcon)));
  EXPECT_THAT(std::string(page.policy), HasSubstr("img-src data:")) << "or the policy forbids it";
}

TEST(AnswerTest, PageIsSelfContained) {
  std::string body = answer(refused(), kHtml, Disclose::Cause).body;
  body.erase(body.find(kNoIcon), kNoIcon.size());
  for (const char* outside : {"src=", "href=", "url(", "@import", "<script", "http://", "https://"}) {
    EXPECT_THAT(body, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(body, AllOf(HasSubstr("<html lang=\"en\">"), HasSubstr("prefers-color-scheme:dark"),
                          HasSubstr("name=\"viewport\""), HasSubstr("<title>523 Origin Is Unreachable</title>")));
}

TEST(AnswerTest, EverythingIsEscaped) {
  const std::string id = "<script>\"'&\x01\r\n\xFF";
  Diagnosis diagnosis = refused();
  diagnosis.summary = "<b>bold</b>";
  diagnosis.observation.connection.tls = true;
  diagnosis.observation.bytes.last_line = "</pre><script>";
  const std::string page = makeAnswer(diagnosis, 502, id, kHtml, Disclose::Evidence, "<i>hop").body;
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script>")), Not(HasSubstr("<b>bold")), Not(HasSubstr("<i>")),
                          HasSubstr("&lt;script&gt;&quot;&#39;&amp;\\x01")));
  const json problem = json::parse(makeAnswer(diagnosis, 502, id, kJson, Disclose::Cause, "hop").body);
  EXPECT_EQ(problem["instance"], "urn:gatewhy:request:%3Cscript%3E%22%27%26%01%0D%0A%FF");
  EXPECT_THAT(makeAnswer(diagnosis, 502, id, kAny, Disclose::None, "hop").body, HasSubstr("&\\x01\\r\\n\xFF\n"));
}

// Nobody must take ours for the origin's.
TEST(AnswerTest, SaysWhoWroteIt) {
  EXPECT_THAT(answer(refused(), kAny, Disclose::Cause).body, HasSubstr("\nWritten by edge-1, not by the origin.\n"));
  EXPECT_THAT(answer(refused(), kHtml, Disclose::Cause).body,
              HasSubstr("<p>Written by edge-1, not by the site's server.</p>"));
  EXPECT_EQ(json::parse(answer(refused(), kJson, Disclose::Cause).body)["generated_by"], "proxy");
  EXPECT_THAT(answer(refused(), kHtml, Disclose::None).body, Not(HasSubstr("edge-1"))) << "not even our name";
}

TEST(AnswerTest, WhatARuleRefusesIsNotToBeRepeated) {
  for (const Cause cause : {Cause::RateLimited, Cause::RequestDenied, Cause::UpgradeNotAllowed}) {
    const Diagnosis diagnosis =
        diagnose(Observation{.phase = info(cause).phase, .fault = DecisionFault{.cause = cause}}, StatusPolicy{});
    const std::string page = answer(diagnosis, kHtml, Disclose::Cause).body;
    EXPECT_THAT(page, Not(HasSubstr("Try again in a few minutes"))) << name(cause);
    EXPECT_THAT(page, HasSubstr("<li class=\"idle\"><b>The site's server</b><span>not involved</span>")) << name(cause);
  }
}

std::string refusalPage(Cause cause, Disclose disclose = Disclose::Cause) {
  const Diagnosis diagnosis =
      diagnose(Observation{.phase = info(cause).phase, .fault = DecisionFault{.cause = cause}}, StatusPolicy{});
  return makeAnswer(diagnosis, 403, "req-1", kHtml, disclose, "edge-1", "Sat, 28 Nov 2026 21:40:02 GMT").body;
}

TEST(AnswerTest, WhatARuleRefusesIsNobodysAlarm) {
  for (const Cause cause :
       {Cause::RateLimited, Cause::RequestDenied, Cause::UpgradeNotAllowed, Cause::ClientUpgradeRequired}) {
    EXPECT_THAT(refusalPage(cause),
                AllOf(HasSubstr("<li class=\"rule\"><b>edge-1</b><span>refused here by a rule</span>"),
                      Not(HasSubstr("class=\"bad\"")), Not(HasSubstr("problem here"))))
        << name(cause);
  }
  EXPECT_THAT(refusalPage(Cause::NoRoute), HasSubstr("<li class=\"rule\"><b>edge-1</b><span>no such site</span>"));
}

TEST(AnswerTest, AdviceForOperatorsNeedsEvidence) {
  const std::string advice(info(Cause::HostUnreachable).check_first.substr(0, 20));
  for (const std::string_view accept : {kHtml, kAny}) {
    EXPECT_THAT(answer(refused(), accept, Disclose::Cause).body, Not(HasSubstr(advice)));
    EXPECT_THAT(answer(refused(), accept, Disclose::Evidence).body, HasSubstr(advice));
  }
}

TEST(AnswerTest, OneLineForTheSupport) {
  EXPECT_THAT(
      refusalPage(Cause::RequestDenied),
      HasSubstr("<code class=\"support\">403 request_denied, 28 Nov 2026 21:40:02 UTC, request id req-1</code>"));
  EXPECT_THAT(refusalPage(Cause::RequestDenied, Disclose::None),
              HasSubstr("<code class=\"support\">403, 28 Nov 2026 21:40:02 UTC, request id req-1</code>"));
  const std::string page = answer(refused(), kHtml, Disclose::Evidence).body;
  EXPECT_LT(page.find("class=\"support\""), page.find("<pre>")) << "above the evidence";
  EXPECT_EQ(makeFixedAnswer(410, "r", kAny, "Sat, 28 Nov 2026 21:40:02 GMT").body,
            "410 Gone\n\nRequest id: r\nTime: 28 Nov 2026 21:40:02 UTC\n");
}

TEST(AnswerTest, FixedAnswersExplainNothing) {
  EXPECT_EQ(makeFixedAnswer(410, "r", kAny).body, "410 Gone\n\nRequest id: r\n");
  EXPECT_EQ(makeFixedAnswer(599, "", "").body, "599\n");
  EXPECT_THAT(makeFixedAnswer(503, "r", kHtml).body, Not(HasSubstr("Cause")));
  EXPECT_EQ(json::parse(makeFixedAnswer(599, "", kJson).body), (json{{"type", "about:blank"}, {"status", 599}}));
}

TEST(AnswerTest, TheSiteHasANameAndAContact) {
  const auto page = [](std::string_view contact) {
    return makeFixedAnswer(503, "r", kHtml, "", {.name = "A & B", .contact = contact}).body;
  };
  EXPECT_THAT(page(""), AllOf(HasSubstr("<title>503 Service Unavailable | A &amp; B</title>"),
                              HasSubstr("<p class=\"site\">A &amp; B</p>"), Not(HasSubstr("Contact"))));
  EXPECT_THAT(page("status.example"),
              HasSubstr("<p>Contact: <a href=\"https://status.example\">status.example</a></p>"));
  EXPECT_THAT(page("help@shop.example"), HasSubstr("<a href=\"mailto:help@shop.example\">help@shop.example</a>"));
  EXPECT_THAT(page("https://status.example/?a=1&b"), HasSubstr("<a href=\"https://status.example/?a=1&amp;b\">"));
  for (const char* words : {"call 555 0100", "javascript:alert(1)", "data:text/html,x.y", "reception"}) {
    EXPECT_THAT(page(words), AllOf(HasSubstr("<p>Contact: "), Not(HasSubstr("<a ")))) << words;
  }
  EXPECT_THAT(makeAnswer(refused(), 523, "r", kAny, Disclose::None, "hop", "", {.name = "N", .contact = "C"}).body,
              testing::EndsWith("\nContact: C\n"));
}

}  // namespace
}  // namespace gatewhy
