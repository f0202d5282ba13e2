// SPDX-License-Identifier: Apache-2.0
// A client whose request is whole has sent FIN: it has said all and waits, or
// it has left, as curl at Ctrl-C does. TCP tells only when it is sent
// something: the first acknowledges it, the second answers with a reset. So a
// client that would hear nothing yet is sent an interim response.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "proxy/loop/event_loop.h"

namespace gatewhy {

class LeavingWatch {
 public:
  enum class Verdict : std::uint8_t {
    Waits,  // or cannot be told
    Probe,  // to be sent kProbe, and looked at again
    Left,   // for want of any answer to come, it is taken for gone
  };
  // RFC 9110 section 15.2.1. Of the interim responses the one that every client
  // skips, asked for or not.
  static constexpr std::string_view kProbe = "HTTP/1.1 100 Continue\r\n\r\n";

  LeavingWatch(EventLoop& loop, std::function<void()> on_due) : timer_(loop, std::move(on_due)) {}

  // At its FIN. `responding`: the answer has begun; `written`: bytes so far.
  void begin(bool responding, std::uint64_t written);
  void stop() { timer_.cancel(); }
  // When the timer is due, while the answer has not begun, or
  [[nodiscard]] Verdict beforeAnswer();
  // while it comes.
  [[nodiscard]] Verdict duringAnswer(std::uint64_t written, bool unsent) const;

 private:
  int probes_ = 0;
  std::uint64_t written_at_fin_ = 0;
  Deadline timer_;
};

}  // namespace gatewhy
