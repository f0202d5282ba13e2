// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_flood_guard.h"

#include <algorithm>

namespace gatewhy {
namespace {

constexpr std::chrono::seconds kSecond{1};

std::int64_t secondOf(H2FloodGuard::Instant now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
}

// What kind of useless frame it is; nullopt: it is of use, or is judged otherwise.
std::optional<H2Flood> uselessKind(const H2FrameHead& frame, bool open) {
  switch (frame.type) {
    case H2FrameType::Data:
      return open && frame.length == 0 && !frame.has(kH2EndStream) ? std::optional(H2Flood::EmptyData) : std::nullopt;
    case H2FrameType::RstStream:
      return open ? std::nullopt : std::optional(H2Flood::Reset);
    case H2FrameType::Headers:
      return std::nullopt;
    case H2FrameType::Priority:
    case H2FrameType::PriorityUpdate:
      return H2Flood::Priority;
    case H2FrameType::Settings:
      return H2Flood::Settings;
    case H2FrameType::Ping:
      return H2Flood::Ping;
    case H2FrameType::GoAway:
      return H2Flood::GoAway;
    case H2FrameType::WindowUpdate:
      return H2Flood::WindowUpdate;
    case H2FrameType::Continuation:
      return H2Flood::Continuation;
    case H2FrameType::PushPromise:
      break;
  }
  return H2Flood::UnknownFrame;
}

struct FloodWords {
  std::string_view name, description;
};

constexpr std::array<FloodWords, kH2Floods> kFloodWords = {{
    {"settings", "SETTINGS over and over"},
    {"ping", "PING over and over"},
    {"priority", "PRIORITY over and over"},
    {"window_update", "WINDOW_UPDATE over and over"},
    {"empty_data", "DATA without data"},
    {"continuation", "CONTINUATION without end"},
    {"reset", "RST_STREAM for streams that are over"},
    {"unknown_frame", "frames of unknown types"},
    {"refused", "streams over the limit that was announced"},
    {"goaway", "GOAWAY over and over"},
    {"rapid_reset", "requests that are given up before their answer"},
    {"provoked_reset", "requests that have to be reset for what the client sends on them"},
    {"header_block", "a block of fields that is too long"},
    {"header_bomb", "a block of fields that is far too long when it is unpacked"},
    {"unread", "frames that ask for an answer, and no answer is read"},
}};

}  // namespace

std::string_view name(H2Flood flood) noexcept {
  return kFloodWords[static_cast<std::size_t>(flood)].name;
}
std::string_view description(H2Flood flood) noexcept {
  return kFloodWords[static_cast<std::size_t>(flood)].description;
}

// Useful frames count for the second that follows too: what acknowledges them
// comes a round trip later.
void H2FloodGuard::turn(Instant now) {
  if (now - second_ < kSecond) {
    return;
  }
  useful_before_ = now - second_ < 2 * kSecond ? useful_ : 0;
  useful_ = 0;
  control_.fill(0);
  controls_ = 0;
  second_ = now;
}

H2FloodGuard::Slice& H2FloodGuard::slice(Instant now) {
  const std::int64_t second = secondOf(now);
  Slice& found = slices_[static_cast<std::size_t>(second) % kSlices];
  if (found.second != second) {
    found = Slice{.second = second};
  }
  return found;
}

void H2FloodGuard::onUseful(Instant now) {
  turn(now);
  ++useful_;
}

void H2FloodGuard::onStream(Instant now) {
  onUseful(now);
  ++slice(now).streams;
}

H2FloodGuard::Verdict H2FloodGuard::onPadding(Instant now) {
  return count(H2Flood::EmptyData, now);
}

H2FloodGuard::Verdict H2FloodGuard::onRefusedStream(Instant now) {
  return count(H2Flood::Refused, now);
}

H2FloodGuard::Verdict H2FloodGuard::count(H2Flood kind, Instant now) {
  turn(now);
  ++control_[static_cast<std::size_t>(kind)];
  ++controls_;
  const std::uint64_t allowed =
      std::max<std::uint64_t>(limits_.control, std::uint64_t{limits_.control_per_useful} * (useful_ + useful_before_));
  if (controls_ <= allowed) {
    return std::nullopt;
  }
  const auto most = std::max_element(control_.begin(), control_.end());
  return H2FloodVerdict{static_cast<H2Flood>(most - control_.begin()), controls_, allowed};
}

H2FloodGuard::Verdict H2FloodGuard::judgeBlock(const H2FrameHead& frame) {
  if (frame.type == H2FrameType::Headers) {
    block_ = 0;
    continuations_ = 0;
  } else if (++continuations_ > limits_.continuations) {
    return H2FloodVerdict{H2Flood::Continuation, continuations_, limits_.continuations};
  }
  block_ += frame.length;
  if (block_ > limits_.header_block) {
    return H2FloodVerdict{H2Flood::HeaderBlock, block_, limits_.header_block};
  }
  return std::nullopt;
}

H2FloodGuard::Verdict H2FloodGuard::onFrame(const H2FrameHead& frame, bool open, Instant now) {
  if (frame.type == H2FrameType::Headers || frame.type == H2FrameType::Continuation) {
    if (auto verdict = judgeBlock(frame)) {
      return verdict;
    }
  }
  const auto kind = uselessKind(frame, open);
  return kind ? count(*kind, now) : std::nullopt;
}

H2FloodGuard::Verdict H2FloodGuard::judgeResets(Instant now) const {
  const std::int64_t oldest = secondOf(now) - static_cast<std::int64_t>(kSlices);
  std::uint64_t streams = 0, early = 0, provoked = 0;
  for (const Slice& each : slices_) {
    if (each.second > oldest) {
      streams += each.streams;
      early += each.early;
      provoked += each.provoked;
    }
  }
  const std::uint64_t allowed = std::max<std::uint64_t>(limits_.resets, streams / 2);
  if (early + provoked <= allowed) {
    return std::nullopt;
  }
  return H2FloodVerdict{early >= provoked ? H2Flood::RapidReset : H2Flood::ProvokedReset, early + provoked, allowed};
}

H2FloodGuard::Verdict H2FloodGuard::onEarlyReset(Instant now) {
  ++slice(now).early;
  return judgeResets(now);
}

H2FloodGuard::Verdict H2FloodGuard::onProvokedReset(Instant now) {
  ++slice(now).provoked;
  return judgeResets(now);
}

H2FloodGuard::Verdict H2FloodGuard::onReply() {
  const std::uint64_t unread = std::uint64_t{++replies_} + replies_before_;
  return unread <= limits_.unread ? std::nullopt : Verdict(H2FloodVerdict{H2Flood::Unread, unread, limits_.unread});
}

}  // namespace gatewhy
