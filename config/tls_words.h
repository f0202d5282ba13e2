// SPDX-License-Identifier: Apache-2.0
// OpenSSL's words for what may be negotiated: which of them mean something.
#pragma once

#include <string>

namespace gatewhy {

// The two lists that one value holds: suites of TLS 1.3 are the words that
// begin with TLS_, the rest is a cipher list for TLS 1.2.
struct TlsCipherWords {
  std::string list;
  std::string suites;
};
[[nodiscard]] TlsCipherWords splitCiphers(const std::string& text);

// A complaint, or "" where OpenSSL knows every word. "" is fine.
[[nodiscard]] std::string tlsCiphersComplaint(const std::string& text);
[[nodiscard]] std::string tlsGroupsComplaint(const std::string& text);

}  // namespace gatewhy
