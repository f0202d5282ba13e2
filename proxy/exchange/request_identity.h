// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proxy/loop/random.h"

namespace gatewhy {

// Random ids from a generator that each worker seeds once: they need to be
// unique, not secret, and a system call per request is too dear.
class IdGenerator {
 public:
  [[nodiscard]] std::uint64_t next() { return random_(); }

 private:
  Random random_ = Random::seeded();
};

// The names that an exchange has in logs, on both sides: X-Request-ID and
// traceparent, taken over where the peer is believed, else made here. Held in
// place; the views live as long as this.
class RequestIdentity {
 public:
  // What the request carries; "" where absent or not believed.
  void assign(std::string_view given_id, std::string_view given_traceparent, IdGenerator& ids);

  [[nodiscard]] bool assigned() const noexcept { return id_size_ != 0; }
  [[nodiscard]] std::string_view requestId() const noexcept { return {id_.data(), id_size_}; }
  // The same trace with a new parent id: this hop is a span of its own.
  [[nodiscard]] std::string_view traceparent() const noexcept { return {traceparent_.data(), traceparent_.size()}; }
  [[nodiscard]] std::string_view traceId() const noexcept { return traceparent().substr(kTraceAt, kTraceSize); }
  [[nodiscard]] std::string_view spanId() const noexcept { return traceparent().substr(kParentAt, kSpanSize); }
  // Of whom the request came from; "" where it said none that is believed.
  [[nodiscard]] std::string_view parentSpanId() const noexcept {
    return {parent_.data(), parent_[0] == '\0' ? 0 : kSpanSize};
  }

 private:
  // 00-<32 hex trace id>-<16 hex parent id>-<2 hex flags>
  static constexpr std::size_t kTraceAt = 3, kTraceSize = 32, kParentAt = 36, kSpanSize = 16, kTraceparentSize = 55;

  std::array<char, 128> id_;
  std::array<char, kTraceparentSize> traceparent_;
  std::array<char, kSpanSize> parent_{};
  std::uint8_t id_size_ = 0;
};

// W3C Trace Context (https://www.w3.org/TR/trace-context/): the trace id of a
// valid version-00 traceparent, else "".
[[nodiscard]] std::string_view traceIdOf(std::string_view traceparent) noexcept;
// What may be taken over from a trusted proxy as X-Request-ID: 1-128 of
// letters, digits and "-_.:/+=@".
[[nodiscard]] bool isAcceptableRequestId(std::string_view id) noexcept;

}  // namespace gatewhy
