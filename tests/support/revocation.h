// SPDX-License-Identifier: Apache-2.0
// Revocation lists and OCSP responses, made when a test runs like the
// certificates that they are about.
#pragma once

#include <chrono>
#include <initializer_list>
#include <string>

#include "tests/support/pki.h"

namespace gatewhy::test {

struct CrlSpec {
  std::chrono::seconds last_update = -std::chrono::hours(1);  // from now; revocations are from then
  std::chrono::seconds next_update = std::chrono::hours(24);
};
// PEM; whoever is on it had the key compromised.
[[nodiscard]] std::string crlPem(const Identity& issuer, std::initializer_list<const Identity*> revoked,
                                 const CrlSpec& spec = {});

enum class OcspStatus : std::uint8_t { Good, Revoked, Unknown };
struct OcspSpec {
  OcspStatus status = OcspStatus::Good;
  std::chrono::seconds this_update = -std::chrono::hours(1);
  std::chrono::seconds next_update = std::chrono::hours(24);
};
// DER, signed by `signer` (as a rule the issuer).
[[nodiscard]] std::string ocspResponse(const Identity& leaf, const Identity& issuer, const Identity& signer,
                                       const OcspSpec& spec = {});

}  // namespace gatewhy::test
