// SPDX-License-Identifier: Apache-2.0
// Runs one fault script over one connected socket, on the calling thread, with
// blocking semantics: simple on purpose, for the demo and for tests, where a
// thread per connection is cheap and a script must read top to bottom.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "daemon/demo/fault_script.h"
#include "daemon/demo/script_h2.h"
#include "daemon/demo/script_socket.h"

namespace gatewhy {

// Named flags between scripts: `signal ready` in one, `wait ready` in another.
class SignalBoard {
 public:
  void raise(const std::string& flag);
  // False: stopped before the flag came.
  [[nodiscard]] bool wait(const std::string& flag);
  void stop();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> raised_;
  bool stopped_ = false;
};

// What a session saw; complete once the session is over.
struct SessionRecord {
  std::string received;  // application bytes, at most kRecordLimit of them; of HTTP/2, what they say
  std::uint64_t received_total = 0;
  unsigned requests = 0;  // heads read, by a server
  SessionEnd end = SessionEnd::Finished;
  bool tls_established = false;
  std::string alpn;
  std::string error;  // why it ended, where somebody said so
};
inline constexpr std::size_t kRecordLimit = 8U << 20U;

// What the scripts of one peer share. All of it outlives the sessions.
struct SessionEnvironment {
  const StopFlag* stop = nullptr;
  SignalBoard* signals = nullptr;                          // null: `signal` and `wait` are errors
  std::function<bool(const std::string&)> on_run;          // empty: `run` is an error
  const std::map<std::string, Script>* by_path = nullptr;  // longest prefix wins; "" = else
  const TlsFiles* tls_files = nullptr;
};

class ScriptSession final : private ScriptH2::Wire {
 public:
  enum class Role : std::uint8_t { Client, Server };

  // `record_lock`, where given, is held whenever the record changes, so that
  // another thread may look at it meanwhile.
  ScriptSession(Fd socket, Role role, const SessionEnvironment& environment, SessionRecord& record,
                std::mutex* record_lock = nullptr);

  // Runs to the end and closes the socket.
  void run(const Script& script);

 private:
  using Ended = ScriptSocket::Ended;

  Ended step(const Step& step);
  Ended handshake(const Step& step);
  Ended beginH2(const Step& step);
  Ended readHead();
  Ended readExactly(std::uint64_t count);
  Ended readLine(std::string& line);
  Ended readChunks();
  Ended readRequestBody();
  Ended readResponse();
  Ended readToEnd();  // always ends: with PeerClosed where all is well
  Ended sendText(const std::string& bytes);
  Ended repeat(std::uint64_t count, const std::string& text);
  Ended sendFile(const std::string& path);
  Ended respond(std::uint64_t status, std::string_view body);
  Ended dispatchByPath();
  Ended signalOrWait(const Step& step);
  template <typename Change>
  void note(Change change);

  // ScriptH2::Wire
  Ended send(std::string_view bytes) override { return socket_.send(bytes); }
  Ended fill() override;
  [[nodiscard]] std::string& received() override { return buffer_; }
  void record(std::string_view text) override;
  Ended fail(std::string message) override;

  ScriptSocket socket_;
  std::unique_ptr<ScriptH2> h2_;  // from the step `h2` on
  Role role_;
  const SessionEnvironment& environment_;
  SessionRecord& record_;
  std::mutex* record_lock_;
  std::string buffer_;       // received, not yet taken by a step
  std::string last_head_;    // the last head read
  std::string last_method_;  // client role: of the last request sent
  std::string failure_;      // set by fail()
};

}  // namespace gatewhy
