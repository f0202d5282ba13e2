// SPDX-License-Identifier: Apache-2.0
// HTTP/2 with one endpoint: the connection's bytes to and from the session that
// knows frames and windows. A stream for each request; what they all have to
// say in a turn leaves in one write at its end. A fault of the connection
// reaches each of them, which tells it with its own phase and bytes.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "diagnostics/redaction.h"
#include "proxy/http/h2/h2_origin_session.h"
#include "proxy/net/connector.h"
#include "proxy/origin/h2_liveness.h"
#include "proxy/origin/h2_open_streams.h"
#include "proxy/origin/h2_stream_room.h"
#include "proxy/origin/origin_connection.h"

namespace gatewhy {

class H2OriginStream;

class H2OriginConnection final : public OriginConnection,
                                 public IoHandler,
                                 private H2OriginObserver,
                                 private H2Liveness::Owner {
 public:
  //   Opening ──SETTINGS──▶ Open ──▶ Over      both ──GOAWAY──▶ (the session is draining) ──▶ Over
  enum class State : std::uint8_t {
    Opening,
    Open,
    Over,  // nothing is read any more; a GOAWAY may still leave
  };

  // Reads and writes as long as stop() has not been called, parked or not.
  H2OriginConnection(EventLoop& loop, const H2OriginSettings& settings, const H2Patience& patience,
                     const Redaction& redaction, std::unique_ptr<Link> link, bool readable);
  ~H2OriginConnection() override;

  [[nodiscard]] std::unique_ptr<OriginStream> open(const OriginStreamSetup& setup) override;
  [[nodiscard]] std::uint32_t room() const override;
  [[nodiscard]] bool draining() const override { return !takesMore(); }
  void stop() override;

  // For its streams.
  [[nodiscard]] H2OriginSession& http2() { return http2_; }
  [[nodiscard]] const H2OriginSession& http2() const { return http2_; }
  [[nodiscard]] const Transport& transport() const { return link_->transport; }
  [[nodiscard]] bool socketBlocked() const { return socket_blocked_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }  // bytes
  [[nodiscard]] std::uint64_t written() const { return written_; }    // bytes, to the kernel
  [[nodiscard]] std::uint64_t taken() const;                          // of these, by the origin's TCP
  void add(H2StreamId id, H2OriginStream& stream);
  void remove(H2StreamId id);
  void scheduleWrite();
  // Why a stream cannot be opened now.
  [[nodiscard]] StreamFault refusal() const;

 private:
  // OriginConnection
  bool beginIdle() override { return takesMore(); }
  void endIdle() override {}
  // IoHandler
  void onIo(bool readable, bool writable) override;
  // H2OriginObserver
  void onSettings() override;
  void onInterim(H2StreamId stream, ResponseHead& head) override;
  void onResponseHead(H2StreamId stream, ResponseHead& head, bool ends) override;
  void onBody(H2StreamId stream, std::string_view data) override;
  void onEnd(H2StreamId stream, std::string_view trailers) override;
  void onReset(H2StreamId stream, const StreamFault& fault) override;
  void onStreamFault(H2StreamId stream, const Fault& fault) override;
  void onWritable(H2StreamId stream) override;
  void onRequestSent(H2StreamId stream) override;
  void onGoAway(const StreamFault& fault) override;
  void onPong(std::uint64_t /*opaque*/) override { liveness_.onPong(); }
  void onConnectionFault(const StreamFault& fault) override;
  [[nodiscard]] const Redaction& redaction() override { return redaction_; }
  // H2Liveness::Owner
  void onPingDue(std::uint64_t opaque) override;
  void onLate(const StreamFault& fault) override;

  [[nodiscard]] bool takesMore() const {
    return state_ != State::Over && http2_.state() == H2OriginSession::State::Open;
  }
  void read();
  [[nodiscard]] bool readOnce();
  void write();
  void tellOfFullSocket();
  void afterTurn();
  void onEnded();
  void breakAll(const Fault& fault);

  EventLoop& loop_;
  const Redaction redaction_;  // a copy: it outlives the configuration that it was opened by
  std::unique_ptr<Link> link_;
  State state_ = State::Opening;
  bool readable_ = false;        // an edge came that was not read to its end
  bool socket_blocked_ = false;  // output waits for the socket
  bool turning_ = false;         // afterTurn() comes without being asked for
  bool stopped_ = false;
  std::uint64_t received_ = 0, written_ = 0;
  std::optional<TransportFault> write_fault_;  // what is still readable explains it, or nothing does
  std::optional<StreamFault> goaway_;          // the origin's
  H2Liveness liveness_;
  H2StreamRoom room_;
  H2OriginSession http2_;
  H2OpenStreams<H2OriginStream> streams_;
  std::vector<H2StreamId> spoken_;  // to which this read has brought something
  DeferredCall after_turn_;
};

}  // namespace gatewhy
