// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/dns_verdict.h"

#include <algorithm>
#include <cassert>

#include "proxy/net/dns_lookup.h"

namespace gatewhy {

void addServerAnswers(DnsFault& into, const DnsFault& from) {
  for (const DnsServerAnswer& answer : from.servers) {
    const bool known = std::any_of(into.servers.begin(), into.servers.end(), [&](const DnsServerAnswer& other) {
      return other.server == answer.server && other.type == answer.type;
    });
    if (!known) {
      into.servers.push_back(answer);
    }
  }
}

DnsFault dnsVerdict(const std::optional<DnsFault>& v6, const std::optional<DnsFault>& v4) {
  assert(v6 || v4);
  if (!v6 || !v4) {
    return v6 ? *v6 : *v4;
  }
  const bool v4_says_more = informativeness(v4->status) >= informativeness(v6->status);
  DnsFault verdict = v4_says_more ? *v4 : *v6;
  const DnsFault& other = v4_says_more ? *v6 : *v4;
  addServerAnswers(verdict, other);
  verdict.elapsed_ms = std::max(verdict.elapsed_ms, other.elapsed_ms);
  if (verdict.cname_chain.empty()) {
    verdict.cname_chain = other.cname_chain;
    verdict.cname_loop = other.cname_loop;
  }
  if (!verdict.ede_code) {
    verdict.ede_code = other.ede_code;
    verdict.ede_text = other.ede_text;
  }
  return verdict;
}

}  // namespace gatewhy
