// SPDX-License-Identifier: Apache-2.0
// What gatewhy answers itself, with the operator's words in it.
#include <gmock/gmock.h>

#include <string>

#include "config/page_template.h"
#include "proxy/exchange/answer_text.h"
#include "proxy/exchange/synthesize.h"
#include "proxy/http/h1_parser.h"
#include "proxy/http/h1_writer.h"

namespace gatewhy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kBrowser =
    "GET /a%20b?<x> HTTP/1.1\r\nHost: shop.example\r\nAccept: text/html\r\nOrigin: https://app.example\r\nX-A: "
    "\"&\xE2\x80\xAE'\r\n\r\n";

class OwnAnswerTest : public ::testing::Test {
 protected:
  OwnAnswerTest() {
    config_.name = "edge-1";
    diagnosis_ = diagnose(Observation{.phase = Phase::Connect, .fault = ConnectFault{.error = 111}}, StatusPolicy{});
  }

  static std::string written(const SynthesizedResponse& made) {
    std::string text;
    writeAnswerHead(made.head(false), h1Framing(made.length, false), H1Connection::Unsaid,
                    [&text](std::string_view piece) { text += piece; });
    return text + made.body;
  }
  VariableSource source(const char* head = kBrowser) {
    parser_.reset();
    EXPECT_EQ(parser_.feed(head).status, ParseStatus::Done);
    return {.request = parser_.head(),
            .client = client_,
            .client_address = "192.0.2.1",
            .scheme = "https",
            .request_id = "req-1",
            .route = "shop",
            .origin = "shop"};
  }
  std::string failure(const char* head = kBrowser) {
    return written(synthesizeFailure(diagnosis_, config_, &route_, source(head), 0, {}));
  }
  std::string fixed(const char* head = kBrowser) { return written(synthesizeFixed(route_, config_, source(head))); }
  void page(const std::string& name, std::string_view html) {
    ParsedPage parsed = parsePage(html);
    EXPECT_TRUE(parsed.problems.empty()) << html;
    config_.pages.pages.insert_or_assign(name, OwnPage{.file = name, .html = std::move(parsed.html)});
  }
  void set(const std::string& name, const std::string& value) {
    route_.response_headers.set.emplace_back(name, value);
    route_.response_headers.templates.push_back(TextTemplate::parse(value, TemplatePlace::Response).value());
  }

  RequestParser parser_{HeadLimits{}};
  ClientFacts client_;
  RouteConfig route_;
  DiagnosticsConfig config_;
  Diagnosis diagnosis_;
};

TEST_F(OwnAnswerTest, APageIsForWhoTakesHtml) {
  page("5xx", "<p>{status} {reason}: {message} [{cause}] {uri} {header.X-None}</p>");
  EXPECT_THAT(failure(), AllOf(HasSubstr("<p>521 Web Server Is Down: The site&#39;s server cannot be reached at the "
                                         "moment. Try again in a few minutes. [connection_refused] /a%20b?&lt;x&gt; "
                                         "</p>"),
                               HasSubstr("Content-Type: text/html; charset=utf-8\r\n"),
                               HasSubstr("X-Content-Type-Options: nosniff\r\n"),
                               HasSubstr("Content-Security-Policy: default-src 'none'; style-src 'self' ")));
  const char* program = "GET / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n";
  EXPECT_THAT(failure(program), HasSubstr("application/problem+json"));
  page("521", "exactly");
  EXPECT_THAT(failure(), HasSubstr("\r\n\r\nexactly"));
  page("503", "large");
  diagnosis_ =
      diagnose(Observation{.phase = Phase::Internal, .fault = DecisionFault{.cause = Cause::ProxyMemoryExhausted}},
               StatusPolicy{});
  EXPECT_THAT(failure(), Not(HasSubstr("large"))) << "where memory is short, no page that may be";
}

TEST_F(OwnAnswerTest, APageTellsNoMoreThanIsDisclosed) {
  page("5xx", "[{cause}|{message}|{evidence}|{support}]");
  set("X-Cause", "{cause}");
  config_.disclose = Disclose::None;
  EXPECT_THAT(failure(), AllOf(HasSubstr("[|||521, "), HasSubstr(", request id req-1]"), Not(HasSubstr("X-Cause"))));
  config_.disclose = Disclose::Cause;
  EXPECT_THAT(failure(), AllOf(HasSubstr("[connection_refused|"), HasSubstr("||521 connection_refused, "),
                               HasSubstr("X-Cause: connection_refused\r\n"), Not(HasSubstr("ECONNREFUSED"))));
  config_.disclose = Disclose::Evidence;
  EXPECT_THAT(failure(), HasSubstr("&quot;errno_name&quot;: &quot;ECONNREFUSED&quot;"));
}

TEST_F(OwnAnswerTest, ValuesAreEscapedForWhatTheyStandIn) {
  page("5xx", "<p title=\"{header.X-A}\">{header.X-A}</p>");
  EXPECT_THAT(failure(), HasSubstr(R"(<p title="&quot;&amp;\u{202E}&#39;">&quot;&amp;\u{202E}&#39;</p>)"));
  route_.respond =
      FixedResponse{.status = 410, .body = TextTemplate::parse("<{header.X-A}>", TemplatePlace::Answer).value()};
  EXPECT_THAT(fixed(), HasSubstr("\r\n\r\n<\"&\\u{202E}'>"));
  set("content-type", "Application/Problem+JSON");
  EXPECT_THAT(fixed(), HasSubstr("\r\n\r\n<\\\"&\\u202e'>"));
  route_.response_headers = {};
  set("Content-Type", "image/SVG+XML");
  EXPECT_THAT(fixed(), HasSubstr("\r\n\r\n<&quot;&amp;\\u{202E}&#39;>"));
}

TEST_F(OwnAnswerTest, AFixedAnswerHasItsPage) {
  page("maintenance", "until {retry_after}");
  page("503", "of the status");
  route_.respond = FixedResponse{.status = 503, .retry_after = std::chrono::seconds(120), .page = "maintenance"};
  EXPECT_THAT(fixed(), AllOf(HasSubstr("\r\n\r\nuntil 120"), HasSubstr("Retry-After: 120\r\n")));
  EXPECT_THAT(fixed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("\r\n\r\n503 Service Unavailable\n"));
  route_.respond->page.clear();
  EXPECT_THAT(fixed(), HasSubstr("\r\n\r\nof the status"));
  const std::string head = fixed("HEAD / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n");
  EXPECT_THAT(head, AllOf(HasSubstr("Content-Length: 13\r\n"), ::testing::EndsWith("\r\n\r\n")));
}

TEST_F(OwnAnswerTest, AFailureHasTheRoutesFieldsButThoseOfContent) {
  set("Access-Control-Allow-Origin", "{header.Origin}");
  set("X-Status", "{status}");
  set("Cache-Control", "public, max-age=31536000");
  set("content-type", "image/png");
  set("Content-Security-Policy", "default-src *");
  route_.response_headers.remove = {"X-Content-Type-Options", "Proxy-Status"};
  EXPECT_THAT(failure(),
              AllOf(HasSubstr("Access-Control-Allow-Origin: https://app.example\r\n"), HasSubstr("X-Status: 521\r\n"),
                    HasSubstr("Cache-Control: no-store\r\n"), HasSubstr("X-Content-Type-Options: nosniff\r\n"),
                    Not(HasSubstr("image/png")), Not(HasSubstr("default-src *")), Not(HasSubstr("Proxy-Status"))));
  EXPECT_THAT(written(synthesizeFailure(diagnosis_, config_, nullptr, source(), 0, {})),
              AllOf(HasSubstr("Proxy-Status: edge-1"), Not(HasSubstr("Access-Control"))));
  route_.response_headers.remove.clear();
  EXPECT_THAT(written(synthesizeOptions(&route_, "GET", source())),
              AllOf(HasSubstr("Access-Control-Allow-Origin: https://app.example\r\n"), HasSubstr("X-Status: 200\r\n")));
}

TEST_F(OwnAnswerTest, TheChallengeStays) {
  route_.response_headers.remove = {"WWW-Authenticate"};
  const FailureFields fields{.challenge = "Basic realm=\"staff\""};
  const auto refusal = [&] { return written(synthesizeFailure(diagnosis_, config_, &route_, source(), 0, fields)); };
  EXPECT_THAT(refusal(), HasSubstr("WWW-Authenticate: Basic realm=\"staff\"\r\n"));
  route_.response_headers.remove.clear();
  set("www-authenticate", "Bearer");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("WWW-Authenticate: Basic"), Not(HasSubstr("Bearer"))));
}

TEST_F(OwnAnswerTest, NoVariableBringsControlsIntoAField) {
  client_.tls_session.server_name = "x\r\nX-Injected: yes\r\n\r\nbody";
  set("X-SNI", "{tls_server_name}");
  EXPECT_THAT(failure(), HasSubstr("X-SNI: x  X-Injected: yes    body\r\n"));
}

// A path must not become another host by what a client says.
TEST_F(OwnAnswerTest, ARedirectKeepsItsHost) {
  const auto location = [&](const std::string& to, const char* query) {
    const std::string head = std::string("GET /r?") + query + " HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    return redirectTarget(TextTemplate::parse(to, TemplatePlace::Request).value(), source(head.c_str()));
  };
  for (const char* next : {"n=/evil.example", "n=%2f%2fevil.example", "n=/%5cevil.example"}) {
    EXPECT_EQ(location("/{query.n}", next), "/evil.example") << next;
    EXPECT_EQ(location("{query.n}", next), "/evil.example") << next;
  }
  EXPECT_EQ(location("/{query.a}/{query.n}", "n=evil.example"), "/evil.example");
  EXPECT_EQ(location("//cdn.example/{query.n}", "n=x"), "//cdn.example/x") << "the operator's own host";
  EXPECT_EQ(location("https://a.example/{query.n}", "n=/x"), "https://a.example//x");
}

}  // namespace
}  // namespace gatewhy
