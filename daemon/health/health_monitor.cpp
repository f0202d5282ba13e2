// SPDX-License-Identifier: Apache-2.0
#include "daemon/health/health_monitor.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace gatewhy {
namespace {

// There are none any more: what they found is no reason to leave anybody out.
void forgetChecks(const OriginConfig& origin, const OriginRuntime& runtime) {
  OriginHealth(origin, runtime.endpoints, runtime.state).forgetChecks();
}

}  // namespace

HealthMonitor::HealthMonitor(Teller tell) : tell_(std::move(tell)) {}

void HealthMonitor::adopt(GenerationPtr generation, std::vector<Address> own_listeners) {
  const auto& origins = generation->config->origins;
  const bool any = std::any_of(origins.begin(), origins.end(), [](const auto& origin) { return origin.health; });
  if (!any && !thread_.joinable()) {
    return;
  }
  loop_.post([this, generation = std::move(generation), own_listeners = std::move(own_listeners)] {
    use(generation, own_listeners);
  });
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { run(); });
  }
}

void HealthMonitor::stop() {
  if (thread_.joinable()) {
    loop_.stop();
    thread_.join();
  }
}

void HealthMonitor::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the supervisor's
  pthread_setname_np(pthread_self(), "gatewhy-health");
  loop_.run();
  // Everything that belongs to the loop dies on its thread.
  for (Checks& checks : checks_) {
    bury(checks);
  }
  checks_.clear();
  loop_.stop();
  loop_.run();  // what was buried
  resolver_.reset();
  worker_.generation.reset();
}

// ---- configurations ---------------------------------------------------

void HealthMonitor::use(const GenerationPtr& generation, std::vector<Address> own_listeners) {
  const WorkerGenerationPtr before = worker_.generation;
  auto made = std::make_shared<WorkerGeneration>();
  made->shared = generation;
  made->own_listeners = std::move(own_listeners);
  const bool same_dns = before != nullptr && before->shared->config->dns == generation->config->dns;
  if (!same_dns) {
    resolver_ = Resolver::create(loop_, generation->config->dns, resolver_ != nullptr ? resolver_->memory() : nullptr);
  }
  worker_.generation = std::move(made);
  std::vector<Checks> before_this = std::move(checks_);
  checks_.clear();
  for (std::size_t i = 0; i < generation->config->origins.size(); ++i) {
    const OriginConfig& origin = generation->config->origins[i];
    const OriginRuntime& runtime = generation->origins[i];
    if (origin.health) {
      checks_.push_back(checksOf(origin, runtime, before_this));
    } else {
      forgetChecks(origin, runtime);
    }
  }
  for (Checks& gone : before_this) {
    bury(gone);
  }
}

// What a check was at is buried before it, and may look at it until then.
void HealthMonitor::bury(Checks& checks) {
  for (auto& check : checks.of) {
    check->stop();
    loop_.deferDelete(std::move(check));
  }
}

// An origin that is the same in both goes on as it is.
HealthMonitor::Checks HealthMonitor::checksOf(const OriginConfig& origin, const OriginRuntime& runtime,
                                              std::vector<Checks>& before) {
  const auto same = std::find_if(before.begin(), before.end(), [&](const Checks& had) {
    const OriginRuntime& was = had.origin->runtime;
    return had.origin->config == origin && was.tls == runtime.tls && !was.tls_setup_fault && !runtime.tls_setup_fault;
  });
  Checks checks;
  if (same != before.end()) {
    checks = std::move(*same);
    before.erase(same);
    return checks;
  }
  checks.origin = std::make_shared<CheckedOrigin>(origin, runtime, tell_);
  for (std::size_t i = 0; i < checks.origin->health.hosts().size(); ++i) {
    checks.of.push_back(startCheck(checks.origin, i));
  }
  return checks;
}

std::unique_ptr<HealthCheck> HealthMonitor::startCheck(const std::shared_ptr<CheckedOrigin>& origin, std::size_t host) {
  HealthCheckHost& self = *this;
  auto check = std::make_unique<HealthCheck>(self, origin, host);
  check->start();
  return check;
}

// Who is the same goes on; one of those that are buried may be calling.
void HealthMonitor::checkHosts(const CheckedOrigin& origin) {
  const auto checks =
      std::find_if(checks_.begin(), checks_.end(), [&](const Checks& one) { return one.origin.get() == &origin; });
  const std::shared_ptr<CheckedOrigin> of = checks->origin;
  of->seen_hosts = of->runtime.state->host_changes.load(std::memory_order_acquire);
  of->health.setHosts(hostsOf(of->runtime.endpoints));
  Checks before{.origin = of, .of = std::move(checks->of)};
  checks->of.clear();
  const auto& hosts = of->health.hosts();
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto had = std::find_if(before.of.begin(), before.of.end(), [&](const std::unique_ptr<HealthCheck>& check) {
      return check->of().state == hosts[i].state;
    });
    if (had == before.of.end()) {
      checks->of.push_back(startCheck(of, i));
    } else {
      (*had)->setHost(i);
      checks->of.push_back(std::move(*had));
      before.of.erase(had);
    }
    if (hosts[i].address) {
      static_cast<void>(hosts[i].whole->health.forgetChecks());  // found while it was one host
    }
  }
  bury(before);
}

// ---- what they find ---------------------------------------------------

void HealthMonitor::onChecked(HealthCheck& check, const Diagnosis* diagnosis) {
  const TimePoint now = EventLoop::now();
  const Verdict verdict{.source = HealthSource::Check,
                        .kind = diagnosis == nullptr ? Verdict::Kind::Good : Verdict::Kind::Bad,
                        .cause = diagnosis == nullptr ? Cause::ProxyInternalError : diagnosis->cause,
                        .client = 0};
  CheckedOrigin& origin = check.origin();
  if (diagnosis == nullptr) {
    origin.runtime.state->checks.notePassed();
  } else {
    origin.runtime.state->checks.noteFailed(diagnosis->cause);
  }
  const HealthChange change = origin.health.report(check.host(), verdict, now);
  if (change != HealthChange::None) {
    tellHealthChange(tell_, origin.config, origin.health.host(check.host()), change, diagnosis, now);
  }
  origin.refresh.ask(check.of().endpoint, *resolver_, now);
  if (origin.runtime.state->host_changes.load(std::memory_order_acquire) != origin.seen_hosts) {
    checkHosts(origin);
  }
}

}  // namespace gatewhy
