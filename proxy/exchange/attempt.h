// SPDX-License-Identifier: Apache-2.0
// One try at an endpoint: a connection from the pool or a fresh one, and a
// stream on it. It knows nothing of the client; every failure leaves through
// fail().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/forward_head.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/loop/recycled.h"
#include "proxy/net/connector.h"
#include "proxy/origin/origin_pool.h"
#include "proxy/origin/origin_stream.h"
#include "proxy/origin/proxied_client.h"

namespace gatewhy {

// Implemented by the exchange.
class AttemptObserver : public ResponseObserver {
 public:
  // Once, and nothing after it; may end the attempt.
  virtual void onAttemptFailed(Observation observation, std::vector<AddressFailure> addresses) = 0;
  // Another try could be made where nothing has come of this one.
  [[nodiscard]] virtual bool canRepeat() const { return false; }

 protected:
  ~AttemptObserver() = default;
};

struct AttemptRequest {
  const RequestHead* head = nullptr;  // outlives the attempt
  const OriginConfig* origin = nullptr;
  const OriginTimeouts* timeouts = nullptr;  // of the stream; null: the origin's
  const OriginRuntime* runtime = nullptr;
  OriginPool* pool = nullptr;
  const std::vector<Address>* own_listeners = nullptr;
  Resolver* resolver = nullptr;
  const Redaction* redaction = nullptr;
  std::optional<Address> address;  // to be connected to; absent: the pool chooses
  ForwardContext forward;          // endpoint is filled in here
  std::uint64_t balance_key = 0;
  std::size_t session_endpoint = Balancer::kNone;  // that the client's cookie names
  std::shared_ptr<ProxiedClient> client;  // of whom the origin is told; null: a request of our own, or not told
  bool fresh = false;                     // no parked connection: the last one was stale
  bool brief = false;                     // see ConnectTarget
  bool body_here = false;                 // nothing of the request's body is still to come
};

// As a sink it takes the request's body once the observer was told
// onUploadReady(), as a source it gives the response's; it is its stream's.
class Attempt final : public Deferred,
                      public BodySink,
                      public BodySource,
                      public ConnectObserver,
                      public PoolWaiter,
                      private OriginStreamOwner,
                      public Recycled<Attempt> {
 public:
  //   Idle ──▶ Queued ──grant──▶ Connecting ──▶ Streaming ──▶ Done; each step may be left out, or end in Done
  enum class State : std::uint8_t { Idle, Queued, Connecting, Streaming, Done };

  Attempt(WorkerContext& worker, AttemptObserver& observer, const AttemptRequest& request);
  ~Attempt() override;

  // `tried`: endpoints of earlier attempts. May fail at once.
  void start(const std::vector<std::size_t>& tried);
  // Gives everything up without a report: the exchange is over.
  void cancel();

  // The last of the body has come from the client, sent on or not.
  void noteBodyHere();
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool queued() const { return state_ == State::Queued; }
  // Null before there is a connection; then as long as the attempt. Where the
  // attempt has ended it takes and tells nothing more but facts.
  [[nodiscard]] OriginStream* stream() const { return stream_.get(); }
  [[nodiscard]] std::size_t buffered() const { return stream_ ? stream_->buffered() : 0; }
  // BodySink, BodySource
  void sendData(std::string_view data) override { stream_->sendData(data); }
  void sendEnd(std::string_view data, std::string_view trailers) override { stream_->sendEnd(data, trailers); }
  void flush() override { stream_->flush(); }
  [[nodiscard]] SplicePipe* splicePipe() override { return stream_->splicePipe(); }
  [[nodiscard]] bool sendBlocked() const override { return !stream_ || stream_->sendBlocked(); }
  void resumeBody() override {
    if (stream_) {
      stream_->resumeBody();
    }
  }
  // See OriginStream; true before there is one.
  [[nodiscard]] bool owesContinue() const;

  [[nodiscard]] std::size_t endpointIndex() const { return endpoint_; }
  [[nodiscard]] bool endpointChosen() const { return endpoint_chosen_; }
  [[nodiscard]] std::string_view endpointUrl() const;  // "" before one is chosen; as configured
  [[nodiscard]] std::string peerAddress() const;
  // It ended with a whole response, from the first address that was tried:
  // what is to be told of it is told by the accessors here.
  [[nodiscard]] bool answeredAtOnce() const { return answered_ && address_failures_.empty(); }
  [[nodiscard]] std::string_view answeredBy() const { return peer_address_; }
  [[nodiscard]] std::string_view httpVersion() const { return http_version_; }  // static; "" before there is a stream
  [[nodiscard]] bool reused() const { return reused_; }
  // Others have streams on its connection too: what the origin does not take up
  // it says.
  [[nodiscard]] bool sharesConnection() const {
    return lease_.connection() != nullptr && lease_.connection()->sharing() == OriginConnection::Sharing::Shared;
  }
  [[nodiscard]] const DnsFacts& dns() const { return dns_; }  // of a fresh connection
  [[nodiscard]] Timings timings() const;
  // What is to be told of it, as far as it knows: without a diagnosis.
  [[nodiscard]] TryRecord record() const;
  [[nodiscard]] Phase phase() const;
  // Everything around a fault that the attempt can tell.
  [[nodiscard]] Observation observe(Phase phase, Fault fault) const;
  [[nodiscard]] std::vector<AddressFailure> takeAddressFailures() { return std::move(address_failures_); }
  [[nodiscard]] double waitedMs() const { return stream_ ? stream_->waitedMs() : 0; }  // for the head, so far
  // The phase that has taken most of the time: where an overall limit went.
  [[nodiscard]] Phase longestPhase() const;

 private:
  // ConnectObserver
  void onConnected(Connected connected) override;
  void onConnectFailed(std::vector<AddressFailure> failures) override;
  // PoolWaiter
  void onLease(Lease lease) override;
  void onOpened() override;
  void onOpeningFailed(const std::vector<AddressFailure>& failures) override;
  [[nodiscard]] bool needsHttp1() const override { return request_.forward.upgrade; }
  [[nodiscard]] std::uint64_t balanceKey() const override { return request_.balance_key; }
  [[nodiscard]] std::size_t sessionEndpoint() const override { return request_.session_endpoint; }
  [[nodiscard]] ProxiedClient* client() const override { return request_.client.get(); }
  [[nodiscard]] bool bodyIsHere() const override { return request_.body_here; }
  [[nodiscard]] const std::vector<std::size_t>& triedEndpoints() const override { return tried_; }
  // OriginStreamOwner
  void appendHead(TextBuffer& out) override { appendRequestHead(out, *request_.head, request_.forward); }
  [[nodiscard]] std::optional<UpgradeFault> judgeSwitch(const ResponseHead& head) override;
  void onStreamComplete(bool extra_data, const std::string& trailers) override;
  void onStreamFailed(Phase phase, Fault fault) override;
  [[nodiscard]] bool repeatsMisdirected() override;

  [[nodiscard]] Observation nobodyHealthy() const;
  void enqueue();
  void onQueueTimer();
  void use(Lease lease);
  void connect();
  void begin(OriginConnection& connection);
  void fail(Observation observation);
  void endLease();

  WorkerContext& worker_;
  AttemptObserver& observer_;
  AttemptRequest request_;
  State state_ = State::Idle;
  std::vector<std::size_t> tried_;       // by earlier attempts
  std::optional<Deadline> queue_timer_;  // absent where it never waited
  std::size_t endpoint_ = 0;
  bool endpoint_chosen_ = false;
  bool reused_ = false;
  bool answered_ = false;
  double idle_ms_ = 0;
  DnsFacts dns_;
  std::unique_ptr<Connector> connector_;
  Lease lease_;
  std::unique_ptr<OriginStream> stream_;
  std::string peer_address_;       // kept when the lease has ended
  std::string_view http_version_;  // spoken to the origin
  std::vector<AddressFailure> address_failures_;
  Timings connect_timings_;
  TimePoint started_;
  TimePoint phase_since_;  // until there is a stream
  TimePoint ended_{};
};

}  // namespace gatewhy
