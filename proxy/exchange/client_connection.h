// SPDX-License-Identifier: Apache-2.0
// A client's connection: PROXY header, TLS, requests one after the other
// (pipelined ones wait their turn), and an orderly end.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/exchange/client_request.h"
#include "proxy/exchange/client_side.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/net/address.h"
#include "proxy/net/transport.h"

namespace gatewhy {

class ClientConnection;

class ConnectionOwner {
 public:
  virtual void onConnectionClosed(ClientConnection& connection) = 0;  // bury it

 protected:
  ~ConnectionOwner() = default;
};

struct AcceptedClient {
  Fd fd;
  Address peer;
  bool proxy_protocol = false;
  const std::vector<Cidr>* proxy_senders = nullptr;  // who may send the header; null = anybody; read at once
  bool overloaded = false;                           // over limits.connections: to be told so
  bool redirects_to_https = false;
  std::shared_ptr<const ListenerTlsContext> tls;  // null = plain
};

class ClientConnection final : public Deferred,
                               public IoHandler,
                               public ClientSide,
                               private ClientTimers,
                               private IdleClient,
                               private Handshake {
 public:
  ClientConnection(WorkerContext& worker, ConnectionOwner& owner, AcceptedClient accepted);
  ~ClientConnection() override;

  void start();
  // Where its owner keeps it.
  [[nodiscard]] std::size_t place() const { return place_; }
  void setPlace(std::size_t place) { place_ = place; }
  // Drain: an idle connection gets `grace` to bring one more request.
  void drain(std::chrono::milliseconds grace);
  void abortForDrain();
  // Memory was short, and is not any more.
  void resumeAfterShortage();

  // ClientSide
  [[nodiscard]] const ClientFacts& facts() const override { return facts_; }
  void send(std::string_view bytes, bool hold) override;
  void sendData(std::string_view data, std::string_view tail) override;
  void flush() override;
  [[nodiscard]] SplicePipe* splicePipe() override;
  [[nodiscard]] bool sendBlocked() const override { return write_broken_ || (!held_ && unsent()); }
  void resumeBody() override;
  void openTunnel() override;
  void shutdownWrite() override;
  [[nodiscard]] bool halfClosed() const override { return half_closed_; }
  [[nodiscard]] bool lastRequest() const override { return half_closed_ && in_.empty() && in_hand_ == 0; }
  [[nodiscard]] std::optional<bool> delivered() override;
  void finishExchange(Disposition disposition) override;

 private:
  enum class State : std::uint8_t { ProxyHeader, Handshake, Head, Exchange, Linger, Closed };

  void onIo(bool readable, bool writable) override;
  [[nodiscard]] bool countClient();
  void readProxyHeader();
  void enterHandshake();
  void beginTls();
  void driveHandshake();
  void onHandshakePlace() override;
  void onHandshakeOverdue() override;
  void onHandshakeDone();
  void onHandshakeFailed(TlsFault fault);

  void pump();
  [[nodiscard]] bool wantsRead() const;
  [[nodiscard]] std::size_t readRoom() const;
  [[nodiscard]] bool waitsForMemory();
  void accountBuffers();
  [[nodiscard]] bool connectionDead() const;
  void onBytes(std::string_view bytes);
  void processHeld();
  std::string_view process(std::string_view bytes);
  std::string_view onHeadBytes(std::string_view bytes);
  std::string_view onBodyBytes(std::string_view bytes);
  void startExchange();
  void rejectConnection(Observation fault);
  // The request that is being read or answered; lent by the worker.
  ClientRequest& request();
  void returnRequest();
  [[nodiscard]] bool requestStarted() const { return request_ && request_->parser.started(); }
  void onEnded();
  void onExchangeEnded(const EndFault& end);
  void tolerateBareFin();
  void watchForLeaving();
  void onLeaveTimer() override;
  void onClientLeft(bool reset);
  [[nodiscard]] Observation observe(Fault fault) const;

  [[nodiscard]] bool unsent() const { return out_at_ < out_.size() || (pipe_ && pipe_->held() != 0); }
  void flushPipe();
  void updateTimers();
  void watchUpload(bool due);
  void watchDownload(bool due);
  void judgeProgress(const ProgressClock::Look& look, Timer stalled);
  void onReadTimer();
  void onBodyTimer();
  void onWriteTimer() override;
  void beIdle();
  void beBusy() { worker_.idle.remove(*this); }
  [[nodiscard]] bool giveWay() override;
  void linger();
  void close();

  WorkerContext& worker_;
  ConnectionOwner& owner_;
  std::shared_ptr<const ListenerTlsContext> tls_;  // null = plain
  ClientFacts facts_;
  ClientCensus::Place counted_;        // among its address's connections
  bool proxy_sender_refused_ = false;  // its address may not send a PROXY header
  Transport transport_;
  IoWatch watch_;
  std::size_t place_ = 0;
  State state_ = State::Head;
  bool readable_ = false;
  bool pumping_ = false;
  bool half_closed_ = false;
  bool settling_ = false;  // delivered() could not tell yet
  bool write_broken_ = false;
  bool write_shut_ = false;  // FIN is sent, or follows what is in out_
  std::string in_;           // read, not yet used: pipelined requests, body the origin does not take
  std::size_t in_hand_ = 0;  // bytes that process() still has to look at
  std::string out_;          // response bytes that the socket did not take
  std::size_t out_at_ = 0;
  std::unique_ptr<SplicePipe> pipe_;  // body bytes behind out_; lent while one is spliced
  bool copies_ = false;               // this response is not spliced: no pipe, or not into this socket
  int probes_sent_ = 0;               // of this exchange, since the client's FIN
  std::uint64_t written_at_fin_ = 0;  // of written_
  bool memory_short_ = false;         // what it sends is not read for now
  std::int64_t buffered_ = 0;         // accounted bytes
  bool held_ = false;                 // out_ waits for flush(), not for the socket
  std::uint64_t lingered_ = 0;
  std::uint64_t received_ = 0;              // bytes read in all,
  std::uint64_t written_ = 0;               // and those that the kernel took
  std::unique_ptr<ClientRequest> request_;  // null while idle
  std::unique_ptr<Exchange> exchange_;
  Timer read_timer_kind_ = Timer::ClientHead;
  TimePoint read_timer_since_{};
  Deadline read_timer_;
};

}  // namespace gatewhy
