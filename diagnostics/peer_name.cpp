// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/peer_name.h"

#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>

namespace gatewhy {
namespace {

std::uint8_t octet(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

bool containsIgnoringCase(std::string_view text, std::string_view lower) {
  for (std::size_t i = 0; i + lower.size() <= text.size(); ++i) {
    std::size_t j = 0;
    while (j < lower.size() && std::tolower(octet(text, i + j)) == lower[j]) {
      ++j;
    }
    if (j == lower.size()) {
      return true;
    }
  }
  return false;
}

struct Signature {
  std::string_view start;
  std::string_view name;
};

// Longer starts before shorter ones that they contain.
constexpr std::array kTextSignatures{
    Signature{"HTTP/", "HTTP"},
    Signature{"PRI * HTTP/2", "HTTP/2 preface"},
    Signature{"GET ", "HTTP request"},
    Signature{"POST ", "HTTP request"},
    Signature{"OPTIONS ", "HTTP request"},
    Signature{"SSH-", "SSH"},
    Signature{"ICY ", "ICY (SHOUTcast)"},
    Signature{"PROXY ", "PROXY protocol"},
    Signature{std::string_view("\r\n\r\n\0\r\nQUIT\n", 12), "PROXY protocol"},
    Signature{"RFB ", "VNC"},
    Signature{"AMQP", "AMQP"},
    Signature{"* OK", "IMAP"},
    Signature{"* BYE", "IMAP"},
    Signature{"* BAD", "IMAP"},
    Signature{"+OK", "POP3"},
    Signature{"+PONG", "Redis"},
    Signature{"-NOAUTH", "Redis"},
    Signature{"-DENIED", "Redis"},
    Signature{"-ERR wrong number", "Redis"},
    Signature{"-ERR unknown command", "Redis"},
    Signature{"-ERR Protocol error", "Redis"},
    Signature{"-ERR", "Redis or POP3"},
    Signature{"ERROR\r\n", "memcached"},
};

std::string_view tlsName(std::string_view bytes) {
  if (bytes.size() < 3 || octet(bytes, 1) != 3 || octet(bytes, 2) > 4) {
    return {};
  }
  switch (octet(bytes, 0)) {
    case 20:
    case 23:
      return "TLS";
    case 21:
      return "TLS alert";
    case 22:
      return "TLS handshake";
    default:
      return {};
  }
}

// RFC 9113 section 6.5: type 4, stream 0, a payload of six-octet settings.
bool isHttp2Settings(std::string_view bytes) {
  if (bytes.size() < 9 || octet(bytes, 3) != 4 || octet(bytes, 4) > 1) {
    return false;
  }
  const unsigned length = (octet(bytes, 0) << 16U) | (octet(bytes, 1) << 8U) | octet(bytes, 2);
  const bool stream_zero = bytes[5] == 0 && bytes[6] == 0 && bytes[7] == 0 && bytes[8] == 0;
  return stream_zero && length % 6 == 0;
}

// A record: version 1, type 1 to 11, a reserved octet of zero.
bool isFastCgi(std::string_view bytes) {
  return bytes.size() >= 8 && octet(bytes, 0) == 1 && octet(bytes, 1) >= 1 && octet(bytes, 1) <= 11 && bytes[7] == 0;
}

// The server's first packet: three octets of length, sequence 0, then
// protocol version 10 or an error.
bool isMySql(std::string_view bytes) {
  if (bytes.size() < 6 || bytes[3] != 0 || bytes[2] != 0 || octet(bytes, 0) < 4) {
    return false;
  }
  return (octet(bytes, 4) == 10 && std::isdigit(octet(bytes, 5)) != 0) || octet(bytes, 4) == 0xff;
}

// ErrorResponse: 'E', four octets of length, then the severity field 'S'.
bool isPostgres(std::string_view bytes) {
  return bytes.size() >= 6 && bytes[0] == 'E' && bytes[1] == 0 && bytes[2] == 0 && bytes[5] == 'S';
}

std::string_view greetingName(std::string_view bytes) {
  if (!bytes.starts_with("220 ") && !bytes.starts_with("220-") && !bytes.starts_with("421 ") &&
      !bytes.starts_with("554 ") && !bytes.starts_with("500 ")) {
    return {};
  }
  if (containsIgnoringCase(bytes, "smtp")) {
    return "SMTP";
  }
  return containsIgnoringCase(bytes, "ftp") ? "FTP" : "SMTP or FTP";
}

bool isText(std::string_view bytes) {
  std::size_t high = 0;
  for (const char c : bytes) {
    const auto value = static_cast<std::uint8_t>(c);
    const bool space = c == '\t' || c == '\r' || c == '\n' || c == '\f';
    if ((value < 0x20 && !space) || value == 0x7f) {
      return false;
    }
    high += value >= 0x80 ? 1 : 0;
  }
  return high * 2 <= bytes.size();  // UTF-8 prose has letters and spaces in between
}

}  // namespace

bool beginsWithTlsAlert(std::string_view first_bytes) noexcept {
  return tlsName(first_bytes) == "TLS alert";
}

std::string_view identifyPeer(std::string_view first_bytes) noexcept {
  if (first_bytes.empty()) {
    return {};
  }
  if (const std::string_view tls = tlsName(first_bytes); !tls.empty()) {
    return tls;
  }
  if (isHttp2Settings(first_bytes)) {
    return "HTTP/2 SETTINGS";
  }
  for (const Signature& signature : kTextSignatures) {
    if (first_bytes.starts_with(signature.start)) {
      return signature.name;
    }
  }
  if (const std::string_view greeting = greetingName(first_bytes); !greeting.empty()) {
    return greeting;
  }
  if (isMySql(first_bytes)) {
    return "MySQL";
  }
  if (isFastCgi(first_bytes)) {
    return "FastCGI";
  }
  if (isPostgres(first_bytes)) {
    return "PostgreSQL";
  }
  if (!isText(first_bytes)) {
    return "binary";
  }
  const std::size_t start = first_bytes.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && first_bytes[start] == '<') {
    return "HTML or XML without a response head";
  }
  return "text";
}

}  // namespace gatewhy
