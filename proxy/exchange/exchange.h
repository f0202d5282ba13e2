// SPDX-License-Identifier: Apache-2.0
// One request and its response with the client: routes it, tries endpoints, and
// says what the two relays carry. It sees no octet, no framing and no socket,
// and at the end it has exactly one event written.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/attempt.h"
#include "proxy/exchange/client_stream.h"
#include "proxy/exchange/client_stream_handler.h"
#include "proxy/exchange/exchange_record.h"
#include "proxy/exchange/forwarding.h"
#include "proxy/exchange/grpc_call.h"
#include "proxy/exchange/login.h"
#include "proxy/exchange/relay.h"
#include "proxy/exchange/request_body.h"
#include "proxy/exchange/retries.h"
#include "proxy/exchange/synthesize.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/loop/recycled.h"

namespace gatewhy {

class Exchange final : public ClientStreamHandler,
                       public AttemptObserver,
                       private LoginObserver,
                       private GrpcCall::Owner,
                       public Recycled<Exchange> {
 public:
  //   Starting ──▶ Waiting ──head──▶ Responding ──▶ Draining ──▶ Finished      Waiting ──101──▶ Tunnel ──▶ Draining
  // An answer of our own goes from the first two to Draining, and what leaves
  // nothing to deliver from any to Finished.
  enum class State : std::uint8_t { Starting, Waiting, Responding, Tunnel, Draining, Finished };

  // `request` belongs to the client's stream and outlives this.
  Exchange(WorkerContext& worker, ClientStream& client, const RequestHead& request);
  ~Exchange() override;

  // ClientStreamHandler
  void begin() override;
  void reject(Observation fault) override;
  void onBody(std::string_view data, bool last, std::string_view trailers) override;
  [[nodiscard]] SpliceResult spliceBody(Transport& from, std::uint64_t ahead) override {
    return up_.splice(from, ahead);
  }
  [[nodiscard]] bool wantsBody() const override { return up_.wants(attempt_ && attempt_->queued()); }
  [[nodiscard]] std::size_t bodyRoom() const override;
  void onClientDrained() override;
  void onSettled(bool arrived) override;
  void onClientFault(Observation fault) override;
  void onDrainDeadline() override;
  void noteHalfClose() override;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool bodyDone() const override { return body_.whole(); }
  [[nodiscard]] bool inTunnel() const override { return state_ == State::Tunnel; }
  [[nodiscard]] bool dialogue() const override { return inTunnel() || (grpc_ && grpc_->native()); }
  [[nodiscard]] bool waiting() const override { return state_ == State::Waiting; }
  [[nodiscard]] bool responding() const override { return state_ == State::Responding; }
  [[nodiscard]] std::size_t buffered() const override {
    return body_.copy().size() + (attempt_ ? attempt_->buffered() : 0) + (login_ ? login_->buffered() : 0);
  }
  [[nodiscard]] bool waitsForBody() const override {
    return !body_.whole() && !dialogue() && wantsBody() && !(attempt_ && attempt_->owesContinue());
  }

 private:
  // AttemptObserver
  void onUploadReady() override;
  void onUploadDrained() override { up_.resume(); }
  void onInterim(const ResponseHead& head) override;
  void onResponseHead(const ResponseHead& head) override;
  void onResponseData(std::string_view data) override { down_.take(data); }
  [[nodiscard]] SpliceResult spliceResponse(Transport& from, std::uint64_t ahead) override {
    return down_.splice(from, ahead);
  }
  void onBatchEnd() override { down_.flush(); }
  void onFindings(FindingSet findings) override { record_.check.note(findings); }
  void onResponseEnd(const std::string& trailers, bool extra_data) override;
  void onTunnelOpen(const ResponseHead& head) override;
  void onTunnelOriginClosed() override { endHalf(down_, up_); }
  void onAttemptFailed(Observation observation, std::vector<AddressFailure> addresses) override;
  [[nodiscard]] bool canRepeat() const override;
  [[nodiscard]] bool clientBlocked() const override { return down_.sinkFull(); }
  // LoginObserver
  void onLoginPassed(LoginFields fields) override;
  void onLoginDenied(const LoginAnswer& answer, Observation seen) override;
  void onLoginFailed(Observation seen) override;

  // A call of gRPC, in exchange_grpc.cpp.
  void onCallLate(TimerFault fault) override;
  [[nodiscard]] std::uint64_t callMoved() const override {
    return up_.moved() + down_.moved() + (record_.origin_status != 0 ? 1 : 0);
  }
  [[nodiscard]] bool callOverdue(const Observation& fault);
  [[nodiscard]] SynthesizedResponse grpcFailure();
  void answerGrpcFor(std::uint16_t status, std::string message);
  void answerForeign(const ResponseHead& head);
  [[nodiscard]] bool endCall();

  void identify();
  [[nodiscard]] bool logIn(std::uint64_t client_key);
  // What answers an admitted request.
  void proceed(LoginFields fields);  // of the login, for the origin
  void startAttempt();
  [[nodiscard]] bool triesLeft() const;
  void giveUpAttempt();
  void conclude(Diagnosis diagnosis);
  [[nodiscard]] Diagnosis diagnosed(Observation seen) const;
  void fail(Observation seen) { conclude(diagnosed(std::move(seen))); }
  [[nodiscard]] InterruptedFacts interrupted() const;
  void answerFailure();
  void respondFixed();
  void respondOptions();
  void sendOwn(const SynthesizedResponse& made);
  void passOn(const ResponseHead& head);
  void endHalf(Relay& half, const Relay& other);
  void endAttempt();
  void awaitDelivery();
  void finish(Ending ending);
  void onExchangeTimeout();

  WorkerContext& worker_;
  ClientStream& client_;
  const RequestHead& request_;
  WorkerGenerationPtr generation_;
  State state_ = State::Starting;
  ExchangeRecord record_;
  Forwarding forwarding_;
  const RouteConfig* route_ = nullptr;
  const OriginConfig* origin_config_ = nullptr;  // with the route's timeouts; null before an origin is chosen
  std::size_t origin_ = 0;                       // of the configuration's
  OriginPool* pool_ = nullptr;
  bool options_end_here_ = false;   // OPTIONS with Max-Forwards: 0
  std::unique_ptr<GrpcCall> grpc_;  // null: the request is no call of gRPC
  std::unique_ptr<Login> login_;    // null: the route wants none
  Retries retries_;
  std::unique_ptr<Attempt> attempt_;
  RequestBody body_;
  Relay up_, down_;
  AnswerLength length_ = AnswerLength::None;  // of what is passed on
  std::uint64_t own_body_ = 0;                // bytes of an answer of our own
  bool close_ = false;                        // nothing more is to be served on the client's connection
  struct HalfClose {
    TimePoint at{};
    Phase phase = Phase::ClientRequest;  // that it met
  };
  HalfClose half_close_;  // where the client has shut its sending side
  Deadline exchange_timer_;
};

}  // namespace gatewhy
