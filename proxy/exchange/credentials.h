// SPDX-License-Identifier: Apache-2.0
// What a request says in Authorization (RFC 7617, the scheme Basic).
#pragma once

#include <string>

#include "diagnostics/cause.h"
#include "diagnostics/result.h"
#include "proxy/http/message.h"

namespace gatewhy {

struct BasicCredentials {
  std::string user, password;
};

// Why there are none to check. Says nothing of their content.
struct CredentialsFault {
  Cause cause = Cause::ClientCredentialsMissing;
  std::string detail;
};

// Refused where servers could read them differently: more than one field, no
// clean base64, a control character; or where they are longer than any hash
// takes (512 octets of password, 255 of user).
[[nodiscard]] Result<BasicCredentials, CredentialsFault> basicCredentials(const RequestHead& request);

// The value of WWW-Authenticate (RFC 7617 section 2).
[[nodiscard]] std::string basicChallenge(const std::string& realm);

}  // namespace gatewhy
