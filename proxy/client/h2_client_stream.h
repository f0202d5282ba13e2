// SPDX-License-Identifier: Apache-2.0
// One request of an HTTP/2 client and its answer. Frames and windows are its
// session's; here is what has come of the body and nobody has taken yet, and
// the clocks that judge each direction.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/client/client_clock.h"
#include "proxy/exchange/client_stream.h"
#include "proxy/exchange/client_stream_handler.h"
#include "proxy/http/h2/h2_frame.h"
#include "proxy/http/message.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

class H2ClientSession;

class H2ClientStream final : public ClientStream, public Deferred {
 public:
  enum class State : std::uint8_t {
    Open,
    Reset,     // by whomever: nothing can be answered any more
    Settling,  // the answer is whole; it has not left yet
    Over,
  };
  // `head` has been read whole, or as far as it was understood.
  H2ClientStream(H2ClientSession& session, H2StreamId id, RequestHead&& head);

  void begin();
  void refuse(Fault fault);
  void refuseSilently(Fault fault);  // there is nobody to answer
  // Of the request.
  void onBody(std::string_view data);
  void onEnd(std::string_view trailers);
  void onShortEnd(const ParseFault& fault);  // behind the head of its answer
  // Nothing more can be said on the stream.
  void onBroken(Fault fault);
  // The client is not in time, or the connection ends; the stream can be answered.
  void onFault(Fault fault);
  void onDrainDeadline();
  void onWritable();
  void onFinished();  // the whole answer is in the output
  void onSent();
  // Takes what waits, where the exchange wants it.
  void pump();
  void abandon();  // the connection is closed

  [[nodiscard]] H2StreamId id() const { return id_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool running() const { return exchange_ != nullptr; }
  [[nodiscard]] std::size_t holds() const;  // bytes

  // ClientStream
  [[nodiscard]] const ClientFacts& facts() const override;
  void sendInterim(const AnswerHead& head) override;
  void sendHead(const AnswerHead& head) override;
  void sendData(std::string_view data) override;
  void sendEnd(std::string_view data, std::string_view trailers) override;
  void flush() override;
  [[nodiscard]] bool sendBlocked() const override;
  [[nodiscard]] std::optional<ClosedWindow> closedWindow() const override;
  void resumeBody() override;
  void openTunnel() override { resumeBody(); }
  [[nodiscard]] bool takesAnswer() const override { return state_ != State::Reset; }
  [[nodiscard]] bool hasAnswered() const override;
  [[nodiscard]] std::optional<bool> delivered() override;
  void finishExchange(Ending ending) override;

 private:
  // What has come of the request.
  enum class Request : std::uint8_t { Coming, Ended, Told /* the exchange knows that it has */ };
  // What has been submitted of the answer.
  enum class Answer : std::uint8_t { None, Begun, Ended, Finished /* all of it is in the output */ };

  void hand(std::string_view data, bool last);
  void watchProgress();
  void onUploadLook();
  void onLook(TransferClock& clock, std::uint64_t moved);
  [[nodiscard]] std::uint64_t taken();
  [[nodiscard]] Observation observe(Fault fault) const;

  H2ClientSession& session_;
  const H2StreamId id_;
  RequestHead head_;
  State state_ = State::Open;
  Request request_ = Request::Coming;
  Answer answer_ = Answer::None;
  std::unique_ptr<ClientStreamHandler> exchange_;
  std::string held_;  // body, or bytes of a tunnel
  std::string trailers_;
  std::uint64_t received_ = 0;                // bytes of the body
  std::optional<std::uint64_t> answer_left_;  // bytes that its Content-Length promises
  std::uint64_t finished_at_ = 0;             // of the session's output
  std::uint64_t connection_took_ = 0;         // bytes, when last it was the connection that had to take some
  TimePoint began_;
  TransferClock upload_, download_;
};

}  // namespace gatewhy
