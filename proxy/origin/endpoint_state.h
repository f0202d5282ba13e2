// SPDX-License-Identifier: Apache-2.0
// What all workers know together about one endpoint. Outlives reloads: the
// supervisor keeps it by origin name and endpoint URL.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "diagnostics/cause.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/certificate_term.h"
#include "proxy/origin/idle_lesson.h"
#include "proxy/origin/unsolicited.h"

namespace gatewhy {

class EndpointState {
 public:
  // Takes one of `limit` connections (0 = no limit). Any thread.
  [[nodiscard]] bool acquire(std::uint32_t limit) noexcept { return takeOne(connections_, limit); }
  void release() noexcept { connections_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t connections() const noexcept { return connections_.load(std::memory_order_relaxed); }

  // The same for requests whose body is still coming from their clients.
  [[nodiscard]] bool acquireUpload(std::uint32_t limit) noexcept { return takeOne(uploads_, limit); }
  void releaseUpload() noexcept { uploads_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t uploads() const noexcept { return uploads_.load(std::memory_order_relaxed); }

  void recordSuccess() noexcept {
    if (failures_in_row_.load(std::memory_order_relaxed) != 0) {
      failures_in_row_.store(0, std::memory_order_relaxed);
    }
  }
  // True where this failure is the one that ejects the endpoint.
  [[nodiscard]] bool recordFailure(Cause cause, std::uint32_t threshold, std::chrono::milliseconds duration,
                                   TimePoint now) noexcept {
    last_cause_.store(static_cast<int>(cause), std::memory_order_relaxed);
    const std::uint32_t in_row = failures_in_row_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (in_row < threshold) {
      return false;
    }
    failures_in_row_.store(0, std::memory_order_relaxed);
    ejected_until_.store((now + duration).time_since_epoch().count(), std::memory_order_relaxed);
    return true;
  }
  [[nodiscard]] bool ejected(TimePoint now) const noexcept {
    const auto until = ejected_until_.load(std::memory_order_relaxed);
    return until != 0 && now.time_since_epoch().count() < until;
  }
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
  // Zero or less where it is not ejected.
  [[nodiscard]] std::chrono::milliseconds ejectedFor(TimePoint now) const noexcept {
    const TimePoint until{TimePoint::duration(ejected_until_.load(std::memory_order_relaxed))};
    return std::chrono::duration_cast<std::chrono::milliseconds>(until - now);
  }
  [[nodiscard]] std::optional<Cause> lastCause() const noexcept {
    const int cause = last_cause_.load(std::memory_order_relaxed);
    return cause < 0 ? std::nullopt : std::optional(static_cast<Cause>(cause));
  }

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

  std::atomic<std::uint32_t> connections_{0};
  std::atomic<std::uint32_t> uploads_{0};
  std::atomic<std::uint32_t> failures_in_row_{0};
  std::atomic<TimePoint::rep> ejected_until_{0};
  std::atomic<int> last_cause_{-1};
  IdleLesson idle_lesson_;
  std::atomic<std::int64_t> certificate_from_{0}, certificate_until_{0};
};

// What all workers know together about one origin.
struct OriginState {
  std::atomic<std::uint32_t> waiting{0};          // exchanges that wait for a connection
  std::atomic<std::uint32_t> waiting_uploads{0};  // of these, those whose body is still coming
  UnsolicitedRecord unsolicited;
};

}  // namespace gatewhy
