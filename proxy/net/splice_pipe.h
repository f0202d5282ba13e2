// SPDX-License-Identifier: Apache-2.0
// Pipes through which big bodies go from socket to socket without a copy in
// user space (splice(2)). Loop thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "proxy/loop/fd.h"

namespace gatewhy {

class SplicePipe {
 public:
  [[nodiscard]] int readEnd() const noexcept { return read_.get(); }
  [[nodiscard]] int writeEnd() const noexcept { return write_.get(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
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
