// SPDX-License-Identifier: Apache-2.0
// Pipes through which big bodies go from socket to socket without a copy in
// user space (splice(2)). Loop thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/loop/fd.h"

namespace gatewhy {

// Below it a copy through the cache costs less than the pipe's two calls.
inline constexpr std::uint64_t kSpliceTail = 64UL * 1024;
inline constexpr std::uint64_t kSpliceFrom = 4 * kSpliceTail;

class SplicePipe {
 public:
  [[nodiscard]] int readEnd() const noexcept { return read_.get(); }
  [[nodiscard]] int writeEnd() const noexcept { return write_.get(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  // How much of a body it moves in one step where `ahead` bytes are to come. The
  // last part is read like any other body, so that where the message ends is
  // judged in one place. `ahead`: at least kSpliceFrom.
  [[nodiscard]] std::size_t stepOf(std::uint64_t ahead) const noexcept {
    return static_cast<std::size_t>(std::min<std::uint64_t>(ahead - kSpliceTail, capacity_));
  }
  void put(std::size_t size) noexcept { held_ += size; }
  void took(std::size_t size) noexcept { held_ -= size; }
  // Copies what is held behind `bytes`, for a socket that splice cannot reach.
  // False: the pipe did not give it all.
  [[nodiscard]] bool drainTo(std::string& bytes);

 private:
  friend class SplicePipes;
  Fd read_, write_;
  std::size_t capacity_ = 0;
  std::size_t held_ = 0;  // bytes put and not yet taken
};

enum class SpliceStatus : std::uint8_t {
  Ok,
  WouldBlock,
  Ended,        // the peer closed, or the connection broke: Transport::fault() says how
  Unsupported,  // this socket cannot: bytes have to be copied
};

struct SpliceResult {
  SpliceStatus status = SpliceStatus::WouldBlock;
  std::size_t size = 0;  // Ok
};

// One worker's stock. Bounded: transfers beyond it are copied.
class SplicePipes {
 public:
  // Null: all are lent, or the kernel gives no more.
  [[nodiscard]] std::unique_ptr<SplicePipe> take();
  void giveBack(std::unique_ptr<SplicePipe> pipe);  // one that holds bytes is closed with them

 private:
  std::vector<std::unique_ptr<SplicePipe>> free_;
  std::size_t lent_ = 0;
};

}  // namespace gatewhy
