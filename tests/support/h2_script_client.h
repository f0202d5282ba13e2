// SPDX-License-Identifier: Apache-2.0
// Plays a client's script over HTTP/2. Scripts are written for HTTP/1.1; what
// they do has these meanings here:
//
//   send, repeat   a head goes as HEADERS, its body as DATA, as the windows
//                  allow; fields of the connection are left out; an upgrade is
//                  an extended CONNECT (RFC 8441)
//   read_response  to the end of the oldest answer not read, or its RST_STREAM
//   read N         N octets of what the answers would be in HTTP/1.1
//   reset          RST_STREAM(CANCEL) on every stream that is open
//   fin            END_STREAM in a tunnel; else the connection's FIN
//   hold           opens no window; until all streams are over
//   wait_close     to the end of all streams; of the connection, where there is none
//
// And in stories that are HTTP/2's own:
//
//   h2             SETTINGS with these values, before all else (initial_window_size=)
//   stream         what window_update opens from here on; 0: the connection
//   window_update  opens a window by so many octets, for a script that holds
//   last_data      DATA that ends the newest request, whatever its length was to be
//   ping           PING, until it is answered: what was sent before has been read
//
// Blocking, on the calling thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/demo/script_session.h"
#include "tests/support/client_answer.h"
#include "tests/support/h2_request_text.h"

struct nghttp2_session;

namespace gatewhy::test {

class H2ScriptClient {
 public:
  // `socket` is connected; `environment` and `record` outlive the client.
  H2ScriptClient(Fd socket, const SessionEnvironment& environment, SessionRecord& record);
  ~H2ScriptClient();
  H2ScriptClient(const H2ScriptClient&) = delete;
  H2ScriptClient& operator=(const H2ScriptClient&) = delete;

  // Runs to the end and closes the socket.
  void run(const Script& script);
  // Of all requests, in their order; interim ones too.
  [[nodiscard]] std::vector<ClientResponse> responses() const;

 private:
  using Ended = ScriptSocket::Ended;
  friend struct H2ScriptCallbacks;

  struct Stream {
    std::vector<ClientResponse> responses;  // the last is the one that comes
    std::string upload;                     // not sent yet
    H2TextFields trailers;
    bool upload_ends = false;
    bool upload_waits = false;  // nghttp2 asks no more
    bool tunnel = false;
    bool over = false;
    bool reset = false;          // over by RST_STREAM, or because the connection is
    std::size_t head_until = 0;  // octets of all answers, when the head had come
  };

  Ended step(const Step& step);
  Ended handshake(const Step& step);
  Ended openWindow(std::uint64_t size);
  Ended send(std::string_view text);
  Ended repeat(std::uint64_t count, std::string_view text);
  Ended readResponse();
  Ended readCount(std::uint64_t count);
  Ended waitClose();
  Ended ping();
  Ended reset();
  Ended fin();
  Ended endUpload(std::string_view text);
  Ended signalOrWait(const Step& step);
  Ended fail(std::string message);

  void open();
  void begin(const H2RequestText::Event& event);
  void wake(std::int32_t id, Stream& stream);
  Ended flush();
  Ended receive();
  void breakStreams();
  void say(std::string_view text);
  Stream* find(std::int32_t id);
  [[nodiscard]] bool allOver() const;

  ScriptSocket socket_;
  const SessionEnvironment& environment_;
  SessionRecord& record_;
  H2RequestText request_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Stream> streams_;
  std::deque<std::int32_t> unread_;             // answers that no read_response has asked for
  std::int32_t current_ = 0;                    // whose body is being sent, or whose window is to be opened
  std::optional<std::uint32_t> stream_window_;  // in our SETTINGS
  std::uint64_t taken_ = 0;                     // octets of the answers that steps have read
  int pongs_ = 0;
  bool holds_ = false;  // the script does
  std::string failure_;
};

}  // namespace gatewhy::test
