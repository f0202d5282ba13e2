// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/forward_head.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "config/path_readings.h"
#include "proxy/exchange/client_address.h"
#include "proxy/exchange/dropped_fields.h"
#include "proxy/exchange/sticky_tokens.h"

namespace gatewhy {
namespace {

constexpr int kViaRepeats = 3;

// Fields that never pass a hop (RFC 9110 section 7.6.1), or that frame the message.
constexpr FieldSet kHopByHop = {FieldId::Connection,         FieldId::ContentLength,   FieldId::KeepAlive,
                                FieldId::ProxyAuthorization, FieldId::ProxyConnection, FieldId::Te,
                                FieldId::TransferEncoding,   FieldId::Upgrade};

constexpr FieldSet kNotForwarded = [] {
  FieldSet set = {FieldId::CdnLoop,         FieldId::Expect,    FieldId::Forwarded,     FieldId::Host,
                  FieldId::Traceparent,     FieldId::Via,       FieldId::XForwardedFor, FieldId::XForwardedHost,
                  FieldId::XForwardedProto, FieldId::XRequestId};
  set |= kHopByHop;
  return set;
}();

constexpr FieldSet kNotPassedOn = [] {
  FieldSet set = {FieldId::Via, FieldId::XRequestId};
  set |= kHopByHop;
  return set;
}();

void appendField(TextBuffer& out, std::string_view name, std::string_view value) {
  char* at = out.extend(name.size() + value.size() + 4);
  std::memcpy(at, name.data(), name.size());
  at += name.size();
  *at++ = ':';
  *at++ = ' ';
  at = std::copy(value.begin(), value.end(), at);  // which may be empty, and point nowhere
  at[0] = '\r';
  at[1] = '\n';
}

// Where the field's line ends if it came in the form in which we would write
// it ("Name: value", CRLF), else 0.
std::size_t endAsWritten(const Head& head, const Field& field) {
  const std::size_t end = std::size_t{field.value_at} + field.value_size;
  const bool one_space = field.value_at == field.name_at + field.name_size + 2 && head.bytes[field.value_at - 1] == ' ';
  return one_space && head.bytes[end] == '\r' ? end + 2 : 0;
}

// The fields that are neither `dropped` (by index) nor in `held_back` nor nominated by Connection nor
// edited. Nearly all lines come as they would be written, so that neighbours
// among them are one copy.
void appendFields(TextBuffer& out, const Head& head, FieldSet held_back, const HeaderEdits* edits,
                  std::span<const std::uint32_t> dropped = {}) {
  const bool edited = edits != nullptr && !edits->empty();
  std::size_t run_at = 0;
  std::size_t run_end = 0;
  const auto endRun = [&] { out.append(head.bytes.data() + run_at, run_end - run_at); };
  for (const Field& field : head.fields) {
    if (!dropped.empty() && dropped.front() == static_cast<std::uint32_t>(&field - head.fields.data())) {
      dropped = dropped.subspan(1);
      continue;
    }
    if (held_back.has(field.id) || field.connection_nominated || (edited && isEdited(*edits, head.name(field)))) {
      continue;
    }
    const std::size_t end = endAsWritten(head, field);
    if (end == 0 || field.name_at != run_end) {
      endRun();
      run_at = run_end = field.name_at;
    }
    if (end == 0) {
      appendField(out, head.name(field), head.value(field));
    } else {
      run_end = end;
    }
  }
  endRun();
}

void appendEdits(TextBuffer& out, const HeaderEdits* edits) {
  if (edits != nullptr) {
    for (const auto& [name, value] : edits->set) {
      appendField(out, name, value);
    }
  }
}

// "old1, old2, ": every line of the field joined, ours follows.
void appendMembers(TextBuffer& out, const Head& head, FieldId id) {
  if (!head.present.has(id)) {
    return;
  }
  for (const Field& field : head.fields) {
    if (field.id == id && field.value_size != 0) {
      out.append(head.value(field));
      out.append(", ");
    }
  }
}

void appendListField(TextBuffer& out, std::string_view name, const Head& head, FieldId id, std::string_view added) {
  out.append(name);
  out.append(": ");
  appendMembers(out, head, id);
  out.append(added);
  out.append("\r\n");
}

// Whether a field that we add is added: not where the route sets its own or wants none.
bool adds(const HeaderEdits* edits, std::string_view name) {
  return edits == nullptr || edits->empty() || !isEdited(*edits, name);
}

void appendOwn(TextBuffer& out, const HeaderEdits* edits, std::string_view name, std::string_view value) {
  if (adds(edits, name)) {
    appendField(out, name, value);
  }
}

const HeaderEdits* editsOf(const ForwardContext& context) {
  return context.edits != nullptr ? context.edits : &context.route->request_headers;
}

// What the request says but for our own cookie.
void appendFieldsWithoutCookie(TextBuffer& out, const RequestHead& request, FieldSet held_back,
                               const ForwardContext& context) {
  const HeaderEdits* edits = editsOf(context);
  std::vector<std::uint32_t> dropped(context.dropped.begin(), context.dropped.end());
  std::vector<std::string> cookies;
  for (std::uint32_t i = 0; i < request.fields.size(); ++i) {
    const Field& field = request.fields[i];
    if (field.id != FieldId::Other || !equalsIgnoreCase(request.name(field), "cookie") ||
        std::find(context.dropped.begin(), context.dropped.end(), i) != context.dropped.end()) {
      continue;
    }
    if (auto rest = withoutCookie(request.value(field), context.own_cookie)) {
      dropped.push_back(i);
      if (!rest->empty() && !field.connection_nominated && adds(edits, "Cookie")) {
        cookies.push_back(*std::move(rest));
      }
    }
  }
  std::sort(dropped.begin(), dropped.end());
  appendFields(out, request, held_back, edits, dropped);
  for (const std::string& cookie : cookies) {
    appendField(out, "Cookie", cookie);
  }
}

void appendTarget(TextBuffer& out, const RequestHead& request, const ForwardContext& context) {
  const RouteConfig& route = *context.route;
  if (request.method == Method::Options && request.absolute_form && request.path_size == 0 && !request.has_query) {
    out.push_back('*');  // RFC 9112 section 3.2.4
    return;
  }
  std::string_view path = context.path.empty() ? request.path() : context.path;
  if (route.strip_prefix && !route.path.empty() && !route.rewrite) {
    path = withoutPrefix(path, route.path);
    if (path.empty() || path.front() != '/') {
      out.push_back('/');
    }
  }
  out.append(path);
  if (request.has_query) {
    out.push_back('?');
    out.append(request.query());
  }
}

void appendHost(TextBuffer& out, const RequestHead& request, const ForwardContext& context) {
  if (context.route->preserve_host && request.authority_size != 0) {
    appendField(out, "Host", request.authority());
    return;
  }
  const EndpointConfig& endpoint = *context.endpoint;
  if (endpoint.scheme == EndpointScheme::Unix) {
    appendField(out, "Host", "localhost");
    return;
  }
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  const bool default_port = endpoint.port == (endpoint.scheme == EndpointScheme::Https ? 443 : 80);
  out.append(v6 ? "Host: [" : "Host: ");
  out.append(endpoint.host);
  if (v6) {
    out.push_back(']');
  }
  if (!default_port) {
    out.push_back(':');
    appendDecimal(out, endpoint.port);
  }
  out.append("\r\n");
}

// RFC 7239 section 4: an IPv6 address and a host with a port are quoted.
void appendForwarded(TextBuffer& out, const RequestHead& request, const ForwardContext& context) {
  out.append("Forwarded: ");
  if (context.trusted_peer) {
    appendMembers(out, request, FieldId::Forwarded);
  }
  if (context.client_ip.empty()) {
    out.append("for=unknown");
  } else if (context.client_ip.find(':') != std::string_view::npos) {
    out.append("for=\"[");
    out.append(context.client_ip);
    out.append("]\"");
  } else {
    out.append("for=");
    out.append(context.client_ip);
  }
  if (request.authority_size != 0) {
    out.append(";host=\"");
    out.append(request.authority());
    out.push_back('"');
  }
  out.append(";proto=");
  out.append(context.scheme);
  out.append("\r\n");
}

void appendOrigins(TextBuffer& out, const RequestHead& request, const ForwardContext& context) {
  const HeaderEdits* edits = editsOf(context);
  const bool trusted = context.trusted_peer;
  if (adds(edits, "X-Forwarded-For") && !context.client_ip.empty()) {
    out.append("X-Forwarded-For: ");
    if (trusted) {
      appendEarlierHops(out, request);
    }
    out.append(context.client_ip);
    out.append("\r\n");
  }
  const auto keepOr = [&](std::string_view name, FieldId id, std::string_view own) {
    const auto old = trusted ? nearestValue(request, id) : std::string_view();
    if (adds(edits, name) && !(old.empty() && own.empty())) {
      appendField(out, name, old.empty() ? own : old);
    }
  };
  keepOr("X-Forwarded-Proto", FieldId::XForwardedProto, context.scheme);
  keepOr("X-Forwarded-Host", FieldId::XForwardedHost, request.authority());
  if (adds(edits, "Forwarded")) {
    appendForwarded(out, request, context);
  }
}

void appendConnection(TextBuffer& out, const RequestHead& request, const ForwardContext& context) {
  if (context.upgrade) {
    out.append(request.te_trailers ? "Connection: Upgrade, TE\r\n" : "Connection: Upgrade\r\n");
    appendField(out, "Upgrade", request.valueOf(FieldId::Upgrade));
  } else if (request.te_trailers) {
    out.append("Connection: TE\r\n");
  }
  if (request.te_trailers) {
    out.append("TE: trailers\r\n");
  }
}

void appendContentLength(TextBuffer& out, std::uint64_t length) {
  out.append("Content-Length: ");
  appendDecimal(out, length);
  out.append("\r\n");
}

void appendRequestFraming(TextBuffer& out, const RequestHead& request) {
  switch (request.body) {
    case BodyKind::Length:
      appendContentLength(out, request.content_length);
      break;
    case BodyKind::Chunked:
      out.append("Transfer-Encoding: chunked\r\n");
      break;
    case BodyKind::None:
    case BodyKind::UntilClose:
      break;
  }
  if (request.expect_continue) {
    out.append("Expect: 100-continue\r\n");
  }
}

void appendVia(TextBuffer& out, const Head& head, std::string_view hop_name, const HeaderEdits* edits) {
  if (hop_name.empty() || !adds(edits, "Via")) {
    return;
  }
  out.append("Via: ");
  appendMembers(out, head, FieldId::Via);
  out.append(head.version());
  out.push_back(' ');
  out.append(hop_name);
  out.append("\r\n");
}

int countListMembers(const Head& head, FieldId id, std::string_view name, bool via) {
  int count = 0;
  if (!head.present.has(id)) {
    return count;
  }
  for (const Field& field : head.fields) {
    if (field.id != id) {
      continue;
    }
    std::string_view rest = head.value(field);
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      std::string_view member = rest.substr(0, comma);
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
      const auto trim = [&] { member.remove_prefix(std::min(member.find_first_not_of(" \t"), member.size())); };
      trim();
      if (via) {  // "1.1 name (comment)": skip received-protocol
        member.remove_prefix(std::min(member.find_first_of(" \t"), member.size()));
        trim();
      }
      member = member.substr(0, member.find_first_of(" \t;("));
      count += equalsIgnoreCase(member, name) ? 1 : 0;
    }
  }
  return count;
}

}  // namespace

bool isEdited(const HeaderEdits& edits, std::string_view name) noexcept {
  const auto same = [&](std::string_view other) { return equalsIgnoreCase(name, other); };
  return std::any_of(edits.remove.begin(), edits.remove.end(), same) ||
         std::any_of(edits.set.begin(), edits.set.end(), [&](const auto& entry) { return same(entry.first); });
}

bool isOwnRequestField(FieldId id) noexcept {
  return kNotForwarded.has(id);
}

std::string_view nearestValue(const RequestHead& request, FieldId id) noexcept {
  if (!request.present.has(id)) {
    return {};
  }
  const auto last =
      std::find_if(request.fields.rbegin(), request.fields.rend(), [id](const Field& field) { return field.id == id; });
  std::string_view value = last == request.fields.rend() ? std::string_view() : request.value(*last);
  if (const auto comma = value.rfind(','); comma != std::string_view::npos) {
    value.remove_prefix(comma + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  }
  return value;
}

void appendRequestHead(TextBuffer& out, const RequestHead& request, const ForwardContext& context) {
  const HeaderEdits* edits = editsOf(context);
  out.append(request.methodToken());
  out.push_back(' ');
  appendTarget(out, request, context);
  out.append(" HTTP/1.1\r\n");
  appendHost(out, request, context);
  FieldSet held_back = kNotForwarded;
  const auto hops_left = request.maxForwards();
  if (hops_left) {
    held_back.add(FieldId::MaxForwards);
  }
  if (context.route->basic_auth && !context.route->basic_auth->forward) {
    held_back.add(FieldId::Authorization);  // was for us
  }
  if (context.own_cookie.empty()) {
    appendFields(out, request, held_back, edits, context.dropped);
  } else {
    appendFieldsWithoutCookie(out, request, held_back, context);
  }
  if (hops_left && adds(edits, "Max-Forwards")) {
    out.append("Max-Forwards: ");
    appendDecimal(out, *hops_left == 0 ? 0 : *hops_left - 1);  // one with 0 is answered here
    out.append("\r\n");
  }
  appendOrigins(out, request, context);
  appendVia(out, request, context.hop_name, edits);
  if (!context.hop_name.empty()) {
    appendListField(out, "CDN-Loop", request, FieldId::CdnLoop, context.hop_name);
  }
  appendOwn(out, edits, "X-Request-ID", context.request_id);
  appendOwn(out, edits, "traceparent", context.traceparent);
  appendEdits(out, edits);
  appendConnection(out, request, context);
  appendRequestFraming(out, request);
  out.append("\r\n");
}

AnswerLength answerLength(const ResponseHead& response, const RequestHead& request) {
  if (request.method == Method::Head || response.status == 304) {
    return response.has_content_length ? AnswerLength::Told : AnswerLength::None;
  }
  switch (response.body) {
    case BodyKind::None:
      return AnswerLength::None;
    case BodyKind::Length:
      return AnswerLength::Known;
    case BodyKind::Chunked:
    case BodyKind::UntilClose:
      return AnswerLength::Unknown;
  }
  return AnswerLength::None;
}

void appendResponseFields(TextBuffer& out, const ResponseHead& response, const ResponseContext& context,
                          AnswerLength length) {
  appendFields(out, response, kNotPassedOn, context.edits);
  appendEdits(out, context.edits);
  if (!context.date.empty() && !response.present.has(FieldId::Date)) {
    appendOwn(out, context.edits, "Date", context.date);
  }
  appendVia(out, response, context.hop_name, context.edits);
  appendOwn(out, context.edits, "X-Request-ID", context.request_id);
  if (!context.set_cookie.empty()) {
    appendField(out, "Set-Cookie", context.set_cookie);
  }
  if (!context.proxy_status.empty()) {
    appendOwn(out, context.edits, "Proxy-Status", context.proxy_status);
  }
  if (length == AnswerLength::Told || length == AnswerLength::Known) {
    appendContentLength(out, response.content_length);
  }
}

void appendInterimFields(TextBuffer& out, const ResponseHead& response) {
  appendFields(out, response, kHopByHop, nullptr);
}

bool passedHereBefore(const RequestHead& request, std::string_view hop_name) {
  return countListMembers(request, FieldId::CdnLoop, hop_name, false) > 0 ||
         countListMembers(request, FieldId::Via, hop_name, true) > kViaRepeats;
}

}  // namespace gatewhy
