// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/health_report.h"

#include "proxy/exchange/rate_limiter.h"
#include "proxy/net/address.h"
#include "proxy/origin/health_event.h"

namespace gatewhy {
namespace {

void reportVerdict(EventSink& sink, OriginPool& pool, std::size_t endpoint, const Verdict& verdict,
                   const Diagnosis* diagnosis, TimePoint now) {
  const HealthChange change = pool.health().report(endpoint, verdict, now);
  if (change != HealthChange::None) {
    tellHealthChange([&](const LifecycleEvent& event) { sink.onLifecycle(event); }, pool.config(),
                     pool.health().host(endpoint), change, diagnosis, now);
  }
}

// 0: not an address, so all of these are one client.
std::uint64_t clientKey(std::string_view text) {
  const auto address = Address::fromIp(text, 0);
  return address ? RateLimiter::keyOf(address->bytes()) : 0;
}

}  // namespace

void reportSuccess(EventSink& sink, OriginPool& pool, std::size_t endpoint) {
  if (!pool.state(endpoint).health.untroubled()) {  // it is, as a rule
    reportVerdict(sink, pool, endpoint, {}, nullptr, EventLoop::now());
  }
}

void reportFailure(EventSink& sink, OriginPool& pool, std::size_t endpoint, const Diagnosis& diagnosis,
                   std::string_view client) {
  const auto kind = verdictOn(diagnosis);
  if (kind) {
    const TimePoint now = EventLoop::now();
    const std::chrono::duration<double, std::milli> lasted(diagnosis.observation.elapsed_ms);
    const Verdict verdict{.source = HealthSource::Passive,
                          .kind = *kind,
                          .cause = diagnosis.cause,
                          .client = clientKey(client),
                          .began = now - std::chrono::duration_cast<TimePoint::duration>(lasted)};
    reportVerdict(sink, pool, endpoint, verdict, &diagnosis, now);
  }
}

void reportPanic(EventSink& sink, OriginPool& pool) {
  if (const auto change = pool.health().takePanicChange()) {
    tellPanic([&](const LifecycleEvent& event) { sink.onLifecycle(event); }, pool.config(), *change);
  }
}

}  // namespace gatewhy
