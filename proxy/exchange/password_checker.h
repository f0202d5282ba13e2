// SPDX-License-Identifier: Apache-2.0
// Checks passwords on a thread of its own: a hash is made to take long, and an
// event loop must not wait. One thread and a short queue, so that guessing
// takes no more than one core.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "proxy/exchange/rate_limiter.h"
#include "proxy/exchange/user_file.h"

namespace gatewhy {

inline constexpr std::size_t kLoginQueue = 64;
inline constexpr std::uint32_t kLoginFailures = 10;  // of one client in a minute

// Of all workers; any thread.
class PasswordChecker {
 public:
  enum class Verdict : std::uint8_t {
    Right,
    Wrong,
    Limited,  // the client has failed too often: nothing was looked at
    Busy,     // the queue is full
  };
  struct Answer {
    Verdict verdict = Verdict::Wrong;
    std::uint32_t retry_after_s = 0;  // Limited
  };
  using Tell = std::function<void(Answer)>;
  struct Question {
    std::shared_ptr<UserTable> users;
    BasicCredentials credentials;
    std::uint64_t client = 0;  // RateLimiter::keyOf()
  };

  PasswordChecker() = default;
  ~PasswordChecker() { stop(); }
  PasswordChecker(const PasswordChecker&) = delete;
  PasswordChecker& operator=(const PasswordChecker&) = delete;

  // The answer, where it needs no hash. Else nullopt, and `tell` is called once
  // on the checker's thread, which must not be made to wait; or never, where
  // stop() comes first.
  [[nodiscard]] std::optional<Answer> ask(Question question, Tell tell);
  // Ends the thread, after the hash that it is at. To be called before what
  // `tell` refers to goes; from then on all is Busy.
  void stop();
  // Passwords hashed since the start.
  [[nodiscard]] std::uint64_t hashed() const;

 private:
  struct Waiter {
    std::uint64_t client;
    Tell tell;
  };
  struct Job {
    Question question;
    CredentialsDigest digest;
    std::vector<Waiter> waiters;  // asked for the same: one hash for all
  };

  void run();
  void work(Job& job);
  [[nodiscard]] std::optional<Answer> limited(std::uint64_t client);
  [[nodiscard]] bool mayGuess(const Job& job);

  [[nodiscard]] RateLimiter& failures();

  std::once_flag failures_made_;
  std::unique_ptr<RateLimiter> failures_;  // made for the first question: its memory is for routes with a login
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;  // under mutex_, as all below; the first may be at work
  bool stopping_ = false;
  std::uint64_t hashed_ = 0;
  std::thread thread_;  // from the first question on
};

// Whether `password` has the hash, as crypt(5) means it; in constant time for
// one kind and cost of hash. `scratch` as crypt_r(3) wants it, zeroed once.
struct CryptScratch;
[[nodiscard]] bool passwordFits(const std::string& password, std::string_view hash, CryptScratch& scratch);
struct CryptScratchDeleter {
  void operator()(CryptScratch* scratch) const noexcept;
};
using CryptScratchPtr = std::unique_ptr<CryptScratch, CryptScratchDeleter>;
[[nodiscard]] CryptScratchPtr newCryptScratch();

}  // namespace gatewhy
