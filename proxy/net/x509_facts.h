// SPDX-License-Identifier: Apache-2.0
// What a certificate says about itself, as bounded text for evidence.
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <string>
#include <vector>

#include "diagnostics/observation.h"

namespace gatewhy {

[[nodiscard]] std::string nameText(const X509_NAME* name);                   // RFC 2253
[[nodiscard]] std::string timeText(const ASN1_TIME* time);                   // RFC 3339, UTC; "" where it is no time
[[nodiscard]] std::int64_t expiryOf(const X509* certificate);                // Unix seconds; 0 = unknown, null included
[[nodiscard]] std::vector<std::string> dnsNames(X509* certificate);          // SAN dNSName entries, lower case
[[nodiscard]] std::vector<std::string> alternativeNames(X509* certificate);  // SAN names and addresses, bounded
// `certificate` may be null: then only code, name and depth are known.
[[nodiscard]] X509Problem problemOf(X509* certificate, int code, int depth);
// What `list` says of a problem that it gave rise to.
void addRevocation(X509Problem& problem, X509_CRL* list, X509* certificate);
// RFC 9110 section 4.3.4: SAN only, never the common name; RFC 9525 section
// 6.3: a wildcard is a whole label. `host` may be an IP literal.
[[nodiscard]] bool certificateCovers(X509* certificate, const std::string& host);

[[nodiscard]] bool isIpLiteral(const std::string& host);
// As names are compared: lower case, without the root's dot and, in a
// link-local address, without the zone.
[[nodiscard]] std::string comparableHost(const std::string& host);

}  // namespace gatewhy
