// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/admin_http.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>

#include "config/url.h"
#include "diagnostics/json_writer.h"
#include "diagnostics/octets.h"
#include "diagnostics/reason_phrase.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMaxPairs = 16;

// Nothing that is served may be framed, sniffed, or load anything from
// elsewhere; scripts and styles are files of our own.
constexpr std::string_view kSafety =
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int octet = octets::encodedOctet(text, i);
    if (octet < 0) {
      return std::nullopt;
    }
    out += static_cast<char>(octet);
    i += 2;
  }
  return out;
}

}  // namespace

std::optional<QueryPairs> parseQuery(std::string_view query) {
  QueryPairs pairs;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) {
      continue;
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto key = decode(pair.substr(0, equals));
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!key || !value || pairs.size() == kMaxPairs) {
      return std::nullopt;
    }
    pairs.emplace_back(std::move(*key), std::move(*value));
  }
  return pairs;
}

std::optional<std::string_view> AdminRequest::parameter(std::string_view key) const {
  const auto found = std::find_if(query.begin(), query.end(), [&](const auto& pair) { return pair.first == key; });
  return found == query.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

std::string_view AdminRequest::field(std::string_view name) const {
  const auto found = std::find_if(head.fields.begin(), head.fields.end(),
                                  [&](const Field& field) { return equalsIgnoreCase(head.name(field), name); });
  return found == head.fields.end() ? std::string_view() : head.value(*found);
}

AdminReply adminProblem(std::uint16_t status, std::string_view detail) {
  AdminReply reply;
  reply.status = status;
  reply.content_type = "application/problem+json";
  JsonWriter json(reply.body);
  json.beginObject();
  json.member("type", "about:blank");
  json.member("title", reasonPhrase(status));
  json.memberUnsigned("status", status);
  json.member("detail", detail);
  json.endObject();
  reply.body += '\n';
  return reply;
}

std::string serialize(const AdminReply& reply, bool close, bool head_only) {
  std::string out;
  out.reserve(640 + reply.body.size());
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", reply.status,
                 reasonPhrase(reply.status), fmt::gmtime(std::time(nullptr)));
  fmt::format_to(std::back_inserter(out), "Content-Type: {}\r\n", reply.content_type);
  if (!reply.stream) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", reply.body.size());
  }
  out += kSafety;
  for (const auto& [name, value] : reply.fields) {
    fmt::format_to(std::back_inserter(out), "{}: {}\r\n", name, value);
  }
  out += close ? "Connection: close\r\n\r\n" : "\r\n";
  if (!head_only) {
    out += reply.body;
  }
  return out;
}

bool isTrustedHost(std::string_view host, const std::vector<std::string>& names) {
  return host.empty() || host == "localhost" || host.ends_with(".localhost") || isIpLiteral(host) ||
         std::find(names.begin(), names.end(), host) != names.end();
}

}  // namespace gatewhy
