// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/nats_users.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

namespace gatewhy::test {
namespace {

using nlohmann::json;
using Octets = std::vector<std::uint8_t>;

// RFC 4648, without padding: section 6 with five bits, section 5 with six.
std::string inLetters(const Octets& octets, const char* letters, unsigned width) {
  std::string out;
  unsigned bits = 0;
  unsigned held = 0;
  for (const std::uint8_t octet : octets) {
    bits = (bits << 8U) | octet;
    held += 8;
    while (held >= width) {
      held -= width;
      out += letters[(bits >> held) & ((1U << width) - 1)];
    }
    bits &= (1U << held) - 1;
  }
  if (held != 0) {
    out += letters[(bits << (width - held)) & ((1U << width) - 1)];
  }
  return out;
}

std::string base64url(const Octets& octets) {
  return inLetters(octets, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6);
}

// With its CRC-16/XMODEM behind it.
std::string checkedBase32(Octets octets) {
  unsigned crc = 0;
  for (const std::uint8_t octet : octets) {
    crc ^= static_cast<unsigned>(octet) << 8U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = ((crc << 1U) ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U)) & 0xFFFFU;
    }
  }
  octets.push_back(static_cast<std::uint8_t>(crc & 0xFFU));
  octets.push_back(static_cast<std::uint8_t>(crc >> 8U));
  return inLetters(octets, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5);
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::string tokenOf(const Nkey& issuer, const Nkey& subject, const char* name, json facts) {
  facts["version"] = 2;
  return issuer.sign(json{
      {"jti", name},
      {"iat", 1'700'000'000},
      {"iss", issuer.publicKey()},
      {"sub", subject.publicKey()},
      {"name", name},
      {"nats",
       std::move(facts)}}.dump());
}

}  // namespace

Nkey::Nkey(Kind kind) : kind_(kind) {
  RAND_bytes(secret_.data(), static_cast<int>(secret_.size()));
  const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret_.data(), secret_.size()), EVP_PKEY_free);
  std::size_t size = public_.size();
  EVP_PKEY_get_raw_public_key(key.get(), public_.data(), &size);
}

std::string Nkey::seed() const {
  const auto kind = static_cast<unsigned>(kind_);
  Octets octets{static_cast<std::uint8_t>(18U << 3U | kind >> 5U), static_cast<std::uint8_t>((kind & 31U) << 3U)};
  octets.insert(octets.end(), secret_.begin(), secret_.end());
  return checkedBase32(std::move(octets));
}

std::string Nkey::publicKey() const {
  Octets octets{static_cast<std::uint8_t>(kind_)};
  octets.insert(octets.end(), public_.begin(), public_.end());
  return checkedBase32(std::move(octets));
}

std::string Nkey::sign(const std::string& claims) const {
  const std::string head = R"({"typ":"JWT","alg":"ed25519-nkey"})";
  std::string token = base64url({head.begin(), head.end()}) + "." + base64url(Octets(claims.begin(), claims.end()));
  const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret_.data(), secret_.size()), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  Octets signature(64);
  std::size_t size = signature.size();
  EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get());
  EVP_DigestSign(context.get(), signature.data(), &size, reinterpret_cast<const unsigned char*>(token.data()),
                 token.size());
  return token + "." + base64url(signature);
}

NatsTokens makeNatsTokens() {
  const Nkey op(Nkey::Kind::Operator);
  const Nkey account(Nkey::Kind::Account);
  const Nkey system(Nkey::Kind::Account);  // JetStream asks for one; it has none itself
  const Nkey user(Nkey::Kind::User);
  const json limits{{"subs", -1},        {"data", -1},         {"payload", -1}, {"imports", -1},
                    {"exports", -1},     {"wildcards", true},  {"conn", -1},    {"leaf", -1},
                    {"mem_storage", -1}, {"disk_storage", -1}, {"streams", -1}, {"consumer", -1}};
  const std::string operator_token = tokenOf(op, op, "operator", {{"type", "operator"}});
  const json plain{{"subs", -1},    {"data", -1},        {"payload", -1}, {"imports", -1},
                   {"exports", -1}, {"wildcards", true}, {"conn", -1},    {"leaf", -1}};
  const std::string system_token = tokenOf(op, system, "system", {{"type", "account"}, {"limits", plain}});
  const std::string account_token = tokenOf(op, account, "fleet", {{"type", "account"}, {"limits", limits}});
  const std::string user_token = tokenOf(account, user, "gatewhy",
                                         {{"type", "user"},
                                          {"pub", json::object()},
                                          {"sub", json::object()},
                                          {"subs", -1},
                                          {"data", -1},
                                          {"payload", -1}});
  return {.server_config = fmt::format(
              "operator: {}\nresolver: MEMORY\nsystem_account: {}\nresolver_preload: {{ {}: {}, {}: {} }}\n",
              operator_token, system.publicKey(), system.publicKey(), system_token, account.publicKey(), account_token),
          .credentials = fmt::format("-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n"
                                     "-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
                                     user_token, user.seed())};
}

}  // namespace gatewhy::test
