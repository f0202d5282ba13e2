// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <termios.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "proxy/loop/fd.h"

namespace gatewhy {

// The terminal taken over for a picture that changes: alternate screen, no
// cursor, keys without Enter. Given back when destroyed, and around a stop
// (^Z). SIGINT, SIGTERM and SIGHUP end the picture instead of the process.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void draw(const std::string& frame);  // whole lines
  enum class Wake : std::uint8_t { Time, Redraw, Key, Quit };
  // Until something is to be done: the time is over, the size has changed, a
  // key was pressed (typed() has it), or q, ^C or a signal asks for the end.
  [[nodiscard]] Wake wait(std::chrono::milliseconds most);
  [[nodiscard]] const std::string& typed() const { return typed_; }
  [[nodiscard]] static std::size_t height();  // lines

 private:
  void enter();
  void leave();
  [[nodiscard]] bool keysWantEnd();
  [[nodiscard]] Wake onSignal();

  termios before_{};
  std::string typed_;  // as the terminal sent it
  bool keys_ = false;  // standard input is a terminal
  Fd signals_;
};

}  // namespace gatewhy
