// SPDX-License-Identifier: Apache-2.0
// Heads for the next hop, written anew from parsed values: nothing that frames
// or routes a message is copied (RFC 9110 section 7.6, RFC 9112 section 6).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "config/config.h"
#include "diagnostics/text_buffer.h"
#include "proxy/http/answer_head.h"
#include "proxy/http/message.h"

namespace gatewhy {

// Facts about the request's way here that its forwarded head tells the origin.
struct ForwardContext {
  std::string_view hop_name;   // diagnostics.name; "" = not a hop (probe): no Via, no CDN-Loop
  std::string_view client_ip;  // no brackets; "" for a unix socket
  std::string_view scheme;     // "http" or "https" towards the client
  bool trusted_peer = false;   // the client is one of trusted_proxies
  std::string_view request_id;
  std::string_view traceparent;
  const HeaderEdits* edits = nullptr;      // the route's, expanded; null = as they are written
  std::span<const std::uint32_t> dropped;  // fields of the request, by index, ascending (dropped_fields.h)
  std::string_view path;                   // to be forwarded instead of the request's own; "" = as sent
  const RouteConfig* route = nullptr;
  const EndpointConfig* endpoint = nullptr;
  bool upgrade = false;         // forward Upgrade and Connection: Upgrade
  std::string_view own_cookie;  // of ours, by name: not forwarded; "" = none
};

// Appends the request head for the origin.
void appendRequestHead(TextBuffer& out, const RequestHead& request, const ForwardContext& context);

// The value of a field of which a trusted chain may have written several lines
// or members: the last, which the nearest hop wrote. "" where absent.
[[nodiscard]] std::string_view nearestValue(const RequestHead& request, FieldId id) noexcept;

// What is known of the content that passes on to the client.
[[nodiscard]] AnswerLength answerLength(const ResponseHead& response, const RequestHead& request);

struct ResponseContext {
  std::string_view hop_name;
  std::string_view request_id;
  std::string_view proxy_status;  // "" = none
  std::string_view date;          // for a response that has none: whoever has a clock adds it (RFC 9110 section 6.6.1)
  std::string_view set_cookie;    // a cookie of ours, in a field of its own; "" = none
  const HeaderEdits* edits = nullptr;
};
// Appends the fields of a final head or a 101 that passes on to the client, with
// Content-Length where `length` tells one.
void appendResponseFields(TextBuffer& out, const ResponseHead& response, const ResponseContext& context,
                          AnswerLength length);
// The same of another 1xx: its end-to-end fields are kept.
void appendInterimFields(TextBuffer& out, const ResponseHead& response);

// True where the request has passed this hop before: own name in CDN-Loop
// (RFC 8586), or in Via more often than a sane chain explains.
[[nodiscard]] bool passedHereBefore(const RequestHead& request, std::string_view hop_name);

// Whether the edits set or remove the field.
[[nodiscard]] bool isEdited(const HeaderEdits& edits, std::string_view name) noexcept;

}  // namespace gatewhy
