// SPDX-License-Identifier: Apache-2.0
// Numbers that one thread writes and any thread reads: no lock, no
// read-modify-write, no allocation once a series exists.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace gatewhy {

class Counter {
 public:
  void add(std::uint64_t more = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Upper bounds in milliseconds, from what a connection inside one machine
// takes to the longest timeouts in use. The last bucket has no bound.
inline constexpr std::array<double, 16> kBucketBoundsMs = {0.5, 1,   2.5,  5,    10,   25,    50,    100,
                                                           250, 500, 1000, 2500, 5000, 10000, 30000, 60000};

// A reading of a histogram, or the sum of several.
struct HistogramReading {
  std::array<std::uint64_t, kBucketBoundsMs.size() + 1> buckets{};  // not cumulative
  double sum_ms = 0;

  void add(const HistogramReading& other) noexcept;
  // What has come since an earlier reading.
  [[nodiscard]] HistogramReading since(const HistogramReading& earlier) const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept;
  // Interpolated within its bucket; 0 where there is nothing. `q` in (0, 1].
  [[nodiscard]] double quantileMs(double q) const noexcept;
};

class Histogram {
 public:
  void observe(double ms) noexcept {
    const auto bucket = std::lower_bound(kBucketBoundsMs.begin(), kBucketBoundsMs.end(), ms) - kBucketBoundsMs.begin();
    buckets_[static_cast<std::size_t>(bucket)].add();
    sum_ms_.store(sum_ms_.load(std::memory_order_relaxed) + ms, std::memory_order_relaxed);
  }
  [[nodiscard]] HistogramReading read() const noexcept;

 private:
  std::array<Counter, kBucketBoundsMs.size() + 1> buckets_;
  std::atomic<double> sum_ms_{0};
};

// Grows at its end only; what is in it never moves. One thread grows it, any
// thread walks it.
template <typename T>
class GrowingList {
 public:
  GrowingList() = default;
  ~GrowingList() {
    for (Node* node = head_.load(std::memory_order_relaxed); node != nullptr;) {
      const std::unique_ptr<Node> dead(node);
      node = node->next.load(std::memory_order_relaxed);
    }
  }
  GrowingList(const GrowingList&) = delete;
  GrowingList& operator=(const GrowingList&) = delete;

  template <typename... Arguments>
  T& grow(Arguments&&... arguments) {
    auto* node = std::make_unique<Node>(std::forward<Arguments>(arguments)...).release();  // the list owns it
    (tail_ != nullptr ? tail_->next : head_).store(node, std::memory_order_release);
    tail_ = node;
    return node->value;
  }
  template <typename Visit>
  void forEach(Visit&& visit) const {
    for (const Node* node = head_.load(std::memory_order_acquire); node != nullptr;
         node = node->next.load(std::memory_order_acquire)) {
      visit(node->value);
    }
  }
  // The growing thread only. nullptr: none such.
  template <typename Match>
  [[nodiscard]] T* find(Match&& match) {
    for (Node* node = head_.load(std::memory_order_relaxed); node != nullptr;
         node = node->next.load(std::memory_order_relaxed)) {
      if (match(std::as_const(node->value))) {
        return &node->value;
      }
    }
    return nullptr;
  }

 private:
  struct Node {
    template <typename... Arguments>
    explicit Node(Arguments&&... arguments) : value{std::forward<Arguments>(arguments)...} {}
    T value;
    std::atomic<Node*> next{nullptr};
  };
  std::atomic<Node*> head_{nullptr};
  Node* tail_ = nullptr;
};

}  // namespace gatewhy
