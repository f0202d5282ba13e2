// SPDX-License-Identifier: Apache-2.0
#include "daemon/certificate_calendar.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "daemon/metrics/certificate_expiry.h"

namespace gatewhy {
namespace {

constexpr std::chrono::seconds kEveryMinute{60};
constexpr std::int64_t kDaySeconds = 86400;

LifecycleEvent::Fact certificateFact(std::string_view key, std::string text) {
  return {.key = key, .text = std::move(text), .number = {}, .list = {}};
}

std::string leftInWords(std::int64_t left) {
  if (left < 0) {
    return "has expired";
  }
  const std::int64_t days = left / kDaySeconds;
  return days == 0 ? "expires within a day" : fmt::format("expires in {} {}", days, days == 1 ? "day" : "days");
}

LifecycleEvent expiryEvent(const DatedCertificate& certificate, std::int64_t now, const std::string& message) {
  LifecycleEvent event;
  event.event = "message";
  event.severity = expiryNotice(certificate.term, now) == ExpiryNotice::Day ? "ERROR" : "WARN";
  event.message = message;
  if (certificate.origin.empty()) {
    event.facts = {certificateFact("listener", certificate.listener), certificateFact("certificate", certificate.file)};
  } else {
    event.facts = {certificateFact("origin", certificate.origin), certificateFact("endpoint", certificate.endpoint)};
  }
  event.facts.push_back(certificateFact(
      "not_after",
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(certificate.term.not_after)))));
  return event;
}

}  // namespace

std::vector<DatedCertificate> datedCertificates(const Generation& generation) {
  std::vector<DatedCertificate> all;
  for (const ListenerCertificate& one : listenerCertificates(generation)) {
    all.push_back(
        {.listener = one.listener, .file = one.served.file, .origin = {}, .endpoint = {}, .term = one.served.term});
  }
  const Config& config = *generation.config;
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    for (std::size_t j = 0; j < config.origins[i].endpoints.size(); ++j) {
      const CertificateTerm term = generation.origins[i].endpoints[j]->certificateTerm();
      if (term.not_after != 0) {
        all.push_back({.listener = {},
                       .file = {},
                       .origin = config.origins[i].name,
                       .endpoint = config.origins[i].endpoints[j].url,
                       .term = term});
      }
    }
  }
  return all;
}

std::optional<std::chrono::milliseconds> CertificateCalendar::dueIn(const Generation& generation) const {
  const auto tls = [](const auto& context) { return context != nullptr; };
  const bool any =
      std::any_of(generation.listener_tls.begin(), generation.listener_tls.end(), tls) ||
      std::any_of(generation.origins.begin(), generation.origins.end(), [](const auto& o) { return o.tls != nullptr; });
  if (!any) {
    return std::nullopt;
  }
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(due_ - Clock::now()), std::chrono::milliseconds(1));
}

void CertificateCalendar::look(const Generation& generation) {
  if (Clock::now() < due_) {
    return;
  }
  due_ = Clock::now() + kEveryMinute;
  tell(datedCertificates(generation), std::time(nullptr));
}

void CertificateCalendar::tell(const std::vector<DatedCertificate>& certificates, std::int64_t now) {
  std::map<std::string, Told> told;
  for (const DatedCertificate& one : certificates) {
    const bool ours = one.origin.empty();
    const std::string key = ours ? one.file : one.origin + '\n' + one.endpoint;
    if (told.count(key) != 0) {
      continue;  // a file that several listeners name
    }
    const auto before = told_.find(key);
    const bool known = before != told_.end() && before->second.not_after == one.term.not_after;
    const ExpiryNotice notice = expiryNotice(one.term, now);
    if (notice > (known ? before->second.notice : ExpiryNotice::None)) {
      const std::string left = leftInWords(one.term.not_after - now);
      say_(expiryEvent(one, now,
                       ours ? fmt::format("the certificate of a listener {}: renew it", left)
                            : fmt::format("the certificate of an origin {}: its operator must renew it", left)));
    }
    told[key] = {.not_after = one.term.not_after, .notice = notice};
  }
  told_ = std::move(told);
}

}  // namespace gatewhy
