// SPDX-License-Identifier: Apache-2.0
// One try at an endpoint: a connection from the pool or a fresh one, the
// request written, the response read. It knows nothing of the client; it
// reports to its observer, and every failure leaves through fail().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/forward_head.h"
#include "proxy/exchange/progress_clock.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/http/h1_parser.h"
#include "proxy/loop/recycled.h"
#include "proxy/net/connector.h"
#include "proxy/origin/origin_pool.h"

namespace gatewhy {

// Implemented by the exchange. Any of these may end the attempt.
class AttemptObserver {
 public:
  // A connection is there and the head is on its way: body may be sent.
  virtual void onUploadReady() = 0;
  // What was handed to sendBody() has left: more may come.
  virtual void onUploadDrained() = 0;
  virtual void onInterim(const ResponseHead& head) = 0;
  virtual void onResponseHead(const ResponseHead& head) = 0;
  virtual void onResponseData(std::string_view data) = 0;
  // The pipe through which body bytes may go to the client uncopied; null:
  // hand them to onResponseData().
  [[nodiscard]] virtual SplicePipe* splicePipe() = 0;
  virtual void onResponseSpliced(std::size_t size) = 0;  // so many were put into it
  // All that one read brought has been reported: what was held back may go.
  virtual void onBatchEnd() = 0;
  // Something about the response that is no failure.
  virtual void onFindings(FindingSet findings) = 0;
  // `extra_data`: bytes came after the message's end, so the connection was closed.
  virtual void onResponseEnd(const std::string& trailers, bool extra_data) = 0;
  // A valid 101: from here on bytes are the tunnel's.
  virtual void onTunnelOpen(const ResponseHead& head) = 0;
  virtual void onTunnelData(std::string_view data) = 0;
  virtual void onTunnelOriginClosed() = 0;  // FIN: the other direction goes on
  // Once, and nothing after it.
  virtual void onAttemptFailed(Observation observation, std::vector<AddressFailure> addresses) = 0;
  // True while the client takes no more response bytes.
  [[nodiscard]] virtual bool clientBlocked() const = 0;

 protected:
  ~AttemptObserver() = default;
};

struct AttemptRequest {
  const RequestHead* head = nullptr;  // outlives the attempt
  const OriginConfig* origin = nullptr;
  const OriginRuntime* runtime = nullptr;
  OriginPool* pool = nullptr;
  const std::vector<Address>* own_listeners = nullptr;
  Resolver* resolver = nullptr;
  ForwardContext forward;  // endpoint is filled in here
  std::uint64_t balance_key = 0;
  bool fresh = false;      // no parked connection: the last one was stale
  bool body_here = false;  // nothing of the request's body is still to come
};

class Attempt final : public Deferred,
                      public IoHandler,
                      public ConnectObserver,
                      public PoolWaiter,
                      public Recycled<Attempt> {
 public:
  Attempt(WorkerContext& worker, AttemptObserver& observer, const AttemptRequest& request);
  ~Attempt() override;

  // `tried`: endpoints of earlier attempts. May fail at once.
  void start(const std::vector<std::size_t>& tried);
  // Gives everything up without a report: the exchange is over.
  void cancel();

  // Request body, unframed; only after onUploadReady(). `last` ends it.
  void sendBody(std::string_view data, bool last, std::string_view trailers);
  // The last of the body has come from the client, sent on or not.
  void noteBodyHere();
  [[nodiscard]] bool queued() const { return state_ == State::Queued; }
  [[nodiscard]] std::size_t buffered() const { return out_.size() - out_at_; }
  void sendTunnel(std::string_view data);
  void closeTunnelWrite();  // the client has sent FIN
  [[nodiscard]] bool uploadBlocked() const { return !ready_ || !out_.empty(); }
  // The request expects 100 (Continue), and neither that nor its body has come
  // yet: the client may rightly be waiting (RFC 9110 section 10.1.1).
  [[nodiscard]] bool owesContinue() const {
    return state_ <= State::Head && request_.head->expect_continue && !continued_;
  }
  [[nodiscard]] bool takesBody() const { return ready_ && (state_ == State::Head || state_ == State::Body); }
  void resumeRead();  // the client takes bytes again

  [[nodiscard]] std::size_t endpointIndex() const { return endpoint_; }
  [[nodiscard]] bool endpointChosen() const { return endpoint_chosen_; }
  [[nodiscard]] std::string_view endpointUrl() const;  // "" before one is chosen; as configured
  [[nodiscard]] std::string peerAddress() const;
  // It ended with a whole response, from the first address that was tried:
  // what is to be told of it is told by the accessors here.
  [[nodiscard]] bool answeredAtOnce() const { return answered_ && address_failures_.empty(); }
  [[nodiscard]] std::string_view answeredBy() const { return peer_address_; }
  [[nodiscard]] bool reused() const { return reused_; }
  [[nodiscard]] const DnsFacts& dns() const { return dns_; }  // of a fresh connection
  [[nodiscard]] Timings timings() const;
  [[nodiscard]] Phase phase() const;
  // Everything around a fault that the attempt can tell.
  [[nodiscard]] Observation observe(Phase phase, Fault fault) const;
  [[nodiscard]] std::vector<AddressFailure> takeAddressFailures() { return std::move(address_failures_); }
  [[nodiscard]] double waitedMs() const;  // for the response head, so far
  // The phase that has taken most of the time: where an overall limit went.
  [[nodiscard]] Phase longestPhase() const;
  // The session with the origin; nullptr without TLS or without a connection.
  [[nodiscard]] const SSL* tlsSession() const { return connection_ ? connection_->link->transport.ssl() : nullptr; }

 private:
  enum class State : std::uint8_t { Idle, Queued, Connecting, Head, Body, Tunnel, Done };

  void onIo(bool readable, bool writable) override;
  void onConnected(Connected connected) override;
  void onConnectFailed(std::vector<AddressFailure> failures) override;
  void onGrant(Grant grant) override;
  [[nodiscard]] std::uint64_t balanceKey() const override { return request_.balance_key; }
  [[nodiscard]] bool bodyIsHere() const override { return request_.body_here; }

  void use(Grant grant);
  void connect(ConnectionSlot slot);
  void begin(std::unique_ptr<OriginConnection> connection);
  void write(std::string_view data);
  void flush();
  void onRequestWritten();
  void stopOwingContinue();
  void onWriteBroken();

  void pump();
  [[nodiscard]] bool pumpSpliced();
  void onBytes(std::string_view bytes);
  std::string_view onHeadBytes(std::string_view bytes);
  void onHeadDone();
  void onInterimDone();
  void onSwitching();
  void onBodyBytes(std::string_view bytes);
  void onOriginEnded();
  void onHeadEnded(const EndFault& end);
  void onBodyEnded(const EndFault& end);
  void settleEnd();
  void complete(bool extra_data);

  void armWait();
  void onTimer();
  void onQueueTimer();
  void onWaitTimer();
  void watchSend();
  void onSendTimer();
  [[nodiscard]] bool requestStuck(const TcpSnapshot& tcp) const;
  [[nodiscard]] Phase exchangePhase() const;
  void fail(Observation observation);
  void releaseConnection(bool reusable);

  WorkerContext& worker_;
  AttemptObserver& observer_;
  AttemptRequest request_;
  State state_ = State::Idle;
  std::size_t endpoint_ = 0;
  bool endpoint_chosen_ = false;
  bool counted_ = false;  // requestBegan() told to the pool
  bool reused_ = false;
  double idle_ms_ = 0;
  DnsFacts dns_;
  std::unique_ptr<Connector> connector_;
  ConnectionSlot slot_;
  UploadPlace upload_;
  std::unique_ptr<OriginConnection> connection_;
  std::string peer_address_;  // kept when the connection goes back to the pool
  std::vector<AddressFailure> address_failures_;

  std::string out_;  // request bytes that the socket did not take
  std::size_t out_at_ = 0;
  bool ready_ = false;  // head written, body may follow
  bool tunnel_write_shut_ = false;
  bool continued_ = false;     // 100 has come, or the client did not wait for it
  bool request_done_ = false;  // the last body byte was handed over
  std::uint64_t request_bytes_ = 0;
  std::optional<TransportFault> write_fault_;
  std::optional<EndFault> pending_end_;  // FIN without a byte: does an RST follow?

  BodyDecoder decoder_;
  std::uint64_t response_bytes_ = 0;
  std::vector<std::uint16_t> interims_;  // statuses of the interim responses so far
  std::uint64_t interim_bytes_ = 0;
  TimePoint last_byte_{};        // of the response
  TimePoint expecting_since_{};  // the head is sent and 100 (Continue) is waited for
  bool pumping_ = false;
  bool splice_ = true;  // until the kernel says that it cannot
  bool answered_ = false;
  bool out_of_step_ = false;  // the body's framing broke a rule: who knows where the next response begins

  Deadline timer_;
  Timer timer_kind_ = Timer::Send;
  TimePoint started_;
  TimePoint phase_since_;
  TimePoint write_began_{}, write_ended_{}, first_byte_{}, ended_{};
  TimePoint request_moved_{};  // the peer's TCP still took bytes of it then; looked at by the wait timer
  ProgressClock sending_;      // while out_ waits
  Timings connect_timings_;
};

}  // namespace gatewhy
