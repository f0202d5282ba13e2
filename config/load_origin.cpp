// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/load_parts.h"
#include "config/text_template.h"
#include "config/url.h"
#include "diagnostics/http_token.h"

namespace gatewhy {
namespace {

std::string urlComplaint(const std::string& url) {
  const auto endpoint = parseEndpoint(url);
  return endpoint ? std::string() : endpoint.error();
}

std::optional<EndpointConfig> readEndpoint(Reader& reader, const ReadValue& item) {
  const auto parsed = [](const std::string& url) { return *parseEndpoint(url); };
  if (item.node->kind == YamlNode::Kind::Scalar) {
    const auto url = readText(reader, item, urlComplaint);
    return url ? std::optional(parsed(*url)) : std::nullopt;
  }
  auto section = Section::open(reader, item);
  if (!section) {
    return std::nullopt;
  }
  EndpointConfig endpoint;
  std::string url;
  if (section->read("url", url, urlComplaint)) {
    endpoint = parsed(url);
  }
  section->read("weight", endpoint.weight);
  section->read("backup", endpoint.backup);
  return endpoint;
}

void readTimeouts(Section& section, OriginTimeouts& timeouts) {
  section.read("resolve", timeouts.resolve);
  section.read("connect", timeouts.connect);
  section.read("tls_handshake", timeouts.tls_handshake);
  section.read("send", timeouts.send);
  section.read("response_head", timeouts.response_head);
  section.read("response_idle", timeouts.response_idle);
  section.read("tunnel", timeouts.tunnel);
  section.read("exchange", timeouts.exchange);
}

void readTls(Reader& reader, Section& section, OriginTls& tls) {
  section.read("verify", tls.verify);
  section.read("ca_file", tls.ca_file);
  section.read("crl_file", tls.crl_file);
  section.read("server_name", tls.server_name,
               [](const std::string& name) { return name.empty() ? std::string() : hostComplaint(name); });
  tls.server_name = std::string(withoutFinalDot(tls.server_name));
  std::size_t version = 0;
  if (section.readWord("min_version", version)) {
    tls.min_version = version == 0 ? "1.2" : "1.3";
  }
  section.read("certificate", tls.certificate);
  section.read("key", tls.key);
  if (!tls.certificate.empty() && !section.has("key")) {
    reader.error(section.at("certificate"), "'tls.certificate' needs 'tls.key'");
  }
  if (!tls.key.empty() && !section.has("certificate")) {
    reader.error(section.at("key"), "'tls.key' needs 'tls.certificate'");
  }
}

// RFC 6265 section 4.1.1: a token.
std::string ownCookieComplaint(const std::string& name) {
  return isToken(name) ? std::string() : fmt::format("'{}' is not a cookie's name: letters, digits, '_' and '-'", name);
}

void readBalance(Reader& reader, Section& section, OriginConfig& origin) {
  if (!section.isMap("balance")) {
    section.readWord("balance", origin.balance);
    return;
  }
  auto balance = section.section("balance");
  if (!balance) {
    return;
  }
  origin.balance = Balance::Hash;
  std::string text;
  if (balance->read("hash", text)) {
    auto key = TextTemplate::parse(text, TemplatePlace::Request);
    if (key) {
      origin.hash_key = std::move(key).value();
    } else {
      reader.error(balance->at("hash"), fmt::format("'balance.hash': {}", key.error()));
    }
  }
}

std::string nameComplaint(const std::string& name) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
  constexpr std::array<std::string_view, 9> kOldWords{"yes", "no", "on", "off", "y", "n", "true", "false", "null"};
  if (name.empty() || name.size() > 64 || name.find_first_not_of(kAllowed) != std::string::npos) {
    return fmt::format("'{}' is not a name for an origin: letters, digits, '_', '-' and '.', at most 64", name);
  }
  // Other YAML tools read such a key as something else than text.
  const std::string lower = lowerCase(name);
  if (std::find(kOldWords.begin(), kOldWords.end(), lower) != kOldWords.end()) {
    return fmt::format("'{}' is a boolean word to other YAML tools; choose another name for the origin", name);
  }
  return "";
}

}  // namespace

OriginConfig readOrigin(Reader& reader, Section& section) {
  OriginConfig origin;
  for (const ReadValue& item : section.list("endpoints")) {
    if (auto endpoint = readEndpoint(reader, item)) {
      origin.endpoints.push_back(*std::move(endpoint));
    }
  }
  readBalance(reader, section, origin);
  if (auto sticky = section.section("sticky")) {
    origin.sticky.emplace();
    sticky->read("cookie", origin.sticky->cookie, ownCookieComplaint);
  }
  if (auto timeouts = section.section("timeouts")) {
    readTimeouts(*timeouts, origin.timeouts);
  }
  if (auto tls = section.section("tls")) {
    readTls(reader, *tls, origin.tls);
  }
  if (auto limits = section.section("limits")) {
    limits->read("response_head", origin.limits.response_head);
    limits->read("connections", origin.limits.connections);
    limits->read("pending", origin.limits.pending);
  }
  if (auto keep_alive = section.section("keep_alive")) {
    keep_alive->read("idle", origin.keep_alive.idle);
    keep_alive->readOrAuto("timeout", origin.keep_alive.timeout, origin.keep_alive.learn);
  }
  if (auto retry = section.section("retry")) {
    retry->read("attempts", origin.retry.attempts);
    retry->read("budget", origin.retry.budget_percent);
  }
  section.readWord("strictness", origin.strictness);
  section.readWord("send_proxy_protocol", origin.send_proxy_protocol);
  section.read("http2", origin.http2);
  for (EndpointConfig& endpoint : origin.endpoints) {
    if (endpoint.http == EndpointHttp::Negotiated && !origin.http2) {
      endpoint.http = EndpointHttp::Http1;
    }
  }
  readHealthSettings(reader, section, origin);
  return origin;
}

void readOrigins(Reader& reader, Section& top, Config& config) {
  for (const ReadValue& item : top.map("origins")) {
    const std::string complaint = nameComplaint(item.name);
    if (!complaint.empty()) {
      reader.error(item.name_at, complaint);
    }
    OriginConfig origin;
    if (auto section = Section::open(reader, item)) {
      origin = readOrigin(reader, *section);
    }
    // Even a broken one counts, so that routes which name it are not blamed.
    origin.name = item.name;
    config.origins.push_back(std::move(origin));
  }
}

}  // namespace gatewhy
