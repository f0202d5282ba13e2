// SPDX-License-Identifier: Apache-2.0
#include "config/claimed_fields.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "diagnostics/field_id.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

constexpr auto kClaimed = std::to_array<ClaimedField>({
    // Families first.
    {"X-Forwarded-*", "port, prefix, server, scheme, user and so on, as a gateway saw them"},
    {"X-SSL-*", "the client's certificate, its name, that it was verified"},
    {"SSL-Client-*", "the client's certificate, its name, that it was verified"},
    {"Remote-*", "who has logged in, with groups, name and mail (Authelia and others)"},
    {"X-WebAuth-*", "who has logged in (Grafana)"},
    {"X-Auth-Request-*", "who has logged in (oauth2-proxy)"},
    // Names.
    {"X-Real-IP", "the client's address (nginx)"},
    {"X-Client-IP", "the client's address"},
    {"X-Cluster-Client-IP", "the client's address"},
    {"X-ProxyUser-Ip", "the client's address"},
    {"X-Original-Forwarded-For", "the client's address (ingress-nginx)"},
    {"True-Client-IP", "the client's address (Akamai, Cloudflare)"},
    {"CF-Connecting-IP", "the client's address (Cloudflare)"},
    {"CF-Connecting-IPv6", "the client's address (Cloudflare)"},
    {"Fastly-Client-IP", "the client's address (Fastly)"},
    {"X-Azure-ClientIP", "the client's address (Azure)"},
    {"X-Envoy-External-Address", "the client's address (Envoy)"},
    {"X-Forwarded", "the client's address, before RFC 7239"},
    {"Client-IP", "the client's address"},
    {"X-Originating-IP", "the client's address"},
    {"X-Remote-IP", "the client's address"},
    {"X-Remote-Addr", "the client's address"},
    {"Proxy-Client-IP", "the client's address"},
    {"WL-Proxy-Client-IP", "the client's address (WebLogic)"},
    {"X-Appengine-User-IP", "the client's address (App Engine)"},
    {"X-Original-URL", "the path to serve instead of the one that was asked for (IIS, Symfony)"},
    {"X-Rewrite-URL", "the path to serve instead of the one that was asked for (IIS)"},
    {"X-Original-URI", "the path that was asked for (ingress-nginx)"},
    {"X-Original-Host", "the host that was asked for"},
    {"X-Host", "the host that was asked for"},
    {"X-HTTP-Host-Override", "the host that was asked for"},
    {"X-Url-Scheme", "that the client came over TLS"},
    {"X-Scheme", "that the client came over TLS (ingress-nginx)"},
    {"CF-Visitor", "that the client came over TLS (Cloudflare)"},
    {"Front-End-Https", "that the client came over TLS"},
    {"Client-Cert", "the client's certificate (RFC 9440)"},
    {"Client-Cert-Chain", "the client's certificate (RFC 9440)"},
    {"X-ARR-ClientCert", "the client's certificate (Azure, IIS)"},
    {"X-Client-Cert", "the client's certificate"},
    {"X-Remote-User", "who has logged in"},
    {"X-Remote-Group", "who has logged in (Kubernetes)"},
    {"X-Authenticated-User", "who has logged in"},
    {"tracestate", "a trace that is not ours, as traceparent (W3C Trace Context)"},
    {"baggage", "properties of a trace that is not ours (W3C Baggage)"},
    {"Proxy", "the proxy that a CGI program is to use (httpoxy, CVE-2016-5385)", Claim::OfAttackers},
    {"X-Middleware-Subrequest", "that a login was checked already (Next.js, CVE-2025-29927)", Claim::OfAttackers},
    {"X-HTTP-Method-Override", "another method than the request's (Rack, Symfony, OData)", Claim::OfMethod},
    {"X-HTTP-Method", "another method than the request's (Microsoft)", Claim::OfMethod},
    {"X-Method-Override", "another method than the request's (IBM)", Claim::OfMethod},
});

constexpr auto kFamilyRows =
    static_cast<std::size_t>(std::find_if_not(kClaimed.begin(), kClaimed.end(),
                                              [](const ClaimedField& row) { return row.name.ends_with('*'); }) -
                             kClaimed.begin());

constexpr std::size_t letterOf(char c) {
  return static_cast<std::size_t>(static_cast<unsigned char>(c) | 0x20U);
}

constexpr std::size_t placeOf(std::string_view name) {
  return (name.size() * 37 + letterOf(name.front()) * 5 + letterOf(name.back())) % 256;
}

// Where a family's first letter is; where a name's length, first and last letter are.
struct Places {
  std::array<bool, 256> families{}, names{};
};
constexpr auto kPlaces = [] {
  Places places;
  for (std::size_t i = 0; i < kClaimed.size(); ++i) {
    const std::string_view name = kClaimed[i].name;
    (i < kFamilyRows ? places.families[letterOf(name.front())] : places.names[placeOf(name)]) = true;
  }
  return places;
}();

bool isOfFamily(const ClaimedField& row, std::string_view name) {
  const std::size_t size = row.name.size() - 1;
  return name.size() > size && equalsIgnoreCase(name.substr(0, size), row.name.substr(0, size));
}

Claim claimAmong(std::span<const ClaimedField> rows, bool (*is)(const ClaimedField&, std::string_view),
                 std::string_view name) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const ClaimedField& r) { return is(r, name); });
  return row == rows.end() ? Claim::None : row->claim;
}

}  // namespace

std::span<const ClaimedField> claimedFields() noexcept {
  return kClaimed;
}

Claim claimOf(std::string_view name) noexcept {
  if (name.empty()) {
    return Claim::None;
  }
  const std::span<const ClaimedField> rows(kClaimed);
  Claim claim = Claim::None;
  if (kPlaces.families[letterOf(name.front())]) {
    claim = claimAmong(rows.first(kFamilyRows), isOfFamily, name);
  }
  if (claim == Claim::None && kPlaces.names[placeOf(name)]) {
    claim = claimAmong(
        rows.subspan(kFamilyRows),
        [](const ClaimedField& row, std::string_view wanted) { return equalsIgnoreCase(row.name, wanted); }, name);
  }
  return claim;
}

}  // namespace gatewhy
