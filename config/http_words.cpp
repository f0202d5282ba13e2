// SPDX-License-Identifier: Apache-2.0
#include "config/http_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/path_readings.h"
#include "config/url.h"

namespace gatewhy {
namespace {

// Fields that say where a message ends or that belong to one connection (RFC
// 9110 section 7.6.1); gatewhy writes them itself. A route that changed them
// could make two readers of one message disagree about its end.
constexpr std::array<std::string_view, 10> kFramingFields{
    "connection", "content-length", "http2-settings",    "keep-alive", "proxy-connection",
    "te",         "trailer",        "transfer-encoding", "upgrade",    "expect"};

}  // namespace

std::string fieldNameComplaint(std::string_view name, MessageSide side) {
  if (!isToken(name)) {
    return fmt::format("'{}' is not a header name", name);
  }
  const std::string lower = lowerCase(name);
  if (std::find(kFramingFields.begin(), kFramingFields.end(), lower) != kFramingFields.end()) {
    return fmt::format("'{}' cannot be changed: it belongs to the connection or to the message's framing", name);
  }
  if (side == MessageSide::Request && lower == "host") {
    return fmt::format("'{}' cannot be changed here; see preserve_host", name);
  }
  if (side == MessageSide::Request && lower == "cdn-loop") {
    return fmt::format("'{}' cannot be changed: without it loops go unnoticed (RFC 8586)", name);
  }
  return "";
}

std::string fieldValueComplaint(std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) {
      return fmt::format("a header value cannot contain U+{:04X}", byte);
    }
  }
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!value.empty() && (blank(value.front()) || blank(value.back()))) {
    return "a header value cannot begin or end with a blank";
  }
  return "";
}

std::string pathPrefixComplaint(std::string_view path) {
  if (!path.starts_with('/')) {
    return fmt::format("'{}' does not begin with '/'", path);
  }
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F || c == '?' || c == '#') {
      return fmt::format("'{}' contains a character that a path cannot have; write it percent-encoded", path);
    }
  }
  const std::string normal = rfcNormalPath(path);
  if (normal != path) {
    return fmt::format("'{}' is another spelling of '{}'; write that", path, normal);
  }
  return "";
}

std::string protocolsComplaint(std::string_view protocols) {
  for (std::string_view rest = protocols;;) {
    const std::size_t comma = rest.find(',');
    std::string_view one = rest.substr(0, comma);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    one = one.substr(0, one.find_last_not_of(' ') + 1);
    const std::size_t slash = one.find('/');
    if (!isToken(one.substr(0, slash)) || (slash != std::string_view::npos && !isToken(one.substr(slash + 1)))) {
      return fmt::format("'{}' is not a protocol; write websocket, or HTTP/2.0", one);
    }
    if (comma == std::string_view::npos) {
      return "";
    }
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace gatewhy
