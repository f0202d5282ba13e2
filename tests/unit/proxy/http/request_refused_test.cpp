// SPDX-License-Identifier: Apache-2.0
#include "parse_runs.h"

namespace gatewhy::test {
namespace {

#define FIRST "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST /x HTTP/1.1\r\nHost: a\r\n"
#define END "\r\n"

void expectRequestsRefused(const std::vector<Refusal>& rows) {
  for (const Refusal& row : rows) {
    const Marked marked = unmark(row.bytes);
    expectRefused(parseRequest(marked.bytes), marked, row.error);
  }
}

TEST(RequestRefused, WhatIsNoHttpByItsFirstOctets) {
  expectRequestsRefused({
      {"«\x16\x03\x01\x02"sv, E::NotHttp},  // TLS
      {"«\x80\x2e\x01\x03"sv, E::NotHttp},  // SSLv2
      {"«\0\0\0\0"sv, E::NotHttp},          //
      {"«\x05\x01\0"sv, E::NotHttp},        // SOCKS 5
      {"«\x04\x01\0\x50"sv, E::NotHttp},    // SOCKS 4
      {"SSH«\x01"sv, E::NotHttp},           //
      {"«\x1f\x8b"sv, E::NotHttp},          // gzip
  });
}

TEST(RequestRefused, BadMethod) {
  expectRequestsRefused({
      {"G«\xc3\x89T / HTTP/1.1\r\n"sv, E::NotHttp},
      {"GE«(T / HTTP/1.1\r\n"sv, E::MethodInvalid},
      {"«(GET / HTTP/1.1\r\n"sv, E::MethodInvalid},
      {"GET«/ HTTP/1.1\r\n"sv, E::MethodInvalid},
      {"«/ HTTP/1.1\r\n"sv, E::MethodInvalid},
      {"GET«: / HTTP/1.1\r\n"sv, E::MethodInvalid},
      {"G«\"ET / HTTP/1.1\r\n"sv, E::MethodInvalid},
      {"«@ / HTTP/1.1\r\n"sv, E::MethodInvalid},
      {"«{\"json\": 1}"sv, E::MethodInvalid},
      {"«<html>"sv, E::MethodInvalid},
      {"G«[]ET / HTTP/1.1\r\n"sv, E::MethodInvalid},
      {"GET«=1 / HTTP/1.1\r\n"sv, E::MethodInvalid},
      {"G«\0ET / HTTP/1.1\r\n"sv, E::NotHttp},
      {"G«\x7f / HTTP/1.1\r\n"sv, E::NotHttp},
      {"G«\x0b / HTTP/1.1\r\n"sv, E::NotHttp},
  });
}

TEST(RequestRefused, StartLineNotInThreeWords) {
  expectRequestsRefused({
      {"« GET / HTTP/1.1\r\n"sv, E::StartLineWhitespace},
      {"«\tGET / HTTP/1.1\r\n"sv, E::StartLineWhitespace},
      {"GET«\t/ HTTP/1.1\r\n"sv, E::StartLineWhitespace},
      {"GET « / HTTP/1.1\r\n"sv, E::StartLineWhitespace},
      {"GET «\t/ HTTP/1.1\r\n"sv, E::StartLineWhitespace},
      {"GET /«\tHTTP/1.1\r\n"sv, E::StartLineWhitespace},
      {"GET /«  HTTP/1.1\r\n"sv, E::StartLineWhitespace},
      {"GET /« a HTTP/1.1\r\n"sv, E::StartLineWhitespace},
      {"GET /a« b c HTTP/1.1\r\n"sv, E::StartLineWhitespace},
      {"GET / HTTP/1.1« \r\n"sv, E::StartLineWhitespace},
      {"GET / HTTP/1.1«\t\r\n"sv, E::StartLineWhitespace},
      {"GET / HTTP/1.1« HTTP/1.1\r\n"sv, E::StartLineWhitespace},
      {"GET / HTTP/1.1« x\r\n"sv, E::StartLineWhitespace},
      {"GET«\r\n"sv, E::StartLineWhitespace},
      {"GET «\r\n"sv, E::TargetInvalid},
      {"GET « HTTP/1.1\r\n"sv, E::StartLineWhitespace},
  });
}

TEST(RequestRefused, BadTarget) {
  expectRequestsRefused({
      {"GET /«# HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET /a?b«#c HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET «#a HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET /«\x01 HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET /«\x0b HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET /«\x7f HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET /«\x80 HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET /caf«\xc3\xa9 HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET /«\xff HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET /«\0 HTTP/1.1\r\n"sv, E::Nul},
      {"GET /«\rx HTTP/1.1\r\n"sv, E::BareCr},
      {"GET «a HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET «a/b HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET «?a HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET «\\ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET «* HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"HEAD «* HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"OPTIONS «** HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"OPTIONS «*?a HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"OPTIONS «a:80 HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET «a:80 HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET «ftp://a/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET «ws://a/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET «http:/a HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET «http:a HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://«/a HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://« HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://«?a HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://«:80/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://u«@a/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://u:«p@a/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://a«\\@b/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://a:«x/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://a:«65536/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://«[::1/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"GET http://a«,b/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"CONNECT «/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"CONNECT «a HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"CONNECT «a: HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"CONNECT a:443«/ HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"CONNECT «* HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"CONNECT http:«//a:80 HTTP/1.1\r\n"sv, E::TargetInvalid},
      {"CONNECT u«@a:443 HTTP/1.1\r\n"sv, E::TargetInvalid},
  });
}

TEST(RequestRefused, BadVersion) {
  expectRequestsRefused({
      {"GET /«\r\n"sv, E::VersionInvalid},  // HTTP/0.9
      {"GET / «\r\n"sv, E::VersionInvalid},
      {"GET / «http/1.1\r\n"sv, E::VersionInvalid},
      {"GET / «XTTP/1.1\r\n"sv, E::VersionInvalid},
      {"GET / H«ttp/1.1\r\n"sv, E::VersionInvalid},
      {"GET / HTTP«\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/«\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/1«\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/1.«\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/«.1\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/1«,1\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/1«1.1\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/1.1«0\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/1.1«.1\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/1.«x\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/«-1.1\r\n"sv, E::VersionInvalid},
      {"GET / HTTP«-1.1\r\n"sv, E::VersionInvalid},
      {"GET / HTTP/1.1«\0\r\n"sv, E::Nul},
      {"GET / HTTP/1.1«\rX: y\r\n"sv, E::BareCr},
      {"GET / HTTP/1.1«\r\r\n"sv, E::BareCr},
      {"GET / HTTP/«2.0\r\nHost: a\r\n\r\n"sv, E::VersionUnsupported},
      {"GET / HTTP/«2\r\n"sv, E::VersionUnsupported},
      {"GET / HTTP/«3\r\n"sv, E::VersionUnsupported},
      {"GET / HTTP/«0.9\r\n"sv, E::VersionUnsupported},
      {"GET / HTTP/«9.9\r\n"sv, E::VersionUnsupported},
      {"PRI * HTTP/«2.0\r\n\r\nSM\r\n\r\n"sv, E::VersionUnsupported},
  });
}

TEST(RequestRefused, LineEndsThatAreNotCrLf) {
  expectRequestsRefused({
      {"GET / HTTP/1.1«\nHost: a\r\n\r\n"sv, E::BareLf},
      {"GET«\n"sv, E::BareLf},
      {"«\nGET / HTTP/1.1\r\n"sv, E::BareLf},
      {"«\rGET / HTTP/1.1\r\n"sv, E::BareCr},
      {"«\r\rGET / HTTP/1.1\r\n"sv, E::BareCr},
      {"GET«\r/ HTTP/1.1\r\n"sv, E::BareCr},
      {"GET / HTTP/1.1\r\nHost: a«\n\r\n"sv, E::BareLf},
      {FIRST "«\n"sv, E::BareLf},
      {FIRST "X: y«\n\r\n"sv, E::BareLf},
      {FIRST "X: y\r\n«\n"sv, E::BareLf},
      {FIRST "X: a«\rb\r\n\r\n"sv, E::BareCr},
      {FIRST "X: a«\r\r\n\r\n"sv, E::BareCr},
      {FIRST "X«\r: a\r\n\r\n"sv, E::BareCr},
      {FIRST "«\rX: a\r\n\r\n"sv, E::BareCr},
      {FIRST "«\r\r\n"sv, E::BareCr},
      {FIRST "X:«\rTransfer-Encoding: chunked\r\n\r\n"sv, E::BareCr},
      {"GET / HTTP/1.1\r\nHost: a«\rb\r\n\r\n"sv, E::BareCr},
  });
}

TEST(RequestRefused, MalformedFields) {
  expectRequestsRefused({
      {FIRST "«: y\r\n" END ""sv, E::FieldNameEmpty},
      {FIRST "«:\r\n" END ""sv, E::FieldNameEmpty},
      {FIRST "X« : y\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {FIRST "X«\t: y\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {FIRST "X« \t : y\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {FIRST "Content-Length« : 5\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {FIRST "Transfer-Encoding« : chunked\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {FIRST "X«\r\n" END ""sv, E::FieldColonMissing},
      {FIRST "X« y\r\n" END ""sv, E::FieldColonMissing},
      {FIRST "X« \r\n" END ""sv, E::FieldColonMissing},
      {FIRST "X« y: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«(y: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«/y: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«[0]: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«@y\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "«\"X\": z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«;a: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«=a: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«,a: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«{: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«\x01: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«\x7f: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«\x80: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "«\xff: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "Transfer-Encodin«\xc4\xa3: chunked\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "«\x0b: z\r\n" END ""sv, E::FieldNameInvalid},
      {FIRST "X«\0: z\r\n" END ""sv, E::Nul},
      {FIRST "«\0X: z\r\n" END ""sv, E::Nul},
      {FIRST "X: a«\0b\r\n" END ""sv, E::Nul},
      {FIRST "X: «\0\r\n" END ""sv, E::Nul},
      {FIRST "X: «\x01\r\n" END ""sv, E::FieldValueInvalid},
      {FIRST "X: abcdefgh«\x1f\r\n" END ""sv, E::FieldValueInvalid},
      {FIRST "X: abcdefghi«\x7f"
             "jklmnopqrs\r\n" END ""sv,
       E::FieldValueInvalid},
      {FIRST "X: «\x08"
             "bcdefghi\r\n" END ""sv,
       E::FieldValueInvalid},
      {FIRST "X: \tabcdefg\t«\x0b\r\n" END ""sv, E::FieldValueInvalid},
      {FIRST "X: a«\x0c\r\n" END ""sv, E::FieldValueInvalid},
      {FIRST "X: «\x1b[31m\r\n" END ""sv, E::FieldValueInvalid},
      {FIRST "X: y\r\n« z\r\n" END ""sv, E::FieldFolded},
      {FIRST "X: y\r\n«\tz\r\n" END ""sv, E::FieldFolded},
      {FIRST "« \r\n" END ""sv, E::FieldFolded},
      {FIRST "« X: y\r\n" END ""sv, E::FieldFolded},
      {"GET / HTTP/1.1\r\n« Host: a\r\n\r\n"sv, E::FieldNameInvalid},
      {"GET / HTTP/1.1\r\n«\tHost: a\r\n\r\n"sv, E::FieldNameInvalid},
      {"GET / HTTP/1.1\r\n« \r\nHost: a\r\n\r\n"sv, E::FieldNameInvalid},
      {"GET / HTTP/1.1\r\nGET« / HTTP/1.1\r\n\r\n"sv, E::FieldColonMissing},
      {"GET / HTTP/1.1\r\nHost« a\r\n\r\n"sv, E::FieldColonMissing},
  });
}

TEST(RequestRefused, BadHost) {
  expectRequestsRefused({
      {"GET / HTTP/1.1\r\n«\r\n"sv, E::HostMissing},
      {"GET / HTTP/1.1\r\nX: y\r\n«\r\n"sv, E::HostMissing},
      {"GET / HTTP/1.3\r\n«\r\n"sv, E::HostMissing},
      {"GET http://a/ HTTP/1.1\r\n«\r\n"sv, E::HostMissing},
      {"GET / HTTP/1.1\r\nHost: a\r\n«Host: a\r\n\r\n"sv, E::HostDuplicate},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n«hOST: b\r\n\r\n"sv, E::HostDuplicate},
      {"GET / HTTP/1.0\r\nHost: a\r\n«Host: b\r\n\r\n"sv, E::HostDuplicate},
      {"GET / HTTP/1.1\r\nHost:«\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost:  «\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.0\r\nHost: «\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«, b\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«,a\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a« b\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«\tb\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: u«@a\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: u:«p@a\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«/b\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«?b\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«#b\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«\\b\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«\"\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«<b>\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«^\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«|b\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«{b}\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«`\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «\xc3\xa9\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «%\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«%4\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«%4g\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«%2eb\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«..\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a«..b\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «.a\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «.\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «:80\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «:\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a:«x\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a:8«x\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a:«-1\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a:«+80\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a:« 80\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a:80«:80\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a:«65536\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a:00000«80\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: a:99999«9999999999999\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «[\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «[]\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «[::1\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «[::1::2]\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «[12345::]\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «[1:2:3:4:5:6:7:8:9]\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «[fe80::1%25eth0]\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «[v1.x]\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «[1.2.3.4]\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «[a]\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: [::1]«x\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: [::1]«80\r\n\r\n"sv, E::HostInvalid},
      {"GET / HTTP/1.1\r\nHost: «]\r\n\r\n"sv, E::HostInvalid},
      {"GET http://a/ HTTP/1.1\r\nHost: «b\r\n\r\n"sv, E::HostInvalid},
      {"GET http://a/ HTTP/1.0\r\nHost: «b\r\n\r\n"sv, E::HostInvalid},
      {"GET http://a/ HTTP/1.1\r\nHost: «a:81\r\n\r\n"sv, E::HostInvalid},
      {"GET http://a:81/ HTTP/1.1\r\nHost: «a\r\n\r\n"sv, E::HostInvalid},
      {"GET https://a/ HTTP/1.1\r\nHost: «a:80\r\n\r\n"sv, E::HostInvalid},
      {"GET http://a/ HTTP/1.1\r\nHost: a«/\r\n\r\n"sv, E::HostInvalid},
      {"GET http://a/ HTTP/1.1\r\nHost:«\r\n\r\n"sv, E::HostInvalid},
      {"CONNECT a:443 HTTP/1.1\r\nHost: «b:443\r\n\r\n"sv, E::HostInvalid},
      {"CONNECT a:443 HTTP/1.1\r\nHost: «a:80\r\n\r\n"sv, E::HostInvalid},
  });
}

TEST(RequestRefused, BadContentLength) {
  expectRequestsRefused({
      {POST "Content-Length:«\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: «\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: «+5\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: «-5\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: «-0\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 0«x5\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: «a\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 5« 6\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 5«\t6\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 5, «5\r\n" END ""sv, E::ContentLengthRepeated},
      {POST "Content-Length: 5,«5\r\n" END ""sv, E::ContentLengthRepeated},
      {POST "Content-Length: 5, «6\r\n" END ""sv, E::ContentLengthDiffers},
      {POST "Content-Length: 5, 5, «6\r\n" END ""sv, E::ContentLengthDiffers},
      {POST "Content-Length: 5, 6, «x\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 5,«\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: «,5\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 5«.0\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 5«e1\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 5«_0\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 5«;a\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: «\"5\"\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 922337203685477580«8\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 1844674407370955161«6\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 1844674407370955162«1\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 999999999999999999«99999999999999\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: «\xb2\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 5\r\nContent-Length: «5\r\n" END ""sv, E::ContentLengthRepeated},
      {POST "Content-Length: 5\r\nContent-Length: «6\r\n" END ""sv, E::ContentLengthDiffers},
      {POST "Content-Length: 0\r\nX: y\r\ncontent-length: «0\r\n" END ""sv, E::ContentLengthRepeated},
      {POST "Content-Length: 5\r\nContent-Length:«\r\n" END ""sv, E::ContentLengthInvalid},
      {POST "Content-Length: 5\r\nContent-Length: «abc\r\n" END ""sv, E::ContentLengthInvalid},
      {"GET / HTTP/1.0\r\nContent-Length: «x\r\n\r\n"sv, E::ContentLengthInvalid},
      {"GET / HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: «1\r\n\r\n"sv, E::ContentLengthRepeated},
  });
}

TEST(RequestRefused, BadTransferEncoding) {
  expectRequestsRefused({
      {POST "Content-Length: 5\r\nTransfer-Encoding: «chunked\r\n" END ""sv, E::LengthAndCoding},
      {POST "Transfer-Encoding: chunked\r\nContent-Length: «5\r\n" END ""sv, E::LengthAndCoding},
      {POST "Transfer-Encoding: chunked\r\nContent-Length: «\r\n" END ""sv, E::LengthAndCoding},
      {POST "Content-Length: 5\r\nTransfer-Encoding: «identity\r\n" END ""sv, E::LengthAndCoding},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: «chunked\r\n\r\n"sv, E::CodingInHttp10},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: «identity\r\n\r\n"sv, E::CodingInHttp10},
      {"POST / HTTP/1.0\r\nTransfer-Encoding:«\r\n\r\n"sv, E::CodingInHttp10},
      {"POST / HTTP/1.0\r\nContent-Length: 1\r\nTransfer-Encoding: «chunked\r\n\r\n"sv, E::LengthAndCoding},
      {POST "Transfer-Encoding:«\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «,\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: chunked,«\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «, chunked\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «,chunked\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: chunked, «chunked\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: chunked, «gzip\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: chunked, «identity\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: gzip, chunked, «gzip\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: gzip, «, chunked\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «chunked;q=1\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «chunked;\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «chunked ;a\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «chunked chunked\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «chunked foo\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «\"chunked\"\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «'chunked'\r\n" END ""sv, E::CodingUnsupported},
      {POST "Transfer-Encoding: «chun ked\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «;\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «\x0b"
            "chunked\r\n" END ""sv,
       E::FieldValueInvalid},
      {POST "Transfer-Encoding: chunked«\x0c\r\n" END ""sv, E::FieldValueInvalid},
      {POST "Transfer-Encoding: chunked«\0\r\n" END ""sv, E::Nul},
      {POST "Transfer-Encoding: «\xa0"
            "chunked\r\n" END ""sv,
       E::ChunkedNotLast},
      {POST "Transfer-Encoding:\r\n« chunked\r\n" END ""sv, E::FieldFolded},
      {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: «chunked\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: «chunked\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: «identity\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding:«\r\n" END ""sv, E::ChunkedNotLast},
      {POST "Transfer-Encoding: «gzip, chunked\r\n" END ""sv, E::CodingUnsupported},
      {POST "Transfer-Encoding: «gzip\r\n" END ""sv, E::CodingUnsupported},
      {POST "Transfer-Encoding: «identity\r\n" END ""sv, E::CodingUnsupported},
      {POST "Transfer-Encoding: «identity, chunked\r\n" END ""sv, E::CodingUnsupported},
      {POST "Transfer-Encoding: «xchunked\r\n" END ""sv, E::CodingUnsupported},
      {POST "Transfer-Encoding: «chunkedx\r\n" END ""sv, E::CodingUnsupported},
      {POST "Transfer-Encoding: «chunk\r\n" END ""sv, E::CodingUnsupported},
      {POST "Transfer-Encoding: «deflate;level=9, chunked\r\n" END ""sv, E::CodingUnsupported},
  });
}

TEST(RequestRefused, BadConnectionAndExpect) {
  expectRequestsRefused({
      {FIRST "Connection: «content-length\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: close, «Content-Length\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: «Transfer-Encoding\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: «host\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: x,«trailer\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: close\r\nConnection: «Host\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: close«;x\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: close« x\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: «\"close\"\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: a«/b\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: clos«\xc3\xa9\r\n" END ""sv, E::ConnectionInvalid},
      {FIRST "Connection: x«=1\r\n" END ""sv, E::ConnectionInvalid},
      {POST "Content-Length: 1\r\nExpect: «100-continu\r\n" END ""sv, E::ExpectationUnknown},
      {POST "Content-Length: 1\r\nExpect: «200-ok\r\n" END ""sv, E::ExpectationUnknown},
      {POST "Content-Length: 1\r\nExpect: 100-continue, «x\r\n" END ""sv, E::ExpectationUnknown},
      {POST "Content-Length: 1\r\nExpect: «100-continue;a=b\r\n" END ""sv, E::ExpectationUnknown},
      {POST "Content-Length: 1\r\nExpect: 100-continue\r\nExpect: «y\r\n" END ""sv, E::ExpectationUnknown},
      {FIRST "Expect: «x\r\n" END ""sv, E::ExpectationUnknown},
  });
}

TEST(RequestRefused, SecondSmuggledHeadIsNotTouched) {
  const std::string bytes = FIRST END "GET /second HTTP/1.1\r\n";
  const Outcome outcome = parseRequest(bytes);
  EXPECT_EQ(outcome.status, ParseStatus::Done);
  EXPECT_EQ(outcome.consumed, bytes.find("GET /second"));
}

TEST(RequestRefused, EvidenceNamesWhatIsWrong) {
  RequestParser parser{HeadLimits{}};
  const std::string bytes = POST "Transfer-Encoding: gzip, chunked\r\n\r\n";
  ASSERT_EQ(parser.feed(bytes).status, ParseStatus::Error);
  EXPECT_EQ(parser.fault().header_name, "Transfer-Encoding");
  EXPECT_EQ(parser.fault().token, "gzip");
  EXPECT_NE(parser.fault().excerpt.find("gzip, chunked"), std::string::npos);
  EXPECT_EQ(parser.head().methodToken(), "POST");
  EXPECT_EQ(parser.head().target(), "/x");
  EXPECT_EQ(parser.feed("more").consumed, 0U);
}

TEST(RequestRefused, ExcerptShowsWhatCameWithTheDecidingOctet) {
  RequestParser parser{HeadLimits{}};
  ASSERT_EQ(
      parser.feed("\x16\x03\x01 and sixty-four octets are kept of whatever it was that came here, not all").status,
      ParseStatus::Error);
  EXPECT_EQ(parser.fault().excerpt.size(), 64U);
  EXPECT_TRUE(parser.fault().excerpt.starts_with("\x16\x03\x01 and"));
}

}  // namespace
}  // namespace gatewhy::test
