// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gatewhy {

enum class LoginVerdict : std::uint8_t {
  Passes,
  Denied,  // the answer is for the client: a challenge, a redirect to the login, a refusal
  Failed,  // the login service is out of order, or its answer is no decision
};

// What the final status of a login service's answer says (auth.forward). A 304
// would show the client what its cache holds, so it decides nothing.
[[nodiscard]] constexpr LoginVerdict loginVerdict(std::uint16_t status) noexcept {
  if (status >= 200 && status < 300) {
    return LoginVerdict::Passes;
  }
  return status >= 300 && status < 500 && status != 304 ? LoginVerdict::Denied : LoginVerdict::Failed;
}

}  // namespace gatewhy
