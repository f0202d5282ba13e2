// SPDX-License-Identifier: Apache-2.0
// Texts with variables, as header values, redirects, rewritten paths and pages
// hold them: "{host}", "{header.X-User}". Parsed once, when the configuration is loaded; what each
// stands for in a request is proxy/exchange/variables.h's matter. "{{" is a
// brace, "$$" a dollar; a brace that begins no word stands for itself, so that
// JSON in a value needs no care.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/result.h"

namespace gatewhy {

enum class Variable : std::uint8_t {
  ClientAddress,
  ClientPort,
  Host,
  Scheme,
  Method,
  Path,
  Query,
  Uri,
  RequestId,
  Route,
  Origin,
  TlsServerName,
  Header,          // with a name
  Cookie,          // with a name
  QueryParameter,  // with a name
  ClientCertificateSubject,
  ClientCertificateFingerprint,
  Status,
  Cause,
  Time,
  // Of what gatewhy answers itself only (TemplatePlace::Answer).
  Reason,
  Message,
  RetryAfter,
  Support,
  Evidence,
  SiteName,
  Contact,
};

// Where the text stands, which decides what is known there: before there is an
// answer, status and cause are not; a path holds no query.
enum class TemplatePlace : std::uint8_t { Request, Path, Response, Answer };

struct TemplatePart {
  std::string text;  // where `variable` is absent
  std::optional<Variable> variable;
  std::string name;  // of a header, cookie or query parameter
  friend bool operator==(const TemplatePart&, const TemplatePart&) = default;
};

struct TemplateProblem {
  std::size_t at = 0;   // octets before it
  std::string message;  // says which word to use instead
};

class TextTemplate {
 public:
  // The error is the first problem's message.
  [[nodiscard]] static Result<TextTemplate, std::string> parse(std::string_view text, TemplatePlace place);
  [[nodiscard]] static Result<TextTemplate, TemplateProblem> parseAt(std::string_view text, TemplatePlace place);

  void appendText(std::string_view text);  // as it is, braces too
  void append(TextTemplate more);

  [[nodiscard]] const std::vector<TemplatePart>& parts() const { return parts_; }
  [[nodiscard]] bool hasVariables() const;
  // The text without variables; only where there are none.
  [[nodiscard]] std::string literal() const;
  friend bool operator==(const TextTemplate&, const TextTemplate&) = default;

 private:
  std::vector<TemplatePart> parts_;
};

// "client_address": as they are written; those with a name of their own end with
// a dot.
[[nodiscard]] std::vector<std::string_view> variableNames(TemplatePlace place);

}  // namespace gatewhy
