// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/answer_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "diagnostics/html_text.h"
#include "diagnostics/json_writer.h"
#include "diagnostics/reason_phrase.h"
#include "diagnostics/unsafe_text.h"

namespace gatewhy {
namespace {

std::string rawValue(const TemplatePart& part, const VariableSource& source, const AnswerText& answer) {
  switch (*part.variable) {
    case Variable::Reason:
      return std::string(reasonPhrase(answer.status));
    case Variable::Message:
      return answer.diagnosis == nullptr ? std::string() : std::string(visitorSentence(*answer.diagnosis));
    case Variable::RetryAfter:
      return answer.retry_after_s == 0 ? std::string() : fmt::format("{}", answer.retry_after_s);
    case Variable::Support:
      return supportLine({.status = answer.status,
                          .request_id = source.request_id,
                          .diagnosis = answer.diagnosis,
                          .hop_name = {},
                          .evidence = {},
                          .date = answer.date,
                          .site = {}});
    case Variable::Evidence:
      return answer.diagnosis == nullptr || !answer.evidence ? std::string() : readableEvidence(*answer.diagnosis);
    case Variable::SiteName:
      return std::string(answer.site.name);
    case Variable::Contact:
      return std::string(answer.site.contact);
    case Variable::ClientAddress:
    case Variable::ClientPort:
    case Variable::Host:
    case Variable::Scheme:
    case Variable::Method:
    case Variable::Path:
    case Variable::Query:
    case Variable::Uri:
    case Variable::RequestId:
    case Variable::Route:
    case Variable::Origin:
    case Variable::TlsServerName:
    case Variable::Header:
    case Variable::Cookie:
    case Variable::QueryParameter:
    case Variable::ClientCertificateSubject:
    case Variable::ClientCertificateFingerprint:
    case Variable::Status:
    case Variable::Cause:
    case Variable::Time:
      break;
  }
  return valueOf(part, source);
}

std::string escaped(const std::string& value, ContentKind kind) {
  switch (kind) {
    case ContentKind::Plain:
      return printableText(value);
    case ContentKind::Markup:
      return escapeHtml(value);
    case ContentKind::Json: {
      std::string out;
      appendJsonEscaped(out, value);
      return out;
    }
  }
  return {};
}

}  // namespace

ContentKind contentKind(std::string_view content_type) noexcept {
  const auto holds = [content_type](std::string_view word) {
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
    return std::search(content_type.begin(), content_type.end(), word.begin(), word.end(), same) != content_type.end();
  };
  return holds("html") || holds("xml") ? ContentKind::Markup : holds("json") ? ContentKind::Json : ContentKind::Plain;
}

std::string writeText(const TextTemplate& text, const VariableSource& source, const AnswerText& answer,
                      ContentKind kind) {
  std::string out;
  for (const TemplatePart& part : text.parts()) {
    out += part.variable ? escaped(rawValue(part, source, answer), kind) : part.text;
  }
  return out;
}

Answer makeOwnPage(const OwnPage& page, const VariableSource& source, const AnswerText& answer) {
  return {"text/html; charset=utf-8", writeText(page.html, source, answer, ContentKind::Markup), kOwnPagePolicy};
}

}  // namespace gatewhy
