// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/synthesize.h"

#include <fmt/format.h>

#include <utility>

#include "diagnostics/answer.h"
#include "diagnostics/proxy_status.h"
#include "diagnostics/reason_phrase.h"
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
  made.bytes.reserve(kRoomForHead + body.size());
  const auto framing = [&made](std::string_view name, std::string_view value) {
    made.bytes.append(name).append(": ").append(value).append("\r\n");
  };
  const auto field = [&](std::string_view name, std::string_view value) {
    if (!isEdited(message.edits, name)) {
      framing(name, value);
    }
  };
  made.bytes.append("HTTP/1.1 ").append(fmt::format_int(status).c_str()).append(" ");
  made.bytes.append(reasonPhrase(status)).append("\r\n");
  field("Date", currentDate());
  if (!no_length) {
    if (!body.empty()) {
      field("Content-Type", message.answer.content_type);
      field("X-Content-Type-Options", "nosniff");
      field("Content-Security-Policy", kAnswerPolicy);
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
    field("WWW-Authenticate", fields.challenge);
  }
  for (const auto& [name, value] : message.edits.set) {
    framing(name, value);
  }
  if (!fields.upgrade.empty()) {
    framing("Upgrade", fields.upgrade);
    framing("Connection", "Upgrade");
  }
  if (fields.close) {
    framing("Connection", "close");
  } else if (request.version_minor == 0) {
    framing("Connection", "keep-alive");
  }
  made.bytes += "\r\n";
  if (request.method != Method::Head) {
    made.bytes += body;
    made.body_size = body.size();
  }
  return made;
}

}  // namespace

SynthesizedResponse synthesizeFailure(const Diagnosis& diagnosis, const DiagnosticsConfig& config,
                                      const RequestHead& request, std::string_view request_id,
                                      std::uint16_t origin_status, const FailureFields& fields) {
  const std::string proxy_status = proxyStatus(diagnosis, config.name, config.disclose, origin_status);
  const Answer answer = makeAnswer(diagnosis, diagnosis.sent_status, request_id, request.valueOf(FieldId::Accept),
                                   config.disclose, config.name, currentDate());
  return assemble({.status = diagnosis.sent_status,
                   .answer = answer,
                   .request_id = request_id,
                   .proxy_status = proxy_status,
                   .fields = fields,
                   .edits = {}},
                  request);
}

SynthesizedResponse synthesizeFixed(const RouteConfig& route, const VariableSource& source, bool close) {
  const FixedResponse& fixed = *route.respond;
  const RequestHead& request = source.request;
  const std::string_view request_id = source.request_id;
  HeaderEdits edits = expand(route.response_headers, source);
  if (fixed.location && !isEdited(edits, "Location")) {
    edits.set.emplace_back("Location", redirectTarget(*fixed.location, source));
  }
  const Answer answer = makeFixedAnswer(fixed.status, request_id, request.valueOf(FieldId::Accept), currentDate());
  FailureFields fields{.allow = {}, .upgrade = {}, .challenge = {}, .retry_after_s = 0, .close = close};
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
                   .request_id = request_id,
                   .proxy_status = {},
                   .fields = fields,
                   .edits = edits},
                  request);
}

SynthesizedResponse synthesizeOptions(const RouteConfig* route, std::string allow, const RequestHead& request,
                                      std::string_view request_id, bool close) {
  const HeaderEdits none;
  const Answer empty;
  const FailureFields fields{
      .allow = std::move(allow), .upgrade = {}, .challenge = {}, .retry_after_s = 0, .close = close};
  return assemble({.status = kOk,
                   .answer = empty,
                   .request_id = request_id,
                   .proxy_status = {},
                   .fields = fields,
                   .edits = route == nullptr ? none : route->response_headers},
                  request);
}

}  // namespace gatewhy
