// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <optional>

#include "diagnostics/findings.h"

namespace gatewhy {

// From when until when a certificate is valid: Unix seconds, 0 = unknown
// (RFC 5280 section 4.1.2.5).
struct CertificateTerm {
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
};
// `certificate` may be null: unknown.
[[nodiscard]] CertificateTerm termOf(const X509* certificate);

// How urgent it is to renew a certificate; in this order.
enum class ExpiryNotice : std::uint8_t { None, Month, Week, Day };

// At `now`, Unix seconds. A certificate that is made for a few days is not
// late before two thirds of its time are over, which is when such ones are renewed.
[[nodiscard]] ExpiryNotice expiryNotice(const CertificateTerm& term, std::int64_t now) noexcept;
// The finding that says so; nullopt where there is nothing to say.
[[nodiscard]] std::optional<Finding> expiryFinding(ExpiryNotice notice) noexcept;

}  // namespace gatewhy
