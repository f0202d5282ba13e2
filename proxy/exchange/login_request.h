// SPDX-License-Identifier: Apache-2.0
// The question to a login service whether a request may pass (auth.forward),
// and its answer: one GET without a body, tried like any request to an origin.
// Idle → Asking → Passing | Denying → Done.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/exchange/attempt.h"

namespace gatewhy {

// What is asked, and on whose behalf. Views live as long as the exchange.
struct LoginQuestion {
  const RequestHead& request;  // the client's
  const RouteConfig& route;    // with auth.forward
  WorkerGeneration& generation;
  std::span<const std::uint32_t> dropped;  // fields of `request` that are believed from nobody
  std::string_view path;                   // as the origin gets it, but for strip_prefix and rewrite
  std::string_view client_ip, scheme;      // the connection's; "" for a unix socket
  std::string_view believed_scheme, believed_host;
  bool trusted = false;
  std::string_view request_id, traceparent;
  std::uint64_t balance_key = 0;
  std::vector<std::string_view> own_cookies = {};  // by name: of ours, and no login service's business
};

// The login service's answer to a request that does not pass.
struct LoginAnswer {
  ResponseHead head;
  std::string body;  // whole
};

using LoginFields = std::vector<std::pair<std::string, std::string>>;

// Implemented by the exchange: one of these is called, once, unless the
// question is given up before. Any may end it.
class LoginObserver {
 public:
  // `fields`: of auth.forward.response_headers, for the origin.
  virtual void onLoginPassed(LoginFields fields) = 0;
  virtual void onLoginDenied(const LoginAnswer& answer, Observation seen) = 0;
  virtual void onLoginFailed(Observation seen) = 0;

 protected:
  ~LoginObserver() = default;
};

class LoginRequest final : public Deferred, public AttemptObserver {
 public:
  LoginRequest(WorkerContext& worker, LoginObserver& observer, const LoginQuestion& question);
  ~LoginRequest() override;

  void start();  // may fail at once
  // Gives it up without a report.
  void cancel();
  [[nodiscard]] std::size_t buffered() const { return answer_.body.size(); }
  [[nodiscard]] double elapsedMs() const { return millisBetween(began_, EventLoop::now()); }

 private:
  enum class State : std::uint8_t { Idle, Asking, Passing, Denying, Done };

  // AttemptObserver
  void onResponseHead(const ResponseHead& head) override;
  void onResponseData(std::string_view data) override;
  void onResponseEnd(const std::string& trailers, bool extra_data) override;
  void onAttemptFailed(Observation seen, std::vector<AddressFailure> addresses) override;

  void ask();
  void endAttempt();
  void reportOnEndpoint(const Observation& seen);
  [[nodiscard]] bool mayAskAgain(const Observation& seen);
  void onExchangeTimeout();
  void pass();
  void fail(Observation seen);
  [[nodiscard]] Observation aboutLogin(Observation seen) const;

  WorkerContext& worker_;
  LoginObserver& observer_;
  const ForwardAuthConfig& config_;
  WorkerGeneration& generation_;
  OriginPool& pool_;
  State state_ = State::Idle;
  RequestHead head_;
  RouteConfig route_;  // of the question: its fields, nothing else
  AttemptRequest plan_;
  std::unique_ptr<Attempt> attempt_;
  std::vector<std::size_t> tried_;
  std::uint16_t status_ = 0;  // of its answer
  LoginFields fields_;
  LoginAnswer answer_;
  std::size_t body_size_ = 0;
  TimePoint began_;
  Deadline exchange_timer_;
};

}  // namespace gatewhy
