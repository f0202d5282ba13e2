// SPDX-License-Identifier: Apache-2.0
// A request and its response in HTTP/1.1, on a connection of its own for as
// long as it lasts. The request goes through RequestSender; here the response
// is read, and how the connection ends is judged.
#pragma once

#include <vector>

#include "proxy/http/h1_parser.h"
#include "proxy/loop/recycled.h"
#include "proxy/origin/h1_origin_connection.h"
#include "proxy/origin/origin_clock.h"
#include "proxy/origin/origin_stream.h"
#include "proxy/origin/request_sender.h"

namespace gatewhy {

class H1OriginStream final : public OriginStream,
                             public IoHandler,
                             private OriginClock::Owner,
                             public Recycled<H1OriginStream> {
 public:
  H1OriginStream(H1OriginConnection& connection, const OriginStreamSetup& setup);
  ~H1OriginStream() override { leave(); }

  void begin() override;
  void leave() override;
  void sendBody(std::string_view data, bool last, std::string_view trailers) override;
  void sendTunnel(std::string_view data) override;
  void closeTunnelWrite() override;
  void resumeRead() override;
  [[nodiscard]] bool takesBody() const override;
  [[nodiscard]] bool uploadBlocked() const override;
  [[nodiscard]] std::size_t buffered() const override { return sender_.waiting(); }
  [[nodiscard]] bool owesContinue() const override;
  [[nodiscard]] bool awaitsHead() const override { return state_ == State::Head || state_ == State::Settling; }
  [[nodiscard]] Phase phase() const override;
  void describe(Observation& seen) const override;
  void addTimings(Timings& timings, TimePoint end) const override;
  [[nodiscard]] double waitedMs() const override;
  [[nodiscard]] const SSL* tlsSession() const override { return connection_ != nullptr ? transport().ssl() : nullptr; }

 private:
  //   Head ──head──▶ Body ──▶ Done         Head ──FIN, unexplained──▶ Settling ──▶ Done
  //   Head ──101──▶ Tunnel ──▶ Done        any ──fault, or left──▶ Done
  enum class State : std::uint8_t { Head, Body, Tunnel, Settling, Done };

  void onIo(bool readable, bool writable) override;
  [[nodiscard]] OriginClock::View view() const override;
  void onLate(Phase phase, const TimerFault& fault) override { fail(phase, fault); }
  void onResetAwaited() override { settleEnd(); }
  [[nodiscard]] bool sinkBlocked() const override { return setup_.observer.clientBlocked(); }

  void write(std::string_view bytes);
  void flush();
  void afterWriting(bool was_refused);
  void stopOwingContinue();
  void await();

  void pump();
  void readOnce();
  [[nodiscard]] bool pumpSpliced();
  void onBytes(std::string_view bytes);
  std::string_view onHeadBytes(std::string_view bytes);
  void onHeadDone();
  void onInterimDone();
  void onSwitching();
  void onBodyBytes(std::string_view bytes);
  void complete(bool extra_data);

  void onEnded();
  void onHeadEnded(const EndFault& end);
  void onBodyEnded(const EndFault& end);
  void settleEnd();
  void fail(Phase phase, Fault fault);
  [[nodiscard]] Phase exchangePhase() const { return sender_.sent() ? Phase::ResponseHead : Phase::RequestWrite; }
  [[nodiscard]] Transport& transport() const { return connection_->link->transport; }

  H1OriginConnection* connection_;  // null once left
  const OriginStreamSetup setup_;
  State state_ = State::Head;
  RequestSender sender_;
  OriginClock clock_;
  bool shut_behind_tunnel_ = false;  // FIN follows what the sender holds
  EndFault fin_;                     // Settling: what is to be explained

  BodyDecoder decoder_;
  std::uint64_t received_ = 0;           // bytes of the response
  std::vector<std::uint16_t> interims_;  // statuses of the interim responses so far
  std::uint64_t interim_bytes_ = 0;
  bool pumping_ = false;
  bool splice_ = true;        // until the kernel says that it cannot
  bool out_of_step_ = false;  // the body's framing broke a rule: who knows where the next response begins
  TimePoint phase_since_;
  TimePoint first_byte_{}, last_byte_{};  // of the response
};

}  // namespace gatewhy
