// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/password_checker.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>

namespace gatewhy {

struct CryptScratch {
  crypt_data data{};
};

void CryptScratchDeleter::operator()(CryptScratch* scratch) const noexcept {
  OPENSSL_cleanse(scratch, sizeof(*scratch));  // what was hashed last
  delete scratch;
}

CryptScratchPtr newCryptScratch() {
  return CryptScratchPtr(new CryptScratch);
}

bool passwordFits(const std::string& password, std::string_view hash, CryptScratch& scratch) {
  const std::string setting(hash);
  const char* const made = ::crypt_r(password.c_str(), setting.c_str(), &scratch.data);
  // A failure is a text that no hash begins with ("*0").
  return made != nullptr && made[0] == '$' && std::strlen(made) == setting.size() &&
         CRYPTO_memcmp(made, setting.data(), setting.size()) == 0;
}

RateLimiter& PasswordChecker::failures() {
  std::call_once(failures_made_, [this] {
    failures_ = std::make_unique<RateLimiter>(RateLimitConfig{.requests = kLoginFailures,
                                                              .per = std::chrono::minutes(1),
                                                              .burst = kLoginFailures,
                                                              .key = RateLimitKey::ClientAddress,
                                                              .max_keys = 16384});
  });
  return *failures_;
}

std::optional<PasswordChecker::Answer> PasswordChecker::limited(std::uint64_t client) {
  const auto wait = failures().wait(client, EventLoop::now());
  if (!wait) {
    return std::nullopt;
  }
  return Answer{.verdict = Verdict::Limited,
                .retry_after_s = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(*wait).count())};
}

// The limit comes before what is remembered: a client that may guess no more
// must not learn from a quick answer that it has guessed right.
std::optional<PasswordChecker::Answer> PasswordChecker::ask(Question question, Tell tell) {
  if (const auto refused = limited(question.client)) {
    return refused;
  }
  const CredentialsDigest digest = digestOf(question.credentials);
  if (question.users->remembers(question.credentials.user, digest)) {
    return Answer{.verdict = Verdict::Right};
  }
  const std::lock_guard lock(mutex_);
  Waiter waiter{.client = question.client, .tell = std::move(tell)};
  const auto same = [&](const auto& job) {
    const Question& other = job->question;
    return other.users == question.users && other.credentials.user == question.credentials.user &&
           other.credentials.password == question.credentials.password;
  };
  if (const auto found = std::find_if(queue_.begin(), queue_.end(), same); found != queue_.end()) {
    (*found)->waiters.push_back(std::move(waiter));
    return std::nullopt;
  }
  if (stopping_ || queue_.size() >= kLoginQueue) {
    return Answer{.verdict = Verdict::Busy};
  }
  const auto job = std::make_shared<Job>(Job{.question = std::move(question), .digest = digest, .waiters = {}});
  job->waiters.push_back(std::move(waiter));
  queue_.push_back(job);
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { run(); });
  }
  wake_.notify_one();
  return std::nullopt;
}

void PasswordChecker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::uint64_t PasswordChecker::hashed() const {
  const std::lock_guard lock(mutex_);
  return hashed_;
}

// ---- on the thread --------------------------------------------------------

void PasswordChecker::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the supervisor's
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) {
      return;
    }
    const std::shared_ptr<Job> job = queue_.front();  // stays there: others may join it
    lock.unlock();
    work(*job);
    lock.lock();
  }
}

// Failures are counted between two hashes, so a client has as many guesses as
// the limit says and not one more, however many it sends at once.
void PasswordChecker::work(Job& job) {
  const Question& question = job.question;
  bool fits = false;
  if (mayGuess(job)) {
    const UserTable::Hash hash = question.users->hashFor(question.credentials.user);
    const CryptScratchPtr scratch = newCryptScratch();
    fits = passwordFits(question.credentials.password, hash.text, *scratch) && hash.may_fit;
    if (fits) {
      question.users->remember(question.credentials.user, job.digest);
    }
  }
  std::vector<Waiter> waiters;
  {
    const std::lock_guard lock(mutex_);
    waiters = std::move(job.waiters);  // with all that have joined it
    queue_.pop_front();
  }
  for (const Waiter& waiter : waiters) {
    if (const auto refused = limited(waiter.client)) {
      waiter.tell(*refused);
      continue;
    }
    if (!fits) {
      static_cast<void>(failures().take(waiter.client, EventLoop::now()));
    }
    waiter.tell(Answer{.verdict = fits ? Verdict::Right : Verdict::Wrong});
  }
}

// Whether one of those who wait has a guess left.
bool PasswordChecker::mayGuess(const Job& job) {
  const std::lock_guard lock(mutex_);
  const bool may = std::any_of(job.waiters.begin(), job.waiters.end(),
                               [this](const Waiter& waiter) { return !limited(waiter.client); });
  hashed_ += may ? 1 : 0;
  return may;
}

}  // namespace gatewhy
