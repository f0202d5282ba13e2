// SPDX-License-Identifier: Apache-2.0
// HTTP/2 frames octet by octet, right or wrong, for clients that no library
// would play.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatewhy::test {

using H2TestField = std::pair<std::string_view, std::string_view>;
using H2TestFields = std::vector<H2TestField>;

namespace h2 {
inline constexpr std::uint8_t kData = 0, kHeaders = 1, kPriority = 2, kRstStream = 3, kSettings = 4, kPushPromise = 5,
                              kPing = 6, kGoAway = 7, kWindowUpdate = 8, kContinuation = 9;
inline constexpr std::uint8_t kNoFlags = 0, kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8, kHasPriority = 0x20;
}  // namespace h2

// Big endian, `size` octets.
inline std::string h2Number(std::uint64_t value, std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t at = size; at-- > 0; value >>= 8) {
    out[at] = static_cast<char>(value & 0xff);
  }
  return out;
}

// HPACK (RFC 7541): an integer behind a pattern of the first octet.
inline std::string hpackInteger(std::uint8_t pattern, int prefix_bits, std::uint64_t value) {
  const std::uint64_t most = (1ULL << prefix_bits) - 1;
  if (value < most) {
    return {static_cast<char>(pattern | value)};
  }
  std::string out{static_cast<char>(pattern | most)};
  for (value -= most; value >= 128; value >>= 7) {
    out += static_cast<char>(0x80 | (value & 0x7f));
  }
  return out + static_cast<char>(value);
}

inline std::string hpackString(std::string_view text) {
  return hpackInteger(0, 7, text.size()).append(text);
}

// Literals without indexing, without Huffman's code.
inline std::string hpackBlock(const H2TestFields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += '\0';
    out += hpackString(name);
    out += hpackString(value);
  }
  return out;
}

// A literal that enters the dynamic table, and the reference to its newest entry.
inline std::string hpackIndexed(std::string_view name, std::string_view value) {
  return "\x40" + hpackString(name) + hpackString(value);
}
inline constexpr std::string_view kHpackNewest = "\xbe";

inline std::string h2Frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string out = h2Number(payload.size(), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  out += h2Number(stream, 4);
  return out.append(payload);
}

inline std::string h2Preface() {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
}
inline std::string h2Settings(std::initializer_list<std::pair<std::uint16_t, std::uint32_t>> settings = {}) {
  std::string payload;
  for (const auto& [id, value] : settings) {
    payload += h2Number(id, 2) + h2Number(value, 4);
  }
  return h2Frame(h2::kSettings, h2::kNoFlags, 0, payload);
}
inline std::string h2SettingsAck() {
  return h2Frame(h2::kSettings, h2::kAck, 0, {});
}
// Preface and an empty SETTINGS: how a client begins.
inline std::string h2Hello() {
  return h2Preface() + h2Settings();
}

inline std::string h2Headers(std::uint32_t stream, const H2TestFields& fields, bool ends = true) {
  const int flags = h2::kEndHeaders | (ends ? h2::kEndStream : 0);
  return h2Frame(h2::kHeaders, static_cast<std::uint8_t>(flags), stream, hpackBlock(fields));
}
inline std::string h2Data(std::uint32_t stream, std::string_view data, bool ends = false) {
  return h2Frame(h2::kData, ends ? h2::kEndStream : h2::kNoFlags, stream, data);
}
inline std::string h2RstStream(std::uint32_t stream, std::uint32_t code) {
  return h2Frame(h2::kRstStream, h2::kNoFlags, stream, h2Number(code, 4));
}
inline std::string h2WindowUpdate(std::uint32_t stream, std::uint32_t increment) {
  return h2Frame(h2::kWindowUpdate, h2::kNoFlags, stream, h2Number(increment, 4));
}
inline std::string h2Ping(std::string_view eight_octets = "12345678", bool ack = false) {
  return h2Frame(h2::kPing, ack ? h2::kAck : h2::kNoFlags, 0, eight_octets);
}
inline std::string h2GoAway(std::uint32_t last, std::uint32_t code, std::string_view debug = {}) {
  return h2Frame(h2::kGoAway, h2::kNoFlags, 0, h2Number(last, 4) + h2Number(code, 4).append(debug));
}
inline std::string h2Priority(std::uint32_t stream, std::uint32_t dependency) {
  return h2Frame(h2::kPriority, h2::kNoFlags, stream, h2Number(dependency, 4) + '\x0f');
}

struct H2ReadFrame {
  std::uint8_t type = 0, flags = 0;
  std::uint32_t stream = 0;
  std::string payload;

  // A big-endian number in the payload.
  [[nodiscard]] std::uint32_t number(std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t octet = at; octet < at + 4; ++octet) {
      value = value << 8 | static_cast<std::uint8_t>(payload.at(octet));
    }
    return value;
  }
  [[nodiscard]] bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

// Takes whole frames off the front of `bytes`.
inline std::vector<H2ReadFrame> takeH2Frames(std::string& bytes) {
  constexpr std::size_t kHead = 9;
  std::vector<H2ReadFrame> frames;
  const auto octet = [&bytes](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[at]));
  };
  while (bytes.size() >= kHead) {
    const std::size_t length = octet(0) << 16 | octet(1) << 8 | octet(2);
    if (bytes.size() < kHead + length) {
      break;
    }
    H2ReadFrame frame;
    frame.type = static_cast<std::uint8_t>(octet(3));
    frame.flags = static_cast<std::uint8_t>(octet(4));
    frame.stream = (octet(5) & 0x7f) << 24 | octet(6) << 16 | octet(7) << 8 | octet(8);
    frame.payload = bytes.substr(kHead, length);
    bytes.erase(0, kHead + length);
    frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace gatewhy::test
