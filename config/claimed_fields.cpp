// SPDX-License-Identifier: Apache-2.0
#include "config/claimed_fields.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "diagnostics/field_id.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

constexpr std::string_view kForwardedFamily = "X-Forwarded-";

constexpr auto kClaimed = std::to_array<ClaimedField>({
    {"X-Forwarded-*", "port, prefix, server, scheme, user and so on, as a gateway saw them"},
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
    {"X-Original-URL", "the path to serve instead of the one that was asked for (IIS, Symfony)"},
    {"X-Rewrite-URL", "the path to serve instead of the one that was asked for (IIS)"},
    {"X-Original-URI", "the path that was asked for (ingress-nginx)"},
    {"X-Original-Host", "the host that was asked for"},
    {"X-Host", "the host that was asked for"},
    {"X-HTTP-Host-Override", "the host that was asked for"},
    {"X-Url-Scheme", "that the client came over TLS"},
    {"Front-End-Https", "that the client came over TLS"},
    {"Client-Cert", "the client's certificate (RFC 9440)"},
    {"Client-Cert-Chain", "the client's certificate (RFC 9440)"},
    {"X-SSL-Client-Cert", "the client's certificate"},
    {"X-SSL-Client-Verify", "that the client's certificate was verified"},
    {"SSL-Client-Cert", "the client's certificate"},
    {"X-Client-Cert", "the client's certificate"},
    {"Proxy", "the proxy that a CGI program is to use (httpoxy, CVE-2016-5385)"},
    {"tracestate", "a trace that is not ours, as traceparent (W3C Trace Context)"},
    {"baggage", "properties of a trace that is not ours (W3C Baggage)"},
});

constexpr std::size_t placeOf(std::string_view name) {
  const auto letter = [](char c) { return static_cast<std::size_t>(static_cast<unsigned char>(c) | 0x20U); };
  return (name.size() * 37 + letter(name.front()) * 5 + letter(name.back())) % 256;
}

// Where length, first and last letter are those of a row.
constexpr auto kPlaces = [] {
  std::array<bool, 256> places{};
  for (const ClaimedField& row : kClaimed) {
    places[placeOf(row.name)] = true;
  }
  return places;
}();

}  // namespace

std::span<const ClaimedField> claimedFields() noexcept {
  return kClaimed;
}

bool isClaimedField(std::string_view name) noexcept {
  if (name.empty()) {
    return false;
  }
  if (octets::lower(name.front()) == 'x' && name.size() > kForwardedFamily.size() &&
      equalsIgnoreCase(name.substr(0, kForwardedFamily.size()), kForwardedFamily)) {
    return true;
  }
  return kPlaces[placeOf(name)] && std::any_of(kClaimed.begin(), kClaimed.end(), [name](const ClaimedField& row) {
           return equalsIgnoreCase(row.name, name);
         });
}

}  // namespace gatewhy
