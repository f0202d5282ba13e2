// SPDX-License-Identifier: Apache-2.0
// A DNS server's answers as data: bytes of a query in, bytes of the scripted
// answer out. No socket and no clock, so that unit tests and the stand-alone
// server process give the same answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatewhy {

struct DnsRule {
  std::string name;  // compared without case; "*" matches every name
  std::string type;  // "A", "AAAA", "*"
  // "addresses", "nxdomain", "nodata", "servfail", "refused", "formerr",
  // "notimp", "garbage", "silent", "cname", "truncated"
  std::string action;
  // addresses, truncated: those of the family asked for are sent (none: no
  // data). cname: the first is the target, whose own rule continues the
  // answer; a target without a rule ends it.
  std::vector<std::string> values;
  std::uint32_t ttl = 60;  // also the SOA's TTL and minimum in negative answers
  int ede = -1;            // RFC 8914 code, sent where the query has EDNS; -1 = none
  std::string ede_text;
};

// Over UDP `truncated` answers with TC and nothing else; over TCP it is `addresses`.
enum class DnsCarrier : std::uint8_t { Udp, Tcp };

// The first rule that matches decides; without one the name does not exist.
// nullopt = stay silent.
[[nodiscard]] std::optional<std::string> answerDns(std::string_view query, const std::vector<DnsRule>& rules,
                                                   DnsCarrier carrier = DnsCarrier::Udp);

// Of a query's bytes, for counting what was asked; nullopt = not a query.
struct DnsQuestion {
  std::string name;  // lower case, without the final dot
  std::string type;  // "A", "AAAA", "TYPE16"
};
[[nodiscard]] std::optional<DnsQuestion> readDnsQuestion(std::string_view query);

}  // namespace gatewhy
