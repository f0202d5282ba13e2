// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/log_queue.h"

#include <algorithm>
#include <utility>

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kMaxDelay{50};
constexpr std::size_t kWakeBytes = 64UL * 1024;
constexpr std::size_t kChunkBytes = 16UL * 1024;
// A crowd of successes must not keep a failure, or what the daemon says of itself, out of the log.
constexpr std::size_t kPartForUrgent = 8;

}  // namespace

void LogQueue::push(std::string_view lines, std::uint64_t count, bool urgent) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t first = std::exchange(next_number_, next_number_ + count);
    const std::size_t room = urgent ? max_bytes_ : max_bytes_ - max_bytes_ / kPartForUrgent;
    if (held_bytes_ + lines.size() > room) {
      noteDropped(first, count);
      return;
    }
    const bool was_idle = waiting_.empty();
    append(lines, first, count);
    const bool due = due_ || urgent || waiting_bytes_ >= kWakeBytes;
    wake = was_idle || due != due_;
    due_ = due;
  }
  if (wake) {
    work_.notify_one();
  }
}

// Small writes share a chunk as long as it need not grow, so that no lines
// are ever copied twice and the writer makes few system calls.
void LogQueue::append(std::string_view lines, std::uint64_t first, std::uint64_t count) {
  const auto fits = [&](const Chunk& last) {
    return last.text.size() + lines.size() <= last.text.capacity() && last.first + last.count == first;
  };
  if (waiting_.empty() || !fits(waiting_.back())) {
    waiting_.push_back({.text = {}, .first = first, .count = 0});
    waiting_.back().text.reserve(std::max(lines.size(), kChunkBytes));
  }
  waiting_.back().text += lines;
  waiting_.back().count += count;
  waiting_bytes_ += lines.size();
  held_bytes_ += lines.size();
  pushed_ += lines.size();
}

void LogQueue::requestReopen() {
  const std::lock_guard lock(mutex_);
  reopen_ = true;
  hurry_ = true;
  work_.notify_one();
}

void LogQueue::requestStop() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
  work_.notify_one();
}

bool LogQueue::flush(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  due_ = true;
  hurry_ = true;
  work_.notify_one();
  return progress_.wait_for(lock, timeout, [this, target = pushed_] { return written_ >= target; });
}

bool LogQueue::awaitStopped(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const std::uint64_t before = written_;
    if (!progress_.wait_for(lock, patience, [this, before] { return stopped_ || written_ != before; })) {
      return false;
    }
  }
  return true;
}

LogQueue::Work LogQueue::take() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return stop_ || reopen_ || !waiting_.empty(); });
  work_.wait_for(lock, kMaxDelay, [this] { return stop_ || reopen_ || due_; });
  Work work{std::exchange(waiting_, {}), std::exchange(reopen_, false), stop_};
  waiting_bytes_ = 0;
  due_ = false;
  hurry_ = false;
  return work;
}

void LogQueue::done(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  held_bytes_ -= bytes;
  written_ += bytes;
  progress_.notify_all();
}

void LogQueue::pause(std::chrono::milliseconds delay) {
  std::unique_lock lock(mutex_);
  work_.wait_for(lock, delay, [this] { return stop_ || hurry_; });
  hurry_ = false;
}

bool LogQueue::stopping() {
  const std::lock_guard lock(mutex_);
  return stop_;
}

void LogQueue::stopped() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  progress_.notify_all();
}

void LogQueue::countDropped(const Chunk& chunk) {
  const std::lock_guard lock(mutex_);
  noteDropped(chunk.first, chunk.count);
}

void LogQueue::noteDropped(std::uint64_t first, std::uint64_t count) {
  constexpr std::size_t kMostRanges = 1000;
  if (count == 0) {
    return;
  }
  dropped_.fetch_add(count, std::memory_order_relaxed);
  if (!told_later_.empty() && (told_later_.back().last + 1 == first || told_later_.size() == kMostRanges)) {
    told_later_.back().last = first + count - 1;
  } else {
    told_later_.push_back({.first = first, .last = first + count - 1});
  }
}

std::vector<LineRange> LogQueue::takeDropped() {
  const std::lock_guard lock(mutex_);
  return std::exchange(told_later_, {});
}

std::uint64_t LogQueue::takeNumber() {
  const std::lock_guard lock(mutex_);
  return next_number_++;
}

}  // namespace gatewhy
