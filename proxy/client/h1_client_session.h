// SPDX-License-Identifier: Apache-2.0
// HTTP/1 with one client: reads its connection, and serves one request after
// the other; pipelined ones wait their turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/client/client_session.h"
#include "proxy/client/h1_client_streams.h"
#include "proxy/exchange/worker_context.h"

namespace gatewhy {

class H1ClientSession final : public ClientSession {
 public:
  enum class State : std::uint8_t {
    Open,
    HalfClosed,  // the client has sent FIN: what it said before is still served
    Over,        // nothing more is read or sent here
  };
  H1ClientSession(WorkerContext& worker, H1ClientStreams& streams, ClientSessionHost& host, const ClientWire& wire);
  ~H1ClientSession() override;
  H1ClientSession(const H1ClientSession&) = delete;
  H1ClientSession& operator=(const H1ClientSession&) = delete;

  void onIo(bool readable, bool writable) override;
  void onLate(ClientClock::Wait wait) override;
  // What is wrong is known before any request.
  void refuse(Fault fault) { stream().refuse(std::move(fault)); }
  void drain(std::chrono::milliseconds grace) override;
  void abortForDrain() override;
  [[nodiscard]] bool refuseSlowHead(std::chrono::milliseconds grace) override;
  void resumeAfterShortage() override;
  void close() override;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] H1ClientStream::State streamState() const;

  // For its stream.
  [[nodiscard]] WorkerContext& worker() { return worker_; }
  [[nodiscard]] ClientSessionHost& host() { return host_; }
  [[nodiscard]] const ClientWire& wire() const { return wire_; }
  [[nodiscard]] const ClientLimits& limits() const { return worker_.generation->shared->config->limits; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] bool halfClosed() const { return state_ == State::HalfClosed; }
  [[nodiscard]] bool hasInput() const { return readable_ || !in_.empty(); }
  [[nodiscard]] bool heardAll() const { return halfClosed() && in_.empty(); }
  [[nodiscard]] bool connectionDead() const;
  void note(SocketOutput::Step step);  // what sending came to
  void onStreamOver(Disposition disposition, bool whole);

 private:
  void pump();
  void read();
  void readOnce();
  [[nodiscard]] bool readSpliced();
  [[nodiscard]] bool wantsRead() const;
  [[nodiscard]] bool heldBack();
  [[nodiscard]] bool running() const { return stream_ && stream_->running(); }
  void tolerateBareFin();
  void onBytes(std::string_view bytes);
  void processHeld();
  [[nodiscard]] std::string_view process(std::string_view bytes);
  void onEnded();
  void onTlsBroken(const TlsFault& fault);
  void next();
  void end(Farewell farewell);
  void accountBuffers();
  [[nodiscard]] H1ClientStream& stream();

  WorkerContext& worker_;
  H1ClientStreams& streams_;
  ClientSessionHost& host_;
  ClientWire wire_;
  State state_ = State::Open;
  bool readable_ = false;                   // an edge came that was not read to its end
  bool pumping_ = false;                    // what comes next comes without a kick
  std::string in_;                          // read, not yet used: pipelined requests, body the origin does not take
  std::uint64_t received_ = 0;              // bytes in all
  std::int64_t accounted_ = 0;              // of buffered bytes
  std::unique_ptr<H1ClientStream> stream_;  // null while idle
};

}  // namespace gatewhy
