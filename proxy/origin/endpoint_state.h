// SPDX-License-Identifier: Apache-2.0
// What all workers know together about one endpoint. Outlives reloads: the
// supervisor keeps it by origin name and endpoint URL.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "diagnostics/cause.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/certificate_term.h"
#include "proxy/origin/endpoint_health.h"
#include "proxy/origin/host_set.h"
#include "proxy/origin/idle_lesson.h"
#include "proxy/origin/unsolicited.h"

namespace gatewhy {

// The sentences of the diagnoses that took an endpoint out of use, by who
// decided it. Thread-safe.
class HealthWords {
 public:
  void say(HealthSource source, const std::string& summary) {
    const std::lock_guard lock(mutex_);
    said_[static_cast<std::size_t>(source)] = summary;
  }
  [[nodiscard]] std::string of(HealthSource source) const {
    const std::lock_guard lock(mutex_);
    return said_[static_cast<std::size_t>(source)];
  }

 private:
  mutable std::mutex mutex_;
  std::array<std::string, 3> said_;  // guarded by mutex_
};

// How often each happened. Thread-safe.
class HealthChangeCounts {
 public:
  void count(HealthChange change) noexcept {
    counts_[static_cast<std::size_t>(change)].fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t of(HealthChange change) const noexcept {
    return counts_[static_cast<std::size_t>(change)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, 5> counts_{};
};

// What the checks of an origin's endpoints found. Thread-safe.
class CheckCounts {
 public:
  void notePassed() noexcept { passed_.fetch_add(1, std::memory_order_relaxed); }
  void noteFailed(Cause cause) {
    const std::lock_guard lock(mutex_);
    ++failed_[cause];
  }
  [[nodiscard]] std::uint64_t passed() const noexcept { return passed_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::map<Cause, std::uint64_t> failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
  }

 private:
  std::atomic<std::uint64_t> passed_{0};
  mutable std::mutex mutex_;
  std::map<Cause, std::uint64_t> failed_;  // guarded by mutex_
};

class EndpointState {
 public:
  static constexpr std::uint32_t kMostStreams = 100;  // on one connection, whatever the origin allows
  // Takes one of `limit` places (0 = no limit): of a request, or of a parked
  // connection of one request at a time. Any thread.
  [[nodiscard]] bool acquire(std::uint32_t limit) noexcept { return takeOne(places_, limit); }
  void release() noexcept { places_.fetch_sub(1, std::memory_order_relaxed); }
  // Connections that are open or being opened.
  void noteOpened() noexcept { connections_.fetch_add(1, std::memory_order_relaxed); }
  void noteClosed() noexcept { connections_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t connections() const noexcept { return connections_.load(std::memory_order_relaxed); }

  // What it chose last where both versions of HTTP were offered.
  enum class Speaks : std::uint8_t { Unknown, Http1, Http2 };
  void noteSpeaks(Speaks version) noexcept { speaks_.store(version, std::memory_order_relaxed); }
  [[nodiscard]] Speaks speaks() const noexcept { return speaks_.load(std::memory_order_relaxed); }
  // Requests that a connection may be given before its SETTINGS have come: what
  // those of the last one allowed, for an origin that refuses the others loses them.
  void noteStreams(std::uint32_t most) noexcept {
    streams_.store(std::clamp(most, 1U, kMostStreams), std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t streams() const noexcept { return streams_.load(std::memory_order_relaxed); }
  // It wants a request by HTTP/1.1: for ten minutes only that is offered. True:
  // this is new. Any thread.
  [[nodiscard]] bool holdToHttp1(TimePoint now) noexcept {
    const std::int64_t until = (now + std::chrono::minutes(10)).time_since_epoch().count();
    return http1_until_.exchange(until, std::memory_order_relaxed) <= now.time_since_epoch().count();
  }
  [[nodiscard]] bool heldToHttp1(TimePoint now) const noexcept {
    return http1_until_.load(std::memory_order_relaxed) > now.time_since_epoch().count();
  }

  // The same for requests whose body is still coming from their clients.
  [[nodiscard]] bool acquireUpload(std::uint32_t limit) noexcept { return takeOne(uploads_, limit); }
  void releaseUpload() noexcept { uploads_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t uploads() const noexcept { return uploads_.load(std::memory_order_relaxed); }

  // Of the certificate that the endpoint showed last.
  void noteCertificate(const CertificateTerm& term) noexcept {
    certificate_from_.store(term.not_before, std::memory_order_relaxed);
    certificate_until_.store(term.not_after, std::memory_order_relaxed);
  }
  // Unknown: none was seen.
  [[nodiscard]] CertificateTerm certificateTerm() const noexcept {
    return {.not_before = certificate_from_.load(std::memory_order_relaxed),
            .not_after = certificate_until_.load(std::memory_order_relaxed)};
  }
  // How long it keeps idle connections, as far as that is known.
  [[nodiscard]] IdleLesson& idleLesson() noexcept { return idle_lesson_; }
  [[nodiscard]] const IdleLesson& idleLesson() const noexcept { return idle_lesson_; }

  NameWatch name;         // of an endpoint that is given by a name
  EndpointHealth health;  // changed through OriginHealth
  HealthWords words;
  HealthChangeCounts health_changes;

 private:
  [[nodiscard]] static bool takeOne(std::atomic<std::uint32_t>& counter, std::uint32_t limit) noexcept {
    std::uint32_t now = counter.load(std::memory_order_relaxed);
    do {
      if (limit != 0 && now >= limit) {
        return false;
      }
    } while (!counter.compare_exchange_weak(now, now + 1, std::memory_order_relaxed));
    return true;
  }

  std::atomic<std::uint32_t> places_{0};
  std::atomic<std::uint32_t> connections_{0};
  std::atomic<Speaks> speaks_{Speaks::Unknown};
  std::atomic<std::uint32_t> streams_{kMostStreams};
  std::atomic<std::int64_t> http1_until_{0};  // of the steady clock; 0 = never
  std::atomic<std::uint32_t> uploads_{0};
  IdleLesson idle_lesson_;
  std::atomic<std::int64_t> certificate_from_{0}, certificate_until_{0};
};

// What all workers know together about one origin.
struct OriginState {
  std::atomic<std::uint32_t> waiting{0};          // exchanges that wait for a connection
  std::atomic<std::uint32_t> waiting_uploads{0};  // of these, those whose body is still coming
  UnsolicitedRecord unsolicited;
  std::atomic<std::uint32_t> health_changes{0};  // of its endpoints: who remembers them looks again
  std::atomic<std::uint32_t> host_changes{0};    // likewise of the hosts behind their names
  std::mutex health_mutex;                       // one endpoint is ejected at a time
  std::atomic<bool> panics{false};               // changed under health_mutex
  CheckCounts checks;
};

}  // namespace gatewhy
