// SPDX-License-Identifier: Apache-2.0
// Users of NATS servers, made when a test runs: nkeys, and the tokens that nsc
// would write.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace gatewhy::test {

// An Ed25519 key of an operator, an account or a user, fresh.
class Nkey {
 public:
  enum class Kind : std::uint8_t { Operator = 14U << 3U, Account = 0, User = 20U << 3U };
  explicit Nkey(Kind kind);
  [[nodiscard]] std::string seed() const;       // "SU…"
  [[nodiscard]] std::string publicKey() const;  // "U…"
  // A token of its signature (JSON Web Token, alg ed25519-nkey).
  [[nodiscard]] std::string sign(const std::string& claims) const;

 private:
  const Kind kind_;
  std::array<unsigned char, 32> secret_{}, public_{};
};

// One operator, one account with JetStream, one user.
struct NatsTokens {
  std::string server_config;
  std::string credentials;  // the content of the user's file
};
[[nodiscard]] NatsTokens makeNatsTokens();

}  // namespace gatewhy::test
