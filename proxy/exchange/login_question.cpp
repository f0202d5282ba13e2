// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/login_question.h"

#include <algorithm>
#include <cassert>

#include "proxy/exchange/client_address.h"
#include "proxy/exchange/sticky_tokens.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

bool isListed(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [name](const std::string& listed) { return equalsIgnoreCase(listed, name); });
}

void appendLine(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// "login.internal:9000", as a Host field has it.
std::string_view authorityOf(const ForwardAuthConfig& config) {
  const std::string_view url = config.endpoint.url;  // has no path
  return url.substr(url.find("://") + 3);
}

bool isDropped(const LoginQuestion& question, const Field& field) {
  const auto index = static_cast<std::uint32_t>(&field - question.request.fields.data());
  return std::binary_search(question.dropped.begin(), question.dropped.end(), index);
}

// A Cookie field's value without these; "": nothing is left of it.
std::string cookiesWithout(std::string_view value, const std::vector<std::string_view>& names) {
  std::string rest(value);
  for (const std::string_view name : names) {
    if (auto without = withoutCookie(rest, name)) {
      rest = *std::move(without);
    }
  }
  return rest;
}

}  // namespace

RequestHead loginQuestionHead(const LoginQuestion& question) {
  const ForwardAuthConfig& config = *question.route.forward_auth;
  const RequestHead& request = question.request;
  std::string text = "GET " + config.target + " HTTP/1.1\r\n";
  appendLine(text, "Host", authorityOf(config));
  for (const Field& field : request.fields) {
    // The chain of hops in front of us is part of X-Forwarded-For, listed or not.
    const bool chain = question.trusted && (field.id == FieldId::XForwardedFor || field.id == FieldId::Forwarded);
    if (chain || (isListed(config.request_headers, request.name(field)) && !field.connection_nominated &&
                  !isDropped(question, field))) {
      const bool cookies = !question.own_cookies.empty() && equalsIgnoreCase(request.name(field), "Cookie");
      const std::string rest = cookies ? cookiesWithout(request.value(field), question.own_cookies) : std::string();
      if (!cookies || !rest.empty()) {
        appendLine(text, request.name(field), cookies ? std::string_view(rest) : request.value(field));
      }
    }
  }
  text += "\r\n";
  // All of it has been accepted before, from the file or from the client.
  RequestParser parser(HeadLimits{.section = 0, .start_line = 0, .field = 0, .fields = 0});
  [[maybe_unused]] const ParseStep step = parser.feed(text);
  assert(step.status == ParseStatus::Done);
  return std::move(parser.head());
}

HeaderEdits loginQuestionEdits(const LoginQuestion& question) {
  const RequestHead& request = question.request;
  std::string uri(question.path);
  if (request.has_query) {
    uri.append("?").append(request.query());
  }
  HeaderEdits edits;
  edits.set.emplace_back("X-Forwarded-Method", request.methodToken());
  edits.set.emplace_back("X-Forwarded-Proto", question.believed_scheme);
  edits.set.emplace_back("X-Forwarded-Host", question.believed_host);
  edits.set.emplace_back("X-Forwarded-Uri", std::move(uri));
  edits.remove.emplace_back("Forwarded");  // it would name the login service's host
  return edits;
}

LoginFields loginFields(const ForwardAuthConfig& config, const ResponseHead& answer) {
  LoginFields fields;
  for (const Field& field : answer.fields) {
    if (isListed(config.response_headers, answer.name(field)) && !field.connection_nominated) {
      fields.emplace_back(answer.name(field), answer.value(field));
    }
  }
  return fields;
}

}  // namespace gatewhy
