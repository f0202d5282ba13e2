// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/certificate_term.h"

#include <ctime>

#include "proxy/net/x509_facts.h"

namespace gatewhy {
namespace {

constexpr std::int64_t kDayOfSeconds = 86400;
constexpr std::int64_t kMonthOfDays = 30;
constexpr std::int64_t kWeekOfDays = 7;
constexpr std::int64_t kLastPart = 3;  // a third

}  // namespace

CertificateTerm termOf(const X509* certificate) {
  std::tm utc{};
  const bool known = certificate != nullptr && ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &utc) == 1;
  return {.not_before = known ? ::timegm(&utc) : 0, .not_after = expiryOf(certificate)};
}

ExpiryNotice expiryNotice(const CertificateTerm& term, std::int64_t now) noexcept {
  const std::int64_t left = term.not_after - now;
  if (term.not_after == 0 || left >= kMonthOfDays * kDayOfSeconds ||
      (term.not_before != 0 && left * kLastPart > term.not_after - term.not_before)) {
    return ExpiryNotice::None;
  }
  return left < kDayOfSeconds                 ? ExpiryNotice::Day
         : left < kWeekOfDays * kDayOfSeconds ? ExpiryNotice::Week
                                              : ExpiryNotice::Month;
}

std::optional<Finding> expiryFinding(ExpiryNotice notice) noexcept {
  switch (notice) {
    case ExpiryNotice::None:
      return std::nullopt;
    case ExpiryNotice::Month:
      return Finding::CertificateExpiresIn30Days;
    case ExpiryNotice::Week:
      return Finding::CertificateExpiresIn7Days;
    case ExpiryNotice::Day:
      return Finding::CertificateExpiresIn1Day;
  }
  return std::nullopt;
}

}  // namespace gatewhy
