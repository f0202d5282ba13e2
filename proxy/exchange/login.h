// SPDX-License-Identifier: Apache-2.0
// The login of a route (auth): between admission and whatever answers the
// request. A password is hashed on another thread, or a login service is asked.
//
//   Idle ──▶ Hashing | Asking ──▶ Over; a step may be left out
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "proxy/exchange/login_request.h"
#include "proxy/exchange/password_checker.h"

namespace gatewhy {

class Login final : private LoginObserver {
 public:
  enum class State : std::uint8_t { Idle, Hashing, Asking, Over };

  // Both outlive this. `observer` is told once how it ends, unless begin() has
  // said so, or it is given up before.
  Login(WorkerContext& worker, LoginObserver& observer) : worker_(worker), observer_(observer) {}
  ~Login() { cancel(); }
  Login(const Login&) = delete;
  Login& operator=(const Login&) = delete;

  [[nodiscard]] static bool isWanted(const RouteConfig& route) { return route.basic_auth || route.forward_auth; }

  // Of a route that wants one. True where the request passes at once. May fail at once.
  [[nodiscard]] bool begin(const LoginQuestion& question, std::uint64_t client_key);
  // Gives it up without a report.
  void cancel();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::size_t buffered() const { return request_ ? request_->buffered() : 0; }
  // What a login service took, so far; nullopt: none was asked.
  [[nodiscard]] std::optional<double> elapsedMs() const { return request_ ? request_->elapsedMs() : asked_ms_; }

 private:
  // What another thread's answer finds of it; this worker's thread only.
  struct Waiting {
    Login* login;  // null: it is gone
  };

  void onHashed(const PasswordChecker::Answer& answer);
  void refuse(const PasswordChecker::Answer& answer);
  void fail(Cause cause, std::string detail, std::uint32_t retry_after_s = 0);
  // LoginObserver, of request_
  void onLoginPassed(LoginFields fields) override;
  void onLoginDenied(const LoginAnswer& answer, Observation seen) override;
  void onLoginFailed(Observation seen) override;

  WorkerContext& worker_;
  LoginObserver& observer_;
  State state_ = State::Idle;
  std::shared_ptr<Waiting> waiting_;       // Hashing
  std::unique_ptr<LoginRequest> request_;  // Asking
  std::optional<double> asked_ms_;         // once it has been asked
};

}  // namespace gatewhy
