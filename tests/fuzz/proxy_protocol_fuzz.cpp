// SPDX-License-Identifier: Apache-2.0
// The PROXY header: however its bytes come, it is the same header; what is
// taken is what a reader of its own takes; what a sender writes is understood.
#include <arpa/inet.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/proxy_protocol.h"
#include "require.h"

namespace {

using gatewhy::ProxyHeader;
using gatewhy::fuzz::require;
using Status = ProxyHeader::Status;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

// In memory that ends where the text does, so that reading past it is seen.
ProxyHeader parse(std::string_view text) {
  const std::vector<char> exact(text.begin(), text.end());
  return gatewhy::parseProxyHeader({exact.data(), exact.size()});
}

bool same(const ProxyHeader& a, const ProxyHeader& b) {
  return a.status == b.status && a.consumed == b.consumed && a.source == b.source && a.problem == b.problem;
}

// Every reader sees a prefix. The first that decides, decides for all that follow.
void checkSplits(std::string_view bytes, const ProxyHeader& whole) {
  bool decided = false;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const ProxyHeader part = parse(bytes.substr(0, size));
    if (part.status == Status::NeedMore) {
      require(!decided, "what is decided stays decided");
      require(size < gatewhy::kProxyHeaderLimit, "the limit is enough to decide");
      continue;
    }
    if (!decided && part.status == Status::Done) {
      require(part.consumed == size, "a header is known by its last octet");
    }
    decided = true;
    require(same(part, whole), "every split says the same");
  }
  require(decided == (whole.status != Status::NeedMore), "the whole says no more than its parts");
}

// ---- a reader apart from the parser: what may be taken, and as what --------

std::vector<std::string> wordsOf(std::string_view line) {
  std::vector<std::string> words(1);
  for (const char c : line) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

bool isPort(const std::string& text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos &&
         std::to_string(std::stoul(text)) == text && std::stoul(text) <= 65535;
}

std::optional<std::array<unsigned char, 16>> octetsOf(const std::string& ip, int family) {
  std::array<unsigned char, 16> out{};
  unsigned char* at = out.data();
  if (family == AF_INET) {
    out[10] = out[11] = 0xff;
    at += 12;
  }
  if (ip.find('\0') != std::string::npos || inet_pton(family, ip.c_str(), at) != 1) {
    return std::nullopt;
  }
  return out;
}

void checkVersion1(std::string_view line, const ProxyHeader& header) {
  const auto words = wordsOf(line);
  require(words[0] == "PROXY" && words.size() >= 2, "a line of version 1");
  if (words[1] == "UNKNOWN") {
    require(!header.source, "UNKNOWN names nobody");
    return;
  }
  require(words.size() == 6 && (words[1] == "TCP4" || words[1] == "TCP6"), "six words and a family");
  const int family = words[1] == "TCP4" ? AF_INET : AF_INET6;
  const auto source = octetsOf(words[2], family);
  require(source && octetsOf(words[3], family), "addresses of the family");
  require(isPort(words[4]) && isPort(words[5]), "ports as the protocol has them");
  require(header.source && header.source->bytes() == *source && std::to_string(header.source->port()) == words[4],
          "the source is the line's");
}

void checkVersion2(std::string_view bytes, const ProxyHeader& header) {
  const auto octet = [bytes](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  require(header.consumed == 16U + octet(14) * 256U + octet(15), "the length is the header's");
  require(octet(12) == 0x20 || octet(12) == 0x21, "version 2, LOCAL or PROXY");
  const bool local = octet(12) == 0x20;
  require(local || (octet(13) / 16 <= 3 && octet(13) % 16 <= 2), "a family and a transport that there are");
  const unsigned family = local ? 0 : octet(13) / 16;
  require(header.source.has_value() == (family == 1 || family == 2), "TCP names a source");
  if (!header.source) {
    return;
  }
  std::array<std::uint8_t, 16> address{};
  const std::size_t size = family == 1 ? 4 : 16;
  if (family == 1) {
    address[10] = address[11] = 0xff;
  }
  for (std::size_t i = 0; i < size; ++i) {
    address[16 - size + i] = octet(16 + i);
  }
  require(header.source->bytes() == address, "the source is the header's");
  require(header.source->port() == octet(16 + 2 * size) * 256 + octet(17 + 2 * size), "and its port");
}

// ---- a sender ---------------------------------------------------------------

void checkRoundTrip(std::string_view data) {
  std::array<unsigned char, 37> raw{};  // source, destination, ports, kind
  for (std::size_t i = 0; i < raw.size() && i < data.size(); ++i) {
    raw[i] = static_cast<unsigned char>(data[i]);
  }
  const bool six = (raw[36] & 1U) != 0;
  const int family = six ? AF_INET6 : AF_INET;
  const std::string rest(data.substr(std::min(data.size(), raw.size())));
  std::array<char, INET6_ADDRSTRLEN> source{};
  std::array<char, INET6_ADDRSTRLEN> destination{};
  inet_ntop(family, raw.data(), source.data(), source.size());
  inet_ntop(family, raw.data() + 16, destination.data(), destination.size());
  const unsigned port = raw[32] * 256U + raw[33];
  const std::string first = std::string("PROXY ") + (six ? "TCP6 " : "TCP4 ") + source.data() + ' ' +
                            destination.data() + ' ' + std::to_string(port) + ' ' +
                            std::to_string(raw[34] * 256U + raw[35]) + "\r\n";
  std::string body(reinterpret_cast<const char*>(raw.data()), six ? 16 : 4);
  body.append(reinterpret_cast<const char*>(raw.data()) + 16, six ? 16 : 4);
  body.append(reinterpret_cast<const char*>(raw.data()) + 32, 4);
  body += rest.substr(0, std::min<std::size_t>(rest.size(), 300));  // stands for TLVs
  std::string second(kSignature);
  second += '\x21';
  second += six ? '\x21' : '\x11';
  second += static_cast<char>(body.size() / 256);
  second += static_cast<char>(body.size() % 256);
  second += body;
  for (const std::string& sent : {first, second}) {
    const ProxyHeader header = parse(sent + rest);
    require(header.status == Status::Done && header.consumed == sent.size(), "a sender's header is taken whole");
    require(header.source && header.source->port() == port && header.source->bytes() == octetsOf(source.data(), family),
            "a sender's address arrives");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = gatewhy::fuzz::asText(data, std::min<std::size_t>(size, 700));
  const ProxyHeader whole = parse(bytes);
  checkSplits(bytes, whole);
  switch (whole.status) {
    case Status::NeedMore:
      break;
    case Status::Invalid:
      require(!whole.problem.empty() && !whole.source, "what is refused has a reason and no source");
      break;
    case Status::Done:
      require(whole.consumed <= bytes.size() && whole.consumed <= gatewhy::kProxyHeaderLimit, "no more than came");
      if (bytes.front() == 'P') {
        require(bytes.substr(whole.consumed - 2, 2) == "\r\n" && whole.consumed <= 107, "a line, not too long");
        checkVersion1(bytes.substr(0, whole.consumed - 2), whole);
      } else {
        require(bytes.starts_with(kSignature), "the signature");
        checkVersion2(bytes, whole);
      }
      break;
  }
  checkRoundTrip(bytes);
  return 0;
}
