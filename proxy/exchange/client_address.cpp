// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/client_address.h"

#include <algorithm>

namespace gatewhy {
namespace {

constexpr std::size_t kLongestEntry = 64;  // "[address%zone]:port"

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  const auto last = text.find_last_not_of(" \t");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

// An address as proxies write it there: bare, or with a port.
std::optional<Address> parseEntry(std::string_view entry) {
  if (entry.empty() || entry.size() > kLongestEntry) {
    return std::nullopt;
  }
  if (auto bare = Address::fromIp(entry, 0)) {
    return bare;
  }
  if (entry.front() == '[' && entry.back() == ']') {
    return Address::fromIp(entry.substr(1, entry.size() - 2), 0);
  }
  if (auto with_port = Address::parse(entry); with_port && with_port->family() != AF_UNIX) {
    return Address::fromIp(with_port->ip(), 0);
  }
  return std::nullopt;
}

// The first `mark` outside quotes (RFC 9110 section 5.6.4).
std::size_t findUnquoted(std::string_view text, char mark) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == mark && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

// The node of "for=" in one element of Forwarded, without quotes; "" where it
// names none. A backslash in the quotes is no part of an address.
std::string_view forwardedFor(std::string_view element) noexcept {
  while (!element.empty()) {
    const std::size_t end = findUnquoted(element, ';');
    const std::string_view pair = trimmed(element.substr(0, end));
    element = end == std::string_view::npos ? std::string_view() : element.substr(end + 1);
    if (pair.size() < 4 || !equalsIgnoreCase(pair.substr(0, 4), "for=")) {
      continue;
    }
    std::string_view node = pair.substr(4);
    if (node.size() >= 2 && node.front() == '"' && node.back() == '"') {
      node = node.substr(1, node.size() - 2);
    }
    return node;
  }
  return {};
}

// Calls `visit` for what each hop wrote, in the order of the fields. Members
// that are empty do not count (RFC 9110 section 5.6.1.2).
template <class Visit>
void eachHop(const RequestHead& request, FieldId id, const Visit& visit) {
  if (!request.present.has(id)) {
    return;
  }
  const bool forwarded = id == FieldId::Forwarded;
  for (const Field& field : request.fields) {
    if (field.id != id) {
      continue;
    }
    std::string_view rest = request.value(field);
    while (!rest.empty()) {
      const std::size_t comma = forwarded ? findUnquoted(rest, ',') : rest.find(',');
      const std::string_view member = trimmed(rest.substr(0, comma));
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
      if (!member.empty()) {
        visit(forwarded ? forwardedFor(member) : member);
      }
    }
  }
}

bool hasHops(const RequestHead& request, FieldId id) {
  bool any = false;
  eachHop(request, id, [&](std::string_view) { any = true; });
  return any;
}

// The field that names those who came before: X-Forwarded-For, which every
// proxy writes, or Forwarded where that is all there is.
FieldId hopsField(const RequestHead& request) {
  return hasHops(request, FieldId::XForwardedFor) ? FieldId::XForwardedFor : FieldId::Forwarded;
}

}  // namespace

bool isTrusted(const Address& address, const std::vector<Cidr>& trusted) noexcept {
  return std::any_of(trusted.begin(), trusted.end(),
                     [bytes = address.bytes()](const Cidr& block) { return block.contains(bytes); });
}

std::optional<Address> forwardedClient(const RequestHead& request, const std::vector<Cidr>& trusted) {
  // From the left: whoever is nearest to us and not trusted is the client, and
  // of those before it anybody could have written anything.
  std::optional<Address> client;
  eachHop(request, hopsField(request), [&](std::string_view entry) {
    const auto address = parseEntry(entry);
    if (!address) {
      client.reset();
    } else if (!isTrusted(*address, trusted)) {
      client = address;
    } else if (!client) {
      client = address;
    }
  });
  return client;
}

void appendEarlierHops(TextBuffer& out, const RequestHead& request) {
  const FieldId id = hopsField(request);
  eachHop(request, id, [&](std::string_view entry) {
    if (id == FieldId::XForwardedFor) {
      out.append(entry);
    } else if (const auto address = parseEntry(entry)) {
      out.append(address->ip());
    } else {
      out.append("unknown");
    }
    out.append(", ");
  });
}

bool isLoopbackAddress(const std::array<std::uint8_t, 16>& address) noexcept {
  constexpr std::array<std::uint8_t, 16> kIpv6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr std::array<std::uint8_t, 13> kIpv4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  return address == kIpv6 || std::equal(kIpv4.begin(), kIpv4.end(), address.begin());
}

}  // namespace gatewhy
