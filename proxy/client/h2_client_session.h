// SPDX-License-Identifier: Apache-2.0
// HTTP/2 with one client: its connection's bytes to and from the session that
// knows frames and windows, and a stream for each request. What all requests of
// a turn have to say leaves in one write at the turn's end.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "proxy/client/client_session.h"
#include "proxy/client/h2_client_stream.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/http/h2/h2_server_session.h"

namespace gatewhy {

class H2ClientSession final : public ClientSession, private H2ServerObserver {
 public:
  //   Open ──▶ Announced ──▶ Closing ──▶ Over; each step may be left out
  enum class State : std::uint8_t {
    Open,
    Announced,  // GOAWAY is sent; what was on its way then is still served
    Closing,    // no new streams; those that run are served to their end
    Over,
  };
  H2ClientSession(WorkerContext& worker, ClientSessionHost& host, const ClientWire& wire, const Http2Config& config);
  ~H2ClientSession() override;

  void onIo(bool readable, bool writable) override;
  void onLate(ClientClock::Wait wait) override;
  void drain(std::chrono::milliseconds grace) override;
  void abortForDrain() override;
  [[nodiscard]] bool refuseSlowHead(std::chrono::milliseconds /*grace*/) override { return false; }
  void resumeAfterShortage() override;
  void close() override;

  [[nodiscard]] State state() const { return state_; }

  // For its streams.
  [[nodiscard]] WorkerContext& worker() { return worker_; }
  [[nodiscard]] ClientSessionHost& host() { return host_; }
  [[nodiscard]] H2ServerSession& http2() { return http2_; }
  [[nodiscard]] const H2ServerSession& http2() const { return http2_; }
  [[nodiscard]] const ClientFacts& facts() const { return wire_.facts; }
  [[nodiscard]] const ClientLimits& limits() const { return worker_.generation->shared->config->limits; }
  [[nodiscard]] std::optional<TcpSnapshot> tcpInfo() const { return wire_.link.transport.tcpInfo(); }
  [[nodiscard]] bool socketBlocked() const { return socket_blocked_; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }  // bytes, to the kernel
  [[nodiscard]] std::uint64_t taken() const;                  // bytes, by the peer's TCP
  void scheduleWrite();
  void schedulePump(H2StreamId stream);  // its exchange takes what waits
  void awaitSent(H2StreamId stream);     // onSent() once more has left
  void closeSoon();                      // nothing new is served on the connection
  void onStreamOver(H2ClientStream& stream);

 private:
  // H2ServerObserver
  void onRequestHead(H2StreamId stream, RequestHead& head, const H2RequestFacts& facts) override;
  void onRequestFault(H2StreamId stream, RequestHead& head, const ParseFault& fault, H2Remedy remedy) override;
  void onBody(H2StreamId stream, std::string_view data) override;
  void onEnd(H2StreamId stream, std::string_view trailers) override;
  void onShortEnd(H2StreamId stream, const ParseFault& fault) override;
  void onReset(H2StreamId stream, const StreamFault& fault) override;
  void onStreamFault(H2StreamId stream, const Fault& fault) override;
  void onWritable(H2StreamId stream) override;
  void onFinished(H2StreamId stream) override;
  void onGoAway(const StreamFault& fault) override;
  void onPong(std::uint64_t opaque) override;
  void onConnectionFault(const StreamFault& fault) override;
  [[nodiscard]] std::string webSocketKey() override;
  [[nodiscard]] const Redaction& redaction() override { return worker_.redaction(); }

  void read();
  void write();
  void afterTurn();
  void onEnded();
  void breakAll(const Fault& fault);
  void tell(const Fault& fault);
  void tellSent();
  void rest();
  void end(Farewell farewell);
  void accountBuffers();
  void awaitUploads();
  [[nodiscard]] H2ClientStream* find(H2StreamId stream);
  H2ClientStream& add(H2StreamId stream, RequestHead& head);
  [[nodiscard]] std::vector<H2StreamId> open() const;

  WorkerContext& worker_;
  ClientSessionHost& host_;
  ClientWire wire_;
  State state_ = State::Open;
  bool readable_ = false;        // an edge came that was not read to its end
  bool socket_blocked_ = false;  // output waits for the socket
  bool turning_ = false;         // afterTurn() comes without being asked for
  std::uint64_t sent_ = 0;
  std::int64_t accounted_ = 0;        // of buffered bytes
  std::optional<StreamFault> said_;   // the client's GOAWAY, where it names an error
  std::optional<StreamFault> fault_;  // of the connection
  H2ServerSession http2_;
  std::unordered_map<H2StreamId, std::unique_ptr<H2ClientStream>> streams_;
  std::vector<H2StreamId> to_pump_, to_tell_;
  std::vector<H2StreamId> turn_;  // of the two, the one that is worked on
  DeferredCall after_turn_;
  Deadline uploads_due_;  // of requests that go on behind their answers
};

}  // namespace gatewhy
