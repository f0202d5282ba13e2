// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/variables.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "config/query_text.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

std::string timeNow() {
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

std::string hostOf(const RequestHead& request) {
  return request.host.find(':') == std::string::npos ? request.host : fmt::format("[{}]", request.host);
}

std::string uriOf(const RequestHead& request) {
  // "*" of an OPTIONS is no path (RFC 9112 section 3.2.4), and "https://host*" no URI.
  std::string uri(request.path() == "*" ? "/" : request.path());
  if (request.has_query) {
    uri.append("?").append(request.query());
  }
  return uri;
}

std::string_view headerOf(const RequestHead& request, std::string_view name) {
  const auto found = std::find_if(request.fields.begin(), request.fields.end(),
                                  [&](const Field& field) { return equalsIgnoreCase(request.name(field), name); });
  return found == request.fields.end() ? std::string_view() : request.value(*found);
}

// Whatever a variable brings, no field value may hold CR, LF or another control
// octet (RFC 9110 section 5.5).
std::string asFieldValue(std::string text) {
  std::replace_if(text.begin(), text.end(), octets::isControl, ' ');
  return text;
}

}  // namespace

std::string valueOf(const TemplatePart& part, const VariableSource& source) {
  const RequestHead& request = source.request;
  switch (*part.variable) {
    case Variable::ClientAddress:
      return std::string(source.client_address);
    case Variable::ClientPort:
      return source.forwarded || source.client.port == 0 ? std::string() : fmt::format("{}", source.client.port);
    case Variable::Host:
      return hostOf(request);
    case Variable::Scheme:
      return std::string(source.scheme);
    case Variable::Method:
      return std::string(request.methodToken());
    case Variable::Path:
      return std::string(request.path());
    case Variable::Query:
      return std::string(request.query());
    case Variable::Uri:
      return uriOf(request);
    case Variable::RequestId:
      return std::string(source.request_id);
    case Variable::Route:
      return std::string(source.route);
    case Variable::Origin:
      return std::string(source.origin);
    case Variable::TlsServerName:
      return source.client.tls_session.server_name;
    case Variable::Header:
      return std::string(headerOf(request, part.name));
    case Variable::Cookie:
      return std::string(cookieOf(request, part.name));
    case Variable::QueryParameter:
      return asFieldValue(queryParameterOf(request, part.name));
    case Variable::ClientCertificateSubject:
      return source.client.identity.subject;
    case Variable::ClientCertificateFingerprint:
      return source.client.identity.fingerprint;
    case Variable::Status:
      return source.status == 0 ? std::string() : fmt::format("{}", source.status);
    case Variable::Cause:
      return std::string(source.cause);
    case Variable::Time:
      return timeNow();
    case Variable::Reason:
    case Variable::Message:
    case Variable::RetryAfter:
    case Variable::Support:
    case Variable::Evidence:
    case Variable::SiteName:
    case Variable::Contact:
      break;
  }
  return {};
}

std::string_view cookieOf(const RequestHead& request, std::string_view name) {
  for (const Field& field : request.fields) {
    if (field.id != FieldId::Other || !equalsIgnoreCase(request.name(field), "cookie")) {
      continue;
    }
    std::string_view rest = request.value(field);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
      const std::size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
        return pair.substr(equals + 1);
      }
    }
  }
  return {};
}

std::string queryParameterOf(const RequestHead& request, std::string_view name) {
  QueryReader reader(request.query());
  while (reader.next()) {
    if (reader.name() == name) {
      return reader.value();
    }
  }
  return {};
}

std::string expand(const TextTemplate& text, const VariableSource& source) {
  std::string out;
  for (const TemplatePart& part : text.parts()) {
    out += part.variable ? valueOf(part, source) : part.text;
  }
  return out;
}

HeaderEdits expand(const HeaderEdits& edits, const VariableSource& source) {
  HeaderEdits out;
  out.remove = edits.remove;
  out.keep = edits.keep;
  for (std::size_t i = 0; i < edits.set.size(); ++i) {
    const bool varies = i < edits.templates.size() && edits.templates[i].hasVariables();
    std::string value = varies ? asFieldValue(expand(edits.templates[i], source)) : edits.set[i].second;
    if (varies && value.empty()) {
      out.remove.push_back(edits.set[i].first);
    } else {
      out.set.emplace_back(edits.set[i].first, std::move(value));
    }
  }
  return out;
}

std::string redirectTarget(const TextTemplate& to, const VariableSource& source) {
  std::string target = expand(to, source);
  const auto slash = [](char c) { return c == '/' || c == '\\'; };
  // A path by its beginning must not become a host by what a variable brings.
  const auto& parts = to.parts();
  const std::string_view literal = parts.empty() || parts.front().variable ? std::string_view() : parts.front().text;
  const bool relative =
      to.hasVariables() && (literal.empty() || (literal.front() == '/' && (literal.size() == 1 || !slash(literal[1]))));
  while (relative && target.size() > 1 && target.front() == '/' && slash(target[1])) {
    target.erase(1, 1);
  }
  // What browsers send raw may not stand in a Location (RFC 3986 section 2).
  std::string out;
  out.reserve(target.size());
  for (const char c : target) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= 0x20 || octet >= 0x7F || std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos) {
      fmt::format_to(std::back_inserter(out), "%{:02X}", octet);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace gatewhy
