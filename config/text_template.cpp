// SPDX-License-Identifier: Apache-2.0
#include "config/text_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "diagnostics/http_token.h"
#include "diagnostics/nearest.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

struct VariableName {
  std::string_view name;
  Variable variable;
};

constexpr auto kVariables = std::to_array<VariableName>({
    {"client_address", Variable::ClientAddress},
    {"client_port", Variable::ClientPort},
    {"host", Variable::Host},
    {"scheme", Variable::Scheme},
    {"method", Variable::Method},
    {"path", Variable::Path},
    {"query", Variable::Query},
    {"uri", Variable::Uri},
    {"request_id", Variable::RequestId},
    {"route", Variable::Route},
    {"origin", Variable::Origin},
    {"tls_server_name", Variable::TlsServerName},
    {"header.", Variable::Header},
    {"cookie.", Variable::Cookie},
    {"query.", Variable::QueryParameter},
    {"client_certificate_subject", Variable::ClientCertificateSubject},
    {"client_certificate_fingerprint", Variable::ClientCertificateFingerprint},
    {"status", Variable::Status},
    {"cause", Variable::Cause},
    {"time", Variable::Time},
    {"reason", Variable::Reason},
    {"message", Variable::Message},
    {"retry_after", Variable::RetryAfter},
    {"support", Variable::Support},
    {"evidence", Variable::Evidence},
    {"site_name", Variable::SiteName},
    {"contact", Variable::Contact},
});

// Why a variable has no value at a place; "" where it has one. A clause that
// follows the variable's name.
std::string_view absenceAt(Variable variable, TemplatePlace place) {
  if (variable >= Variable::Reason) {
    return place == TemplatePlace::Answer ? "" : "is only for pages and 'respond.body'";
  }
  if (variable == Variable::Status || variable == Variable::Cause) {
    return place == TemplatePlace::Response || place == TemplatePlace::Answer
               ? ""
               : "is not known yet when a request is passed on";
  }
  if (place == TemplatePlace::Path && (variable == Variable::Query || variable == Variable::Uri)) {
    return "has no place in a path; the query is passed on as it was sent, and the path is {path}";
  }
  return "";
}

// What others call them.
struct ForeignName {
  std::string_view theirs, ours;
};
constexpr auto kForeign = std::to_array<ForeignName>({
    {"remote_addr", "{client_address}"},
    {"realip_remote_addr", "{client_address}"},
    {"binary_remote_addr", "{client_address}"},
    {"remote_port", "{client_port}"},
    {"http_host", "{host}"},
    {"server_name", "{host}"},
    {"hostname", "{host}"},
    {"request_uri", "{uri}"},
    {"document_uri", "{path}"},
    {"uri", "{path}"},
    {"args", "{query}"},
    {"query_string", "{query}"},
    {"request_method", "{method}"},
    {"ssl_server_name", "{tls_server_name}"},
    {"ssl_client_s_dn", "{client_certificate_subject}"},
    {"ssl_client_fingerprint", "{client_certificate_fingerprint}"},
    {"time_iso8601", "{time}"},
    {"time_local", "{time}"},
    {"http_x_forwarded_proto", "{scheme}"},
    {"remote_host", "{client_address}"},
    {"remote", "{client_address}"},
    {"http.request.host", "{host}"},
    {"http.request.uri", "{uri}"},
    {"http.request.uri.path", "{path}"},
    {"http.request.remote.host", "{client_address}"},
    {"http.request.scheme", "{scheme}"},
    {"client_ip", "{client_address}"},
    {"upstream", "{origin}"},
});

std::string foreignWord(std::string_view name) {
  const auto* found =
      std::find_if(kForeign.begin(), kForeign.end(), [name](const ForeignName& row) { return row.theirs == name; });
  if (found != kForeign.end()) {
    return std::string(found->ours);
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kFamilies{
      {{"http_", "header"}, {"cookie_", "cookie"}, {"arg_", "query"}}};
  for (const auto& [prefix, family] : kFamilies) {
    if (name.starts_with(prefix) && name.size() > prefix.size()) {
      std::string rest(name.substr(prefix.size()));
      if (family == "header") {
        std::replace(rest.begin(), rest.end(), '_', '-');
      }
      return fmt::format("{{{}.{}}}", family, rest);
    }
  }
  const auto* same =
      std::find_if(kVariables.begin(), kVariables.end(), [name](const VariableName& row) { return row.name == name; });
  return same == kVariables.end() ? std::string() : fmt::format("{{{}}}", name);
}

bool isWordStart(char c) {
  return octets::isAlpha(c);
}

bool isWord(char c) {
  return octets::isAlpha(c) || (c >= '0' && c <= '9') || c == '_';
}

std::string dollarComplaint(std::string_view name) {
  if (name == "proxy_add_x_forwarded_for") {
    return "'$proxy_add_x_forwarded_for' is nginx's; gatewhy writes X-Forwarded-For by itself, leave the field out";
  }
  const std::string word = foreignWord(name);
  return word.empty() ? fmt::format(
                            "'${}' is not a variable here; variables are written {{host}}, {{uri}} and so on, "
                            "and a dollar as $$",
                            name)
                      : fmt::format("'${}' is nginx's; write {}", name, word);
}

std::string unknownComplaint(std::string_view name, TemplatePlace place) {
  if (const std::string word = foreignWord(name); !word.empty()) {
    return fmt::format("unknown variable '{{{}}}'; write {}", name, word);
  }
  const auto near = nearestWord(name, variableNames(place));
  return fmt::format("unknown variable '{{{}}}'{}; a brace is written {{{{", name,
                     near ? fmt::format("; did you mean {{{}}}?", *near) : std::string());
}

// The variable of a word between braces.
Result<TemplatePart, std::string> variableOf(std::string_view word, TemplatePlace place) {
  const std::size_t dot = word.find('.');
  const std::string_view key = dot == std::string_view::npos ? word : word.substr(0, dot + 1);
  const auto* row = std::find_if(kVariables.begin(), kVariables.end(),
                                 [key](const VariableName& candidate) { return candidate.name == key; });
  if (row == kVariables.end()) {
    return Failure{unknownComplaint(word, place)};
  }
  const std::string_view name = dot == std::string_view::npos ? std::string_view() : word.substr(dot + 1);
  if (dot != std::string_view::npos && (row->variable == Variable::QueryParameter ? name.empty() : !isToken(name))) {
    return Failure{fmt::format("'{{{}}}' needs a name, as in {{{}NAME}}", word, key)};
  }
  if (const auto absence = absenceAt(row->variable, place); !absence.empty()) {
    return Failure{fmt::format("'{{{}}}' {}", word, absence)};
  }
  return TemplatePart{.text = {}, .variable = row->variable, .name = std::string(name)};
}

}  // namespace

std::vector<std::string_view> variableNames(TemplatePlace place) {
  std::vector<std::string_view> names;
  names.reserve(kVariables.size());
  for (const VariableName& row : kVariables) {
    if (absenceAt(row.variable, place).empty()) {
      names.push_back(row.name);
    }
  }
  return names;
}

Result<TextTemplate, std::string> TextTemplate::parse(std::string_view text, TemplatePlace place) {
  auto made = parseAt(text, place);
  return made ? Result<TextTemplate, std::string>(std::move(made).value())
              : Result<TextTemplate, std::string>(Failure{std::move(made).error().message});
}

Result<TextTemplate, TemplateProblem> TextTemplate::parseAt(std::string_view text, TemplatePlace place) {
  TextTemplate made;
  std::size_t literal = 0;  // where what stands for itself begins
  std::size_t at = 0;
  const auto flush = [&] { made.appendText(text.substr(literal, at - literal)); };
  while (at < text.size()) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if ((text[at] == '{' || text[at] == '$') && next == text[at]) {
      ++at;
      flush();  // one of the two
      literal = ++at;
      continue;
    }
    if (text[at] == '$' && (octets::isAlpha(next) || next == '_')) {
      const auto end = std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(at) + 1, text.end(), isWord);
      return Failure{TemplateProblem{.at = at, .message = dollarComplaint({text.begin() + at + 1, end})}};
    }
    const bool opens = text[at] == '{' && isWordStart(next);
    const std::size_t close = opens ? text.find_first_of("{}\n", at + 1) : std::string_view::npos;
    if (close == std::string_view::npos || text[close] != '}') {
      ++at;
      continue;
    }
    auto part = variableOf(text.substr(at + 1, close - at - 1), place);
    if (!part) {
      return Failure{TemplateProblem{.at = at, .message = std::move(part).error()}};
    }
    flush();
    made.parts_.push_back(std::move(part).value());
    literal = at = close + 1;
  }
  flush();
  return made;
}

void TextTemplate::appendText(std::string_view text) {
  if (text.empty()) {
    return;
  }
  if (parts_.empty() || parts_.back().variable) {
    parts_.emplace_back();
  }
  parts_.back().text += text;
}

void TextTemplate::append(TextTemplate more) {
  for (TemplatePart& part : more.parts_) {
    if (part.variable) {
      parts_.push_back(std::move(part));
    } else {
      appendText(part.text);
    }
  }
}

bool TextTemplate::hasVariables() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const TemplatePart& part) { return part.variable.has_value(); });
}

std::string TextTemplate::literal() const {
  std::string out;
  for (const TemplatePart& part : parts_) {
    out += part.text;
  }
  return out;
}

}  // namespace gatewhy
