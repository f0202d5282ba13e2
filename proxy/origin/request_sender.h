// SPDX-License-Identifier: Apache-2.0
// The bytes of one request, or of a tunnel behind it, on their way into a
// socket: written at once as far as that takes them, the rest when it takes
// more. What it cannot tell, who is late, is OriginClock's. Loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/text_buffer.h"
#include "proxy/http/message.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/socket_output.h"

namespace gatewhy {

class RequestSender {
 public:
  //   Unsent ──begin──▶ AwaitContinue ──100, or body──▶ Body ──last──▶ Flushing ⇄ Sent
  // A request without a body goes from Unsent to Flushing; tunnel bytes from
  // Sent to Flushing, and back. Where the peer refuses the bytes, fault() says
  // why, nothing more is written, and the state tells what had been handed over.
  enum class State : std::uint8_t { Unsent, AwaitContinue, Body, Flushing, Sent };

  RequestSender(Transport& transport, SplicePipes& pipes) : transport_(transport), output_(transport, pipes) {}

  // The head, which is not sent before. `framing`: of the body; None: there is none.
  void begin(std::string_view head, BodyKind framing, bool expects_continue, TimePoint now);
  // Body, which is framed here; `last` ends it. `scratch` is free to be used.
  void writeBody(std::string_view data, bool last, std::string_view trailers, TextBuffer& scratch);
  // Bytes as they are: a tunnel's.
  void write(std::string_view bytes);
  // FIN behind the last byte: nothing is written any more.
  void shutdownWrite() { output_.shutdownWrite(); }
  // 100 (Continue) has come, or the client did not wait for it. False: nobody waited.
  bool stopAwaiting();
  // What waits goes, as far as the socket takes it; what is in the pipe too.
  void flush();
  // For body whose length is known, see BodySink; null where none is to come.
  [[nodiscard]] SplicePipe* splicePipe();
  // The connection is given up, or goes to another request.
  void stop() { output_.endMessage(); }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool sent() const { return state_ == State::Sent && !fault_; }
  [[nodiscard]] bool refused() const { return fault_.has_value(); }
  [[nodiscard]] bool waits() const { return !fault_ && output_.unsent(); }             // for the socket
  [[nodiscard]] bool whole() const { return state_ >= State::Flushing; }               // the last byte was handed over
  [[nodiscard]] std::size_t waiting() const { return output_.size(); }                 // bytes, without the pipe's
  [[nodiscard]] std::uint64_t written() const { return output_.written(); }            // bytes that the kernel took
  [[nodiscard]] const std::optional<TransportFault>& fault() const { return fault_; }  // why refused
  // {} where it is not there yet. A request that awaits 100 (Continue) sends
  // nothing meanwhile: its head was sent then.
  [[nodiscard]] TimePoint beganAt() const { return began_; }
  [[nodiscard]] TimePoint sentAt() const { return sent_at_; }
  [[nodiscard]] TimePoint awaitingSince() const { return awaiting_since_; }

 private:
  void settle(SocketOutput::Step step);

  Transport& transport_;
  SocketOutput output_;
  BodyKind framing_ = BodyKind::None;
  State state_ = State::Unsent;
  std::optional<TransportFault> fault_;
  TimePoint began_{}, sent_at_{}, awaiting_since_{};
};

}  // namespace gatewhy
