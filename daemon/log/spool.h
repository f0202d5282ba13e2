// SPDX-License-Identifier: Apache-2.0
// Lines on disk between a log's writer and a destination in the network:
// written before they are sent, and there after a restart. Plain text, so that
// they can be read and rescued by hand.
//
// DIRECTORY/spool-00000000000000000001.log …  segments, each whole lines
// DIRECTORY/position                          "SEGMENT OFFSET": what has been delivered
// DIRECTORY/lock                              held by the process that uses it
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "daemon/log/log_destination.h"
#include "diagnostics/result.h"
#include "proxy/loop/fd.h"

namespace gatewhy {

// One thread appends, one takes; both may wait for a disk.
class Spool {
 public:
  // Makes the directory where only that is missing. The error says what could
  // not be done. What an earlier process left is there to be taken; a line that
  // it did not finish is dropped.
  [[nodiscard]] static Result<std::unique_ptr<Spool>, std::string> open(std::string directory, std::uint64_t max_bytes);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // ---- who appends

  // Whole lines only. WouldBlock: full, or another process (the predecessor
  // after an upgrade) still has the directory.
  [[nodiscard]] WriteResult append(std::string_view lines);
  void awaitRoom(std::chrono::milliseconds timeout);
  void requestStop();
  // True when stopped() was called; false when nothing was delivered for `patience`.
  bool awaitStopped(std::chrono::milliseconds patience);

  // ---- who takes

  // Whole lines, at most `most` bytes but at least one line; empty when there
  // was nothing for `timeout`. The same until delivered() is called.
  [[nodiscard]] std::string take(std::size_t most, std::chrono::milliseconds timeout);
  void delivered(std::size_t bytes);
  // Writes to the disk what the system may still hold, at most once a second.
  void sync();
  [[nodiscard]] bool stopping();
  // Waits; the stop cuts it short.
  void pause(std::chrono::milliseconds delay);
  void stopped();
  void countError() noexcept { errors_.fetch_add(1, std::memory_order_relaxed); }

  void countRefused(std::uint64_t lines) noexcept { refused_.fetch_add(lines, std::memory_order_relaxed); }

  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }  // lines
  [[nodiscard]] std::uint64_t errors() const noexcept { return errors_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

 private:
  struct Segment {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
  };
  Spool(std::string directory, std::uint64_t max_bytes);
  bool lock();                  // mutex_ held
  bool readDirectory();         // likewise
  bool openSegment();           // likewise
  void writePosition();         // likewise
  void dropFinishedSegments();  // likewise
  [[nodiscard]] std::string pathOf(std::uint64_t segment) const;
  [[nodiscard]] std::string wholeLines(std::size_t most);

  const std::string directory_;
  const std::uint64_t max_bytes_;
  const std::uint64_t segment_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Segment> segments_;  // the last is the one that grows
  std::uint64_t offset_ = 0;      // in the first: delivered
  Fd lock_;
  Fd last_;   // segments_.back(), to append to
  Fd first_;  // segments_.front(), to read
  bool mine_ = false;
  bool dirty_ = false;  // since the last sync()
  bool moved_ = false;  // the position, likewise
  bool stop_ = false;
  bool stopped_ = false;
  std::uint64_t deliveries_ = 0;
  std::chrono::steady_clock::time_point synced_{};
  std::atomic<std::uint64_t> errors_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> size_{0};
};

}  // namespace gatewhy
