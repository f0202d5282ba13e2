// SPDX-License-Identifier: Apache-2.0
// One request of an HTTP/1 client and its answer: the head and the body as they
// come, the exchange, and what the client's end means to it. The worker lends
// it from the first byte of a request to the end of its exchange, so that an
// idle connection holds none of it, and the buffers that one request has grown
// serve the next one, whoever sends that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/client/client_clock.h"
#include "proxy/client/client_session.h"
#include "proxy/client/h1_answer_writer.h"
#include "proxy/client/leaving_watch.h"
#include "proxy/exchange/client_stream.h"
#include "proxy/exchange/client_stream_handler.h"
#include "proxy/http/h1_parser.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

class H1ClientSession;

// How the client's connection goes on after an exchange.
enum class Disposition : std::uint8_t {
  KeepAlive,
  Close,  // lingering: what the client still sends is read and dropped, so that it can read the answer
  Reset,  // RST: the message must not look complete
  Drop,   // close without a byte, or the client is gone already
};

class H1ClientStream final : public ClientStream, public Deferred, private H1AnswerWriter::Owner {
 public:
  enum class State : std::uint8_t {
    Idle,      // not a byte of the request has come
    Head,      // its head comes
    Body,      // the exchange runs; of the body more is to come
    Awaiting,  // the request is whole, the answer is not
    Tunnel,    // bytes go both ways
    Settling,  // the answer is sent; whether it arrived is not known yet
    Over,
  };
  [[nodiscard]] State state() const;
  [[nodiscard]] bool running() const { return exchange_ != nullptr; }
  [[nodiscard]] bool isWhole() const { return exchange_->bodyDone(); }  // the request; while running

  // Uses what it can; what it returns has to wait, or is the next request's.
  [[nodiscard]] std::string_view take(std::string_view bytes);
  // A step of a big body that is not to be read; Unsupported: it is.
  [[nodiscard]] SpliceResult splice();
  [[nodiscard]] bool wantsBody() const { return exchange_->wantsBody(); }       // or tunnel bytes; while running
  [[nodiscard]] std::size_t bodyRoom() const { return exchange_->bodyRoom(); }  // for one read
  [[nodiscard]] std::size_t holds();                                            // bytes
  void refuse(Fault fault);                                                     // the request, or what came instead
  void abandon();                                                               // its connection is closed

  // While it runs:
  void onClientFin(const EndFault& end);
  void onClientReset(int error);
  void onClientBroken(Fault fault);                          // what came cannot be read
  void onClientGone();                                       // reset behind its FIN
  void onTunnelHeard() { exchange_->onBody({}, true, {}); }  // all that it sent before its FIN has gone
  void onDrained() { exchange_->onClientDrained(); }
  void onDrainDeadline() { exchange_->onDrainDeadline(); }
  void settle();  // Settling: is it known now?
  void settleUnknown();

  // Who is waited for decides which clocks run.
  void watchProgress();
  void onAllSent() { download_.stop(); }

  // ClientStream
  [[nodiscard]] const ClientFacts& facts() const override { return wire_->facts; }
  void sendInterim(const AnswerHead& head) override { answer_.sendInterim(head); }
  void sendHead(const AnswerHead& head) override;
  void sendData(std::string_view data) override;
  void sendEnd(std::string_view data, std::string_view trailers) override;
  void flush() override { answer_.flush(); }
  [[nodiscard]] SplicePipe* splicePipe() override { return answer_.splicePipe(); }
  [[nodiscard]] bool sendBlocked() const override { return wire_->output.blocked(); }
  void resumeBody() override;
  void openTunnel() override;
  [[nodiscard]] bool halfClosed() const;
  [[nodiscard]] std::optional<bool> delivered() override;
  void finishExchange(Ending ending) override;

 private:
  friend class H1ClientStreams;
  H1ClientStream(EventLoop& loop, const HeadLimits& limits, std::uint64_t generation);

  std::string_view use(std::string_view bytes);
  std::string_view takeHead(std::string_view bytes);
  std::string_view takeBody(std::string_view bytes);
  void begin();
  void watchForLeaving();
  void onLeaveLook();
  void onClientLeft(bool reset);
  void onLook(TransferClock& clock, std::uint64_t moved);
  [[nodiscard]] Observation observe(Fault fault);
  void onWritten(SocketOutput::Step step) override;
  [[nodiscard]] bool mustClose();
  [[nodiscard]] bool lastRequest() const;
  [[nodiscard]] Disposition dispositionAfter(Ending ending) const;

  H1ClientSession* session_ = nullptr;  // whose request it is, and
  const ClientWire* wire_ = nullptr;    // what that works with
  State state_ = State::Idle;           // Body also for what the exchange tells apart: state()
  RequestParser parser_;
  BodyDecoder decoder_;
  std::unique_ptr<ClientStreamHandler> exchange_;
  H1AnswerWriter answer_;
  bool last_ = false;       // nothing is served on the connection behind it
  std::size_t behind_ = 0;  // bytes in take() behind those that are looked at
  TransferClock upload_, download_;
  LeavingWatch leaving_;
  std::string buffer_;        // empty; the capacity is what is lent
  std::uint64_t generation_;  // of the limits
};

}  // namespace gatewhy
