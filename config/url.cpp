// SPDX-License-Identifier: Apache-2.0
#include "config/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>
#include <algorithm>

#include <array>

#include "config/units.h"

namespace gatewhy {
namespace {

constexpr std::uint64_t kMaxPort = 65535;

bool isAlnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Canonical text of an IP literal, "" where it is none.
std::string canonicalIp(std::string_view host) {
  if (host.empty() || host.size() > 80) {
    return "";
  }
  const std::size_t percent = host.find('%');  // RFC 4007 section 11: a zone
  const std::string address(host.substr(0, percent));
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (percent == std::string_view::npos && ::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) {
    return address;
  }
  if (::inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1 ||
      ::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size()) == nullptr) {
    return "";
  }
  if (percent == std::string_view::npos) {
    return text.data();
  }
  const std::string_view zone = host.substr(percent + 1);
  for (const char c : zone) {
    if (!isAlnum(c) && c != '.' && c != '_' && c != '-') {
      return "";
    }
  }
  return zone.empty() ? "" : fmt::format("{}%{}", text.data(), zone);
}

std::string unixPathComplaint(std::string_view path) {
  if (path.starts_with("//")) {
    return "write unix:/path, with one slash";
  }
  if (!path.starts_with('/')) {
    return "a unix socket needs an absolute path: unix:/run/app.sock";
  }
  if (path.size() < 2 || path.ends_with('/')) {
    return "the path names no socket";
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return fmt::format("a unix socket's path can have {} bytes at most", sizeof(sockaddr_un::sun_path) - 1);
  }
  return "";
}

Result<std::uint16_t, std::string> parsePort(std::string_view text, std::uint64_t least) {
  const auto port = parseWholeNumber(text);
  if (!port || *port > kMaxPort || *port < least) {
    return Failure{fmt::format("'{}' is not a port ({} to {})", text, least, kMaxPort)};
  }
  return static_cast<std::uint16_t>(*port);
}

std::string labelComplaint(std::string_view label, std::string_view host) {
  if (label.empty() || label.size() > 63) {
    return fmt::format("'{}' has a part that is empty or longer than 63 characters", host);
  }
  if (label.front() == '-' || label.back() == '-') {
    return fmt::format("'{}' has a part that begins or ends with '-'", host);
  }
  return "";
}

// An IPv6 address without its brackets, with them: "[::1]:8080" for
// "::1:8080", where the last group reads as a port. "" where it is none.
std::string bracketedIpv6(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (text.starts_with('[') || colon == std::string_view::npos || text.find(':') == colon) {
    return "";
  }
  const auto port = parseWholeNumber(text.substr(colon + 1));
  const std::string_view before = text.substr(0, colon);
  if (port && *port <= kMaxPort && !canonicalIp(before).empty()) {
    return fmt::format("[{}]:{}", before, *port);
  }
  return canonicalIp(text).empty() ? "" : fmt::format("[{}]", text);
}

// What other programs understand as "every address" or "this machine".
std::string plausibleListenerAddress(std::string_view text) {
  const std::string bracketed = bracketedIpv6(text);
  if (!bracketed.empty()) {
    return bracketed.ends_with(']') ? bracketed + ":8080, for instance" : bracketed;
  }
  const std::size_t colon = text.rfind(':');
  const std::string_view host = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
  const auto port = parseWholeNumber(text.substr(colon == std::string_view::npos ? 0 : colon + 1));
  if (!port || *port > kMaxPort) {
    return "";
  }
  if (host.empty() || host == "*") {
    return fmt::format("0.0.0.0:{0} (or [::]:{0} for both families)", *port);
  }
  return host == "localhost" ? fmt::format("127.0.0.1:{}", *port) : "";
}

Result<EndpointConfig, std::string> parseUnixEndpoint(std::string_view url) {
  EndpointConfig endpoint;
  endpoint.url = url;
  endpoint.scheme = EndpointScheme::Unix;
  endpoint.unix_path = url.substr(5);
  const std::string complaint = unixPathComplaint(endpoint.unix_path);
  if (!complaint.empty()) {
    return Failure{complaint};
  }
  return endpoint;
}

// Scheme and default port, or what is wrong with the scheme.
Result<EndpointConfig, std::string> endpointOfScheme(std::string_view scheme) {
  EndpointConfig endpoint;
  if (scheme == "http") {
    endpoint.scheme = EndpointScheme::Http;
    endpoint.port = 80;
    return endpoint;
  }
  if (scheme == "https") {
    endpoint.scheme = EndpointScheme::Https;
    endpoint.http = EndpointHttp::Negotiated;
    endpoint.port = 443;
    return endpoint;
  }
  if (scheme == "h2") {
    endpoint.scheme = EndpointScheme::Https;
    endpoint.http = EndpointHttp::Http2;
    endpoint.port = 443;
    return endpoint;
  }
  if (scheme == "h2c") {
    endpoint.http = EndpointHttp::Http2;
    endpoint.port = 80;
    return endpoint;
  }
  if (scheme == "grpc" || scheme == "grpcs") {
    return Failure{fmt::format("gRPC is HTTP/2: write {}://", scheme == "grpc" ? "h2c" : "h2")};
  }
  if (scheme == "srv" || scheme.starts_with("srv+")) {
    return Failure{std::string("SRV records are not read: list the endpoints, or write a name that has addresses")};
  }
  if (scheme == "unix") {
    return Failure{std::string("write unix:/path, with one slash")};
  }
  return Failure{fmt::format("the scheme '{}' is unknown; possible: http://, https://, h2://, h2c://, unix:/", scheme)};
}

}  // namespace

std::string lowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

std::string_view withoutFinalDot(std::string_view host) noexcept {
  if (host.size() > 1 && host.ends_with('.')) {
    host.remove_suffix(1);
  }
  return host;
}

std::string canonicalHost(std::string_view host) {
  return lowerCase(withoutFinalDot(host));
}

bool isIpLiteral(std::string_view host) {
  return !canonicalIp(host).empty();
}

std::string hostComplaint(std::string_view host) {
  if (host.empty()) {
    return "the host is missing";
  }
  if (isIpLiteral(host)) {
    return "";
  }
  host = withoutFinalDot(host);
  if (host.size() > 253) {
    return "the host name is longer than 253 characters";
  }
  for (const char c : host) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      return fmt::format("'{}' is not ASCII; write the xn-- form", host);
    }
    if (!isAlnum(c) && c != '-' && c != '.' && c != '_') {
      return fmt::format("'{}' is not a host: it contains '{}'", host, c);
    }
  }
  std::string_view last;
  for (std::size_t start = 0; start <= host.size();) {
    const std::size_t dot = std::min(host.find('.', start), host.size());
    last = host.substr(start, dot - start);
    const std::string complaint = labelComplaint(last, host);
    if (!complaint.empty()) {
      return complaint;
    }
    start = dot + 1;
  }
  // No top-level domain is numeric: 10.0.0 and 10.0.0.256 are mistyped addresses.
  if (last.find_first_not_of("0123456789") == std::string_view::npos) {
    return fmt::format("'{}' is neither an IPv4 address nor a name", host);
  }
  return "";
}

Result<HostPort, std::string> splitHostPort(std::string_view text) {
  HostPort out;
  std::string_view after;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) {
      return Failure{fmt::format("'{}' has no closing bracket", text)};
    }
    out.host = text.substr(1, bracket - 1);
    if (out.host.find(':') == std::string::npos || !isIpLiteral(out.host)) {
      return Failure{fmt::format("'{}' is not an IPv6 address", out.host)};
    }
    after = text.substr(bracket + 1);
  } else {
    const std::size_t colon = text.find(':');
    out.host = text.substr(0, colon);
    after = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    if (after.find(':', 1) != std::string_view::npos) {
      return Failure{isIpLiteral(text) ? fmt::format("an IPv6 address needs brackets: [{}]", text)
                                       : fmt::format("'{}' has more than one colon", text)};
    }
  }
  if (after.empty()) {
    return out;
  }
  if (after.front() != ':') {
    return Failure{fmt::format("'{}' after the bracket is not a port", after)};
  }
  const auto port = parsePort(after.substr(1), 0);
  if (!port) {
    return Failure{port.error()};
  }
  out.port = *port;
  return out;
}

Result<EndpointConfig, std::string> parseEndpoint(std::string_view url) {
  if (url.starts_with("unix:")) {
    return parseUnixEndpoint(url);
  }
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) {
    return Failure{fmt::format("'{}' is not a URL; write http://HOST:PORT, https://HOST:PORT or unix:/path", url)};
  }
  auto endpoint = endpointOfScheme(lowerCase(url.substr(0, colon)));
  if (!endpoint) {
    return endpoint;
  }
  const std::string_view rest = url.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) {
    return Failure{std::string("user names and passwords are not accepted in an endpoint's URL")};
  }
  if (end < rest.size() && rest.substr(end) != "/") {
    return Failure{
        std::string("remove the path: an endpoint takes the path from the request (strip_prefix changes it)")};
  }
  const auto place = splitHostPort(authority);
  if (!place) {
    const std::string bracketed = bracketedIpv6(authority);
    return Failure{bracketed.empty() ? place.error() : fmt::format("write {}{}", url.substr(0, colon + 3), bracketed)};
  }
  const std::string complaint = hostComplaint(place->host);
  if (!complaint.empty()) {
    return Failure{complaint};
  }
  if (place->port && *place->port == 0) {
    return Failure{std::string("'0' is not a port (1 to 65535)")};
  }
  endpoint->url = url;
  endpoint->host = canonicalHost(place->host);
  endpoint->absolute = place->host.ends_with('.');
  endpoint->port = place->port.value_or(endpoint->port);
  return endpoint;
}

Result<std::string, std::string> canonicalListenerAddress(std::string_view text) {
  constexpr std::string_view kForms =
      "write ADDRESS:PORT such as 0.0.0.0:8080 or [::]:8080, unix:/path, or systemd:NAME";
  if (text.starts_with("unix:")) {
    const std::string complaint = unixPathComplaint(text.substr(5));
    return complaint.empty() ? Result<std::string, std::string>(std::string(text)) : Failure{complaint};
  }
  if (text.starts_with("systemd:")) {
    const std::string_view name = text.substr(8);
    // sd_listen_fds_with_names(3): ASCII, no control characters, no colon, at most 255.
    if (name.empty() || name.size() > 255 || name.find_first_of(": \t") != std::string_view::npos) {
      return Failure{std::string("'systemd:' takes the name of a socket (FileDescriptorName=)")};
    }
    return std::string(text);
  }
  if (const std::string better = plausibleListenerAddress(text); !better.empty()) {
    return Failure{"write " + better};
  }
  const auto place = splitHostPort(text);
  if (!place) {
    return Failure{fmt::format("{}; {}", place.error(), kForms)};
  }
  if (!place->port) {
    return Failure{fmt::format("'{}' has no port; {}", text, kForms)};
  }
  const std::string ip = canonicalIp(place->host);
  if (ip.empty()) {
    return Failure{fmt::format("'{}' is not an IP address; {}", place->host, kForms)};
  }
  return ip.find(':') == std::string::npos ? fmt::format("{}:{}", ip, *place->port)
                                           : fmt::format("[{}]:{}", ip, *place->port);
}

bool isPublicAddress(std::string_view listener_address) {
  const auto canonical = canonicalListenerAddress(listener_address);
  if (!canonical || canonical->starts_with("unix:") || canonical->starts_with("systemd:")) {
    return false;
  }
  return !canonical->starts_with("127.") && !canonical->starts_with("[::1]:");
}

}  // namespace gatewhy
