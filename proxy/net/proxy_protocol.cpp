// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace gatewhy {
namespace {

constexpr std::string_view kV1 = "PROXY ";
constexpr std::string_view kV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV1Limit = 107;  // longest line, CR LF included
constexpr std::size_t kV2Fixed = 16;
// Of version 2: what is above must be refused.
constexpr unsigned kUnixFamily = 3;
constexpr unsigned kDatagrams = 2;
constexpr std::size_t kIpv4 = 4, kIpv6 = 16, kPort = 2;  // octets

ProxyHeader invalid(std::string problem) {
  ProxyHeader header;
  header.status = ProxyHeader::Status::Invalid;
  header.problem = std::move(problem);
  return header;
}

std::optional<std::uint16_t> parsePort(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool leading_zero = text.size() > 1 && text.front() == '0';  // forbidden, and octal to some
  if (error != std::errc() || end != text.data() + text.size() || value > 65535 || leading_zero) {
    return std::nullopt;
  }
  return static_cast<std::uint16_t>(value);
}

// A literal of the family that the line names. No zone: it would be looked up
// among this machine's interfaces.
std::optional<Address> parseV1Address(std::string_view family, std::string_view ip, std::string_view port_text) {
  const bool six = ip.find(':') != std::string_view::npos;
  const auto port = parsePort(port_text);
  if (!port || family != (six ? "TCP6" : "TCP4") || ip.find('%') != std::string_view::npos) {
    return std::nullopt;
  }
  return Address::fromIp(ip, *port);
}

ProxyHeader parseV1(std::string_view bytes) {
  const auto end = bytes.substr(0, kV1Limit).find("\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() >= kV1Limit ? invalid("version 1 line is too long") : ProxyHeader{};
  }
  ProxyHeader header;
  header.status = ProxyHeader::Status::Done;
  header.consumed = end + 2;
  std::string_view line = bytes.substr(kV1.size(), end - kV1.size());
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {
    return header;
  }
  std::array<std::string_view, 5> words;  // family, source, destination, source port, destination port
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto space = line.find(' ');
    if ((space == std::string_view::npos) != (i == words.size() - 1)) {
      return invalid("version 1 line does not have five words");
    }
    words[i] = line.substr(0, space);
    line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  }
  header.source = parseV1Address(words[0], words[1], words[3]);
  header.destination = parseV1Address(words[0], words[2], words[4]);
  if (!header.source || !header.destination) {
    return invalid("version 1 line has a bad address, port or family");
  }
  return header;
}

// One of the two that stand in a version 2 header, sources first: addresses,
// then ports.
Address v2Address(int family, std::string_view body, std::size_t index) {
  Address address;
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    std::memcpy(&in.sin_addr, body.data() + index * kIpv4, kIpv4);
    std::memcpy(&in.sin_port, body.data() + 2 * kIpv4 + index * kPort, kPort);
    std::memcpy(&address.storage, &in, sizeof in);
    address.size = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    std::memcpy(&in.sin6_addr, body.data() + index * kIpv6, kIpv6);
    std::memcpy(&in.sin6_port, body.data() + 2 * kIpv6 + index * kPort, kPort);
    std::memcpy(&address.storage, &in, sizeof in);
    address.size = sizeof in;
  }
  return address.unmapped();
}

ProxyHeader parseV2(std::string_view bytes) {
  if (bytes.size() < kV2Fixed) {
    return {};
  }
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned command = byte(12) & 0x0fU;
  const std::size_t length = static_cast<std::size_t>(byte(14)) << 8 | byte(15);
  if ((byte(12) >> 4) != 2 || command > 1) {
    return invalid("version 2 header has an unknown version or command");
  }
  if (kV2Fixed + length > kProxyHeaderLimit) {
    return invalid("version 2 header is too long");
  }
  if (bytes.size() < kV2Fixed + length) {
    return {};
  }
  ProxyHeader header;
  header.status = ProxyHeader::Status::Done;
  header.consumed = kV2Fixed + length;
  const std::string_view body = bytes.substr(kV2Fixed, length);
  if (command == 0) {
    return header;  // LOCAL: the balancer's own health check
  }
  const unsigned family = byte(13) >> 4;
  if (family > kUnixFamily || (byte(13) & 0x0fU) > kDatagrams) {
    return invalid("version 2 header has an unknown address family or transport");
  }
  if (family == 1 || family == 2) {
    const std::size_t needed = 2 * ((family == 1 ? kIpv4 : kIpv6) + kPort);
    if (body.size() < needed) {
      return invalid("version 2 header is shorter than its address family needs");
    }
    header.source = v2Address(family == 1 ? AF_INET : AF_INET6, body, 0);
    header.destination = v2Address(family == 1 ? AF_INET : AF_INET6, body, 1);
  }
  return header;
}

enum class Family : std::uint8_t { Unknown, Ipv4, Ipv6 };

// Of both: where one is of the other family, IPv6 has a form for it.
Family familyOf(const ProxiedAddresses& client) {
  const auto is_ip = [](const Address& address) { return address.family() == AF_INET || address.family() == AF_INET6; };
  if (!is_ip(client.source) || !is_ip(client.destination)) {
    return Family::Unknown;
  }
  const bool both_v4 = client.source.family() == AF_INET && client.destination.family() == AF_INET;
  return both_v4 ? Family::Ipv4 : Family::Ipv6;
}

// In network order, as the family has it.
std::string octetsOf(const Address& address, Family family) {
  const std::array<std::uint8_t, kIpv6> bytes = address.bytes();  // v4-mapped
  const std::size_t skipped = family == Family::Ipv4 ? kIpv6 - kIpv4 : 0;
  return {reinterpret_cast<const char*>(bytes.data()) + skipped, bytes.size() - skipped};
}

std::string textOf(const Address& address, Family family) {
  const bool mapped = family == Family::Ipv6 && address.family() == AF_INET;
  std::string text = address.ip();
  text.resize(std::min(text.find('%'), text.size()));  // a zone means nothing elsewhere
  return mapped ? "::ffff:" + text : text;
}

std::string headerV1(const ProxiedAddresses* client) {
  const Family family = client != nullptr ? familyOf(*client) : Family::Unknown;
  if (family == Family::Unknown) {
    return "PROXY UNKNOWN\r\n";
  }
  std::string line = family == Family::Ipv4 ? "PROXY TCP4 " : "PROXY TCP6 ";
  line.append(textOf(client->source, family)).append(" ").append(textOf(client->destination, family)).append(" ");
  line.append(std::to_string(client->source.port())).append(" ");
  return line.append(std::to_string(client->destination.port())).append("\r\n");
}

std::string headerV2(const ProxiedAddresses* client) {
  constexpr char kLocal = 0x20, kProxy = 0x21;  // version 2, and the command
  constexpr char kUnspecified = 0x00, kTcp4 = 0x11, kTcp6 = 0x21;
  const Family family = client != nullptr ? familyOf(*client) : Family::Unknown;
  std::string body;
  if (family != Family::Unknown) {
    body = octetsOf(client->source, family) + octetsOf(client->destination, family);
    for (const std::uint16_t port : {client->source.port(), client->destination.port()}) {
      body += static_cast<char>(port >> 8U);
      body += static_cast<char>(port & 0xffU);
    }
  }
  std::string header(kV2);
  header += client != nullptr ? kProxy : kLocal;
  header += family == Family::Unknown ? kUnspecified : family == Family::Ipv4 ? kTcp4 : kTcp6;
  header += '\0';
  header += static_cast<char>(body.size());
  return header + body;
}

}  // namespace

std::string proxyHeader(SendProxyProtocol version, const ProxiedAddresses* client) {
  switch (version) {
    case SendProxyProtocol::Off:
      return {};
    case SendProxyProtocol::V1:
      return headerV1(client);
    case SendProxyProtocol::V2:
      return headerV2(client);
  }
  return {};
}

ProxyHeader parseProxyHeader(std::string_view bytes) {
  const auto begins = [&](std::string_view signature) {
    const std::size_t size = std::min(bytes.size(), signature.size());
    return bytes.substr(0, size) == signature.substr(0, size);
  };
  if (begins(kV1)) {
    return bytes.size() < kV1.size() ? ProxyHeader{} : parseV1(bytes);
  }
  if (begins(kV2)) {
    return bytes.size() < kV2.size() ? ProxyHeader{} : parseV2(bytes);
  }
  return invalid("the first bytes are not a PROXY header");
}

}  // namespace gatewhy
