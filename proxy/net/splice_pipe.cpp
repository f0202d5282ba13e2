// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/splice_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace gatewhy {
namespace {

constexpr std::size_t kMostLent = 128;
constexpr std::size_t kMostKept = 8;
constexpr int kLeastCapacity = 64 * 1024;
constexpr int kWantedCapacity = 256 * 1024;  // of the kernel's 64 KiB by default: a quarter of the calls

}  // namespace

bool SplicePipe::drainTo(std::string& bytes) {
  std::array<char, 16384> piece{};
  while (held_ > 0) {
    const ssize_t got = ::read(read_.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return false;
    }
    bytes.append(piece.data(), static_cast<std::size_t>(got));
    held_ -= static_cast<std::size_t>(got);
  }
  return true;
}

std::unique_ptr<SplicePipe> SplicePipes::take() {
  if (lent_ >= kMostLent) {
    return nullptr;
  }
  std::unique_ptr<SplicePipe> pipe;
  if (!free_.empty()) {
    pipe = std::move(free_.back());
    free_.pop_back();
  } else {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) {
      return nullptr;
    }
    pipe = std::make_unique<SplicePipe>();
    pipe->read_.reset(ends[0]);
    pipe->write_.reset(ends[1]);
    // A user's pipes together are limited (pipe-user-pages-soft): the default
    // will do, but not the page or two that are left beyond the limit.
    const int size = ::fcntl(ends[1], F_SETPIPE_SZ, kWantedCapacity);
    const int capacity = size > 0 ? size : ::fcntl(ends[1], F_GETPIPE_SZ);
    if (capacity < kLeastCapacity) {
      return nullptr;
    }
    pipe->capacity_ = static_cast<std::size_t>(capacity);
  }
  ++lent_;
  return pipe;
}

void SplicePipes::giveBack(std::unique_ptr<SplicePipe> pipe) {
  --lent_;
  if (pipe->held() == 0 && free_.size() < kMostKept) {
    free_.push_back(std::move(pipe));
  }
}

}  // namespace gatewhy
