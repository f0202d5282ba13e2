// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/forward_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace gatewhy {
namespace {

constexpr int kViaRepeats = 3;

// Fields that never pass a hop (RFC 9110 section 7.6.1) or that are written anew.
bool isHopByHop(FieldId id) {
  switch (id) {
    case FieldId::Connection:
    case FieldId::ContentLength:
    case FieldId::KeepAlive:
    case FieldId::ProxyAuthorization:
    case FieldId::ProxyConnection:
    case FieldId::Te:
    case FieldId::TransferEncoding:
    case FieldId::Upgrade:
      return true;
    default:
      return false;
  }
}

bool isRewrittenInRequest(FieldId id) {
  switch (id) {
    case FieldId::CdnLoop:
    case FieldId::Expect:
    case FieldId::Forwarded:
    case FieldId::Host:
    case FieldId::Traceparent:
    case FieldId::Via:
    case FieldId::XForwardedFor:
    case FieldId::XForwardedHost:
    case FieldId::XForwardedProto:
    case FieldId::XRequestId:
      return true;
    default:
      return isHopByHop(id);
  }
}

void appendField(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

bool isEdited(const HeaderEdits* edits, std::string_view name) {
  if (edits == nullptr || edits->empty()) {
    return false;
  }
  const auto same = [&](std::string_view other) { return equalsIgnoreCase(name, other); };
  return std::any_of(edits->remove.begin(), edits->remove.end(), same) ||
         std::any_of(edits->set.begin(), edits->set.end(), [&](const auto& entry) { return same(entry.first); });
}

void appendEdits(std::string& out, const HeaderEdits* edits) {
  if (edits != nullptr) {
    for (const auto& [name, value] : edits->set) {
      appendField(out, name, value);
    }
  }
}

// "old1, old2, added": every line of the field joined, then ours.
void appendListField(std::string& out, std::string_view name, const Head& head, FieldId id, bool keep_old,
                     std::string_view added) {
  out.append(name).append(": ");
  if (keep_old) {
    for (const Field& field : head.fields) {
      if (field.id == id && field.value_size != 0) {
        out.append(head.value(field)).append(", ");
      }
    }
  }
  out.append(added).append("\r\n");
}

bool appendsTo(const RouteConfig& route, std::string_view name) {
  return !isEdited(&route.request_headers, name);
}

void appendTarget(std::string& out, const RequestHead& request, const RouteConfig& route) {
  if (request.method == Method::Options && request.absolute_form && request.path_size == 0 && !request.has_query) {
    out.push_back('*');  // RFC 9112 section 3.2.4
    return;
  }
  std::string_view path = request.path();
  if (route.strip_prefix && !route.path.empty()) {
    path.remove_prefix(std::min(path.size(), route.path.size()));
    if (path.empty() || path.front() != '/') {
      out.push_back('/');
    }
  }
  out.append(path);
  if (request.has_query) {
    out.append("?").append(request.query());
  }
}

void appendHost(std::string& out, const RequestHead& request, const ForwardContext& context) {
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
  fmt::format_to(std::back_inserter(out), "Host: {}{}{}", v6 ? "[" : "", endpoint.host, v6 ? "]" : "");
  if (!default_port) {
    fmt::format_to(std::back_inserter(out), ":{}", endpoint.port);
  }
  out.append("\r\n");
}

// RFC 7239 section 4: an IPv6 address and a host with a port are quoted.
void appendForwarded(std::string& out, const RequestHead& request, const ForwardContext& context) {
  std::string element;
  if (context.client_ip.empty()) {
    element = "for=unknown";
  } else if (context.client_ip.find(':') != std::string_view::npos) {
    element = fmt::format("for=\"[{}]\"", context.client_ip);
  } else {
    element = fmt::format("for={}", context.client_ip);
  }
  if (request.authority_size != 0) {
    element += fmt::format(";host=\"{}\"", request.authority());
  }
  element += fmt::format(";proto={}", context.scheme);
  appendListField(out, "Forwarded", request, FieldId::Forwarded, context.trusted_peer, element);
}

void appendOrigins(std::string& out, const RequestHead& request, const ForwardContext& context) {
  const RouteConfig& route = *context.route;
  const bool trusted = context.trusted_peer;
  if (appendsTo(route, "X-Forwarded-For") && !context.client_ip.empty()) {
    appendListField(out, "X-Forwarded-For", request, FieldId::XForwardedFor, trusted, context.client_ip);
  }
  const auto keepOr = [&](std::string_view name, FieldId id, std::string_view own) {
    const auto old = trusted ? request.valueOf(id) : std::string_view();
    if (appendsTo(route, name) && !(old.empty() && own.empty())) {
      appendField(out, name, old.empty() ? own : old);
    }
  };
  keepOr("X-Forwarded-Proto", FieldId::XForwardedProto, context.scheme);
  keepOr("X-Forwarded-Host", FieldId::XForwardedHost, request.authority());
  if (appendsTo(route, "Forwarded")) {
    appendForwarded(out, request, context);
  }
}

void appendConnection(std::string& out, const RequestHead& request, const ForwardContext& context) {
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

void appendRequestFraming(std::string& out, const RequestHead& request) {
  switch (request.body) {
    case BodyKind::Length:
      fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", request.content_length);
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

void appendStatusLine(std::string& out, const ResponseHead& response) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status, response.reason());
}

void appendVia(std::string& out, const Head& head, std::string_view hop_name) {
  appendListField(out, "Via", head, FieldId::Via, true,
                  fmt::format("1.{} {}", head.version_minor == 0 ? 0 : 1, hop_name));
}

void appendResponseFields(std::string& out, const ResponseHead& response, const HeaderEdits* edits) {
  for (const Field& field : response.fields) {
    if (!isHopByHop(field.id) && !field.connection_nominated && field.id != FieldId::Via &&
        field.id != FieldId::XRequestId && !isEdited(edits, response.name(field))) {
      appendField(out, response.name(field), response.value(field));
    }
  }
  appendEdits(out, edits);
}

int countListMembers(const Head& head, FieldId id, std::string_view name, bool via) {
  int count = 0;
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

void appendRequestHead(std::string& out, const RequestHead& request, const ForwardContext& context) {
  const RouteConfig& route = *context.route;
  out.append(request.methodToken()).push_back(' ');
  appendTarget(out, request, route);
  out.append(" HTTP/1.1\r\n");
  appendHost(out, request, context);
  for (const Field& field : request.fields) {
    if (!isRewrittenInRequest(field.id) && !field.connection_nominated &&
        !isEdited(&route.request_headers, request.name(field))) {
      appendField(out, request.name(field), request.value(field));
    }
  }
  appendOrigins(out, request, context);
  appendVia(out, request, context.hop_name);
  appendListField(out, "CDN-Loop", request, FieldId::CdnLoop, true, context.hop_name);
  appendField(out, "X-Request-ID", context.request_id);
  appendField(out, "traceparent", context.traceparent);
  appendEdits(out, &route.request_headers);
  appendConnection(out, request, context);
  appendRequestFraming(out, request);
  out.append("\r\n");
}

ClientFraming clientFraming(const ResponseHead& response, const RequestHead& request) {
  if (request.method == Method::Head || response.status == 304) {
    return response.has_content_length ? ClientFraming::DeclaredOnly : ClientFraming::None;
  }
  switch (response.body) {
    case BodyKind::None:
      return ClientFraming::None;
    case BodyKind::Length:
      return ClientFraming::Length;
    case BodyKind::Chunked:
    case BodyKind::UntilClose:
      return request.version_minor == 0 ? ClientFraming::UntilClose : ClientFraming::Chunked;
  }
  return ClientFraming::None;
}

void appendResponseHead(std::string& out, const ResponseHead& response, const ResponseContext& context) {
  appendStatusLine(out, response);
  appendResponseFields(out, response, context.edits);
  appendVia(out, response, context.hop_name);
  appendField(out, "X-Request-ID", context.request_id);
  if (!context.proxy_status.empty()) {
    appendListField(out, "Proxy-Status", response, FieldId::Other, false, context.proxy_status);
  }
  switch (context.framing) {
    case ClientFraming::DeclaredOnly:
    case ClientFraming::Length:
      fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", response.content_length);
      break;
    case ClientFraming::Chunked:
      out.append("Transfer-Encoding: chunked\r\n");
      break;
    case ClientFraming::None:
    case ClientFraming::UntilClose:
      break;
  }
  if (context.close) {
    out.append("Connection: close\r\n");
  } else if (context.client_http10) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

void appendInterimHead(std::string& out, const ResponseHead& response) {
  appendStatusLine(out, response);
  for (const Field& field : response.fields) {
    if (!isHopByHop(field.id) && !field.connection_nominated) {
      appendField(out, response.name(field), response.value(field));
    }
  }
  out.append("\r\n");
}

void appendSwitchingHead(std::string& out, const ResponseHead& response, const ResponseContext& context) {
  appendStatusLine(out, response);
  appendResponseFields(out, response, context.edits);
  appendVia(out, response, context.hop_name);
  appendField(out, "X-Request-ID", context.request_id);
  out.append("Connection: Upgrade\r\n");
  appendField(out, "Upgrade", response.valueOf(FieldId::Upgrade));
  out.append("\r\n");
}

bool passedHereBefore(const RequestHead& request, std::string_view hop_name) {
  return countListMembers(request, FieldId::CdnLoop, hop_name, false) > 0 ||
         countListMembers(request, FieldId::Via, hop_name, true) > kViaRepeats;
}

}  // namespace gatewhy
