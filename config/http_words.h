// SPDX-License-Identifier: Apache-2.0
// The grammar of RFC 9110 as far as a configuration holds pieces of it.
// Complaints are "" where nothing is wrong.
#pragma once

#include <string>
#include <string_view>

#include "diagnostics/http_token.h"

namespace gatewhy {

enum class MessageSide { Request, Response };

// Of a field that a route sets or removes.
[[nodiscard]] std::string fieldNameComplaint(std::string_view name, MessageSide side);
[[nodiscard]] std::string fieldValueComplaint(std::string_view value);  // RFC 9110 section 5.5
[[nodiscard]] std::string pathPrefixComplaint(std::string_view path);

// A list of protocols, each a token with or without a version: the value of
// Upgrade (RFC 9110 section 7.8).
[[nodiscard]] std::string protocolsComplaint(std::string_view protocols);

}  // namespace gatewhy
