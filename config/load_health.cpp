// SPDX-License-Identifier: Apache-2.0
// Of an origin: health, eject, slow_start and panic.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "config/http_words.h"
#include "config/load_parts.h"
#include "config/url.h"
#include "diagnostics/http_token.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kFirstStatus = 200, kLastStatus = 599;  // of final responses

std::optional<std::uint16_t> readStatus(std::string_view text) {
  std::uint16_t status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && status >= kFirstStatus && status <= kLastStatus ? std::optional(status) : std::nullopt;
}

// "204" or "200-399".
std::optional<StatusRange> readStatusRange(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = readStatus(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : readStatus(text.substr(dash + 1));
  return first && last && *first <= *last ? std::optional(StatusRange{.first = *first, .last = *last}) : std::nullopt;
}

std::string statusRangeComplaint(const std::string& text) {
  return readStatusRange(text) ? std::string()
                               : fmt::format("'{}' is not a status from {} to {}, or a range such as 200-399", text,
                                             kFirstStatus, kLastStatus);
}

std::string checkTargetComplaint(const std::string& target) {
  if (!target.starts_with('/')) {
    return fmt::format("'{}' does not begin with '/'; leave 'path' out to check the connection only", target);
  }
  const bool fits = std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
  return fits ? std::string()
              : fmt::format("'{}' contains a character that a request target cannot have; write it percent-encoded",
                            target);
}

std::string checkMethodComplaint(const std::string& method) {
  if (!isToken(method)) {
    return fmt::format("'{}' is not a method", method);
  }
  return method == "CONNECT" || method == "TRACE" ? fmt::format("a check cannot use {}", method) : std::string();
}

std::string checkHostComplaint(const std::string& host) {
  if (host.empty()) {
    return "";
  }
  const std::size_t colon = host.find_last_of(":]");
  const bool port = colon != std::string::npos && host[colon] == ':';
  return hostComplaint(port ? std::string_view(host).substr(0, colon) : std::string_view(host));
}

std::string serviceComplaint(const std::string& service) {
  constexpr std::size_t kLongestService = 255;
  if (service.size() > kLongestService) {
    return fmt::format("a service's name can have {} bytes at most", kLongestService);
  }
  const bool fits = std::all_of(service.begin(), service.end(),
                                [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '\x7f'; });
  return fits ? std::string() : "a service's name has no control characters";
}

// A call of gRPC says these itself.
std::string checkFieldComplaint(const std::string& name, const HealthConfig& health) {
  if (lowerCase(name) == "host") {
    return "write 'host' instead of a header";
  }
  if (health.grpc && lowerCase(name) == "content-type") {
    return "'health.grpc' sets Content-Type itself";
  }
  return fieldNameComplaint(name, MessageSide::Request);
}

void readCheck(Reader& reader, Section& section, HealthConfig& health) {
  section.read("path", health.path, checkTargetComplaint);
  if (std::string service; section.read("grpc", service, serviceComplaint)) {
    health.grpc = std::move(service);
  }
  section.read("interval", health.interval);
  section.read("timeout", health.timeout);
  section.read("healthy", health.healthy);
  section.read("unhealthy", health.unhealthy);
  if (section.has("expect")) {
    health.expect.clear();
    for (const ReadValue& item : section.list("expect")) {
      if (const auto text = readText(reader, item, statusRangeComplaint)) {
        health.expect.push_back(*readStatusRange(*text));
      }
    }
  }
  section.read("method", health.method, checkMethodComplaint);
  section.read("host", health.host, checkHostComplaint);
  if (std::uint32_t port = 0; section.read("port", port)) {
    health.port = static_cast<std::uint16_t>(port);
  }
  for (const ReadValue& item : section.map("headers")) {
    const std::string complaint = checkFieldComplaint(item.name, health);
    if (!complaint.empty()) {
      reader.error(item.name_at, complaint);
    }
    if (auto value = readText(reader, item, fieldValueComplaint)) {
      health.headers.emplace_back(item.name, *std::move(value));
    }
  }
}

void readEject(Section& section, OriginConfig& origin) {
  if (!section.isMap("eject")) {
    if (bool on = true; section.read("eject", on) && !on) {
      origin.eject.reset();
    }
    return;
  }
  if (auto eject = section.section("eject")) {
    eject->read("failures", origin.eject->failures);
    eject->read("for", origin.eject->duration);
  }
}

}  // namespace

void readHealthSettings(Reader& reader, Section& section, OriginConfig& origin) {
  if (auto health = section.section("health")) {
    readCheck(reader, *health, origin.health.emplace());
  }
  readEject(section, origin);
  section.read("slow_start", origin.slow_start);
  section.read("panic", origin.panic_percent);
}

}  // namespace gatewhy
