// SPDX-License-Identifier: Apache-2.0
// HTTP/2 frames for fault scripts, written octet by octet, right or wrong: apart
// from the daemon's own HTTP/2, so that a bug in one is not hidden by the same
// bug in the other. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/demo/fault_script.h"

namespace gatewhy::script_h2 {

enum class Frame : std::uint8_t {
  Data = 0,
  Headers = 1,
  Priority = 2,
  RstStream = 3,
  Settings = 4,
  PushPromise = 5,
  Ping = 6,
  GoAway = 7,
  WindowUpdate = 8,
  Continuation = 9,
};

// RFC 9113 section 6; which frame has which is the writer's business.
inline constexpr std::uint8_t kEndStream = 0x1, kAck = 0x1, kEndHeaders = 0x4, kPadded = 0x8, kPriority = 0x20;
inline constexpr std::size_t kFrameHead = 9;
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct FrameHead {
  std::uint32_t length = 0;
  Frame type = Frame::Data;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
};
// Of at least kFrameHead octets.
[[nodiscard]] FrameHead readFrameHead(std::string_view octets);

using Fields = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload);
[[nodiscard]] std::string frame(Frame type, std::uint8_t flags, std::uint32_t stream, std::string_view payload);
// HPACK (RFC 7541): literals without indexing and without Huffman's code.
[[nodiscard]] std::string fieldBlock(const Fields& fields);
// HEADERS, and CONTINUATION where the block is to be cut into so many frames.
[[nodiscard]] std::string headers(std::uint32_t stream, const Fields& fields, bool ends, std::size_t frames = 1);
// DATA of at most 16 KiB each; one without octets where there are none.
[[nodiscard]] std::string data(std::uint32_t stream, std::string_view octets, bool ends);
[[nodiscard]] std::string rstStream(std::uint32_t stream, std::uint32_t code);
[[nodiscard]] std::string goAway(std::uint32_t last, std::uint32_t code, std::string_view debug);
[[nodiscard]] std::string windowUpdate(std::uint32_t stream, std::uint32_t increment);

// What a step says; nullopt where it cannot be read.
[[nodiscard]] std::optional<std::uint32_t> number(std::string_view text);     // "8", "0x2a"
[[nodiscard]] std::optional<std::uint32_t> errorCode(std::string_view text);  // "CANCEL", "8", "0x2a"
// SETTINGS of "max_concurrent_streams=1 …" (RFC 9113 section 6.5.2).
[[nodiscard]] std::optional<std::string> settings(const Step& step);
// `frame type=DATA flags=0x1 stream=3 payload=… length=…`: any of it may be wrong.
[[nodiscard]] std::optional<std::string> rawFrame(const Step& step, std::uint32_t stream);

}  // namespace gatewhy::script_h2
