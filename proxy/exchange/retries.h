// SPDX-License-Identifier: Apache-2.0
// Which tries of a request have been made, and whether another one is safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "diagnostics/diagnosis.h"
#include "proxy/http/message.h"
#include "proxy/origin/origin_pool.h"

namespace gatewhy {

class Retries {
 public:
  // Endpoints that have failed.
  [[nodiscard]] const std::vector<std::size_t>& tried() const { return tried_; }
  // The last parked connection was stale: the next is to be a fresh one.
  [[nodiscard]] bool freshOnly() const { return fresh_only_; }
  [[nodiscard]] bool left(const OriginConfig& origin) const {
    return tried_.size() + (fresh_only_ ? 1 : 0) < origin.retry.attempts;
  }
  // The same where the origin says itself that it did nothing with the request.
  [[nodiscard]] bool untouchedLeft() const { return untouched_ < kMostUntouched; }
  // Whether the try at `endpoint`, of which a response has not begun, may be
  // followed by another, and the pool grants it; it is counted then.
  [[nodiscard]] bool take(const Diagnosis& why, const RequestHead& request, OriginPool& pool, std::size_t endpoint);
  // Whether a try at `endpoint` could be followed by another now that bytes of
  // the request go out. `reused`: the connection.
  [[nodiscard]] bool mayFollow(const RequestHead& request, const OriginPool& pool, std::size_t endpoint,
                               bool reused) const;

 private:
  // A crowd on a connection that ends after few requests is served by one
  // connection after the other.
  static constexpr std::uint8_t kMostUntouched = 10;

  std::vector<std::size_t> tried_;
  bool fresh_only_ = false;
  std::uint8_t untouched_ = 0;
};

}  // namespace gatewhy
