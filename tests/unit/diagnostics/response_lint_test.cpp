// SPDX-License-Identifier: Apache-2.0
// Every rule with an answer that breaks it, and answers near to that which do
// not. An answer must be found exactly what its row says.
#include "diagnostics/response_lint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "diagnostics/cookie_lint.h"
#include "diagnostics/http_date.h"

namespace gatewhy {
namespace {

using F = Finding;

constexpr std::string_view kNow = "Sun, 06 Nov 1994 08:49:37 GMT";

class Request final : public LintRequest {
 public:
  Request(std::string method, std::string host, std::vector<FieldId> fields)
      : method_(std::move(method)), host_(std::move(host)), fields_(std::move(fields)) {}
  [[nodiscard]] std::string_view method() const override { return method_; }
  [[nodiscard]] bool has(FieldId id) const override {
    return std::find(fields_.begin(), fields_.end(), id) != fields_.end();
  }
  [[nodiscard]] std::string_view clientHost() const override { return host_; }

 private:
  std::string method_, host_;
  std::vector<FieldId> fields_;
};

struct Row {
  std::vector<F> found;
  std::uint16_t status = 200;
  // Date: kNow is added where no Date is given. A value "~" means: not even that.
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<FieldId> request_fields = {};
  std::string reason = "";
  std::string method = "GET";
  std::string host = "shop.example";
};

std::string text(FindingSet set) {
  std::string out;
  for (const Finding finding : set) {
    out.append(out.empty() ? "" : " ").append(name(finding));
  }
  return out.empty() ? "nothing" : out;
}

FindingSet setOf(const std::vector<F>& findings) {
  FindingSet set;
  for (const F finding : findings) {
    set.add(finding);
  }
  return set;
}

bool nominatedBy(const Row& row, std::string_view field) {
  return std::any_of(row.fields.begin(), row.fields.end(), [&](const auto& other) {
    return other.first == "Connection" && equalsIgnoreCase(other.second, field);
  });
}

FindingSet lint(const Row& row) {
  const Request request(row.method, row.host, row.request_fields);
  ResponseLint lint(request, *parseHttpDate(kNow), row.status, row.reason);
  const auto has = [&](std::string_view wanted) {
    return std::any_of(row.fields.begin(), row.fields.end(), [&](const auto& field) { return field.first == wanted; });
  };
  if (!has("Date")) {
    lint.field(FieldId::Date, kNow, false);
  }
  std::optional<std::uint64_t> length;
  for (const auto& [name, value] : row.fields) {
    if (value == "~") {
      continue;
    }
    EXPECT_NE(fieldId(name), FieldId::Other) << name;
    if (name == "Content-Length") {
      length = std::stoull(value);
    }
    lint.field(fieldId(name), value, nominatedBy(row, name));
  }
  return lint.headDone(length);
}

std::string describe(const Row& row) {
  std::string out = row.method + " → " + std::to_string(row.status) + " " + row.reason;
  for (const auto& [name, value] : row.fields) {
    out += "\n  " + name + ": " + value.substr(0, 200);
  }
  return out;
}

const std::vector<FieldId> kRange = {FieldId::Range};

const std::vector<Row>& violating() {
  static const std::vector<Row> rows = {
      {{F::Status401WithoutWwwAuthenticate}, 401, {}},
      {{F::Status401WithoutWwwAuthenticate}, 401, {{"WWW-Authenticate", ""}}},
      {{F::Status401WithoutWwwAuthenticate}, 401, {{"Proxy-Authenticate", "Basic realm=x"}}},
      {{F::Status405WithoutAllow}, 405, {}},
      {{F::Status405AllowsTheMethod}, 405, {{"Allow", "GET, POST"}}},
      {{F::Status405AllowsTheMethod}, 405, {{"Allow", "HEAD ,\tGET"}}},
      {{F::Status405AllowsTheMethod}, 405, {{"Allow", "HEAD"}, {"Allow", "PURGE"}}, {}, "", "PURGE"},
      {{F::Status407WithoutProxyAuthenticate}, 407, {{"WWW-Authenticate", "Basic realm=x"}}},
      {{F::Status416WithoutContentRange}, 416, {}, kRange},
      {{F::Status416WithoutContentRange}, 416, {{"Content-Range", "bytes 0-4/5"}}, kRange},
      {{F::Status425WithoutEarlyData}, 425, {}},
      {{F::Status426WithoutUpgrade}, 426, {}},
      {{F::Status429WithoutRetryAfter}, 429, {}},
      {{F::Status503WithoutRetryAfter}, 503, {}},
      {{F::Status511FromOrigin}, 511, {}},
      {{F::RedirectWithoutLocation}, 301, {}},
      {{F::RedirectWithoutLocation}, 302, {{"Location", ""}}},
      {{F::RedirectWithoutLocation}, 303, {}},
      {{F::RedirectWithoutLocation}, 307, {}},
      {{F::RedirectWithoutLocation}, 308, {}},
      {{F::Status206Unrequested}, 206, {{"Content-Range", "bytes 0-4/10"}}},
      {{F::Status206WithoutContentRange}, 206, {}, kRange},
      {{F::Status206MultipartWithContentRange},
       206,
       {{"Content-Type", "Multipart/Byteranges; boundary=x"}, {"Content-Range", "bytes 0-4/10"}},
       kRange},
      {{F::Status206LengthDiffers}, 206, {{"Content-Range", "bytes 0-4/10"}, {"Content-Length", "10"}}, kRange},
      {{F::Status206LengthDiffers}, 206, {{"Content-Length", "4"}, {"Content-Range", "bytes 0-4/*"}}, kRange},
      {{F::ContentRangeMalformed}, 206, {{"Content-Range", "bytes=0-4/10"}}, kRange},
      {{F::ContentRangeMalformed}, 206, {{"Content-Range", "bytes 5-4/10"}}, kRange},
      {{F::ContentRangeMalformed}, 206, {{"Content-Range", "bytes 0-10/10"}}, kRange},
      {{F::ContentRangeMalformed}, 206, {{"Content-Range", "bytes 0-4"}}, kRange},
      {{F::ContentRangeMalformed}, 206, {{"Content-Range", "bytes */10"}}, kRange},
      {{F::ContentRangeMalformed}, 206, {{"Content-Range", "bytes -4/10"}}, kRange},
      {{F::ContentRangeMalformed}, 206, {{"Content-Range", "bytes 0-99999999999999999999/*"}}, kRange},
      {{F::ContentRangeMalformed}, 206, {{"Content-Range", ""}}, kRange},
      {{F::ContentRangeMalformed}, 416, {{"Content-Range", "bytes */*"}}, kRange},
      {{F::Status304Unrequested}, 304, {}},
      {{F::Status304Unrequested}, 304, {}, kRange},
      {{F::StatusRetired}, 305, {{"Location", "http://proxy.example/"}}},
      {{F::StatusRetired}, 306, {}},
      {{F::StatusUnregistered}, 299, {}},
      {{F::StatusUnregistered}, 420, {}},
      {{F::StatusUnregistered}, 499, {}},
      {{F::StatusUnregistered}, 520, {}},
      {{F::StatusUnregistered}, 599, {}},
      {{F::ReasonContradictsStatus}, 404, {}, {}, "OK"},
      {{F::ReasonContradictsStatus}, 200, {}, {}, "Not Found"},
      {{F::ReasonContradictsStatus}, 403, {}, {}, "Found"},
      {{F::Status204WithContentLength}, 204, {{"Content-Length", "0"}}},
      {{F::Status204WithContentLength}, 204, {{"Content-Length", "5"}}},
      {{F::Status204WithContentLength}, 204, {{"Transfer-Encoding", "chunked"}}},
      {{F::DateMissing}, 200, {{"Date", "~"}}},
      {{F::DateMissing}, 404, {{"Date", "~"}}},
      {{F::DateMalformed}, 200, {{"Date", "Sunday, 06-Nov-94 08:49:37 GMT"}}},
      {{F::DateMalformed}, 200, {{"Date", "Sun Nov  6 08:49:37 1994"}}},
      {{F::DateMalformed}, 200, {{"Date", "Sun, 06 Nov 1994 08:49:37 CET"}}},
      {{F::DateMalformed}, 200, {{"Date", "Son, 06 Nov 1994 08:49:37 GMT"}}},
      {{F::DateMalformed}, 200, {{"Date", "Sun, 31 Feb 1994 08:49:37 GMT"}}},
      {{F::DateMalformed}, 200, {{"Date", "Sun, 06 Nov 1994 24:49:37 GMT"}}},
      {{F::DateMalformed}, 200, {{"Date", ""}}},
      {{F::DateWrong}, 200, {{"Date", "Sun, 06 Nov 1994 09:49:37 GMT"}}},
      {{F::DateWrong}, 200, {{"Date", "Sun, 06 Nov 1994 08:39:36 GMT"}}},
      {{F::DateWrong}, 200, {{"Age", "99"}, {"Date", "Sun, 06 Nov 1994 08:59:38 GMT"}}},
      {{F::LastModifiedMalformed}, 200, {{"Last-Modified", "1994-11-06T08:49:37Z"}}},
      {{F::LastModifiedInFuture}, 200, {{"Last-Modified", "Sun, 06 Nov 1994 08:49:39 GMT"}}},
      {{F::DateMissing, F::LastModifiedInFuture},
       200,
       {{"Date", "~"}, {"Last-Modified", "Mon, 07 Nov 1994 08:49:37 GMT"}}},
      {{F::EtagMalformed}, 200, {{"ETag", "abc"}}},
      {{F::EtagMalformed}, 200, {{"ETag", "w/\"abc\""}}},
      {{F::EtagMalformed}, 200, {{"ETag", "\"a b\""}}},
      {{F::EtagMalformed}, 200, {{"ETag", "\"a\"b\""}}},
      {{F::EtagMalformed}, 200, {{"ETag", "\""}}},
      {{F::EtagMalformed}, 200, {{"ETag", ""}}},
      {{F::RetryAfterMalformed}, 503, {{"Retry-After", "2 minutes"}}},
      {{F::RetryAfterMalformed}, 503, {{"Retry-After", "-1"}}},
      {{F::RetryAfterMalformed}, 429, {{"Retry-After", "1.5"}}},
      {{F::LocationMalformed}, 302, {{"Location", "/a b"}}},
      {{F::LocationMalformed}, 302, {{"Location", "/caf\xc3\xa9"}}},
      {{F::LocationMalformed}, 201, {{"Location", "\"/a\""}}},
      {{F::LocationMalformed}, 302, {{"Location", "<https://shop.example/>"}}},
      {{F::LocationMalformed}, 302, {{"Location", "\\\\other.example\\share"}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", "html"}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", ""}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", "text/"}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", "text/html, text/plain"}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", "text/html; charset"}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", "text/html; charset="}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", "text/html; charset=\"utf-8"}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", "text/html; charset = utf-8"}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", "text/html; a=\"b\\"}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", "text/html; a=\"b\"c"}}},
      {{F::ContentTypeMalformed}, 200, {{"Content-Type", "text/html; a=\""}}},
      {{F::ContentEncodingIdentity}, 200, {{"Content-Encoding", "identity"}}},
      {{F::ContentEncodingUnregistered}, 200, {{"Content-Encoding", "utf-8"}}},
      {{F::ContentEncodingUnregistered}, 200, {{"Content-Encoding", "gzip, chunked"}}},
      {{F::CacheControlAgeMalformed}, 200, {{"Cache-Control", "public, max-age=1h"}}},
      {{F::CacheControlAgeMalformed}, 200, {{"Cache-Control", "max-age: 3600"}}},
      {{F::CacheControlAgeMalformed}, 200, {{"Cache-Control", "max-age=3600; public"}}},
      {{F::CacheControlAgeMalformed}, 200, {{"Cache-Control", "S-MaxAge=-1"}}},
      {{F::CacheControlAgeMalformed}, 200, {{"Cache-Control", "max-age"}}},
      {{F::DuplicateSingletonField}, 200, {{"Content-Type", "text/html"}, {"Content-Type", "text/html"}}},
      {{F::DuplicateSingletonField}, 200, {{"Date", std::string(kNow)}, {"Date", std::string(kNow)}}},
      {{F::DuplicateSingletonField}, 200, {{"Server", "a"}, {"ETag", "\"a\""}, {"Server", "b"}}},
      {{F::UpgradeWithoutConnection}, 426, {{"Upgrade", "HTTP/2.0"}}},
      {{F::UpgradeWithoutConnection}, 200, {{"Upgrade", "h2c"}, {"Connection", "keep-alive"}}},
      {{F::CookieSameSiteNoneInsecure}, 200, {{"Set-Cookie", "a=b; Path=/; samesite=NONE"}}},
      {{F::CookiePrefixViolated}, 200, {{"Set-Cookie", "__Secure-a=b; Path=/"}}},
      {{F::CookiePrefixViolated}, 200, {{"Set-Cookie", "__host-a=b; Secure"}}},
      {{F::CookiePrefixViolated}, 200, {{"Set-Cookie", "__Host-a=b; Secure; Path=/; Domain=shop.example"}}},
      {{F::CookiePrefixViolated}, 200, {{"Set-Cookie", "__Host-a=b; Secure; Path=/a"}}},
      {{F::CookieTooLarge}, 200, {{"Set-Cookie", "a=" + std::string(4096, 'b')}}},
      {{F::CookieWithoutName}, 200, {{"Set-Cookie", "=b; Path=/"}}},
      {{F::CookieWithoutName}, 200, {{"Set-Cookie", "b; Path=/"}}},
      {{F::CookieWithoutName}, 200, {{"Set-Cookie", ""}}},
      {{F::CookieDomainForeign}, 200, {{"Set-Cookie", "a=b; Domain=other.example"}}},
      {{F::CookieDomainForeign}, 200, {{"Set-Cookie", "a=b; Domain=op.example"}}},
      {{F::CookieDomainForeign}, 200, {{"Set-Cookie", "a=b; Domain=www.shop.example"}}},
      {{F::CookieDomainForeign}, 200, {{"Set-Cookie", "a=b; Domain=0.0.1"}}, {}, "", "GET", "127.0.0.1"},
      // All of what is wrong is told.
      {{F::Status401WithoutWwwAuthenticate, F::DateMissing, F::EtagMalformed, F::CookieWithoutName},
       401,
       {{"Date", "~"}, {"ETag", "a"}, {"Set-Cookie", "a"}},
       {},
       "Unauthorized"},
  };
  return rows;
}

const std::vector<Row>& clean() {
  static const std::vector<Row> rows = {
      {{}, 200, {{"Content-Type", "text/html; charset=utf-8"}, {"Content-Length", "5"}, {"Server", "x"}}, {}, "OK"},
      {{}, 401, {{"WWW-Authenticate", "Basic realm=\"a, b\""}}, {}, "Unauthorized"},
      {{}, 401, {{"WWW-Authenticate", ""}, {"WWW-Authenticate", "Bearer"}}},
      {{}, 405, {{"Allow", ""}}},
      {{}, 405, {{"Allow", "GET, HEAD"}}, {}, "", "POST"},
      {{}, 405, {{"Allow", "GETTER, get"}}},
      {{}, 200, {{"Allow", "GET"}}},
      {{}, 407, {{"Proxy-Authenticate", "Basic realm=x"}}},
      {{}, 416, {{"Content-Range", "bytes */10"}}, kRange},
      {{}, 416, {{"Content-Range", "rows */10"}}, kRange},
      {{}, 425, {}, {FieldId::EarlyData}},
      {{}, 426, {{"Upgrade", "websocket"}, {"Connection", "upgrade"}}},
      {{}, 429, {{"Retry-After", "0"}}},
      {{}, 503, {{"Retry-After", "Sun, 06 Nov 1994 09:00:00 GMT"}}},
      {{}, 301, {{"Location", "https://shop.example/a?b=c#d"}}},
      {{}, 302, {{"Location", "../a%20b"}}, {}, "Moved Temporarily"},
      {{}, 303, {{"Location", "//[2001:db8::1]:80/x|y{z}"}}},
      {{}, 307, {{"Location", "?"}}},
      {{}, 308, {{"Location", "#"}}},
      {{}, 300, {}},
      {{}, 206, {{"Content-Range", "bytes 0-4/10"}, {"Content-Length", "5"}}, kRange},
      {{}, 206, {{"Content-Range", "bytes 9-9/*"}}, kRange},
      {{}, 206, {{"Content-Range", "rows 1-2/x"}, {"Content-Length", "99"}}, kRange},
      {{}, 206, {{"Content-Type", "multipart/byteranges; boundary=\"a\\\"b\""}, {"Content-Length", "9"}}, kRange},
      {{}, 200, {{"Content-Range", "nonsense"}}},
      {{}, 304, {{"Content-Length", "10"}}, {FieldId::IfNoneMatch}},
      {{}, 304, {}, {FieldId::IfModifiedSince}},
      {{}, 204, {}},
      {{}, 205, {{"Content-Length", "0"}}},
      {{}, 226, {}},
      {{}, 451, {}},
      {{}, 510, {}},
      {{}, 413, {}, {}, "Request Entity Too Large"},
      {{}, 404, {}, {}, "Gone"},
      {{}, 200, {}, {}, "Fine"},
      {{}, 201, {}, {}, "OK"},
      {{}, 500, {{"Date", "~"}}},
      {{}, 200, {{"Date", "Mon, 06 Nov 1994 08:59:37 GMT"}}},
      {{}, 200, {{"Date", "Sun, 06 Nov 1994 08:39:37 GMT"}}},
      {{}, 200, {{"Date", "Sat, 05 Nov 1994 08:39:37 GMT"}, {"Age", "86400"}}},
      {{}, 200, {{"Last-Modified", "Sun, 06 Nov 1994 08:49:38 GMT"}}},
      {{}, 200, {{"Last-Modified", "Tue, 29 Feb 1972 00:00:00 GMT"}}},
      {{}, 200, {{"ETag", "\"\""}}},
      {{}, 200, {{"ETag", "W/\"!#\xc3\xa9'\""}}},
      {{}, 200, {{"Content-Type", "application/vnd.api+json;profile=\"a;b\" ; q=1;"}}},
      {{}, 200, {{"Content-Type", "text/html; a=\"\"; b=\"\\\\\\\"\""}}},
      {{}, 200, {{"Content-Encoding", "GZIP , br"}}},
      {{}, 200, {{"Content-Encoding", ""}}},
      {{}, 200, {{"Cache-Control", "no-store, max-age=0, x-max-age=a, private=\"max-age\", s-maxage=\"10\""}}},
      {{}, 200, {{"Cache-Control", ""}, {"Cache-Control", ",, public ,"}}},
      {{}, 200, {{"Set-Cookie", "a=b"}, {"Set-Cookie", "c=d"}, {"Cache-Control", "a"}, {"Allow", "B"}}},
      {{}, 200, {{"Upgrade", "h2,h2c"}, {"Connection", "Upgrade"}}},
      {{}, 200, {{"Set-Cookie", "a=b; SameSite=None; SECURE"}}},
      {{}, 200, {{"Set-Cookie", "a=b; SameSite=None; SameSite=Lax"}}},
      {{}, 200, {{"Set-Cookie", "__Host-a=b; Path=/; Secure; HttpOnly"}}},
      {{}, 200, {{"Set-Cookie", "__Secure-a=b; Secure"}}},
      {{}, 200, {{"Set-Cookie", "a=" + std::string(4095, 'b') + "; Path=/" + std::string(500, 'p')}}},
      {{}, 200, {{"Set-Cookie", "a=; Max-Age=0"}}},
      {{}, 200, {{"Set-Cookie", "a=b; Domain=.Example"}}},
      {{}, 200, {{"Set-Cookie", "a=b; Domain=SHOP.example"}}},
      {{}, 200, {{"Set-Cookie", "a=b; Domain="}}},
      {{}, 200, {{"Set-Cookie", "a=b; Domain=."}}},
      {{}, 200, {{"Set-Cookie", "a=b; Domain=127.0.0.1"}}, {}, "", "GET", "127.0.0.1"},
      {{}, 200, {{"Set-Cookie", "a=b; Domain=other.example"}}, {}, "", "GET", ""},
  };
  return rows;
}

TEST(ResponseLint, FindsExactlyWhatIsWrong) {
  for (const Row& row : violating()) {
    EXPECT_EQ(text(lint(row)), text(setOf(row.found))) << describe(row);
  }
}

TEST(ResponseLint, FindsNothingWhereNothingIs) {
  for (const Row& row : clean()) {
    EXPECT_EQ(text(lint(row)), "nothing") << describe(row);
  }
}

TEST(ResponseLint, AnInterimResponseFramesNoContent) {
  EXPECT_EQ(text(lintInterim(true)), "1xx_with_content_length");
  EXPECT_EQ(text(lintInterim(false)), "nothing");
}

TEST(ResponseLint, JudgesTheEnd) {
  EXPECT_EQ(text(lintEnd({.status = 200, .content = 1})), "content_without_content_type");
  EXPECT_EQ(text(lintEnd({.status = 404, .content = 1})), "content_without_content_type");
  EXPECT_EQ(text(lintEnd({.status = 205, .has_content_type = true, .content = 1})), "205_with_content");
  EXPECT_EQ(text(lintEnd({.status = 200, .content = 0})), "nothing");
  EXPECT_EQ(text(lintEnd({.status = 205, .content = 0})), "nothing");
  EXPECT_EQ(text(lintEnd({.status = 206, .content = 5})), "nothing") << "the answer to If-Range may leave it out";
  EXPECT_EQ(text(lintEnd({.status = 200, .has_content_type = true, .content = 5})), "nothing");
}

TEST(ResponseLint, NamesThePromiseThatExtraBytesBreak) {
  EXPECT_EQ(extraData({.status = 204}), F::Status204WithBody);
  EXPECT_EQ(extraData({.status = 304}), F::Status304WithBody);
  EXPECT_EQ(extraData({.status = 200, .to_head = true}), F::HeadWithBody);
  EXPECT_EQ(extraData({.status = 200}), F::ResponseExtraData);
}

// Judged by the parser (tests/unit/proxy/http/tolerance_test.cpp) or above.
constexpr F kElsewhere[] = {F::DnsStale,
                            F::Http11Required,
                            F::InterimWithContentLength,
                            F::Status204WithBody,
                            F::Status205WithContent,
                            F::Status304WithBody,
                            F::HeadWithBody,
                            F::ResponseExtraData,
                            F::ContentWithoutContentType,
                            F::StatusOutOfRange,
                            F::ReasonMalformed,
                            F::FieldFolded,
                            F::FieldSpaceBeforeColon,
                            F::FieldLineMalformed,
                            F::ContentLengthRepeated,
                            F::ChunkSizePadded,
                            F::UpgradeIgnored,
                            F::UnsolicitedBytes,
                            F::OcspStatusUnknown,
                            F::OcspStapleExpired,
                            F::OcspStapleUnusable,
                            F::RequestFieldDropped,
                            F::CertificateExpiresIn30Days,
                            F::CertificateExpiresIn7Days,
                            F::CertificateExpiresIn1Day,
                            F::GrpcAnswerForeign,
                            F::GrpcStatusMissing};

TEST(ResponseLint, EveryRuleHasItsViolation) {
  FindingSet shown;
  for (const Row& row : violating()) {
    shown.add(setOf(row.found));
  }
  for (const F finding : kElsewhere) {
    EXPECT_FALSE(shown.has(finding)) << name(finding);
    shown.add(finding);
  }
  for (const FindingInfo& row : allFindings()) {
    EXPECT_TRUE(shown.has(row.finding)) << row.id << " has no violating answer here";
  }
}

TEST(HttpDate, ReadsTheOneForm) {
  EXPECT_EQ(parseHttpDate(kNow), std::chrono::sys_seconds(std::chrono::seconds(784111777)));
  EXPECT_EQ(parseHttpDate("Thu, 01 Jan 1970 00:00:00 GMT"), std::chrono::sys_seconds());
  EXPECT_EQ(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT "), std::nullopt);
  EXPECT_EQ(parseHttpDate("Sun, 06 nov 1994 08:49:37 GMT"), std::nullopt);
  EXPECT_EQ(parseHttpDate("Sun, 6 Nov 1994 08:49:37 GMT"), std::nullopt);
}

}  // namespace
}  // namespace gatewhy
