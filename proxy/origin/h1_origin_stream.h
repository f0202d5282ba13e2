// SPDX-License-Identifier: Apache-2.0
// A request and its response in HTTP/1.1, on a connection of its own for as
// long as it lasts: RequestSender writes, H1ResponsePump reads what
// H1ResponseReader understands, OriginClock waits, EndJudge says how the
// connection ended. Here they meet.
#pragma once

#include "proxy/loop/recycled.h"
#include "proxy/origin/end_judge.h"
#include "proxy/origin/h1_origin_connection.h"
#include "proxy/origin/h1_response_pump.h"
#include "proxy/origin/h1_response_reader.h"
#include "proxy/origin/origin_clock.h"
#include "proxy/origin/origin_stream.h"
#include "proxy/origin/request_sender.h"

namespace gatewhy {

class H1OriginStream final : public OriginStream,
                             public IoHandler,
                             private OriginClock::Owner,
                             private H1ResponseReader::Owner,
                             private H1ResponsePump::Owner,
                             public Recycled<H1OriginStream> {
 public:
  H1OriginStream(H1OriginConnection& connection, const OriginStreamSetup& setup);
  ~H1OriginStream() override { leave(); }

  void begin() override;
  void leave() override;
  void sendData(std::string_view data) override { send(data, false, {}); }
  void sendEnd(std::string_view data, std::string_view trailers) override { send(data, true, trailers); }
  void flush() override;
  [[nodiscard]] SplicePipe* splicePipe() override;
  [[nodiscard]] bool sendBlocked() const override;
  void resumeBody() override;
  [[nodiscard]] std::size_t buffered() const override { return sender_.waiting(); }
  [[nodiscard]] bool owesContinue() const override;
  [[nodiscard]] bool awaitsHead() const override { return reader_.state() == Reading::Head; }
  [[nodiscard]] Phase phase() const override;
  void describe(Observation& seen) const override;
  void addTimings(Timings& timings, TimePoint end) const override;
  [[nodiscard]] double waitedMs() const override;
  [[nodiscard]] const SSL* tlsSession() const override { return connection_ != nullptr ? transport().ssl() : nullptr; }

 private:
  //   Open ──FIN in the head, unexplained──▶ Settling ──▶ Left      Open ──complete, fault or left──▶ Left
  // What is read while it is open: see H1ResponseReader::State.
  enum class State : std::uint8_t { Open, Settling, Left };
  using Reading = H1ResponseReader::State;

  void onIo(bool readable, bool writable) override;
  [[nodiscard]] OriginClock::View view() override;
  void onLate(Phase phase, const TimerFault& fault) override { fail(phase, fault); }
  void onResetAwaited() override { settleEnd(); }
  [[nodiscard]] bool sinkBlocked() const override { return setup_.observer.clientBlocked(); }

  void send(std::string_view data, bool last, std::string_view trailers);
  void sendTunnel(std::string_view data, bool last);
  void onTakesMore();
  void afterWriting();
  void stopOwingContinue();
  void await();

  // H1ResponseReader::Owner
  void onContinue() override { stopOwingContinue(); }
  void onMoved(TimePoint when) override { phase_since_ = when; }
  void onMoreAwaited() override { await(); }
  void onReadComplete(bool extra_data) override;
  void onReadFault(Phase phase, Fault fault) override { fail(phase, std::move(fault)); }

  void onEnded() override;  // H1ResponsePump::Owner
  void onHeadEnded(const EndFault& end);
  void onBodyEnded(const EndFault& end);
  void settleEnd();
  void fail(Phase phase, Fault fault);
  [[nodiscard]] Phase exchangePhase() const { return sender_.sent() ? Phase::ResponseHead : Phase::RequestWrite; }
  [[nodiscard]] Transport& transport() const { return connection_->link->transport; }

  H1OriginConnection* connection_;  // null once left
  const OriginStreamSetup setup_;
  State state_ = State::Open;
  RequestSender sender_;
  H1ResponseReader reader_;
  H1ResponsePump pump_;
  OriginClock clock_;
  EndJudge judge_;         // of an end before the response
  TimePoint phase_since_;  // the phase's beginning, or the last byte of a body
};

}  // namespace gatewhy
