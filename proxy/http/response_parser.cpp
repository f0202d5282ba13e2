// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "diagnostics/octets.h"
#include "proxy/http/framing.h"
#include "proxy/http/h1_parser.h"
#include "proxy/http/http_version.h"
#include "proxy/http/tolerance.h"

namespace gatewhy {
namespace {

constexpr std::size_t kStatusAt = kHttpVersionSize + 1;
constexpr std::size_t kStatusSize = 3;

HeadFault statusFault(std::string_view line, std::size_t at) {
  const std::string_view rest = line.substr(kStatusAt);
  return {ParseError::StatusInvalid, at, {}, rest.substr(0, rest.find_first_of(" \t\r"))};
}

bool isBodiless(std::uint16_t status, Method request_method) {
  return status < 200 || status == 204 || status == 304 || request_method == Method::Head ||
         (request_method == Method::Connect && status < 300);
}

}  // namespace

void ResponseParser::reset() {
  ResponseHead fresh;
  fresh.bytes = std::move(head_.bytes);
  fresh.fields = std::move(head_.fields);
  fresh.bytes.clear();
  fresh.fields.clear();
  head_ = std::move(fresh);
  resetReader();
}

std::optional<HeadFault> ResponseParser::judgeStart(std::string_view line, std::size_t from) {
  constexpr std::size_t kProtocolSize = 5;  // "HTTP/"
  for (std::size_t at = from; at < std::min(line.size(), kHttpVersionSize); ++at) {
    const auto error = judgeVersionOctet(at, line[at]);
    if (!error) {
      continue;
    }
    if (at == 0 && (line[at] == '\r' || line[at] == '\n')) {
      return HeadFault{ParseError::StartLineEmpty, at, {}, {}};
    }
    return HeadFault{at < kProtocolSize ? ParseError::NotHttp : *error, at, {}, line.substr(0, at + 1)};
  }
  return std::nullopt;
}

std::optional<HeadFault> ResponseParser::parseStart(std::string_view line) {
  if (auto fault = parseHttpVersion(line, 0, head_.version_minor)) {
    return fault;
  }
  if (line.size() == kHttpVersionSize) {
    return HeadFault{ParseError::StatusInvalid, kHttpVersionSize, {}, {}};
  }
  const char separator = line[kHttpVersionSize];
  if (separator != ' ') {
    const ParseError otherwise = separator == '\t' ? ParseError::StartLineWhitespace : ParseError::VersionInvalid;
    return HeadFault{octetError(separator, otherwise), kHttpVersionSize, {}, {}};
  }
  if (line.size() > kStatusAt && octets::isBlank(line[kStatusAt])) {
    return HeadFault{ParseError::StartLineWhitespace, kStatusAt, {}, {}};
  }
  const std::size_t status_end = octets::skip(line, kStatusAt, octets::kDigit);
  if (status_end != kStatusAt + kStatusSize) {
    return statusFault(line, std::min(status_end, kStatusAt + kStatusSize));
  }
  int status = 0;
  for (std::size_t at = kStatusAt; at < status_end; ++at) {
    status = status * 10 + (line[at] - '0');
  }
  if (status < 100 || (status > 599 && !mend_)) {
    return statusFault(line, kStatusAt);
  }
  head_.status = static_cast<std::uint16_t>(status);
  if (status > 599) {
    head_.mended.add(Finding::StatusOutOfRange);
  }
  // Some origins leave the space out with the reason phrase; nothing follows,
  // so nobody can read it differently.
  if (status_end == line.size()) {
    head_.reason_at = static_cast<std::uint32_t>(status_end);
    return std::nullopt;
  }
  if (line[status_end] != ' ') {
    return statusFault(line, status_end);
  }
  const std::size_t reason_at = status_end + 1;
  const std::size_t bad = findInvalidValueOctet(line, reason_at);
  if (bad != line.size()) {
    if (mended() == nullptr || !mayLeaveOutReason(line.substr(reason_at))) {
      return HeadFault{octetError(line[bad], ParseError::ReasonInvalid), bad, {}, {}};
    }
    head_.mended.add(Finding::ReasonMalformed);
    head_.reason_at = static_cast<std::uint32_t>(status_end);
    return std::nullopt;
  }
  head_.reason_at = static_cast<std::uint32_t>(reason_at);
  head_.reason_size = static_cast<std::uint32_t>(line.size() - reason_at);
  return std::nullopt;
}

// RFC 9112 section 6.3, in its order.
std::optional<HeadFault> ResponseParser::judgeHead() {
  if (auto fault = weighConnection(head_)) {
    return fault;
  }
  const bool tunnel = request_method_ == Method::Connect && head_.status >= 200 && head_.status < 300;
  if (tunnel) {
    head_.body = BodyKind::None;  // framing fields mean nothing here
    return std::nullopt;
  }
  if (auto fault = weighFraming(head_, mended())) {
    return fault;
  }
  // Where an origin breaks rules, who knows where its next response begins.
  head_.keep_alive = head_.keep_alive && head_.mended.empty();
  if (isBodiless(head_.status, request_method_)) {
    head_.body = BodyKind::None;
  } else if (head_.body == BodyKind::None) {
    head_.body = BodyKind::UntilClose;
    head_.keep_alive = false;
  }
  return std::nullopt;
}

}  // namespace gatewhy
