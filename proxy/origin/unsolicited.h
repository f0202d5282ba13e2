// SPDX-License-Identifier: Apache-2.0
// Bytes that came on parked connections of one origin, which no request had
// asked for. All workers note them; it outlives reloads.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace gatewhy {

struct UnsolicitedBytes {
  std::string endpoint;  // as configured
  std::string excerpt;   // the first bytes, raw
  bool first = false;    // nothing was told of this origin before
};

class UnsolicitedRecord {
 public:
  static constexpr std::size_t kExcerpt = 64;

  // Any thread.
  void note(std::string_view endpoint, std::string_view bytes) {
    count_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    news_.endpoint = endpoint;
    news_.excerpt = bytes.substr(0, kExcerpt);
    has_news_.store(true, std::memory_order_release);
  }
  // What came since the last call, once; the newest where it was more. One
  // relaxed load where nothing did. Any thread.
  [[nodiscard]] std::optional<UnsolicitedBytes> takeNews() {
    if (!has_news_.load(std::memory_order_relaxed) || !has_news_.exchange(false, std::memory_order_acquire)) {
      return std::nullopt;
    }
    const std::lock_guard lock(mutex_);
    UnsolicitedBytes news = news_;
    news.first = !told_;
    told_ = true;
    return news;
  }
  // Connections that were closed for it.
  [[nodiscard]] std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> count_{0};
  std::atomic<bool> has_news_{false};
  std::mutex mutex_;
  UnsolicitedBytes news_;  // under mutex_
  bool told_ = false;      // under mutex_
};

}  // namespace gatewhy
