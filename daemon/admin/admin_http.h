// SPDX-License-Identifier: Apache-2.0
// What the admin listener speaks: a small part of HTTP/1.1, as values. No
// socket here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/admin/recent_failures.h"
#include "proxy/http/message.h"

namespace gatewhy {

// Key and value, percent-decoded.
using QueryPairs = std::vector<std::pair<std::string, std::string>>;
// nullopt: a '%' without two hex digits, or more than 16 pairs.
[[nodiscard]] std::optional<QueryPairs> parseQuery(std::string_view query);

struct AdminRequest {
  const RequestHead& head;
  QueryPairs query;
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view key) const;  // the first of that name
  [[nodiscard]] std::string_view field(std::string_view name) const;                    // "" where absent
};

// A reply that does not end: failures after `since`, as server-sent events.
struct EventStreamStart {
  std::uint64_t since = 0;
  FailureFilter filter;
};

inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
inline constexpr std::string_view kJson = "application/json";

struct AdminReply {
  std::uint16_t status = 200;
  std::string_view content_type = kPlainText;  // static storage
  std::string body;
  std::vector<std::pair<std::string_view, std::string>> fields;  // further ones; names with static storage
  std::optional<EventStreamStart> stream;
};

// RFC 9457.
[[nodiscard]] AdminReply adminProblem(std::uint16_t status, std::string_view detail);

// Head and body. `close` ends the connection after it; `head_only` answers HEAD.
[[nodiscard]] std::string serialize(const AdminReply& reply, bool close, bool head_only);

// Browsers send the name that a page was loaded from: a name that is not ours
// is a page that somebody made resolve to this machine (DNS rebinding).
// `host` as parsed: lower case, without port and brackets.
[[nodiscard]] bool isTrustedHost(std::string_view host, const std::vector<std::string>& names);

}  // namespace gatewhy
