// SPDX-License-Identifier: Apache-2.0
// Frame headers (RFC 9113 section 4.1), found in bytes as they come: what is
// counted and judged before a frame is worked on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gatewhy {

using H2StreamId = std::int32_t;

// RFC 9113 section 6; PriorityUpdate: RFC 9218 section 7. Others are unknown here.
enum class H2FrameType : std::uint8_t {
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
  PriorityUpdate = 0x10,
};

enum H2Flag : std::uint8_t {
  kH2Ack = 0x1,        // SETTINGS, PING
  kH2EndStream = 0x1,  // DATA, HEADERS
  kH2EndHeaders = 0x4,
  kH2Padded = 0x8,
};

inline constexpr std::size_t kH2FrameHead = 9;
inline constexpr std::string_view kH2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct H2FrameHead {
  std::uint32_t length = 0;  // octets of payload
  H2FrameType type = H2FrameType::Data;
  std::uint8_t flags = 0;
  H2StreamId stream = 0;

  [[nodiscard]] bool has(H2Flag flag) const { return (flags & flag) != 0; }
};

[[nodiscard]] H2FrameHead readH2FrameHead(const std::array<std::uint8_t, kH2FrameHead>& octets) noexcept;

// Walks over a connection's bytes, however they are split.
class H2FrameScanner {
 public:
  // `skip`: octets before the first frame.
  explicit H2FrameScanner(std::uint64_t skip) : skip_(skip) {}

  struct Step {
    std::size_t taken = 0;            // of the bytes given
    std::optional<H2FrameHead> head;  // the last octet taken is that head's last
  };
  // Takes the rest of a frame's payload, or octets of a frame's head.
  [[nodiscard]] Step next(std::string_view bytes);
  // Octets of payload that are left.
  [[nodiscard]] std::uint64_t payload() const { return skip_; }
  // The octets of the last complete head.
  [[nodiscard]] std::string_view lastHead() const {
    return {reinterpret_cast<const char*>(octets_.data()), octets_.size()};
  }
  // Of the last complete head, from the first byte of the connection.
  [[nodiscard]] std::uint64_t frameOffset() const { return frame_at_; }

 private:
  std::uint64_t skip_;
  std::uint64_t offset_ = 0;
  std::uint64_t frame_at_ = 0;
  std::array<std::uint8_t, kH2FrameHead> octets_{};
  std::size_t have_ = 0;
};

}  // namespace gatewhy
