// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/probe/probe_url.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/units.h"
#include "config/url.h"

namespace gatewhy {
namespace {

// RFC 3986: what is in a target that is not one of its characters would have
// to be percent-encoded; doing that silently would ask for something else.
std::string targetComplaint(std::string_view target) {
  for (const char c : target) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= 0x20 || octet >= 0x7F) {
      return fmt::format("the URL contains the octet 0x{:02X}, which must be percent-encoded", octet);
    }
  }
  return "";
}

Result<ProbeUrl, std::string> checked(ProbeUrl out) {
  std::string complaint = targetComplaint(out.target);
  if (complaint.empty()) {
    const auto endpoint = parseEndpoint(out.endpoint);
    if (endpoint) {
      return out;
    }
    complaint = endpoint.error();
  }
  return Failure{std::move(complaint)};
}

}  // namespace

Result<ProbeUrl, std::string> parseProbeUrl(std::string_view url) {
  ProbeUrl out;
  url = url.substr(0, url.find('#'));
  if (url.starts_with("unix:")) {
    const std::size_t end = url.find(":/", 5);
    out.endpoint = url.substr(0, end);
    out.authority = "localhost";
    out.target = end == std::string_view::npos ? "/" : url.substr(end + 1);
    return checked(std::move(out));
  }
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) {
    return Failure{
        fmt::format("'{}' is not a URL; write http://HOST/PATH, https://HOST/PATH or unix:/SOCKET:/PATH", url)};
  }
  const std::size_t end = std::min(url.find_first_of("/?", scheme + 3), url.size());
  out.endpoint = url.substr(0, end);
  out.authority = lowerCase(url.substr(scheme + 3, end - scheme - 3));
  const std::size_t name_end = std::min(out.authority.find(':'), out.authority.size());
  if (const std::size_t kept = withoutFinalDot(out.authority.substr(0, name_end)).size(); kept < name_end) {
    out.authority.erase(kept, 1);
  }
  out.target = url.substr(end);
  if (out.target.empty() || out.target.front() != '/') {
    out.target.insert(0, 1, '/');
  }
  return checked(std::move(out));
}

Result<PinnedName, std::string> parsePinnedName(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return Failure{fmt::format("--resolve '{}': {}; write HOST:PORT:ADDRESS", text, why)};
  };
  const std::size_t host_end = text.find(':');
  const std::size_t port_end = host_end == std::string_view::npos ? host_end : text.find(':', host_end + 1);
  if (port_end == std::string_view::npos || host_end == 0) {
    return wrong("a part is missing");
  }
  PinnedName out;
  out.host = canonicalHost(text.substr(0, host_end));
  const auto port = parseWholeNumber(text.substr(host_end + 1, port_end - host_end - 1));
  if (!port || *port == 0 || *port > 65535) {
    return wrong("the port is not a number from 1 to 65535");
  }
  out.port = static_cast<std::uint16_t>(*port);
  std::string_view rest = text.substr(port_end + 1);
  while (true) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    std::string_view address = rest.substr(0, comma);
    if (address.starts_with('[') && address.ends_with(']')) {
      address = address.substr(1, address.size() - 2);
    }
    if (!isIpLiteral(address)) {
      return wrong(fmt::format("'{}' is not an IP address", address));
    }
    out.addresses.emplace_back(address);
    if (comma == rest.size()) {
      return out;
    }
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace gatewhy
