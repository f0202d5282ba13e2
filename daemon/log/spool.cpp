// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "diagnostics/errno_name.h"

namespace gatewhy {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostSegment = 16UL * 1024 * 1024;
constexpr std::uint64_t kSegments = 8;  // a full spool has at least so many
constexpr std::chrono::milliseconds kSyncEvery{1000};
constexpr mode_t kSpoolMode = 0600;
constexpr std::string_view kSegmentPrefix = "spool-";

Failure<std::string> spoolFailed(const std::string& directory, std::string_view what, int error) {
  return {fmt::format("cannot use the spool {}: {}: {} ({})", directory, what, errnoName(error), std::strerror(error))};
}

std::optional<std::uint64_t> segmentNumber(const std::string& name) {
  constexpr std::string_view kEnd = ".log";
  if (!name.starts_with(kSegmentPrefix) || !name.ends_with(kEnd)) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const char* begin = name.data() + kSegmentPrefix.size();
  const char* end = name.data() + name.size() - kEnd.size();
  const auto [rest, error] = std::from_chars(begin, end, number);
  return error == std::errc() && rest == end ? std::optional(number) : std::nullopt;
}

// How much of a file is whole lines; the rest is cut off.
std::uint64_t cutUnfinishedLine(const std::string& path, std::uint64_t bytes) {
  const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  char last = '\n';
  std::uint64_t whole = bytes;
  while (file.valid() && whole != 0 && ::pread(file.get(), &last, 1, static_cast<off_t>(whole - 1)) == 1 &&
         last != '\n') {
    --whole;
  }
  if (whole != bytes && file.valid() && ::ftruncate(file.get(), static_cast<off_t>(whole)) != 0) {
    return bytes;  // an odd line is better than none
  }
  return whole;
}

}  // namespace

Spool::Spool(std::string directory, std::uint64_t max_bytes)
    : directory_(std::move(directory)),
      max_bytes_(max_bytes),
      segment_bytes_(std::min(kMostSegment, std::max<std::uint64_t>(max_bytes / kSegments, 1))) {}

Spool::~Spool() {
  const std::lock_guard guard(mutex_);
  if (mine_) {
    writePosition();
  }
}

Result<std::unique_ptr<Spool>, std::string> Spool::open(std::string directory, std::uint64_t max_bytes) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return spoolFailed(directory, "mkdir", errno);
  }
  std::unique_ptr<Spool> spool(new Spool(std::move(directory), max_bytes));
  spool->lock_ =
      Fd(::open((spool->directory_ + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kSpoolMode));
  if (!spool->lock_.valid()) {
    return spoolFailed(spool->directory_, "lock", errno);
  }
  const std::lock_guard guard(spool->mutex_);
  if (spool->lock() && !spool->openSegment()) {
    return spoolFailed(spool->directory_, "a new file", errno);
  }
  return spool;
}

std::string Spool::pathOf(std::uint64_t segment) const {
  return fmt::format("{}/{}{:020}.log", directory_, kSegmentPrefix, segment);
}

// False: another process has it.
bool Spool::lock() {
  if (!mine_ && ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) {
    mine_ = true;
    readDirectory();
  }
  return mine_;
}

bool Spool::readDirectory() {
  std::error_code error;
  segments_.clear();
  for (fs::directory_iterator entry(directory_, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code unread;
    if (const auto number = segmentNumber(entry->path().filename().string())) {
      segments_.push_back({.number = *number, .bytes = entry->file_size(unread)});
    }
  }
  std::sort(segments_.begin(), segments_.end(), [](const Segment& a, const Segment& b) { return a.number < b.number; });
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::ifstream(directory_ + "/position") >> segment >> offset;
  while (!segments_.empty() && segments_.front().number < segment) {
    fs::remove(pathOf(segments_.front().number), error);
    segments_.pop_front();
  }
  if (!segments_.empty()) {
    Segment& last = segments_.back();
    last.bytes = cutUnfinishedLine(pathOf(last.number), last.bytes);
    offset_ = segments_.front().number == segment ? std::min(offset, segments_.front().bytes) : 0;
  }
  std::uint64_t bytes = 0;
  for (const Segment& one : segments_) {
    bytes += one.bytes;
  }
  size_ = bytes - offset_;
  return !error;
}

// A new one at the end.
bool Spool::openSegment() {
  std::uint64_t number = 1;
  if (!segments_.empty()) {
    number = segments_.back().number + 1;
  } else {
    std::ifstream(directory_ + "/position") >> number;  // never one that is said to be delivered
    ++number;
  }
  Fd made(::open(pathOf(number).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kSpoolMode));
  if (!made.valid()) {
    return false;
  }
  if (last_.valid()) {
    ::fdatasync(last_.get());
  }
  last_ = std::move(made);
  segments_.push_back({.number = number, .bytes = 0});
  return true;
}

WriteResult Spool::append(std::string_view lines) {
  const std::lock_guard guard(mutex_);
  if (!lock() || size_ + lines.size() > max_bytes_) {
    return {.status = WriteStatus::WouldBlock};
  }
  if ((!last_.valid() || segments_.back().bytes >= segment_bytes_) && !openSegment()) {
    return {.status = WriteStatus::Failed, .error = errno, .reason = "its spool"};
  }
  const ssize_t written = ::write(last_.get(), lines.data(), lines.size());
  if (written != static_cast<ssize_t>(lines.size())) {
    const int error = written < 0 ? errno : ENOSPC;
    // Half a line must not be read.
    [[maybe_unused]] const int cut = ::ftruncate(last_.get(), static_cast<off_t>(segments_.back().bytes));
    return {.status = WriteStatus::Failed, .error = error, .reason = "its spool"};
  }
  segments_.back().bytes += lines.size();
  size_ += lines.size();
  dirty_ = true;
  changed_.notify_all();
  return {.status = WriteStatus::Ok, .size = lines.size()};
}

void Spool::awaitRoom(std::chrono::milliseconds timeout) {
  std::unique_lock guard(mutex_);
  changed_.wait_for(guard, timeout);
}

std::string Spool::wholeLines(std::size_t most) {
  while (segments_.size() > 1 && offset_ >= segments_.front().bytes) {
    dropFinishedSegments();
  }
  if (segments_.empty() || offset_ >= segments_.front().bytes) {
    return {};
  }
  if (!first_.valid()) {
    first_ = Fd(::open(pathOf(segments_.front().number).c_str(), O_RDONLY | O_CLOEXEC));
  }
  constexpr std::size_t kLongestLine = 64UL * 1024;
  const std::uint64_t there = segments_.front().bytes - offset_;
  std::string text(std::min<std::uint64_t>(std::max(most, kLongestLine), there), '\0');
  const ssize_t got =
      first_.valid() ? ::pread(first_.get(), text.data(), text.size(), static_cast<off_t>(offset_)) : -1;
  if (got <= 0) {
    // Somebody took the file away: what was in it is gone.
    size_ -= there;
    offset_ = segments_.front().bytes;
    countError();
    return {};
  }
  text.resize(static_cast<std::size_t>(got));
  std::size_t end = text.rfind('\n', most - 1);
  if (end == std::string::npos) {
    end = text.find('\n');
  }
  text.resize(end == std::string::npos ? text.size() : end + 1);
  return text;
}

std::string Spool::take(std::size_t most, std::chrono::milliseconds timeout) {
  std::unique_lock guard(mutex_);
  const auto there = [this] { return stop_ || (lock() && size_ != 0); };
  changed_.wait_for(guard, timeout, there);
  return lock() ? wholeLines(most) : std::string();
}

void Spool::delivered(std::size_t bytes) {
  const std::lock_guard guard(mutex_);
  offset_ += bytes;
  size_ -= bytes;
  ++deliveries_;
  moved_ = true;
  if (segments_.size() > 1 && offset_ >= segments_.front().bytes) {
    dropFinishedSegments();
  }
  changed_.notify_all();
}

void Spool::dropFinishedSegments() {
  first_.reset();
  std::error_code error;
  fs::remove(pathOf(segments_.front().number), error);
  segments_.pop_front();
  offset_ = 0;
  moved_ = true;
}

void Spool::writePosition() {
  const std::string path = directory_ + "/position";
  const std::string next = path + ".new";
  const std::string text = fmt::format("{} {}\n", segments_.empty() ? 0 : segments_.front().number, offset_);
  const Fd file(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kSpoolMode));
  if (file.valid() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::rename(next.c_str(), path.c_str()) == 0) {
    moved_ = false;
  }
}

void Spool::sync() {
  int fd = -1;
  {
    const std::lock_guard guard(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (!mine_ || now - synced_ < kSyncEvery) {
      return;
    }
    synced_ = now;
    if (moved_) {
      writePosition();
    }
    fd = std::exchange(dirty_, false) && last_.valid() ? ::fcntl(last_.get(), F_DUPFD_CLOEXEC, 0) : -1;
  }
  if (const Fd file(fd); file.valid()) {
    ::fdatasync(file.get());  // without the lock: it may take long
  }
}

bool Spool::stopping() {
  const std::lock_guard guard(mutex_);
  return stop_;
}

void Spool::requestStop() {
  const std::lock_guard guard(mutex_);
  stop_ = true;
  changed_.notify_all();
}

void Spool::pause(std::chrono::milliseconds delay) {
  const auto until = std::chrono::steady_clock::now() + delay;
  std::unique_lock guard(mutex_);
  while (!stop_ && changed_.wait_until(guard, until) != std::cv_status::timeout) {
  }
}

void Spool::stopped() {
  const std::lock_guard guard(mutex_);
  if (mine_) {
    writePosition();
  }
  stopped_ = true;
  changed_.notify_all();
}

bool Spool::awaitStopped(std::chrono::milliseconds patience) {
  std::unique_lock guard(mutex_);
  while (!stopped_) {
    const std::uint64_t before = deliveries_;
    if (!changed_.wait_for(guard, patience, [this, before] { return stopped_ || deliveries_ != before; })) {
      return false;
    }
  }
  return true;
}

}  // namespace gatewhy
