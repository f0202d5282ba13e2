// SPDX-License-Identifier: Apache-2.0
// The socket under a fault script: blocking semantics that a stop flag can end,
// TLS where a step asked for it, and the rude ways to finish.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/demo/fault_script.h"
#include "daemon/demo/script_tls.h"
#include "proxy/loop/fd.h"

namespace gatewhy {

// A one-shot flag that poll() can wait for: stops every session at once.
class StopFlag {
 public:
  StopFlag();
  void raise() noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  Fd fd_;
};

enum class SessionEnd : std::uint8_t {
  Finished,    // the script came to its end with the peer still there
  PeerClosed,  // FIN, or close_notify
  PeerReset,
  TlsFailed,
  Stopped,
  Error,  // a step could not be carried out
};

class ScriptSocket {
 public:
  // nullopt: the call did what it was asked; else why nothing more can be done.
  using Ended = std::optional<SessionEnd>;

  // `stop` may be null; else it outlives the socket.
  ScriptSocket(Fd fd, bool server, const StopFlag* stop);

  Ended handshake(const Step& step, const TlsFiles& files);
  Ended receive(std::string& into);  // appends what has come, waits for something
  Ended send(std::string_view bytes);
  Ended sendBeneathTls(std::string_view bytes);
  Ended pause(std::chrono::milliseconds duration);
  Ended hold();  // until the peer has gone; reads nothing

  void closeNotify();
  void shutdownWrite();
  void reset();
  void close();

  [[nodiscard]] bool open() const { return fd_.valid(); }
  [[nodiscard]] const std::string& error() const { return error_; }  // of the last call that ended
  [[nodiscard]] const std::string& alpn() const { return alpn_; }

 private:
  Ended waitFor(short events);
  Ended waitForTls(int result);  // after an SSL call that did not succeed
  Ended endedByErrno();

  Fd fd_;
  bool server_;
  const StopFlag* stop_;
  TlsSessionPtr tls_;
  std::string error_;
  std::string alpn_;
};

}  // namespace gatewhy
