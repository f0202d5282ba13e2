// SPDX-License-Identifier: Apache-2.0
// One request and its response with the client: routes it, tries endpoints,
// relays, and at the end writes exactly one event.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/variables.h"

#include "proxy/exchange/attempt.h"
#include "proxy/exchange/client_stream.h"
#include "proxy/exchange/client_stream_handler.h"
#include "proxy/exchange/login_request.h"
#include "proxy/exchange/relay.h"
#include "proxy/exchange/request_body.h"
#include "proxy/exchange/response_check.h"
#include "proxy/exchange/synthesize.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/loop/recycled.h"

namespace gatewhy {

class Exchange final : public ClientStreamHandler,
                       public AttemptObserver,
                       public LoginObserver,
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
  [[nodiscard]] bool wantsBody() const override;
  [[nodiscard]] std::size_t bodyRoom() const override;
  [[nodiscard]] SpliceResult spliceBody(Transport& from, std::uint64_t ahead) override {
    return up_.splice(from, ahead);
  }
  void onClientDrained() override;
  void onSettled(bool arrived) override;
  void onClientFault(Observation fault) override;
  void onDrainDeadline() override;
  void noteHalfClose() override;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool bodyDone() const override { return body_.whole(); }
  [[nodiscard]] bool inTunnel() const override { return state_ == State::Tunnel; }
  [[nodiscard]] bool waiting() const override { return state_ == State::Waiting; }
  [[nodiscard]] bool responding() const override { return state_ == State::Responding; }
  [[nodiscard]] std::size_t buffered() const override {
    return body_.copy().size() + (attempt_ ? attempt_->buffered() : 0) +
           (login_request_ ? login_request_->buffered() : 0);
  }
  [[nodiscard]] bool waitsForBody() const override {
    return !body_.whole() && wantsBody() && !(attempt_ && attempt_->owesContinue());
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
  void onFindings(FindingSet findings) override { check_.note(findings); }
  void onResponseEnd(const std::string& trailers, bool extra_data) override;
  void onTunnelOpen(const ResponseHead& head) override;
  void onTunnelOriginClosed() override;
  void onAttemptFailed(Observation observation, std::vector<AddressFailure> addresses) override;
  [[nodiscard]] bool canRepeat() const override;
  [[nodiscard]] bool clientBlocked() const override { return down_.sinkFull(); }

  void identify();
  void quoteProxyStatus(const ResponseHead& head);
  void warnBehindCloudflare();
  void tellUnsolicited();
  // The login, in exchange_login.cpp.
  struct WaitingLogin {
    Exchange* exchange;  // null: it is gone; this worker's thread only
  };
  [[nodiscard]] bool authenticate(std::uint64_t client_key);
  [[nodiscard]] bool passes(const PasswordChecker::Answer& answer);
  void rejectLogin(Cause cause, std::string detail, std::uint32_t retry_after_s = 0);
  void onLogin(const PasswordChecker::Answer& answer);
  void forgetLogin();
  // LoginObserver (auth.forward), likewise.
  void onLoginPassed(LoginFields fields) override;
  void onLoginDenied(const LoginAnswer& answer, Observation seen) override;
  void onLoginFailed(Observation seen) override;
  void askLoginService();
  [[nodiscard]] bool endLoginRequest();
  void goOn();
  void addLoginFields();
  // What answers an admitted request.
  void proceed();
  void startAttempt();
  // Which endpoint, by the client's session or by a hash; in exchange_session.cpp.
  void findSession();
  [[nodiscard]] std::string sessionCookie() const;
  void planSession(AttemptRequest& plan) const;
  [[nodiscard]] std::uint64_t balanceKey() const;
  [[nodiscard]] bool triesLeft() const;
  [[nodiscard]] bool mayRetry(const Diagnosis& diagnosis, const OriginPool& pool) const;
  [[nodiscard]] bool untouched(const Diagnosis& diagnosis) const;
  void recordTry(std::string endpoint, std::string peer, bool reused, Timings timings,
                 std::optional<Diagnosis> diagnosis);
  [[nodiscard]] Diagnosis diagnosed(Observation observation) const;
  void conclude(Diagnosis diagnosis);
  void noteLater(std::string_view what);
  [[nodiscard]] InterruptedFacts interrupted() const;
  void answerFailure();
  void respondFixed();
  void respondOptions();
  void sendOwn(const SynthesizedResponse& made);
  void endAttempt();
  void endHalf(Relay& half, const Relay& other);
  void awaitDelivery();
  void finish(Ending ending);
  void emitEvent();
  void describeRequest(ExchangeEvent& event) const;
  [[nodiscard]] std::vector<std::string_view> droppedNames() const;
  [[nodiscard]] VariableSource variables() const;
  [[nodiscard]] const HeaderEdits& responseEdits();
  void closeTries();
  void describeTries(ExchangeEvent& event);
  void onExchangeTimeout();
  [[nodiscard]] FailureFields failureFields() const;
  [[nodiscard]] int retryAfterSeconds() const;

  WorkerContext& worker_;
  ClientStream& client_;
  const RequestHead& request_;
  WorkerGenerationPtr generation_;
  State state_ = State::Starting;
  TimePoint began_;
  std::chrono::system_clock::time_point timestamp_;
  RequestIdentity identity_;
  const OriginConfig* origin_config_ = nullptr;  // with the route's timeouts; null before an origin is chosen
  std::size_t origin_ = 0;                       // of the configuration's
  std::optional<HeaderEdits> request_edits_;     // the route's, expanded; absent where it has no variables
  std::optional<HeaderEdits> response_edits_;    // likewise
  std::string path_;                             // to be forwarded instead of what was sent; "" = as sent
  std::vector<std::uint32_t> dropped_;           // fields of the request that do not reach the origin
  std::shared_ptr<WaitingLogin> login_;          // while a password is hashed
  std::unique_ptr<LoginRequest> login_request_;  // while a login service is asked
  LoginFields login_fields_;                     // what it said of a request that passed
  std::optional<double> login_ms_;               // how long it took
  bool options_end_here_ = false;                // OPTIONS with Max-Forwards: 0
  std::string forwarded_client_;                 // where a trusted proxy names the client; else ""
  const RouteConfig* route_ = nullptr;
  OriginPool* pool_ = nullptr;
  std::unique_ptr<Attempt> attempt_;
  std::string_view session_shown_;                  // the value of the sticky cookie that came; "" = none
  std::size_t session_endpoint_ = Balancer::kNone;  // that it names
  std::vector<std::size_t> tried_;
  std::vector<TryRecord> tries_;
  std::unique_ptr<const Diagnosis> diagnosis_;  // null: nothing has failed
  std::vector<Symptom> later_;                  // what came after it
  std::unique_ptr<ReceivedProxyStatus> origin_proxy_status_;
  ResponseCheck check_;
  bool attempt_recorded_ = false;     // the running attempt's failure is in tries_
  std::uint8_t untouched_tries_ = 0;  // that the origin did nothing with, by its own word
  bool fresh_only_ = false;           // the last parked connection was stale

  RequestBody body_;
  Relay up_, down_;

  std::uint16_t status_ = 0;  // sent
  std::uint16_t origin_status_ = 0;
  GeneratedBy generated_by_ = GeneratedBy::Nobody;
  std::uint64_t own_body_ = 0;  // bytes of an answer of our own
  AnswerLength length_ = AnswerLength::None;
  bool close_ = false;  // nothing more is to be served on the client's connection
  TimePoint half_closed_at_{};
  Phase half_closed_phase_ = Phase::ClientRequest;
  Deadline exchange_timer_;
};

}  // namespace gatewhy
