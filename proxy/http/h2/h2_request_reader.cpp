// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_request_reader.h"

#include <algorithm>

#include "diagnostics/octets.h"
#include "proxy/http/authority.h"

namespace gatewhy {
namespace {

constexpr std::string_view kPseudoNames[] = {":method", ":scheme", ":authority", ":path", ":protocol"};

std::size_t pseudoIndex(std::string_view name) {
  return static_cast<std::size_t>(std::find(std::begin(kPseudoNames), std::end(kPseudoNames), name) -
                                  std::begin(kPseudoNames));
}

bool isSameAuthority(std::string_view first, std::string_view second, bool https) {
  constexpr std::uint16_t kHttpPort = 80;
  constexpr std::uint16_t kHttpsPort = 443;
  Authority one, other;
  if (parseAuthority(first, one) || parseAuthority(second, other)) {
    return first == second;
  }
  const std::uint16_t otherwise = https ? kHttpsPort : kHttpPort;
  return equalsIgnoreCase(one.host, other.host) &&
         (one.has_port_digits ? one.port : otherwise) == (other.has_port_digits ? other.port : otherwise);
}

}  // namespace

void H2RequestReader::begin() {
  beginHead();
  parser_.reset();
  seen_.fill(false);
  for (std::string& each : pseudo_) {
    each.clear();
  }
  cookies_.clear();
  hosts_ = 0;
}

void H2RequestReader::rest() {
  restHead();
  cookies_ = std::string();
  pseudo_ = {};
}

bool H2RequestReader::opensWebSocket() const {
  return !fault_ && equalsIgnoreCase(protocol(), "websocket");
}

bool H2RequestReader::isPseudo(std::string_view name) const {
  const std::size_t index = pseudoIndex(name);
  return index < kPseudos && (static_cast<Pseudo>(index) != Pseudo::Protocol || rules_.extended_connect);
}

void H2RequestReader::takePseudo(std::string_view name, std::string_view value, const Redaction& redact) {
  const std::size_t index = pseudoIndex(name);
  if (seen_[index]) {
    return fail({ParseError::PseudoHeaderRepeated, 0}, name, value, redact);
  }
  seen_[index] = true;
  pseudo_[index].assign(value);
}

void H2RequestReader::takeField(std::string_view name, std::string_view value, const Redaction& redact) {
  if (name == "cookie") {
    cookies_.append(cookies_.empty() ? "" : "; ").append(value);
  } else if (name == "host") {
    takeHost(name, value, redact);
  } else {
    addLine(name, value);
  }
}

// :authority is what counts, and is written as Host in front of all fields. A
// Host that says the same is left out (RFC 9113 section 8.3.1); of two, the
// parser has the second to refuse.
void H2RequestReader::takeHost(std::string_view name, std::string_view value, const Redaction& redact) {
  const bool first = hosts_++ == 0;
  if (!first || !has(Pseudo::Authority)) {
    return addLine(name, value);
  }
  if (!isSameAuthority(text(Pseudo::Authority), value, rules_.https)) {
    fail({ParseError::HostInvalid, 0}, name, value, redact, false);
    fault_->token = redact.text(text(Pseudo::Authority));
  }
}

// What would not be one word of a request line; all else the parser judges.
std::optional<H2FieldFault> H2RequestReader::judge(Pseudo pseudo) const {
  const std::string_view value = text(pseudo);
  const std::size_t at = kPseudoNames[static_cast<std::size_t>(pseudo)].size() + 2;
  std::size_t bad = octets::skip(value, 0, octets::kTarget);
  ParseError error = ParseError::TargetInvalid;
  switch (pseudo) {
    case Pseudo::Method:
      bad = octets::skip(value, 0, octets::kToken);
      error = ParseError::MethodInvalid;
      break;
    case Pseudo::Scheme:
      bad = equalsIgnoreCase(value, "http") || equalsIgnoreCase(value, "https") ? value.size() : 0;
      break;
    case Pseudo::Authority:
      error = ParseError::HostInvalid;
      break;
    case Pseudo::Path:  // neither an absolute target nor an authority (RFC 9113 section 8.3.1)
      bad = value.front() == '/' || value == "*" ? bad : 0;
      break;
    case Pseudo::Protocol:
      error = ParseError::FieldValueInvalid;
      break;
  }
  return bad == value.size() ? std::nullopt : std::optional(H2FieldFault{error, at + bad});
}

// The pseudo-header fields are over: they make the request line, Host and,
// where they ask for another protocol, Upgrade.
void H2RequestReader::beginText(const Redaction& redact) {
  const bool connect = text(Pseudo::Method) == "CONNECT";
  const bool plain_connect = connect && !has(Pseudo::Protocol);
  for (std::size_t index = 0; index < kPseudos; ++index) {
    const auto pseudo = static_cast<Pseudo>(index);
    const bool of_target = pseudo == Pseudo::Scheme || pseudo == Pseudo::Path;
    const bool wanted =
        pseudo == Pseudo::Method || (of_target && !plain_connect) || (pseudo == Pseudo::Authority && connect);
    const bool unwanted = (of_target && plain_connect) || (pseudo == Pseudo::Protocol && !connect);
    if (wanted && text(pseudo).empty()) {
      return fail({ParseError::PseudoHeaderMissing, 0}, kPseudoNames[index], {}, redact);
    }
    if (!seen_[index]) {
      continue;
    }
    if (unwanted) {
      return fail({ParseError::PseudoHeaderMisplaced, 0}, kPseudoNames[index], pseudo_[index], redact);
    }
    if (const auto wrong = judge(pseudo)) {
      return fail(*wrong, kPseudoNames[index], pseudo_[index], redact, false);
    }
  }
  text_ += has(Pseudo::Protocol) ? "GET" : text(Pseudo::Method);
  text_ += ' ';
  text_ += plain_connect ? text(Pseudo::Authority) : text(Pseudo::Path);
  text_ += " HTTP/1.1\r\n";
  if (has(Pseudo::Authority)) {
    addLine("host", text(Pseudo::Authority));
  }
  if (has(Pseudo::Protocol)) {
    addLine("connection", "upgrade");
    addLine("upgrade", text(Pseudo::Protocol));
  }
}

std::optional<ParseFault> H2RequestReader::finish(bool ends, std::string_view websocket_key, const Redaction& redact) {
  endPseudos(redact);
  if (!cookies_.empty()) {
    addLine("cookie", cookies_);
  }
  if (!websocket_key.empty()) {
    addLine("sec-websocket-key", websocket_key);
  }
  if (!text_.empty()) {
    parse(parser_, redact);
  }
  if (!fault_) {
    weighBody(ends);
  }
  return std::move(fault_);
}

// What the length of the body is follows from END_STREAM too (RFC 9113 section 8.1.1).
void H2RequestReader::weighBody(bool ends) {
  RequestHead& request = parser_.head();
  if (ends && request.content_length > 0) {
    fault_ = ParseFault{.error = ParseError::BodyLengthDiffers,
                        .header_name = "content-length",
                        .limit = request.content_length,
                        .token = std::string(request.valueOf(FieldId::ContentLength))};
    malformed_ = true;
  } else if (!ends && !request.has_content_length && !has(Pseudo::Protocol) && request.method != Method::Connect) {
    request.body = BodyKind::Chunked;
    request.expect_continue = request.present.has(FieldId::Expect);  // was judged
  }
}

}  // namespace gatewhy
