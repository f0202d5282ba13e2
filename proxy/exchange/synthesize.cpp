// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/synthesize.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "diagnostics/accept.h"
#include "diagnostics/answer.h"
#include "diagnostics/proxy_status.h"
#include "diagnostics/reason_phrase.h"
#include "proxy/exchange/answer_text.h"
#include "proxy/exchange/current_date.h"
#include "proxy/exchange/forward_head.h"

namespace gatewhy {
namespace {

constexpr std::size_t kRoomForHead = 768;
constexpr std::uint16_t kOk = 200;
constexpr std::uint16_t kMethodNotAllowed = 405;
constexpr std::uint16_t kUpgradeRequired = 426;

struct OwnMessage {
  std::uint16_t status = 0;
  const Answer& answer;
  std::string_view request_id, proxy_status;
  const FailureFields& fields;
  const HeaderEdits& edits;  // never of framing: the configuration refuses those
};

SynthesizedResponse assemble(const OwnMessage& message, const RequestHead& request) {
  const std::uint16_t status = message.status;
  const FailureFields& fields = message.fields;
  // RFC 9110 sections 15.3.5 and 15.4.5: no content and no length; 15.3.6: a length of 0.
  const bool no_length = status < 200 || status == 204 || status == 304;
  const std::string_view body = no_length || status == 205 ? std::string_view() : message.answer.body;
  SynthesizedResponse made;
  made.status = status;
  made.reason = reasonPhrase(status);
  made.fields.reserve(kRoomForHead);
  const auto framing = [&made](std::string_view name, std::string_view value) {
    made.fields.append(name).append(": ").append(value).append("\r\n");
  };
  const auto field = [&](std::string_view name, std::string_view value) {
    if (!isEdited(message.edits, name)) {
      framing(name, value);
    }
  };
  field("Date", currentDate());
  if (!no_length) {
    if (!body.empty()) {
      field("Content-Type", message.answer.content_type);
      field("X-Content-Type-Options", "nosniff");
      field("Content-Security-Policy", message.answer.policy);
    }
    framing("Content-Length", fmt::format_int(body.size()).c_str());
  }
  if (!message.proxy_status.empty()) {
    field("Proxy-Status", message.proxy_status);
  }
  field("X-Request-ID", message.request_id);
  field("Cache-Control", "no-store");
  if (fields.retry_after_s > 0) {
    field("Retry-After", fmt::format_int(fields.retry_after_s).c_str());
  }
  if (fields.allow) {
    field("Allow", *fields.allow);
  }
  if (!fields.challenge.empty()) {
    framing("WWW-Authenticate", fields.challenge);  // a 401 must have it, RFC 9110 section 15.5.2
  }
  for (const auto& [name, value] : message.edits.set) {
    if (fields.challenge.empty() || !equalsIgnoreCase(name, "WWW-Authenticate")) {
      framing(name, value);
    }
  }
  made.upgrade = fields.upgrade;
  const bool head_only = request.method == Method::Head;
  made.length = no_length ? AnswerLength::None : head_only ? AnswerLength::Told : AnswerLength::Known;
  if (!head_only) {
    made.body = body;
  }
  return made;
}

std::string_view contentTypeOf(const HeaderEdits& edits) {
  const auto found = std::find_if(edits.set.begin(), edits.set.end(),
                                  [](const auto& entry) { return equalsIgnoreCase(entry.first, "Content-Type"); });
  return found == edits.set.end() ? std::string_view() : std::string_view(found->second);
}

// What a route says itself, or its page, or the built-in answer.
Answer fixedAnswer(const FixedResponse& fixed, const DiagnosticsConfig& config, const VariableSource& source,
                   const HeaderEdits& edits) {
  const std::string_view accept = source.request.valueOf(FieldId::Accept);
  const PagesConfig& pages = config.pages;
  const AnswerText text{.status = fixed.status,
                        .retry_after_s = fixed.retry_after ? static_cast<int>(fixed.retry_after->count()) : 0,
                        .date = currentDate(),
                        .site = {.name = pages.name, .contact = pages.contact}};
  if (fixed.body) {
    return {"text/plain; charset=utf-8", writeText(*fixed.body, source, text, contentKind(contentTypeOf(edits)))};
  }
  const OwnPage* page = fixed.page.empty() ? nullptr : pages.named(fixed.page);
  page = page == nullptr ? pages.forStatus(fixed.status) : page;
  if (page != nullptr && negotiateFormat(accept) == AnswerFormat::Html) {
    return makeOwnPage(*page, source, text);
  }
  return makeFixedAnswer(fixed.status, source.request_id, accept, currentDate(), text.site);
}

}  // namespace

bool isOfContent(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 13> kNames{"X-Content-Type-Options",
                                                    "Cache-Control",
                                                    "CDN-Cache-Control",
                                                    "Surrogate-Control",
                                                    "Expires",
                                                    "Age",
                                                    "Pragma",
                                                    "ETag",
                                                    "Last-Modified",
                                                    "Accept-Ranges",
                                                    "Digest",
                                                    "Repr-Digest",
                                                    "Date"};
  constexpr std::string_view kFamily = "Content-";
  return equalsIgnoreCase(name.substr(0, kFamily.size()), kFamily) ||
         std::any_of(kNames.begin(), kNames.end(),
                     [name](std::string_view other) { return equalsIgnoreCase(name, other); });
}

HeaderEdits editsOfFailure(const RouteConfig* route, const VariableSource& source) {
  if (route == nullptr || route->response_headers.empty()) {
    return {};
  }
  HeaderEdits edits = expand(route->response_headers, source);
  std::erase_if(edits.set, [](const auto& entry) { return isOfContent(entry.first); });
  std::erase_if(edits.remove, [](const std::string& name) { return isOfContent(name); });
  return edits;
}

SynthesizedResponse synthesizeFailure(const Diagnosis& diagnosis, const DiagnosticsConfig& config,
                                      const RouteConfig* route, VariableSource source, std::uint16_t origin_status,
                                      const FailureFields& fields) {
  const RequestHead& request = source.request;
  const bool told = config.disclose != Disclose::None;
  source.status = diagnosis.sent_status;
  source.cause = told ? name(diagnosis.cause) : std::string_view();
  const std::string proxy_status = proxyStatus(diagnosis, config.name, config.disclose, origin_status);
  const std::string_view accept = request.valueOf(FieldId::Accept);
  const AnswerSite site{.name = config.pages.name, .contact = config.pages.contact};
  const bool short_of_memory = diagnosis.cause == Cause::ProxyMemoryExhausted;  // and a page may be large
  const OwnPage* page = short_of_memory ? nullptr : config.pages.forStatus(diagnosis.sent_status);
  const bool own = page != nullptr && negotiateFormat(accept) == AnswerFormat::Html;
  const Answer answer = own ? makeOwnPage(*page, source,
                                          {.status = diagnosis.sent_status,
                                           .retry_after_s = fields.retry_after_s,
                                           .date = currentDate(),
                                           .site = site,
                                           .diagnosis = told ? &diagnosis : nullptr,
                                           .evidence = config.disclose == Disclose::Evidence})
                            : makeAnswer(diagnosis, diagnosis.sent_status, source.request_id, accept, config.disclose,
                                         config.name, currentDate(), site);
  return assemble({.status = diagnosis.sent_status,
                   .answer = answer,
                   .request_id = source.request_id,
                   .proxy_status = proxy_status,
                   .fields = fields,
                   .edits = editsOfFailure(route, source)},
                  request);
}

SynthesizedResponse synthesizeFixed(const RouteConfig& route, const DiagnosticsConfig& config, VariableSource source) {
  const FixedResponse& fixed = *route.respond;
  source.status = fixed.status;
  HeaderEdits edits = expand(route.response_headers, source);
  if (fixed.location && !isEdited(edits, "Location")) {
    edits.set.emplace_back("Location", redirectTarget(*fixed.location, source));
  }
  const Answer answer = fixedAnswer(fixed, config, source, edits);
  FailureFields fields;
  if (fixed.retry_after) {
    fields.retry_after_s = static_cast<int>(fixed.retry_after->count());
  }
  if (fixed.status == kMethodNotAllowed) {
    fields.allow = "";  // the route takes no method
  }
  if (fixed.status == kUpgradeRequired) {
    fields.upgrade = fixed.upgrade;
  }
  return assemble({.status = fixed.status,
                   .answer = answer,
                   .request_id = source.request_id,
                   .proxy_status = {},
                   .fields = fields,
                   .edits = edits},
                  source.request);
}

SynthesizedResponse synthesizeOptions(const RouteConfig* route, std::string allow, VariableSource source) {
  source.status = kOk;
  const Answer empty;
  const FailureFields fields{.allow = std::move(allow), .upgrade = {}, .challenge = {}, .retry_after_s = 0};
  return assemble({.status = kOk,
                   .answer = empty,
                   .request_id = source.request_id,
                   .proxy_status = {},
                   .fields = fields,
                   .edits = route == nullptr ? HeaderEdits{} : expand(route->response_headers, source)},
                  source.request);
}

}  // namespace gatewhy
