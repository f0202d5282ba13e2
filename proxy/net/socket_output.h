// SPDX-License-Identifier: Apache-2.0
// What goes into a socket: bytes that are held for one call or that it did not
// take, and behind them a pipe. It knows the transport and no more; every call
// tells its owner what it came to. Both have to outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/net/splice_pipe.h"
#include "proxy/net/transport.h"

namespace gatewhy {

class SocketOutput {
 public:
  enum class State : std::uint8_t {
    Open,
    Ending,  // FIN follows what is queued
    Ended,   // FIN is sent
    Broken,  // the connection: what is queued will never arrive
  };
  enum class Step : std::uint8_t {
    Kept,     // behind what is held or waits already; once broken, nowhere
    Sent,     // all there was
    Blocked,  // the socket takes no more for now
    Broke,    // in this call
  };
  SocketOutput(Transport& transport, SplicePipes& pipes) : transport_(transport), pipes_(pipes) {}

  // hold = more follow in this turn, flush() sends.
  [[nodiscard]] Step send(std::string_view bytes, bool hold);
  // `data` with `tail` behind it, which is to be sent now; large data is not
  // copied to get behind what is held.
  [[nodiscard]] Step sendData(std::string_view data, std::string_view tail);
  [[nodiscard]] Step flush();
  // A pipe whose content flush() sends behind what was queued before; to be
  // filled only while nothing blocks. Null where bytes have to be copied.
  [[nodiscard]] SplicePipe* splicePipe();
  void shutdownWrite();  // behind what is queued
  // The message is over: its pipe goes back.
  void endMessage();
  // Capacity that is lent: exchanged for `spare` where nothing is queued.
  void swapBuffer(std::string& spare);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool broken() const { return state_ == State::Broken; }
  [[nodiscard]] bool ends() const { return state_ == State::Ending || state_ == State::Ended; }
  [[nodiscard]] bool unsent() const { return at_ < bytes_.size() || (pipe_ && pipe_->held() != 0); }
  // It is the socket that does not take what is queued.
  [[nodiscard]] bool waits() const { return !held_ && unsent(); }
  [[nodiscard]] bool blocked() const { return broken() || waits(); }
  // Has what was sent arrived? nullopt: nothing tells yet.
  [[nodiscard]] std::optional<bool> arrived() const;
  [[nodiscard]] std::size_t size() const { return bytes_.size() - at_; }  // queued, without the pipe
  [[nodiscard]] std::uint64_t written() const { return written_; }        // in all, to the kernel

 private:
  [[nodiscard]] Step flushPipe();
  [[nodiscard]] Step copyPipe();
  [[nodiscard]] Step breakDown();
  void clear();

  Transport& transport_;
  SplicePipes& pipes_;
  State state_ = State::Open;
  bool held_ = false;    // bytes_ wait for flush(), not for the socket
  bool copies_ = false;  // this message is not spliced: no pipe, or not into this socket
  std::string bytes_;
  std::size_t at_ = 0;                // so much of bytes_ is sent
  std::unique_ptr<SplicePipe> pipe_;  // behind bytes_; lent while a body is spliced
  std::uint64_t written_ = 0;
};

}  // namespace gatewhy
