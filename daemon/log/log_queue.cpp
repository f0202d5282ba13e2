// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/log_queue.h"

#include <algorithm>
#include <utility>

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kMaxDelay{50};
constexpr std::size_t kWakeBytes = 64UL * 1024;
constexpr std::size_t kChunkBytes = 16UL * 1024;

}  // namespace

void LogQueue::push(std::string_view lines, bool urgent) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (held_bytes_ + lines.size() > max_bytes_) {
      countDropped(lines);
      return;
    }
    const bool was_idle = waiting_.empty();
    append(lines);
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
void LogQueue::append(std::string_view lines) {
  if (waiting_.empty() || waiting_.back().size() + lines.size() > waiting_.back().capacity()) {
    waiting_.emplace_back();
    waiting_.back().reserve(std::max(lines.size(), kChunkBytes));
  }
  waiting_.back() += lines;
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

void LogQueue::countDropped(std::string_view lines) {
  dropped_.fetch_add(static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n')),
                     std::memory_order_relaxed);
}

}  // namespace gatewhy
