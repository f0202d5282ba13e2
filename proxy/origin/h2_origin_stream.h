// SPDX-License-Identifier: Apache-2.0
// A request and its response in HTTP/2, on a connection that others share.
// What it is told comes from its H2OriginConnection. Windows are its back
// pressure: the origin's open as the client takes bytes, and what the origin's
// do not take waits in the session.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/h2/h2_frame.h"
#include "proxy/loop/recycled.h"
#include "proxy/origin/h2_origin_connection.h"
#include "proxy/origin/origin_clock.h"
#include "proxy/origin/origin_stream.h"
#include "proxy/origin/stream_times.h"

namespace gatewhy {

class H2OriginStream final : public OriginStream, private OriginClock::Owner, public Recycled<H2OriginStream> {
 public:
  H2OriginStream(H2OriginConnection& connection, const OriginStreamSetup& setup);
  ~H2OriginStream() override { leave(); }

  void begin() override;
  void leave() override;
  void sendData(std::string_view data) override;
  void sendEnd(std::string_view data, std::string_view trailers) override;
  void flush() override {}  // with the rest of the turn
  [[nodiscard]] bool sendBlocked() const override;
  void resumeBody() override;
  [[nodiscard]] std::size_t buffered() const override;
  [[nodiscard]] bool owesContinue() const override;
  [[nodiscard]] bool awaitsHead() const override { return reading_ == Reading::Head; }
  [[nodiscard]] Phase phase() const override;
  void describe(Observation& seen) const override;
  void addTimings(Timings& timings, TimePoint end) const override { times_.addTo(timings, end); }
  [[nodiscard]] double waitedMs() const override;
  [[nodiscard]] const SSL* tlsSession() const override;
  [[nodiscard]] const H2OriginSession* http2() const override;

  // Its connection's.
  void onInterim(const ResponseHead& head);
  void onHead(const ResponseHead& head, bool ends);
  void onBody(std::string_view data);
  void onEnd(std::string_view trailers);
  void onBatchEnd();
  void onSocketFull();
  void onWritable();
  void onRequestSent();
  void onBroken(const Fault& fault);

 private:
  //   Unsent ──begin──▶ AwaitContinue ──100, or body──▶ Body ──last──▶ Flushing ──in the output──▶ Sent
  // A request without a body goes from Unsent to Flushing.
  enum class Sending : std::uint8_t { Unsent, AwaitContinue, Body, Flushing, Sent };
  //   Head ──final head──▶ Body ──▶ Over      any ──fault, or left──▶ Over
  enum class Reading : std::uint8_t { Head, Body, Over };

  [[nodiscard]] OriginClock::View view() override;
  void onLate(Phase phase, const TimerFault& fault) override;
  void onResetAwaited() override {}
  [[nodiscard]] bool sinkBlocked() const override { return setup_.observer.clientBlocked(); }

  void afterWriting();
  void stopOwingContinue();
  void await();
  void noteBytes(std::size_t size);
  void giveWindowBack();
  void fail(Phase phase, Fault fault);
  [[nodiscard]] bool whole() const { return sending_ >= Sending::Flushing; }
  [[nodiscard]] bool blocked() const;
  // The origin is to take something first: bytes that are here, or that end it.
  [[nodiscard]] bool waitsToLeave() const { return sending_ == Sending::Flushing || blocked(); }
  [[nodiscard]] std::uint64_t written() const;
  [[nodiscard]] Phase exchangePhase() const {
    return sending_ == Sending::Sent ? Phase::ResponseHead : Phase::RequestWrite;
  }

  H2OriginConnection* connection_;  // null once left
  const OriginStreamSetup setup_;
  H2StreamId id_ = 0;
  Sending sending_ = Sending::Unsent;
  Reading reading_ = Reading::Head;
  OriginClock clock_;
  std::size_t head_size_ = 0;          // of the request, as HTTP/1.1 would write it
  std::uint64_t output_before_ = 0;    // of the connection, when the stream was opened
  std::uint64_t connection_took_ = 0;  // bytes, when last it was the socket that had no room
  std::uint64_t received_before_ = 0;  // by the connection, likewise
  bool was_idle_ = false;              // it carried no other stream then
  std::uint64_t received_ = 0;         // bytes of the response, its heads as HTTP/1.1 would write them
  std::uint64_t body_received_ = 0;
  std::size_t unconsumed_ = 0;  // of the body: the client is to take it first
  std::vector<std::uint16_t> interims_;
  std::uint64_t interim_bytes_ = 0;
  BodyKind body_ = BodyKind::None;  // of the response
  std::uint64_t content_length_ = 0;
  StreamTimes times_;
  TimePoint last_byte_{};  // of the response
  TimePoint phase_since_;  // the phase's beginning, or the last byte of a body
};

}  // namespace gatewhy
