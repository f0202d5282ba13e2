// SPDX-License-Identifier: Apache-2.0
// Says of each certificate, ours and our origins', when a month, a week and a
// day are left: once each, in time for somebody to renew it. Main thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "diagnostics/event.h"
#include "proxy/exchange/generation.h"
#include "proxy/net/certificate_term.h"

namespace gatewhy {

struct DatedCertificate {
  std::string listener, file;    // of ours
  std::string origin, endpoint;  // or of an origin's endpoint
  CertificateTerm term;
};

// Those in force on listeners, and those that endpoints presented last.
[[nodiscard]] std::vector<DatedCertificate> datedCertificates(const Generation& generation);

class CertificateCalendar {
 public:
  using Say = std::function<void(LifecycleEvent event)>;
  explicit CertificateCalendar(Say say) : say_(std::move(say)) {}

  // How long until look() is due; nullopt: `generation` has no certificate to look at.
  [[nodiscard]] std::optional<std::chrono::milliseconds> dueIn(const Generation& generation) const;
  // Looks at the certificates, where it is time to.
  void look(const Generation& generation);
  // As of `now`, Unix seconds. What is no longer among them is forgotten.
  void tell(const std::vector<DatedCertificate>& certificates, std::int64_t now);

 private:
  using Clock = std::chrono::steady_clock;
  struct Told {
    std::int64_t not_after = 0;  // another one: it was renewed
    ExpiryNotice notice = ExpiryNotice::None;
  };
  Say say_;
  Clock::time_point due_ = Clock::now();
  std::map<std::string, Told> told_;  // by file, or origin and endpoint
};

}  // namespace gatewhy
