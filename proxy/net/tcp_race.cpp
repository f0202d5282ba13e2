// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/tcp_race.h"

#include <utility>

#include "proxy/net/address_policy.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kResolutionDelay{50};  // RFC 8305 section 3
constexpr std::chrono::milliseconds kAttemptDelay{250};    // RFC 8305 section 5
// Of one family. A DNS answer may hold thousands of addresses; a client would
// not wait for that many.
constexpr std::size_t kMostAddresses = 16;

}  // namespace

TcpRace::TcpRace(EventLoop& loop, const Rules& rules, Observer& observer)
    : loop_(loop),
      rules_(rules),
      observer_(observer),
      resolution_delay_(loop, [this] { begin(); }),
      attempt_delay_(loop, [this] { tryNext(); }) {}

void TcpRace::start(const Address& address) {
  v6_.answered = v4_.answered = true;
  v4_.waiting.push_back(address);
  had_addresses_ = true;
  begin();
}

void TcpRace::addFamily(int family, std::vector<Address> addresses) {
  Family& into = family == AF_INET6 ? v6_ : v4_;
  into.answered = true;
  if (addresses.size() > kMostAddresses) {
    addresses.resize(kMostAddresses);
  }
  into.waiting.assign(addresses.begin(), addresses.end());
  had_addresses_ = had_addresses_ || !addresses.empty();
  if (finished_) {
    return;
  }
  if (began_) {
    if (running_ == 0) {
      tryNext();
    } else if (anyWaiting() && !attempt_delay_.armed()) {
      attempt_delay_.arm(kAttemptDelay);
    }
  } else if (v6_.answered) {
    if (anyWaiting()) {
      begin();
    }
  } else if (!v4_.waiting.empty()) {
    resolution_delay_.arm(kResolutionDelay);  // IPv6 may be about to come
  }
  finishIfLost();
}

void TcpRace::stop() noexcept {
  finished_ = true;
  resolution_delay_.cancel();
  attempt_delay_.cancel();
  for (const auto& attempt : attempts_) {
    attempt->abandon();
  }
}

const Address* TcpRace::current() const noexcept {
  return attempts_.empty() ? nullptr : &attempts_.back()->address();
}

void TcpRace::begin() {
  resolution_delay_.cancel();
  began_ = EventLoop::now();
  tryNext();
}

// Starts one attempt that does not fail at once, if there is one.
void TcpRace::tryNext() {
  in_try_next_ = true;
  while (!finished_) {
    const std::optional<Address> address = takeNext();
    if (!address) {
      break;
    }
    if (refused(*address)) {
      continue;
    }
    attempts_.push_back(
        std::make_unique<TcpAttempt>(loop_, *address, rules_.connect_limit, static_cast<TcpAttempt::Observer&>(*this)));
    ++running_;
    attempts_.back()->start();
    if (!attempts_.back()->settled()) {
      break;
    }
  }
  in_try_next_ = false;
  if (!finished_ && anyWaiting()) {
    attempt_delay_.arm(kAttemptDelay);
  }
  finishIfLost();
}

std::optional<Address> TcpRace::takeNext() {
  const bool v4 = v6_.waiting.empty() || (v4_is_next_ && !v4_.waiting.empty());
  auto& waiting = (v4 ? v4_ : v6_).waiting;
  if (waiting.empty()) {
    return std::nullopt;
  }
  const Address address = waiting.front();
  waiting.pop_front();
  v4_is_next_ = !v4;
  return address;
}

bool TcpRace::refused(const Address& address) {
  AddressFailure failure;
  failure.peer_address = address.text();
  if (rules_.own_listeners != nullptr && isOwnListener(address, *rules_.own_listeners)) {
    failure.observation.phase = Phase::Routing;
    failure.observation.fault = DecisionFault{.cause = Cause::ProxyLoop,
                                              .detail = failure.peer_address + " is one of our own listeners",
                                              .size = {},
                                              .limit = {}};
  } else if (const auto rule = rules_.from_dns ? ruleAgainst(address) : std::nullopt) {
    ConnectFault fault;
    fault.call = ConnectCall::Policy;
    fault.detail = *rule;
    failure.observation.phase = Phase::Connect;
    failure.observation.fault = std::move(fault);
  } else {
    return false;
  }
  failures_.push_back(std::move(failure));
  return true;
}

void TcpRace::onAttemptConnected(TcpAttempt& attempt) {
  stop();
  observer_.onRaceWon(attempt);
}

void TcpRace::onAttemptFailed(TcpAttempt& attempt) {
  --running_;
  AddressFailure failure;
  failure.peer_address = attempt.address().text();
  failure.observation = attempt.observation();
  failure.timings.connect = attempt.observation().elapsed_ms;
  failures_.push_back(std::move(failure));
  if (!in_try_next_) {
    attempt_delay_.cancel();
    tryNext();
  }
}

void TcpRace::finishIfLost() {
  if (!finished_ && running_ == 0 && !anyWaiting() && v6_.answered && v4_.answered) {
    stop();
    observer_.onRaceLost();
  }
}

}  // namespace gatewhy
