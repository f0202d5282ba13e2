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
  const auto source = parseV1Address(words[0], words[1], words[3]);
  if (!source || !parseV1Address(words[0], words[2], words[4])) {
    return invalid("version 1 line has a bad address, port or family");
  }
  header.source = source;
  return header;
}

Address v2Source(int family, std::string_view body) {
  Address address;
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    std::memcpy(&in.sin_addr, body.data(), 4);
    std::memcpy(&in.sin_port, body.data() + 8, 2);
    std::memcpy(&address.storage, &in, sizeof in);
    address.size = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    std::memcpy(&in.sin6_addr, body.data(), 16);
    std::memcpy(&in.sin6_port, body.data() + 32, 2);
    std::memcpy(&address.storage, &in, sizeof in);
    address.size = sizeof in;
  }
  return address;
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
    const std::size_t needed = family == 1 ? 12 : 36;
    if (body.size() < needed) {
      return invalid("version 2 header is shorter than its address family needs");
    }
    header.source = v2Source(family == 1 ? AF_INET : AF_INET6, body).unmapped();
  }
  return header;
}

}  // namespace

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
