// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace gatewhy {

// Random ids from a generator that each worker seeds once: they need to be
// unique, not secret, and a system call per request is too dear.
class IdGenerator {
 public:
  IdGenerator();
  [[nodiscard]] std::string requestId();  // 32 hex digits
  [[nodiscard]] std::uint64_t next() { return random_(); }

 private:
  std::mt19937_64 random_;
};

// W3C Trace Context (https://www.w3.org/TR/trace-context/): the trace id of a
// valid version-00 traceparent, else "".
[[nodiscard]] std::string_view traceIdOf(std::string_view traceparent) noexcept;
// The same trace with a new parent id: this hop is a span of its own.
[[nodiscard]] std::string childTraceparent(std::string_view traceparent, IdGenerator& ids);
[[nodiscard]] std::string newTraceparent(IdGenerator& ids);
// What may be taken over from a trusted proxy as X-Request-ID: 1-128 of
// letters, digits and "-_.:/+=@".
[[nodiscard]] bool isAcceptableRequestId(std::string_view id) noexcept;

}  // namespace gatewhy
