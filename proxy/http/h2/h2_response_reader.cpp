// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_response_reader.h"

#include <utility>

#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

constexpr std::string_view kStatus = ":status";
constexpr std::uint16_t kSwitchingProtocols = 101;

}  // namespace

void H2ResponseReader::begin(const H2ResponseContext& context) {
  beginHead();
  parser_.reset();
  parser_.expect(context.method);
  parser_.mendFaults(context.mend);
  switching_.assign(context.switching);
  status_.clear();
}

bool H2ResponseReader::isPseudo(std::string_view name) const {
  return name == kStatus;
}

void H2ResponseReader::takePseudo(std::string_view name, std::string_view value, const Redaction& redact) {
  if (!status_.empty()) {
    return fail({ParseError::PseudoHeaderRepeated, 0}, name, value, redact);
  }
  // Three digits and no more; all else the parser judges.
  constexpr std::size_t kDigits = 3;
  if (!value.empty() && (value.size() != kDigits || octets::skip(value, 0, octets::kDigit) != kDigits)) {
    fail({ParseError::StatusInvalid, kStatus.size() + 2}, name, value, redact);
    fault_->token = redact.text(value).substr(0, kDigits * kDigits);
    return;
  }
  status_.assign(value);
}

void H2ResponseReader::beginText(const Redaction& redact) {
  if (status_.empty()) {
    return fail({ParseError::PseudoHeaderMissing, 0}, kStatus, {}, redact);
  }
  const bool switches = !switching_.empty() && status_.front() == '2';
  text_ += "HTTP/1.1 ";
  text_ += switches ? "101" : std::string_view(status_);
  text_ += " \r\n";
  if (switches) {
    addLine("connection", "upgrade");
    text_ += switching_;
  }
}

// A response that switches has no length (RFC 8441 section 5), whatever it says.
void H2ResponseReader::takeField(std::string_view name, std::string_view value, const Redaction& /*redact*/) {
  const bool switches = !switching_.empty() && status_.front() == '2';
  if (!switches || name != "content-length") {
    addLine(name, value);
  }
}

std::optional<ParseFault> H2ResponseReader::finish(bool ends, const Redaction& redact) {
  endPseudos(redact);
  if (!text_.empty()) {
    parse(parser_, redact);
  }
  if (!fault_) {
    weigh(ends);
  }
  return std::move(fault_);
}

// What END_STREAM says about the body (RFC 9113 section 8.1.1).
void H2ResponseReader::weigh(bool ends) {
  ResponseHead& response = parser_.head();
  response.version_major = 2;
  response.keep_alive = true;
  if (response.body == BodyKind::UntilClose) {
    response.body = ends ? BodyKind::Length : BodyKind::Chunked;
  } else if (ends && response.body == BodyKind::Length && response.content_length != 0) {
    malformed_ = true;
    fault_ = ParseFault{.error = ParseError::BodyLengthDiffers,
                        .header_name = "content-length",
                        .limit = response.content_length,
                        .token = std::string(response.valueOf(FieldId::ContentLength))};
  }
}

std::optional<std::uint64_t> H2ResponseReader::bodyLength() {
  const ResponseHead& response = parser_.head();
  switch (response.body) {
    case BodyKind::None:
      return response.status == kSwitchingProtocols ? std::nullopt : std::optional<std::uint64_t>(0);
    case BodyKind::Length:
      return response.content_length;
    case BodyKind::Chunked:
    case BodyKind::UntilClose:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace gatewhy
