// SPDX-License-Identifier: Apache-2.0
// One stream of an H2Session: where the peer's message and ours are, and the
// body that waits to be sent.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/message.h"

namespace gatewhy {

using H2Instant = std::chrono::steady_clock::time_point;

// What keeps our body here, where it is a window of the peer.
struct H2ClosedWindow {
  bool stream = false, connection = false;  // whose; one of them at least
  H2Instant since{};                        // when the first of them closed
  std::size_t waiting = 0;                  // bytes of the body
};

struct H2Stream {
  // The peer's message.
  enum class Incoming : std::uint8_t {
    Awaited,  // its head is: a response's
    Coming,
    Whole,
    Refused,  // its head was at fault: what follows is dropped
    Over,     // the stream was reset, by whomever
  };
  // Ours.
  enum class Outgoing : std::uint8_t {
    None,
    Begun,   // its head is submitted
    Ending,  // all of it is
    Sent,    // all of it is in the output, or will never be
  };
  Incoming incoming = Incoming::Coming;
  Outgoing outgoing = Outgoing::None;
  bool bodiless = false;                  // an answer to HEAD, or a 204 or 304
  bool tunnel = false;                    // its two directions end independently
  bool deferred = false;                  // nghttp2 does not ask for data until it is told that there is some
  bool awaited = false;                   // the observer waits for room
  std::optional<std::uint64_t> declared;  // octets of the peer's body: Content-Length, or none may come
  std::uint64_t received = 0;             // octets of the peer's body
  std::uint64_t unconsumed = 0;           // of these, still on the windows' account
  std::uint64_t sent = 0;                 // octets of our body
  std::string trailers;                   // of ours, as lines
  H2Instant open_at{};                    // the peer's window was known to be open then, or opened first
  std::optional<H2ClosedWindow> stopped;  // as it was when the stream was given up

  // Of a request to an origin:
  Method method = Method::Get;
  bool mend = false;              // faults of the response are mended
  std::string switching;          // of an extended CONNECT: lines of the 101 that its answer is told as
  std::uint32_t window = 0;       // octets that the origin may send ahead …
  std::uint64_t window_mark = 0;  // … and `received` when that was set

  // Nothing comes or goes any more.
  [[nodiscard]] bool closed() const {
    return incoming == Incoming::Over || (incoming == Incoming::Whole && outgoing == Outgoing::Sent);
  }
  // What goes out next in one piece: kept first, then what is lent.
  [[nodiscard]] std::string_view front() const { return kept().empty() ? lent_ : kept(); }
  [[nodiscard]] std::size_t left() const { return kept().size() + lent_.size(); }
  void take(std::size_t size) {
    if (kept().empty()) {
      lent_.remove_prefix(size);
      return;
    }
    at_ += size;
    if (at_ == kept_.size()) {
      kept_.clear();
      at_ = 0;
    }
  }
  void lend(std::string_view data) { lent_ = data; }
  // The lender wants its bytes back.
  void keepLent() {
    if (!lent_.empty()) {
      kept_.erase(0, at_);
      at_ = 0;
      kept_.append(lent_);
      lent_ = {};
    }
  }
  void drop() {
    lent_ = {};
    at_ = 0;
    std::string().swap(kept_);
  }

 private:
  [[nodiscard]] std::string_view kept() const { return std::string_view(kept_).substr(at_); }

  std::string_view lent_;  // valid during one call
  std::string kept_;
  std::size_t at_ = 0;  // so much of it is gone
};

}  // namespace gatewhy
