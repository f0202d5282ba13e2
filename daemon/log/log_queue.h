// SPDX-License-Identifier: Apache-2.0
// Lines between the threads that produce them and the one that writes them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatewhy {

// Lines are numbered from 1 in the order in which they come, those that are
// dropped too: whoever reads the numbers at the other end sees what is missing.
struct LineRange {
  std::uint64_t first = 0, last = 0;  // both inclusive
};

// Bounded by bytes: what does not fit is dropped and counted, nobody waits for
// room. Producers hold the lock for one copy of their own lines at most.
class LogQueue {
 public:
  explicit LogQueue(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Who writes, for lines that are about the log's own process.
  void setInstance(std::string name) {
    const std::lock_guard lock(mutex_);
    instance_ = std::move(name);
  }
  [[nodiscard]] std::string instance() {
    const std::lock_guard lock(mutex_);
    return instance_;
  }

  // ---- producers

  // Wakes the writer when the lines are urgent, when 64 KiB wait, or for the
  // first lines after a silence.
  // `count`: how many lines they are.
  void push(std::string_view lines, std::uint64_t count, bool urgent);
  void requestReopen();
  void requestStop();
  // True when everything pushed so far has been written in time.
  bool flush(std::chrono::milliseconds timeout);
  // True when the writer has called stopped(); false when it dealt with nothing for `patience`.
  bool awaitStopped(std::chrono::milliseconds patience);

  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }  // lines
  [[nodiscard]] std::uint64_t errors() const noexcept { return errors_.load(std::memory_order_relaxed); }

  // ---- the writer

  struct Chunk {
    std::string text;
    std::uint64_t first = 0;  // number of its first line
    std::uint64_t count = 0;  // lines
  };
  struct Work {
    std::deque<Chunk> chunks;
    bool reopen = false;
    bool stop = false;
  };
  // Waits for lines (and then up to 50 ms for more, unless they are urgent),
  // a reopen or the stop.
  [[nodiscard]] Work take();
  // So many bytes that take() gave are dealt with.
  void done(std::size_t bytes);
  // After an error: waits before the next try. A reopen, a flush and the stop
  // cut it short.
  void pause(std::chrono::milliseconds delay);
  [[nodiscard]] bool stopping();
  void stopped();
  void countDropped(const Chunk& chunk);
  // What has been dropped since the last call. Ranges beyond a thousand are
  // told together with what lies between them.
  [[nodiscard]] std::vector<LineRange> takeDropped();
  // Lines that were given up one by one; which they are is not told.
  void countRefused(std::uint64_t lines) noexcept { dropped_.fetch_add(lines, std::memory_order_relaxed); }
  // For a line of the writer's own.
  [[nodiscard]] std::uint64_t takeNumber();
  void countError() noexcept { errors_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void append(std::string_view lines, std::uint64_t first, std::uint64_t count);
  void noteDropped(std::uint64_t first, std::uint64_t count);

  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::string instance_;
  std::condition_variable work_;      // something for the writer
  std::condition_variable progress_;  // something from the writer
  std::deque<Chunk> waiting_;
  std::uint64_t next_number_ = 1;
  std::vector<LineRange> told_later_;  // dropped, and not taken by takeDropped() yet
  std::size_t waiting_bytes_ = 0;
  std::size_t held_bytes_ = 0;  // waiting, or with the writer
  std::uint64_t pushed_ = 0;    // bytes, ever
  std::uint64_t written_ = 0;   // of these
  bool due_ = false;            // do not wait for more lines
  bool hurry_ = false;          // do not sit out a pause
  bool reopen_ = false;
  bool stop_ = false;
  bool stopped_ = false;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> errors_{0};
};

}  // namespace gatewhy
