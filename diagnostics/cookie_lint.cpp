// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/cookie_lint.h"

#include <algorithm>
#include <cstddef>

#include "diagnostics/field_id.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMostOctets = 4096;

struct Pair {
  std::string_view name, value;
  bool has_equals = false;
};

// The part up to the next semicolon, taken off `rest`.
Pair takePair(std::string_view& rest) noexcept {
  const std::size_t end = rest.find(';');
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  const std::size_t equals = part.find('=');
  if (equals == std::string_view::npos) {
    return {octets::trimmed(part), {}, false};
  }
  return {octets::trimmed(part.substr(0, equals)), octets::trimmed(part.substr(equals + 1)), true};
}

struct Attributes {
  bool secure = false;
  bool same_site_none = false;
  std::string_view path, domain;
};

// The last one of a name counts (RFC 6265 section 5.3).
Attributes readAttributes(std::string_view rest) noexcept {
  Attributes attributes;
  while (!rest.empty()) {
    const Pair pair = takePair(rest);
    if (equalsIgnoreCase(pair.name, "secure")) {
      attributes.secure = true;
    } else if (equalsIgnoreCase(pair.name, "samesite")) {
      attributes.same_site_none = equalsIgnoreCase(pair.value, "none");
    } else if (equalsIgnoreCase(pair.name, "path")) {
      attributes.path = pair.value;
    } else if (equalsIgnoreCase(pair.name, "domain")) {
      attributes.domain = pair.value;
    }
  }
  return attributes;
}

bool beginsWith(std::string_view name, std::string_view prefix) noexcept {
  return equalsIgnoreCase(name.substr(0, prefix.size()), prefix);
}

bool isAddress(std::string_view host) noexcept {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return host.find(':') != std::string_view::npos ||
         (!last.empty() && octets::skip(last, 0, octets::kDigit) == last.size());
}

// RFC 6265 section 5.1.3; a leading dot is ignored (section 5.2.3).
bool covers(std::string_view domain, std::string_view host) noexcept {
  if (domain.front() == '.') {
    domain.remove_prefix(1);
  }
  if (domain.empty() || equalsIgnoreCase(domain, host)) {
    return true;
  }
  return host.size() > domain.size() && equalsIgnoreCase(host.substr(host.size() - domain.size()), domain) &&
         host[host.size() - domain.size() - 1] == '.' && !isAddress(host);
}

}  // namespace

FindingSet lintSetCookie(std::string_view value, std::string_view host) noexcept {
  FindingSet found;
  std::string_view rest = value;
  const Pair cookie = takePair(rest);
  const Attributes attributes = readAttributes(rest);
  if (!cookie.has_equals || cookie.name.empty()) {
    found.add(Finding::CookieWithoutName);
  }
  if (cookie.name.size() + cookie.value.size() > kMostOctets) {
    found.add(Finding::CookieTooLarge);
  }
  if (attributes.same_site_none && !attributes.secure) {
    found.add(Finding::CookieSameSiteNoneInsecure);
  }
  const bool host_prefix = beginsWith(cookie.name, "__Host-");
  if ((host_prefix || beginsWith(cookie.name, "__Secure-")) &&
      (!attributes.secure || (host_prefix && (attributes.path != "/" || !attributes.domain.empty())))) {
    found.add(Finding::CookiePrefixViolated);
  }
  if (!attributes.domain.empty() && !host.empty() && !covers(attributes.domain, host)) {
    found.add(Finding::CookieDomainForeign);
  }
  return found;
}

}  // namespace gatewhy
