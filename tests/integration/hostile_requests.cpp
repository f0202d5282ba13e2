// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/hostile_requests.h"

#include <string_view>

namespace gatewhy::test {
namespace {

using Fault = HostileRequest::Fault;
using Texts = std::initializer_list<std::string_view>;
using namespace std::string_view_literals;  // for the texts with NUL

constexpr std::string_view kHost = "Host: shop.example\r\n";
constexpr std::string_view kDelimiters = "\"(),/;<=>?@[\\]{}";

class Table {
 public:
  explicit Table(std::vector<HostileRequest>& rows) : rows_(rows) {}

  void family(std::string name, std::vector<unsigned> statuses, Fault fault = Fault::Head) {
    next_.family = std::move(name);
    next_.statuses = std::move(statuses);
    next_.fault = fault;
    next_.incomplete = false;
  }
  void incomplete() { next_.incomplete = true; }

  void raw(std::string bytes) {
    next_.bytes = std::move(bytes);
    rows_.push_back(next_);
  }
  // A request line and these field lines, each with its line end.
  void lines(std::string_view start, std::string_view fields) {
    raw(std::string(start).append("\r\n").append(fields).append("\r\n"));
  }
  void get(std::string_view fields) { lines("GET {path} HTTP/1.1", std::string(kHost).append(fields)); }
  void post(std::string_view fields, std::string_view body) {
    raw(std::string("POST {path} HTTP/1.1\r\n").append(kHost).append(fields).append("\r\n").append(body));
  }
  void field(std::string_view name, std::string_view value) {
    get(std::string(name).append(": ").append(value).append("\r\n"));
  }

 private:
  std::vector<HostileRequest>& rows_;
  HostileRequest next_;
};

std::string line(std::string_view name, std::string_view value) {
  return std::string(name).append(": ").append(value).append("\r\n");
}

// Octets that may stand nowhere in a head; HT, LF and CR have families of their own.
std::string controls() {
  std::string all;
  for (int octet = 0; octet < 0x20; ++octet) {
    if (octet != '\t' && octet != '\n' && octet != '\r') {
      all.push_back(static_cast<char>(octet));
    }
  }
  all.push_back('\x7f');
  return all;
}

void addLengthWithCoding(Table& table) {
  table.family("content_length_with_transfer_encoding", {400});
  for (const auto name : {"Transfer-Encoding", "transfer-encoding", "TRANSFER-ENCODING", "tRaNsFeR-eNcOdInG"}) {
    for (const auto value : Texts{"chunked", "CHUNKED", "Chunked", "  chunked", "chunked  ", "\tchunked\t"}) {
      for (const auto length : Texts{"0", "5", "44"}) {
        const std::string coding = line(name, value);
        const std::string size = line("Content-Length", length);
        table.post(coding + size, "0\r\n\r\n");
        table.post(size + "X-Between: 1\r\n" + coding, "0\r\n\r\n");
      }
    }
  }
  for (const auto value : Texts{"", "identity", "gzip", "xchunked", "chunked, identity",
                                "\x0b"
                                "chunked"}) {
    table.post(line("Transfer-Encoding", value) + "Content-Length: 5\r\n", "0\r\n\r\n");
  }
}

void addCodings(Table& table) {
  table.family("transfer coding that is not chunked alone", {400, 501});
  for (const auto value : Texts{"",
                                ",",
                                ", ,",
                                "identity",
                                "identity, chunked",
                                "gzip",
                                "gzip, chunked",
                                "deflate",
                                "compress",
                                "x-gzip",
                                "br",
                                "zstd",
                                "chunked, chunked",
                                "chunked, identity",
                                "chunked, gzip",
                                "chunked,",
                                "chunked, ,",
                                "chunked;q=1",
                                "chunked; a",
                                "chunked;",
                                "chunked chunked",
                                "xchunked",
                                "chunkedx",
                                "chu nked",
                                "\"chunked\"",
                                "'chunked'",
                                "chunked/1",
                                "chunked:",
                                "=chunked",
                                "(chunked)",
                                "chunked\xa0",
                                "\xa0"
                                "chunked",
                                "\xc5\xbf"
                                "chunked",
                                "cow",
                                "null",
                                "none",
                                "0",
                                "chunked\\",
                                "{chunked}",
                                "trailers",
                                "chunked, cow",
                                "cow, chunked",
                                "chunk",
                                "chunked-",
                                "-chunked",
                                "*",
                                "chunked, , identity"}) {
    table.post(line("Transfer-Encoding", value), "0\r\n\r\n");
  }
  table.family("transfer coding twice", {400});
  for (const auto second : Texts{"chunked", "identity", "gzip", "", "CHUNKED", "x"}) {
    table.post(line("Transfer-Encoding", "chunked") + line("Transfer-Encoding", second), "0\r\n\r\n");
    table.post(line("Transfer-Encoding", second) + line("transfer-encoding", "chunked"), "0\r\n\r\n");
  }
  table.family("transfer coding in HTTP/1.0", {400});
  for (const auto value : Texts{"chunked", "Chunked", "identity", "gzip", ""}) {
    table.raw("POST {path} HTTP/1.0\r\n" + std::string(kHost) + line("Transfer-Encoding", value) + "\r\n0\r\n\r\n");
    table.raw("POST {path} HTTP/1.0\r\nConnection: keep-alive\r\n" + line("Transfer-Encoding", value) +
              "\r\n0\r\n\r\n");
  }
}

void addLengths(Table& table) {
  table.family("content length that is no number", {400});
  for (const auto value : Texts{"",
                                "+5",
                                "-5",
                                "-0",
                                "+0",
                                "--5",
                                "0x5",
                                "0X5",
                                "x5",
                                "5x",
                                "5 5",
                                "5\t5",
                                "5,5",
                                "5, 5",
                                "5,6",
                                "5,",
                                ",5",
                                "5;",
                                "5;a=b",
                                "5.0",
                                "5.",
                                ".5",
                                "1e1",
                                "0b1",
                                "0o5",
                                "five",
                                "NaN",
                                "inf",
                                "5%",
                                "%35",
                                "\"5\"",
                                "'5'",
                                "(5)",
                                "[5]",
                                "5#",
                                "5/5",
                                "5:5",
                                "5-5",
                                "5_0",
                                "*",
                                "?",
                                "null",
                                "true",
                                "5\xa0",
                                "\xa0"
                                "5",
                                "\xef\xbc\x95",
                                "\xd9\xa5",
                                "9223372036854775808",
                                "18446744073709551615",
                                "18446744073709551616",
                                "18446744073709551621",
                                "99999999999999999999999999",
                                "4294967296x",
                                "-9223372036854775808",
                                "5 ,5",
                                "5\x0b"
                                "5"}) {
    table.post(line("Content-Length", value), "hello");
    table.lines("GET {path} HTTP/1.1", std::string(kHost) + line("content-length", value));
  }
  table.family("content length twice", {400});
  for (const auto second : Texts{"5", "05", "6", "0", "", "-5", "5, 5", "50"}) {
    table.post("Content-Length: 5\r\n" + line("Content-Length", second), "hello");
    table.post(line("content-length", second) + "X-A: b\r\nCONTENT-LENGTH: 5\r\n", "hello");
  }
}

void addOctets(Table& table) {
  for (const char octet : controls()) {
    const std::string one(1, octet);
    table.family("control octet in the method", {400});
    table.lines("GE" + one + "T {path} HTTP/1.1", kHost);
    table.family("control octet in the target", {400});
    table.lines("GET {path}" + one + " HTTP/1.1", kHost);
    table.family("control octet in the version", {400});
    table.lines("GET {path} HTTP/1." + one + "1", kHost);
    table.family("control octet in a field name", {400});
    table.get("X-" + one + "A: b\r\n");
    table.family("control octet in a field value", {400});
    table.get("X-A: b" + one + "c\r\n");
    table.family("control octet beside a framing field", {400});
    table.post("Content-Length" + one + ": 5\r\n", "hello");
    table.post("Transfer-Encoding:" + one + "chunked\r\n", "0\r\n\r\n");
    table.post("Transfer-Encoding: chunked" + one + "\r\n", "0\r\n\r\n");
    table.post("Content-Length: 5" + one + "\r\n", "hello");
  }
  for (const auto octet : Texts{"\x80", "\xa0", "\xc3\xa9", "\xff", "\xe2\x80\x8b"}) {
    const std::string text(octet);
    table.family("8-bit octet where only ASCII may stand", {400});
    table.lines("GE" + text + "T {path} HTTP/1.1", kHost);
    table.lines("GET {path}" + text + " HTTP/1.1", kHost);
    table.lines("GET {path} HTTP/1.1" + text, kHost);
    table.get("X-" + text + ": b\r\n");
    table.post("Content-Length" + text + ": 5\r\n", "hello");
  }
}

void addLineEnds(Table& table) {
  table.family("line end that is not CR LF", {400});
  for (const auto end : Texts{"\n", "\n\r", "\r\r\n", "\r", "\r \n", "\r\t\n", "\0\r\n"sv, "\x0b\n", "\r\0\n"sv}) {
    const std::string e(end);
    table.raw("GET {path} HTTP/1.1" + e + "Host: shop.example" + e + e);
    table.raw("GET {path} HTTP/1.1" + e + "Host: shop.example\r\n\r\n");
    table.raw("GET {path} HTTP/1.1\r\nHost: shop.example" + e + "X-A: b\r\n\r\n");
    table.raw("GET {path} HTTP/1.1\r\nHost: shop.example\r\nX-A: b" + e + "\r\n");
    table.raw("POST {path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5" + e +
              "Transfer-Encoding: chunked\r\n\r\n");
    table.raw("POST {path} HTTP/1.1\r\nHost: shop.example\r\nX: y" + e + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  }
  table.raw("GET {path} HTTP/1.1\r\nHost: shop.example\r\n\n");
  table.raw("GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\r\n");
  table.raw("\n\nGET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  table.raw("\rGET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  table.raw("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n");
}

void addFieldLines(Table& table) {
  table.family("folded field", {400});
  for (const auto blank : Texts{" ", "\t", "  ", " \t "}) {
    const std::string fold = "\r\n" + std::string(blank);
    table.get("X-A: b" + fold + "c\r\n");
    table.get("X-A:" + fold + "c\r\n");
    table.get("X-A: b" + fold + "\r\n");
    table.post("Content-Length:" + fold + "5\r\n", "hello");
    table.post("Transfer-Encoding:" + fold + "chunked\r\n", "0\r\n\r\n");
    table.post("X-A: b" + fold + "Transfer-Encoding: chunked\r\n", "0\r\n\r\n");
    table.lines("GET {path} HTTP/1.1", "Host:" + fold + "shop.example\r\n");
    table.lines("GET {path} HTTP/1.1", std::string(blank) + "Host: shop.example\r\n");
  }
  table.family("white space before the colon", {400});
  for (const auto name : Texts{"X-A", "Content-Length", "Transfer-Encoding", "Connection", "Cookie"}) {
    for (const auto blank : Texts{" ", "\t", "  ", " \t", "\x0b", "\x0c", "\0"sv, "\r", "\xa0"}) {
      table.post(std::string(name).append(blank).append(": 5\r\n"), "hello");
    }
  }
  table.lines("GET {path} HTTP/1.1", "Host : shop.example\r\n");
  table.family("field name that is no token", {400});
  for (const char octet : kDelimiters) {
    table.get(std::string("X") + octet + "A: b\r\n");
    table.post(std::string("Content-Length") + octet + ": 5\r\n", "hello");
  }
  for (const auto text :
       Texts{": b", ":", " : b", "X-A", "X-A b", "X A: b", "=", "\"X-A\": b", "X-A;: b", "GET / HTTP/1.1", "{\"a\": 1}",
             "<a>: b", "Content-Length 5", "Transfer-Encoding chunked", "[Host]: a", "Content Length: 5",
             "Transfer Encoding: chunked", "\"", "@"}) {
    table.get(std::string(text).append("\r\n"));
  }
}

void addStartLines(Table& table) {
  table.family("start line not separated by single spaces", {400});
  for (const auto start : Texts{"GET  {path} HTTP/1.1",
                                "GET\t{path} HTTP/1.1",
                                " GET {path} HTTP/1.1",
                                "\tGET {path} HTTP/1.1",
                                "GET {path}  HTTP/1.1",
                                "GET {path}\tHTTP/1.1",
                                "GET {path} HTTP/1.1 ",
                                "GET {path} HTTP/1.1\t",
                                "GET\x0b{path} HTTP/1.1",
                                "GET\x0c{path} HTTP/1.1",
                                "GET {path}\x0bHTTP/1.1",
                                "GET {path}\x0cHTTP/1.1",
                                "GET {path} a HTTP/1.1",
                                "GET {path} HTTP/1.1 HTTP/1.1",
                                "GET {path} HTTP/1.1 a",
                                "GET {path}",
                                "GET {path} ",
                                "GET HTTP/1.1",
                                "GET  HTTP/1.1",
                                "GET",
                                "GET ",
                                "{path} HTTP/1.1",
                                "HTTP/1.1 200 OK",
                                "GET{path} HTTP/1.1",
                                "GET {path}HTTP/1.1",
                                "GET \t {path} HTTP/1.1",
                                "GET {path} \tHTTP/1.1",
                                "GET {path} HTTP/1.1\x0b",
                                "GET\xa0{path} HTTP/1.1"}) {
    table.lines(start, kHost);
  }
  table.family("version that is not HTTP/1.x", {400, 505});
  for (const auto version : Texts{"HTTP/2.0",  "HTTP/0.9",
                                  "HTTP/3.0",  "HTTP/9.9",
                                  "HTTP/0.0",  "HTTP/2",
                                  "HTTP/1",    "HTTP/1.",
                                  "HTTP/.1",   "HTTP/11",
                                  "HTTP/1.10", "HTTP/1.01",
                                  "HTTP/01.1", "HTTP/1.1.1",
                                  "HTTP/1,1",  "HTTP/1:1",
                                  "HTTP/1.x",  "HTTP/x.1",
                                  "HTTP/-1.1", "HTTP/+1.1",
                                  "HTTP/1.+1", "HTTP/1.-1",
                                  "http/1.1",  "Http/1.1",
                                  "HTTp/1.1",  "HTTP1.1",
                                  "HTTP//1.1", "HTTP\\1.1",
                                  "HTTP /1.1", "HTTP/ 1.1",
                                  "HTTP/1 .1", "HTTP/1. 1",
                                  "HTTPS/1.1", "HTTPX/1.1",
                                  "HTP/1.1",   "ICY/1.1",
                                  "RTSP/1.0",  "SIP/2.0",
                                  "1.1",       "HTTP",
                                  "HTTP/",     "/1.1",
                                  "HTTP/1.1x", "HTTP/1.1,",
                                  "HTTP/1.1/", "HTTP/\xef\xbc\x91.1",
                                  "XHTTP/1.1", "HTTP/10.1",
                                  "HTTP/1.1;"}) {
    table.lines(std::string("GET {path} ").append(version), kHost);
  }
  table.family("another protocol", {400, 505});
  for (const auto bytes :
       Texts{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "EHLO shop.example\r\n",
             "*1\r\n$4\r\nPING\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, "\x80\x2e\x01\x03\x01"sv,
             "HELP\r\n", "{\"a\": 1}\r\n", "<?xml version=\"1.0\"?>\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
             "\x00\x00\x00\x17\xffSMB"sv, "\r\n\r\n\r\n\x01\x02"sv, "GET\r\n\r\n", "QUIT\r\n", "\x05\x01\x00"sv,
             "\xff\xfb\x01\r\n", "USER anonymous\r\n", "OPTIONS sip:a@b SIP/2.0\r\nTo: a\r\n\r\n",
             "HTTP/1.1 200 OK\r\n\r\n"}) {
    table.raw(std::string(bytes));
  }
}

void addMethods(Table& table) {
  table.family("method that is no token", {400});
  for (const char octet : kDelimiters) {
    table.lines(std::string("GE") + octet + "T {path} HTTP/1.1", kHost);
  }
  for (const auto method : Texts{"GET:", ":GET", "GET,POST", "\"GET\"", "@", "(GET)", "[GET]"}) {
    table.lines(std::string(method).append(" {path} HTTP/1.1"), kHost);
  }
  table.family("method that is not forwarded", {405}, Fault::Refusal);
  table.lines("TRACE {path} HTTP/1.1", kHost);
  table.lines("TRACE {path} HTTP/1.0", kHost);
  table.lines("CONNECT shop.example:443 HTTP/1.1", "Host: shop.example:443\r\n");
  table.lines("CONNECT 127.0.0.1:22 HTTP/1.1", "Host: 127.0.0.1:22\r\n");
}

void addTargets(Table& table) {
  table.family("target in a form that is not allowed", {400});
  for (const auto target : Texts{"a",
                                 "a{path}",
                                 "*",
                                 "**",
                                 "*/",
                                 "http:{path}",
                                 "http:/{path}",
                                 "http://",
                                 "http:///a",
                                 "http://?a",
                                 "http://:80{path}",
                                 "ftp://shop.example{path}",
                                 "file:///etc/passwd",
                                 "gopher://shop.example/",
                                 "http://user@shop.example{path}",
                                 "http://user:pass@shop.example{path}",
                                 "http://shop.example:99999{path}",
                                 "http://shop.example:x{path}",
                                 "http://shop.example:-1{path}",
                                 "http://[::1{path}",
                                 "http://[zz]{path}",
                                 "http://[]{path}",
                                 "http://::1{path}",
                                 "http://shop.example:80:80{path}",
                                 "{path}#fragment",
                                 "#a",
                                 "shop.example:80",
                                 "shop.example",
                                 "?a=b",
                                 "//shop.example{path}#",
                                 "http://shop.example#a",
                                 "javascript:alert(1)",
                                 "http//shop.example/",
                                 "://shop.example/",
                                 "http://sh[op.example/",
                                 "http://shop.example\\{path}",
                                 "http://shop,example{path}",
                                 "ws://shop.example{path}",
                                 "http:\\\\a{path}",
                                 "\\{path}",
                                 "%2f{path}",
                                 "..{path}",
                                 "@shop.example{path}",
                                 "http://shop.example%{path}"}) {
    table.lines(std::string("GET ").append(target).append(" HTTP/1.1"), kHost);
  }
  for (const auto target : Texts{"{path}", "*", "shop.example", "http://shop.example:443/", ":443", "shop.example:",
                                 "shop.example:x", "user@shop.example:443", "shop.example:443{path}"}) {
    table.lines(std::string("CONNECT ").append(target).append(" HTTP/1.1"), kHost);
  }
}

void addHosts(Table& table) {
  table.family("host missing, doubled or invalid", {400});
  table.lines("GET {path} HTTP/1.1", "");
  table.lines("GET {path} HTTP/1.1", "X-Host: shop.example\r\n");
  table.lines("GET http://shop.example{path} HTTP/1.1", "");
  for (const auto second : Texts{"shop.example", "other.example", "", "SHOP.EXAMPLE", "shop.example:80"}) {
    table.get(line("Host", second));
    table.get("X-A: b\r\n" + line("hOsT", second));
    table.lines("GET http://shop.example{path} HTTP/1.1", std::string(kHost) + line("Host", second));
    table.lines("GET {path} HTTP/1.0", std::string(kHost) + line("Host", second));
  }
  for (const auto host :
       Texts{"a b",      "a\tb",      "a, b",        "a,b",     "a/b",     "a/",       "/a",           "a?b",
             "a#b",      "user@a",    "user:pass@a", "a:b",     "a:99999", "a:65536",  "a:80:80",      "a:80,b:80",
             "a:-1",     "a:+80",     "a: 80",       "a :80",   "a:80a",   "a:0x50",   "a:123456",     "[::1",
             "::1",      "::1]",      "[::1]x",      "[::1]:x", "[]",      "[zz]",     "[::1%25eth0]", "[1.2.3.4]",
             "[::g]",    "a\\b",      "<a>",         "\"a\"",   "{a}",     "a|b",      "a^b",          "a`b",
             "http://a", "http://a/", "a%",          "a%2",     "a%zz",    "\xc3\xa9", "a\xff",        ":80",
             ":",        "a[b]",      "a@",          "@a",      "a:80/x",  "..:x",     "a\x0b"}) {
    table.lines("GET {path} HTTP/1.1", line("Host", host));
  }
  table.family("host contradicts the target", {400});
  for (const auto host : Texts{"other.example", "shop.example:8080", "shop.example.:8080", "shop.example:443",
                               "127.0.0.1", "sub.shop.example", "[::1]"}) {
    table.lines("GET http://shop.example{path} HTTP/1.1", line("Host", host));
    table.lines("GET http://shop.example:80{path} HTTP/1.1", line("Host", host));
  }
  table.lines("GET https://shop.example{path} HTTP/1.1", "Host: shop.example:80\r\n");
  table.lines("GET http://shop.example:81{path} HTTP/1.1", kHost);
}

void addLimits(Table& table) {
  table.family("start line too long", {414});
  for (const std::size_t size : {33UL * 1024, 65UL * 1024, 200UL * 1024}) {
    table.lines("GET {path}/" + std::string(size, 'a') + " HTTP/1.1", kHost);
    table.lines("GET {path}?" + std::string(size, 'a') + " HTTP/1.1", kHost);
  }
  table.raw("GET {path}/" + std::string(40UL * 1024, 'a'));
  table.raw(std::string(40UL * 1024, 'G'));
  table.family("head too large", {431});
  for (const std::size_t size : {33UL * 1024, 65UL * 1024, 200UL * 1024}) {
    table.field("X-Large", std::string(size, 'a'));
    table.get(std::string(size, 'X') + ": b\r\n");
    table.raw("GET {path} HTTP/1.1\r\nHost: shop.example\r\nX-Large: " + std::string(size, 'a'));
  }
  std::string many;
  for (int number = 0; number < 400; ++number) {
    many += "X-" + std::to_string(number) + ": b\r\n";
  }
  table.get(many);
  std::string wide;
  for (int number = 0; number < 12; ++number) {
    wide += "X-" + std::to_string(number) + ": " + std::string(4000, 'b') + "\r\n";
  }
  table.get(wide);
}

void addConnections(Table& table) {
  table.family("connection names what frames or routes the message", {400});
  for (const auto value :
       Texts{"Host", "host", "Content-Length", "content-length", "CONTENT-LENGTH", "Transfer-Encoding",
             "transfer-encoding", "Trailer", "close, Host", "Host, close", "keep-alive, Content-Length",
             "Transfer-Encoding, keep-alive", "x, , Host", "close,transfer-encoding", "X-A, Trailer"}) {
    table.post(line("Connection", value) + "Content-Length: 5\r\n", "hello");
    table.post("Connection: close\r\n" + line("connection", value) + "Transfer-Encoding: chunked\r\n", "0\r\n\r\n");
  }
  table.family("connection is no list of tokens", {400});
  for (const auto value : Texts{"clo se", "close;a", "\"close\"", "close=1", "(close)", "keep-alive; timeout=5", "a/b",
                                "close\xa0", "@", "a b, close", "a:b", "\xff"}) {
    table.field("Connection", value);
  }
  std::string list;
  for (int number = 0; number < 400; ++number) {
    list += "x" + std::to_string(number) + ", ";
  }
  table.field("Connection", list + "y");
}

void addExpectations(Table& table) {
  table.family("unknown expectation", {417});
  for (const auto value :
       Texts{"200-ok", "100-continued", "100", "continue", "100-continue, x", "x, 100-continue", "100-continue;a=b",
             "\"100-continue\"", "100 continue", "payment=5", "*", "100-continue 100-continue"}) {
    table.post(line("Expect", value) + "Content-Length: 5\r\n", "hello");
  }
  table.post("Expect: 100-continue\r\nExpect: x\r\nContent-Length: 5\r\n", "hello");
}

void addChunks(Table& table) {
  constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";
  table.family("chunk framing", {400}, Fault::Body);
  for (const auto bad : Texts{"-1\r\nhello",
                              "+5\r\nhello",
                              "-0\r\n\r\n",
                              "0x5\r\nhello",
                              "0X5\r\nhello",
                              " 5\r\nhello",
                              "\t5\r\nhello",
                              "5 \r\nhello",
                              "5\t\r\nhello",
                              "G\r\n",
                              "\r\n",
                              "\n",
                              ";a\r\n",
                              ";\r\n",
                              "5h\r\nhello",
                              "5,5\r\nhello",
                              "5 5\r\nhello",
                              "5.0\r\nhello",
                              "\"5\"\r\nhello",
                              "(5)\r\n",
                              "five\r\n",
                              "5\nhello",
                              "5\rhello",
                              "5\r\rhello",
                              "5\r\r\nhello",
                              "5\n\rhello",
                              "5\0\r\nhello"sv,
                              "\0"
                              "5\r\nhello"sv,
                              "5\x0b\r\nhello",
                              "5\xa0\r\nhello",
                              "\xef\xbc\x95\r\nhello",
                              "FFFFFFFFFFFFFFFFF\r\n",
                              "FFFFFFFFFFFFFFFF\r\n",
                              "8000000000000000\r\n",
                              "10000000000000000\r\n",
                              "100000000000000005\r\nhello",
                              "7FFFFFFFFFFFFFFFF\r\n",
                              "5:\r\nhello",
                              "5=\r\nhello",
                              "5\\\r\nhello",
                              "5#\r\nhello",
                              "5'\r\nhello",
                              "5_0\r\nhello",
                              "\\x35\r\nhello",
                              "5;\r\nhello",
                              "5;;\r\nhello",
                              "5;=a\r\nhello",
                              "5;a=\r\nhello",
                              "5;a=;b\r\nhello",
                              "5;a b\r\nhello",
                              "5;a=b c\r\nhello",
                              "5;a=\"\r\nhello",
                              "5;a=\"b\r\nhello",
                              "5;a=\"b\"c\r\nhello",
                              "5;a=\"\x01\"\r\nhello",
                              "5;a=\0\r\nhello"sv,
                              "5;a\nhello",
                              "5;a\rhello",
                              "5;a\r\r\nhello",
                              "5;a=b\nhello",
                              "5;a=\"b\nc\"\r\nhello",
                              "5;a=\"b\\\nc\"\r\nhello",
                              "5;a=\"b\r\nc\"\r\nhello",
                              "5;(a)\r\nhello",
                              "5;a,b\r\nhello",
                              "5;\"a\"\r\nhello",
                              "5;a \r\nhello",
                              "5;a=b \r\nhello",
                              "5;a\x0b\r\nhello",
                              "5;\xff\r\nhello",
                              "5;a;\r\nhello",
                              "5\r\nhello\n0\r\n\r\n",
                              "5\r\nhello\r0\r\n\r\n",
                              "5\r\nhello0\r\n\r\n",
                              "5\r\nhelloworld\r\n0\r\n\r\n",
                              "5\r\nhello\r\r\n0\r\n\r\n",
                              "5\r\nhello\n\r\n0\r\n\r\n",
                              "5\r\nhello\n\n0\r\n\r\n",
                              "5\r\nhello \r\n0\r\n\r\n",
                              "5\r\nhello\0\r\n0\r\n\r\n"sv,
                              "5\r\nhell\r\n0\r\n\r\n",
                              "5\r\nhello;\r\n",
                              "0\n\n",
                              "0\n\r\n",
                              "0\r\r\n",
                              "0\r\n\n",
                              "0\r\n\r\r\n",
                              "00 \r\n\r\n",
                              "0;\r\n\r\n",
                              "0;a b\r\n\r\n",
                              "0\r\n\n\r\n",
                              "0 \r\n\r\n",
                              "0\r\nX\r\n\r\n"}) {
    table.post(kChunked, bad);
    table.post(kChunked, std::string("3\r\nabc\r\n").append(bad));
  }
  table.post(kChunked, "5;" + std::string(20UL * 1024, 'a') + "\r\nhello\r\n0\r\n\r\n");
  table.post(kChunked, "5;a=\"" + std::string(20UL * 1024, 'a'));
  table.post(kChunked, std::string(20UL * 1024, '0') + "5\r\nhello\r\n0\r\n\r\n");
}

void addTrailers(Table& table) {
  constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\nTrailer: X-A\r\n";
  table.family("trailer section", {400}, Fault::Body);
  for (const auto bad : Texts{"Content-Length: 5",
                              "content-length: 0",
                              "Transfer-Encoding: chunked",
                              "TRANSFER-ENCODING: identity",
                              "Host: other.example",
                              "host: shop.example",
                              "Connection: close",
                              "Trailer: X",
                              "TE: trailers",
                              "Upgrade: websocket",
                              "Expect: 100-continue",
                              "Content-Type: text/html",
                              "Content-Encoding: gzip",
                              "Content-Range: bytes 0-1/2",
                              "Max-Forwards: 1",
                              "Keep-Alive: timeout=5",
                              "Proxy-Connection: close",
                              "X-A : b",
                              "X-A\t: b",
                              ": b",
                              "X-A",
                              "X A: b",
                              "X(A): b",
                              " X-A: b",
                              "X-A: b\r\n c",
                              "X-A: b\r\n\tc",
                              "X-A: \x01",
                              "X-A: \0"sv,
                              "X-A: b\rc",
                              "X-A: b\nX-B: c",
                              "X\0A: b"sv,
                              "X-\x80: b",
                              "GET / HTTP/1.1",
                              "X-A: b\r",
                              "Content-Length : 5",
                              "X-A: \x7f"}) {
    table.post(kChunked, std::string("5\r\nhello\r\n0\r\n").append(bad).append("\r\n\r\n"));
    table.post(kChunked, std::string("0\r\nX-First: a\r\n").append(bad).append("\r\n\r\n"));
  }
  table.family("trailer section too large", {431}, Fault::Body);
  table.post(kChunked, "0\r\nX-A: " + std::string(100UL * 1024, 'a') + "\r\n\r\n");
  std::string many = "0\r\n";
  for (int number = 0; number < 6000; ++number) {
    many += "X-" + std::to_string(number) + ": some value\r\n";
  }
  table.post(kChunked, many + "\r\n");
}

void addRefusals(Table& table) {
  table.family("body over the limit", {413}, Fault::Refusal);
  for (const auto length : Texts{"1048577", "4294967297", "9223372036854775807", "00000000001048577"}) {
    table.post(line("Content-Length", length), "hello");
  }
  table.family("loop", {508}, Fault::Refusal);
  table.field("CDN-Loop", "gatewhy");
  table.field("CDN-Loop", "other, gatewhy; a=b");
  table.family("head that never ends", {408}, Fault::Refusal);
  table.incomplete();
  for (const auto start : Texts{"G", "GET {path} HTTP/1.1\r\nHost: shop.example\r\n", "POST {path} HT",
                                "GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r"}) {
    table.raw(std::string(start));
  }
}

}  // namespace

std::vector<HostileRequest> hostileRequests() {
  std::vector<HostileRequest> rows;
  Table table(rows);
  addLengthWithCoding(table);
  addCodings(table);
  addLengths(table);
  addOctets(table);
  addLineEnds(table);
  addFieldLines(table);
  addStartLines(table);
  addMethods(table);
  addTargets(table);
  addHosts(table);
  addLimits(table);
  addConnections(table);
  addExpectations(table);
  addChunks(table);
  addTrailers(table);
  addRefusals(table);
  return rows;
}

}  // namespace gatewhy::test
