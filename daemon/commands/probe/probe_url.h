// SPDX-License-Identifier: Apache-2.0
// What `gatewhy probe` was asked to fetch, taken apart. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/result.h"

namespace gatewhy {

struct ProbeUrl {
  std::string endpoint;   // as a configuration writes it: "https://shop.example:8443", "unix:/run/app.sock"
  std::string authority;  // for Host
  std::string target;     // path and query, without the fragment; at least "/"
};
// http:// and https:// URLs, and unix:/path.sock[:/path]. The error is a sentence.
[[nodiscard]] Result<ProbeUrl, std::string> parseProbeUrl(std::string_view url);

// `--resolve HOST:PORT:ADDR[,ADDR]`: one entry per address.
struct PinnedName {
  std::string host;  // lower case
  std::uint16_t port = 0;
  std::vector<std::string> addresses;  // IP literals without brackets
};
[[nodiscard]] Result<PinnedName, std::string> parsePinnedName(std::string_view text);

}  // namespace gatewhy
