// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "diagnostics/octets.h"
#include "proxy/http/framing.h"
#include "proxy/http/h1_parser.h"
#include "proxy/http/http_version.h"

namespace gatewhy {
namespace {

Method methodOf(std::string_view token) {
  // Method names are case-sensitive (RFC 9110 section 9.1).
  struct Row {
    std::string_view token;
    Method method;
  };
  static constexpr Row kRows[] = {
      {"GET", Method::Get},     {"POST", Method::Post},       {"HEAD", Method::Head},
      {"PUT", Method::Put},     {"DELETE", Method::Delete},   {"OPTIONS", Method::Options},
      {"PATCH", Method::Patch}, {"CONNECT", Method::Connect}, {"TRACE", Method::Trace},
  };
  for (const Row& row : kRows) {
    if (row.token == token) {
      return row.method;
    }
  }
  return Method::Other;
}

HeadFault lineFault(ParseError error, std::size_t at, std::string_view token = {}) {
  return {error, at, {}, token};
}

ParseError methodError(char octet) {
  if (octets::isBlank(octet)) {
    return ParseError::StartLineWhitespace;
  }
  // Letters and marks make a bad method; control and 8-bit octets are another protocol.
  return octets::is(octet, octets::kTarget) || octet == '#' ? ParseError::MethodInvalid : ParseError::NotHttp;
}

}  // namespace

void RequestParser::reset() {
  RequestHead fresh;
  fresh.bytes = std::move(head_.bytes);
  fresh.fields = std::move(head_.fields);
  fresh.host = std::move(head_.host);
  fresh.bytes.clear();
  fresh.fields.clear();
  fresh.host.clear();
  head_ = std::move(fresh);
  method_ended_ = false;
  https_target_ = false;
  resetReader();
}

// A line end in or before the method is left to parseStart: whether a CR is
// bare shows only with the next octet.
std::optional<HeadFault> RequestParser::judgeStart(std::string_view line, std::size_t from) {
  if (from == 0) {
    method_ended_ = false;
  }
  if (method_ended_) {
    return std::nullopt;
  }
  const std::size_t end = octets::skip(line, from, octets::kToken);
  if (end == line.size()) {
    return std::nullopt;
  }
  const char octet = line[end];
  if (octet == '\r' || octet == '\n' || (octet == ' ' && end > 0)) {
    method_ended_ = true;
    head_.method_size = static_cast<std::uint32_t>(end);
    return std::nullopt;
  }
  return lineFault(methodError(octet), end, line.substr(0, end));
}

std::optional<HeadFault> RequestParser::parseStart(std::string_view line) {
  const std::size_t method_end = head_.method_size;
  if (method_end == line.size()) {
    return lineFault(ParseError::StartLineWhitespace, method_end);
  }
  if (line[method_end] != ' ') {
    return lineFault(ParseError::BareCr, method_end);
  }
  head_.method = methodOf(line.substr(0, method_end));
  const std::size_t target_at = method_end + 1;
  const std::size_t target_end = octets::skip(line, target_at, octets::kTarget);
  const bool ended = target_end == line.size();
  if (!ended && (line[target_end] == '\t' || (line[target_end] == ' ' && target_end == target_at))) {
    return lineFault(ParseError::StartLineWhitespace, target_end);
  }
  if (!ended && line[target_end] != ' ') {
    return lineFault(octetError(line[target_end], ParseError::TargetInvalid), target_end);
  }
  if (target_end == target_at) {
    return lineFault(ParseError::TargetInvalid, target_at);
  }
  head_.target_at = static_cast<std::uint32_t>(target_at);
  head_.target_size = static_cast<std::uint32_t>(target_end - target_at);
  if (ended) {
    // An HTTP/0.9 request: no version, no fields, no framing.
    return lineFault(ParseError::VersionInvalid, target_end);
  }
  const std::size_t version_at = target_end + 1;
  if (auto fault = parseHttpVersion(line, version_at, head_.version_minor)) {
    const bool more_words = line.find(' ', version_at) != std::string_view::npos;
    return fault->error == ParseError::VersionInvalid && more_words
               ? lineFault(ParseError::StartLineWhitespace, target_end)
               : *fault;
  }
  const std::size_t version_end = version_at + kHttpVersionSize;
  if (version_end != line.size()) {
    const char octet = line[version_end];
    return lineFault(
        octetError(octet, octets::isBlank(octet) ? ParseError::StartLineWhitespace : ParseError::VersionInvalid),
        version_end);
  }
  return splitTarget(line);
}

// RFC 9112 section 3.2: which form is allowed follows from the method.
std::optional<HeadFault> RequestParser::splitTarget(std::string_view line) {
  const std::string_view target = head_.target();
  const std::size_t target_at = head_.target_at;
  if (head_.method == Method::Connect) {
    return takeTargetAuthority(target_at, target.size());
  }
  if (target == "*") {
    head_.path_at = head_.target_at;
    head_.path_size = 1;
    return head_.method == Method::Options
               ? std::nullopt
               : std::optional(lineFault(ParseError::TargetInvalid, target_at, line.substr(target_at, 1)));
  }
  std::size_t path_at = target_at;
  if (target.front() != '/') {
    if (auto fault = splitAbsoluteForm()) {
      return fault;
    }
    path_at = head_.authority_at + head_.authority_size;
  }
  const std::size_t target_end = target_at + target.size();
  const std::size_t question = std::min(line.find('?', path_at), target_end);
  head_.path_at = static_cast<std::uint32_t>(path_at);
  head_.path_size = static_cast<std::uint32_t>(question - path_at);
  head_.has_query = question != target_end;
  if (head_.has_query) {
    head_.query_at = static_cast<std::uint32_t>(question + 1);
    head_.query_size = static_cast<std::uint32_t>(target_end - question - 1);
  }
  return std::nullopt;
}

std::optional<HeadFault> RequestParser::splitAbsoluteForm() {
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  const std::string_view target = head_.target();
  std::size_t scheme = 0;
  if (equalsIgnoreCase(target.substr(0, kHttp.size()), kHttp)) {
    scheme = kHttp.size();
  } else if (equalsIgnoreCase(target.substr(0, kHttps.size()), kHttps)) {
    scheme = kHttps.size();
    https_target_ = true;
  } else {
    return lineFault(ParseError::TargetInvalid, head_.target_at);
  }
  head_.absolute_form = true;
  const std::size_t end = std::min(target.find_first_of("/?", scheme), target.size());
  return takeTargetAuthority(head_.target_at + scheme, end - scheme);
}

std::optional<HeadFault> RequestParser::takeTargetAuthority(std::size_t at, std::size_t size) {
  Authority authority;
  if (const auto bad = parseAuthority(std::string_view(head_.bytes).substr(at, size), authority)) {
    return lineFault(ParseError::TargetInvalid, at + *bad);
  }
  if (head_.method == Method::Connect && !authority.has_port_digits) {
    return lineFault(ParseError::TargetInvalid, at);  // RFC 9112 section 3.2.3: the port is not optional
  }
  head_.authority_at = static_cast<std::uint32_t>(at);
  head_.authority_size = static_cast<std::uint32_t>(size);
  head_.host.assign(authority.host);
  return std::nullopt;
}

std::optional<HeadFault> RequestParser::judgeHead() {
  if (auto fault = judgeHost()) {
    return fault;
  }
  if (auto fault = weighConnection(head_)) {
    return fault;
  }
  if (head_.present.has(FieldId::ContentLength) || head_.present.has(FieldId::TransferEncoding)) {
    if (auto fault = weighFraming(head_)) {
      return fault;
    }
  }
  if (head_.present.has(FieldId::Te)) {
    readTe();
  }
  return head_.present.has(FieldId::Expect) ? judgeExpect() : std::nullopt;
}

std::optional<HeadFault> RequestParser::judgeHost() {
  const Field* found = nullptr;
  for (const Field& field : head_.fields) {
    if (field.id == FieldId::Host) {
      if (found != nullptr) {
        return HeadFault{ParseError::HostDuplicate, field.name_at, head_.name(field), {}};
      }
      found = &field;
    }
  }
  if (found == nullptr) {
    if (head_.version_minor >= 1) {
      return lineFault(ParseError::HostMissing, head_.bytes.size() - 2);
    }
  } else {
    Authority host;
    if (const auto bad = parseAuthority(head_.value(*found), host)) {
      return HeadFault{ParseError::HostInvalid, found->value_at + *bad, head_.name(*found), {}};
    }
    if (head_.authority_size != 0) {
      if (auto fault = checkAgainstTarget(*found, host)) {
        return fault;
      }
    } else {
      head_.authority_at = found->value_at;
      head_.authority_size = found->value_size;
      head_.host.assign(host.host);
    }
  }
  std::transform(head_.host.begin(), head_.host.end(), head_.host.begin(), octets::lower);
  return std::nullopt;
}

// The target's authority replaces Host (RFC 9112 section 3.2.2), but a peer
// that says both differently would be routed differently by someone who reads
// only Host.
std::optional<HeadFault> RequestParser::checkAgainstTarget(const Field& field, const Authority& host) const {
  Authority target;
  if (parseAuthority(head_.authority(), target)) {
    return std::nullopt;  // was judged with the target
  }
  std::uint16_t default_port = https_target_ ? 443 : 80;
  if (head_.method == Method::Connect) {
    default_port = target.port;
  }
  const std::uint16_t wanted = target.has_port_digits ? target.port : default_port;
  const std::uint16_t named = host.has_port_digits ? host.port : default_port;
  if (wanted == named && equalsIgnoreCase(target.host, host.host)) {
    return std::nullopt;
  }
  return HeadFault{ParseError::HostInvalid, field.value_at, head_.name(field), head_.value(field)};
}

std::optional<HeadFault> RequestParser::judgeExpect() {
  if (head_.version_minor == 0) {
    return std::nullopt;  // RFC 9110 section 10.1.1: ignored from HTTP/1.0 clients
  }
  const bool has_body = head_.body == BodyKind::Chunked || head_.content_length > 0;
  for (const Field& field : head_.fields) {
    if (field.id != FieldId::Expect) {
      continue;
    }
    ListReader list(head_.value(field));
    while (list.next()) {
      if (list.member().empty()) {
        continue;
      }
      if (!equalsIgnoreCase(list.member(), "100-continue")) {
        return HeadFault{ParseError::ExpectationUnknown, field.value_at + list.offset(), head_.name(field),
                         list.member()};
      }
      head_.expect_continue = has_body;
    }
  }
  return std::nullopt;
}

void RequestParser::readTe() {
  for (const Field& field : head_.fields) {
    if (field.id != FieldId::Te) {
      continue;
    }
    ListReader list(head_.value(field));
    while (list.next()) {
      head_.te_trailers = head_.te_trailers || equalsIgnoreCase(list.member(), "trailers");
    }
  }
}

}  // namespace gatewhy
