// SPDX-License-Identifier: Apache-2.0
// Whether a client makes work without doing any. Useless frames are judged by
// their ratio to those that moved something, so that a busy client may send
// many: gRPC measures its bandwidth with PINGs, browsers drop a page's images
// by the hundred. Pure: it is told of frames and of the time. Of one connection.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "proxy/http/h2/h2_frame.h"

namespace gatewhy {

enum class H2Flood : std::uint8_t {
  Settings,
  Ping,
  Priority,
  WindowUpdate,
  EmptyData,
  Continuation,  // more of them than any header block needs, or too many in all
  Reset,         // of streams that are over
  UnknownFrame,
  Refused,  // streams over the limit
  GoAway,
  RapidReset,     // requests given up before their answer (CVE-2023-44487)
  ProvokedReset,  // requests that we had to reset, for what the client did to them (CVE-2025-8671)
  HeaderBlock,    // octets of one block of fields as sent
  HeaderBomb,     // octets of one block of fields, unpacked
  Unread,         // frames that we owe it and that it does not read
};
inline constexpr std::size_t kH2Floods = static_cast<std::size_t>(H2Flood::Unread) + 1;
[[nodiscard]] std::string_view name(H2Flood flood) noexcept;         // "rapid_reset"
[[nodiscard]] std::string_view description(H2Flood flood) noexcept;  // "requests are given up before their answer"

struct H2FloodVerdict {
  H2Flood kind = H2Flood::Settings;
  std::uint64_t count = 0, limit = 0;  // what was counted, and what is allowed
};

struct H2FloodLimits {
  std::uint32_t control = 100;              // useless frames a second …
  std::uint32_t control_per_useful = 10;    // … and so many for each useful one
  std::uint32_t resets = 100;               // early resets in 10 seconds, and more than half of the streams
  std::uint32_t continuations = 8;          // of one block of fields
  std::uint32_t header_block = 128 * 1024;  // octets of one, as sent
  std::uint32_t unread = 1000;
};

class H2FloodGuard {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  using Verdict = std::optional<H2FloodVerdict>;

  explicit H2FloodGuard(const H2FloodLimits& limits) : limits_(limits) {}

  // Every frame that comes, by its head. `open`: its stream is not over.
  [[nodiscard]] Verdict onFrame(const H2FrameHead& frame, bool open, Instant now);
  // Something moved: a frame brought data or the head of a request, or took an
  // answer or some of it.
  void onUseful(Instant now);
  // DATA was nothing but padding.
  [[nodiscard]] Verdict onPadding(Instant now);
  void onStream(Instant now);  // a request began; it is useful too
  [[nodiscard]] Verdict onRefusedStream(Instant now);
  // The client resets a stream whose answer has not begun.
  [[nodiscard]] Verdict onEarlyReset(Instant now);
  // We reset a stream for what the client did.
  [[nodiscard]] Verdict onProvokedReset(Instant now);
  // A frame that answers one of the client's, a RST_STREAM or an ACK, waits to be read.
  [[nodiscard]] Verdict onReply();
  // What was in the output at the last call has been sent.
  void onSent() { replies_before_ = std::exchange(replies_, 0); }

 private:
  static constexpr std::size_t kSlices = 10;  // of a second each
  struct Slice {
    std::int64_t second = 0;
    std::uint32_t streams = 0, early = 0, provoked = 0;
  };

  void turn(Instant now);
  [[nodiscard]] Slice& slice(Instant now);
  [[nodiscard]] Verdict count(H2Flood kind, Instant now);
  [[nodiscard]] Verdict judgeBlock(const H2FrameHead& frame);
  [[nodiscard]] Verdict judgeResets(Instant now) const;

  H2FloodLimits limits_;
  Instant second_{};  // where the second began that is counted
  std::array<std::uint32_t, kH2Floods> control_{};
  std::uint32_t controls_ = 0;
  std::uint32_t useful_ = 0, useful_before_ = 0;  // in this second and in the one before
  std::array<Slice, kSlices> slices_{};
  std::uint64_t block_ = 0;  // octets of the block of fields that comes
  std::uint32_t continuations_ = 0;
  std::uint32_t replies_ = 0, replies_before_ = 0;  // since the last onSent(), and before it
};

}  // namespace gatewhy
