// SPDX-License-Identifier: Apache-2.0
// A client's request and the way back to it, as its exchange sees them,
// whatever version of HTTP the client speaks. Loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "diagnostics/observation.h"
#include "proxy/exchange/client_facts.h"
#include "proxy/http/answer_head.h"
#include "proxy/origin/body.h"

namespace gatewhy {

// How an answer has ended. What becomes of the connection its session decides.
enum class Ending : std::uint8_t {
  Complete,
  Broken,     // it must not look complete
  Abandoned,  // likewise, and the client does not take it or is at fault itself
  Silent,     // no answer: the client is gone, or is to get none (444)
};

// As a sink it takes the answer's content behind sendHead(), as a source it gives
// the request's body. Of a tunnel both are bytes as they are.
class ClientStream : public BodySink, public BodySource {
 public:
  [[nodiscard]] virtual const ClientFacts& facts() const = 0;

  // A 1xx, at once.
  virtual void sendInterim(const AnswerHead& head) = 0;
  // Kept until content follows or flush() is called.
  virtual void sendHead(const AnswerHead& head) = 0;
  virtual void openTunnel() = 0;  // behind the head that opens it
  // False where nothing can be answered any more: the stream is reset already.
  [[nodiscard]] virtual bool takesAnswer() const { return true; }
  // The client was told the end of its answer, whose length was known, whatever
  // its origin still has to say.
  [[nodiscard]] virtual bool hasAnswered() const { return false; }
  // Of HTTP/2: the client's window that keeps bytes of the answer here.
  [[nodiscard]] virtual std::optional<ClosedWindow> closedWindow() const { return std::nullopt; }
  // Has all that was sent arrived, as far as that can be doubted? nullopt: not
  // known yet, onSettled() will tell.
  [[nodiscard]] virtual std::optional<bool> delivered() = 0;
  // Ends the exchange; it is buried before the next turn.
  virtual void finishExchange(Ending ending) = 0;

 protected:
  ~ClientStream() = default;
};

}  // namespace gatewhy
