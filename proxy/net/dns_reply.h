// SPDX-License-Identifier: Apache-2.0
// One DNS reply (RFC 1035) read without trust: every length is checked, every
// walk is bounded. Pure: bytes in, values out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "diagnostics/observation.h"
#include "proxy/net/address.h"

namespace gatewhy {

// A chain of aliases longer than this is taken for a loop.
inline constexpr std::size_t kLongestCnameChain = 16;

struct DnsReply {
  // nullopt: addresses were found.
  std::optional<DnsStatus> failure;
  std::optional<int> rcode;  // with the upper bits of EDNS; absent where the header is no answer
  bool edns = false;         // the server sent an OPT record
  std::optional<std::uint16_t> ede_code;
  std::string ede_text;
  std::vector<std::string> cname_chain;  // names after the one asked for
  bool cname_loop = false;
  std::vector<Address> addresses;  // of the family asked for, port 0
  std::uint32_t ttl_s = 0;         // minimum along the chain and over the addresses
  // How long the absence may be believed (RFC 2308 section 5); absent without
  // an SOA record.
  std::optional<std::uint32_t> negative_ttl_s;
};

// `host` in lower case without the final dot; `family` is AF_INET or AF_INET6.
[[nodiscard]] DnsReply parseDnsReply(std::span<const std::uint8_t> bytes, const std::string& host, int family);

}  // namespace gatewhy
