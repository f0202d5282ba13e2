// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_request_reader.h"

#include <algorithm>

#include "diagnostics/octets.h"
#include "proxy/http/authority.h"

namespace gatewhy {
namespace {

constexpr std::uint64_t kFieldOverhead = 32;  // RFC 9113 section 6.5.2
constexpr std::string_view kPseudoNames[] = {":method", ":scheme", ":authority", ":path", ":protocol"};

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
  parser_.reset();
  part_ = Part::PseudoHeaders;
  seen_.fill(false);
  for (std::string& each : pseudo_) {
    each.clear();
  }
  text_.clear();
  cookies_.clear();
  hosts_ = 0;
  list_size_ = 0;
  fault_.reset();
  malformed_ = false;
}

void H2RequestReader::rest() {
  text_ = TextBuffer();
  cookies_ = std::string();
  pseudo_ = {};
}

bool H2RequestReader::opensWebSocket() const {
  return !fault_ && equalsIgnoreCase(protocol(), "websocket");
}

void H2RequestReader::fail(const H2FieldFault& fault, std::string_view name, std::string_view value,
                           const Redaction& redact, bool malformed) {
  fault_ = toParseFault(fault, name, value, text_.size(), redact);
  malformed_ = malformed;
}

void H2RequestReader::take(std::string_view name, std::string_view value, const Redaction& redact) {
  list_size_ += name.size() + value.size() + kFieldOverhead;
  if (fault_) {
    return;
  }
  const bool pseudo = name.starts_with(':');
  if (!pseudo && part_ == Part::PseudoHeaders) {
    beginText(redact);
  }
  if (fault_) {
    return;
  }
  if (list_size_ > rules_.list) {
    // A target that is too long by itself has a status of its own (414).
    const bool target = name == kPseudoNames[static_cast<std::size_t>(Pseudo::Path)];
    fail({target ? ParseError::StartLineTooLong : ParseError::HeadTooLarge, 0}, name, value, redact, false);
    fault_->size = list_size_;
    fault_->limit = rules_.list;
  } else if (pseudo) {
    takePseudo(name, value, redact);
  } else {
    takeField(name, value, redact);
  }
}

void H2RequestReader::takePseudo(std::string_view name, std::string_view value, const Redaction& redact) {
  const auto* const found = std::find(std::begin(kPseudoNames), std::end(kPseudoNames), name);
  const auto index = static_cast<std::size_t>(found - std::begin(kPseudoNames));
  const bool known =
      found != std::end(kPseudoNames) && (static_cast<Pseudo>(index) != Pseudo::Protocol || rules_.extended_connect);
  if (!known) {
    return fail({ParseError::PseudoHeaderUnknown, 0}, name, value, redact);
  }
  if (part_ != Part::PseudoHeaders) {
    return fail({ParseError::PseudoHeaderMisplaced, 0}, name, value, redact);
  }
  if (seen_[index]) {
    return fail({ParseError::PseudoHeaderRepeated, 0}, name, value, redact);
  }
  seen_[index] = true;
  pseudo_[index].assign(value);
}

void H2RequestReader::takeField(std::string_view name, std::string_view value, const Redaction& redact) {
  if (const auto wrong = judgeH2Field(name, value)) {
    return fail(*wrong, name, value, redact);
  }
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

void H2RequestReader::addLine(std::string_view name, std::string_view value) {
  text_ += name;
  text_ += ": ";
  text_ += value;
  text_ += "\r\n";
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
  part_ = Part::Fields;
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
  if (!fault_ && part_ == Part::PseudoHeaders) {
    beginText(redact);
  }
  if (!cookies_.empty()) {
    addLine("cookie", cookies_);
  }
  if (!websocket_key.empty()) {
    addLine("sec-websocket-key", websocket_key);
  }
  if (!text_.empty()) {
    parse(redact);
  }
  if (!fault_) {
    weighBody(ends);
  }
  return std::move(fault_);
}

void H2RequestReader::parse(const Redaction& redact) {
  text_ += "\r\n";
  const ParseStep step = parser_.feed(text_.view());
  if (!fault_ && step.status != ParseStatus::Done) {
    fault_ = parser_.fault(redact);
  }
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
