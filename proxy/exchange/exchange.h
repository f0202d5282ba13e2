// SPDX-License-Identifier: Apache-2.0
// One request and its response with the client: routes it, has it tried, and
// says what passes between the two sides. It sees no octet, no framing and no
// socket, and at the end it has exactly one event written.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/client_stream.h"
#include "proxy/exchange/client_stream_handler.h"
#include "proxy/exchange/exchange_record.h"
#include "proxy/exchange/forwarding.h"
#include "proxy/exchange/grpc_call.h"
#include "proxy/exchange/own_answers.h"
#include "proxy/exchange/passage.h"
#include "proxy/exchange/reception.h"
#include "proxy/exchange/tries.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/loop/recycled.h"

namespace gatewhy {

class Exchange final : public ClientStreamHandler,
                       public AttemptObserver,
                       private Reception::Owner,
                       private GrpcCall::Owner,
                       public Recycled<Exchange> {
 public:
  //   Starting ──▶ Waiting ──head──▶ Responding ──▶ Draining ──▶ Finished
  //   Waiting ──101──▶ Tunnel ──▶ Draining
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
    return passage_.spliceRequest(from, ahead);
  }
  [[nodiscard]] bool wantsBody() const override { return passage_.wantsRequest(tries_.queued()); }
  [[nodiscard]] std::size_t bodyRoom() const override { return passage_.requestRoom(tries_.queued()); }
  void onClientDrained() override;
  void onSettled(bool arrived) override;
  void onShortBody(Observation seen) override;
  void onClientFault(Observation fault) override;
  void onDrainDeadline() override;
  void noteHalfClose() override { record_.noteHalfClose(tries_.phase()); }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool bodyDone() const override { return passage_.requestWhole(); }
  [[nodiscard]] bool inTunnel() const override { return state_ == State::Tunnel; }
  [[nodiscard]] bool dialogue() const override { return inTunnel() || (grpc_ && grpc_->native()); }
  [[nodiscard]] bool waiting() const override { return state_ == State::Waiting; }
  [[nodiscard]] bool responding() const override { return state_ == State::Responding; }
  [[nodiscard]] std::size_t buffered() const override {
    return passage_.kept() + tries_.buffered() + reception_.buffered();
  }
  [[nodiscard]] bool waitsForBody() const override {
    return !passage_.requestWhole() && !dialogue() && wantsBody() && !tries_.owesContinue();
  }

 private:
  // AttemptObserver
  void onUploadReady() override;
  void onUploadDrained() override { passage_.resumeRequest(); }
  void onInterim(const ResponseHead& head) override;
  void onResponseHead(const ResponseHead& head) override;
  void onResponseData(std::string_view data) override { passage_.takeAnswer(data); }
  [[nodiscard]] SpliceResult spliceResponse(Transport& from, std::uint64_t ahead) override {
    return passage_.spliceAnswer(from, ahead);
  }
  void onBatchEnd() override { passage_.flushAnswer(); }
  void onFindings(FindingSet findings) override { record_.check.note(findings); }
  void onResponseEnd(const std::string& trailers, bool extra_data) override;
  void onTunnelOpen(const ResponseHead& head) override;
  void onTunnelOriginClosed() override;
  void onAttemptFailed(Observation observation, std::vector<AddressFailure> addresses) override;
  [[nodiscard]] bool canRepeat() const override { return repeatable() && tries_.mayFollowUntouched(); }
  [[nodiscard]] bool clientBlocked() const override { return passage_.clientBlocked(); }
  // Reception::Owner
  void onAdmitted(LoginFields fields, bool waited) override;
  void onTurnedAway(Observation seen) override { fail(std::move(seen)); }
  void onLoginDenied(const LoginAnswer& answer, Observation seen) override;
  // GrpcCall::Owner
  void onLate(TimerFault fault) override;
  [[nodiscard]] std::uint64_t moved() const override;

  void startTry();
  // Nothing is answered yet, and the whole body is still here.
  [[nodiscard]] bool repeatable() const {
    return state_ == State::Waiting && !client_.facts().refused && passage_.repeatable();
  }
  [[nodiscard]] bool answerBegun() const {
    return state_ == State::Responding || state_ == State::Tunnel || state_ == State::Draining;
  }
  void leaveOrigin();
  void conclude(Diagnosis diagnosis);
  [[nodiscard]] Diagnosis diagnosed(Observation seen) const;
  void fail(Observation seen) { conclude(diagnosed(std::move(seen))); }
  void sendOwn(const SynthesizedResponse& made);
  void passOn(const ResponseHead& head);
  [[nodiscard]] bool endCall();
  void awaitDelivery();
  void finish(Ending ending);

  WorkerContext& worker_;
  ClientStream& client_;
  const RequestHead& request_;
  WorkerGenerationPtr generation_;
  State state_ = State::Starting;
  ExchangeRecord record_;
  Forwarding forwarding_;
  std::unique_ptr<GrpcCall> grpc_;  // null: the request is no call of gRPC
  OwnAnswers own_;
  Reception reception_;
  Tries tries_;
  Passage passage_;
  AnswerLength length_ = AnswerLength::None;  // of what is passed on
  Deadline exchange_timer_;
};

}  // namespace gatewhy
