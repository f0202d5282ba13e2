// SPDX-License-Identifier: Apache-2.0
// The bytes of one request, or of a tunnel behind it, on their way into a
// socket: written at once as far as that takes them, the rest when it takes
// more. What it cannot tell, who is late, is OriginClock's. Loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/loop/event_loop.h"
#include "proxy/net/transport.h"

namespace gatewhy {

class RequestSender {
 public:
  //   Unsent ──begin──▶ AwaitContinue ──100, or body──▶ Body ──last──▶ Flushing ⇄ Sent
  // A request without a body goes from Unsent to Flushing; tunnel bytes from
  // Sent to Flushing, and back. Where the peer refuses the bytes, fault() says
  // why, nothing more is written, and the state tells what had been handed over.
  enum class State : std::uint8_t { Unsent, AwaitContinue, Body, Flushing, Sent };

  // The head, which is not sent before. `whole`: no body follows.
  void begin(Transport& transport, std::string_view head, bool whole, bool expects_continue, TimePoint now);
  // More of it, framed.
  void write(std::string_view bytes);
  // The last of it was, or is about to be, handed to write().
  void noteLast();
  // 100 (Continue) has come, or the client did not wait for it. False: nobody waited.
  bool stopAwaiting();
  // The socket takes bytes again.
  void flush();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool sent() const { return state_ == State::Sent && !fault_; }
  [[nodiscard]] bool refused() const { return fault_.has_value(); }
  [[nodiscard]] bool waits() const { return !rest_.empty(); }                          // for the socket
  [[nodiscard]] bool whole() const { return state_ >= State::Flushing; }               // the last byte was handed over
  [[nodiscard]] std::size_t waiting() const { return rest_.size() - rest_at_; }        // bytes
  [[nodiscard]] std::uint64_t written() const { return written_; }                     // bytes that the kernel took
  [[nodiscard]] const std::optional<TransportFault>& fault() const { return fault_; }  // why refused
  // {} where it is not there yet. A request that awaits 100 (Continue) sends
  // nothing meanwhile: its head was sent then.
  [[nodiscard]] TimePoint beganAt() const { return began_; }
  [[nodiscard]] TimePoint sentAt() const { return sent_at_; }
  [[nodiscard]] TimePoint awaitingSince() const { return awaiting_since_; }

 private:
  void settle();
  void refuse();

  Transport* transport_ = nullptr;
  State state_ = State::Unsent;
  std::string rest_;  // what the socket did not take
  std::size_t rest_at_ = 0;
  std::uint64_t written_ = 0;
  std::optional<TransportFault> fault_;
  TimePoint began_{}, sent_at_{}, awaiting_since_{};
};

}  // namespace gatewhy
