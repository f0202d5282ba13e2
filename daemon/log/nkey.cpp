// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/nkey.h"

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace gatewhy {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t kKeySize = 32;
constexpr std::uint8_t kSeedPrefix = 18U << 3U;  // 'S'
constexpr std::uint8_t kUserPrefix = 20U << 3U;  // 'U'

// CRC-16/XMODEM.
std::uint16_t nkeyChecksum(const std::vector<std::uint8_t>& octets, std::size_t size) {
  constexpr unsigned kPolynomial = 0x1021;
  unsigned crc = 0;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= static_cast<unsigned>(octets[i]) << 8U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ kPolynomial : crc << 1U;
    }
    crc &= 0xFFFFU;
  }
  return static_cast<std::uint16_t>(crc);
}

// RFC 4648 section 6, without padding. Empty where a letter is none.
std::vector<std::uint8_t> fromBase32(std::string_view text) {
  std::vector<std::uint8_t> octets;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::size_t value = kBase32.find(c);
    if (value == std::string_view::npos) {
      return {};
    }
    bits = (bits << 5U) | static_cast<unsigned>(value);
    held += 5;
    if (held >= 8) {
      held -= 8;
      octets.push_back(static_cast<std::uint8_t>(bits >> held));
      bits &= (1U << held) - 1;
    }
  }
  return octets;
}

std::string toBase32(const std::vector<std::uint8_t>& octets) {
  std::string text;
  unsigned bits = 0;
  unsigned held = 0;
  for (const std::uint8_t octet : octets) {
    bits = (bits << 8U) | octet;
    held += 8;
    while (held >= 5) {
      held -= 5;
      text += kBase32[bits >> held];
      bits &= (1U << held) - 1;
    }
  }
  if (held != 0) {
    text += kBase32[bits << (5 - held)];
  }
  return text;
}

}  // namespace

Result<std::string, std::string> nkeyOfSeed(std::string_view seed) {
  const std::vector<std::uint8_t> octets = fromBase32(seed);
  constexpr std::size_t kSeedSize = 2 + kKeySize + 2;
  if (octets.size() != kSeedSize || (octets[0] & 0xF8U) != kSeedPrefix ||
      nkeyChecksum(octets, kSeedSize - 2) != (octets[kSeedSize - 2] | octets[kSeedSize - 1] << 8)) {
    return Failure{std::string("is not the seed of an nkey")};
  }
  const auto kind = static_cast<std::uint8_t>((octets[0] & 7U) << 5U | (octets[1] & 0xF8U) >> 3U);
  if (kind != kUserPrefix) {
    return Failure{std::string("is the seed of an nkey, but not of a user's (SU…)")};
  }
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, octets.data() + 2, kKeySize), EVP_PKEY_free);
  std::vector<std::uint8_t> made(1 + kKeySize);
  made[0] = kind;
  std::size_t size = kKeySize;
  if (key == nullptr || EVP_PKEY_get_raw_public_key(key.get(), made.data() + 1, &size) != 1) {
    return Failure{std::string("is a seed that OpenSSL cannot use")};
  }
  const std::uint16_t checksum = nkeyChecksum(made, made.size());
  made.push_back(static_cast<std::uint8_t>(checksum & 0xFFU));
  made.push_back(static_cast<std::uint8_t>(checksum >> 8U));
  return toBase32(made);
}

}  // namespace gatewhy
