// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/credentials.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

constexpr std::string_view kScheme = "Basic";
constexpr std::size_t kLongestUserId = 255;
constexpr std::size_t kLongestPassword = 511;  // crypt(3) of libxcrypt takes no more
constexpr std::uint8_t kNoDigit = 0xFF;

constexpr auto kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}();

// RFC 4648 section 4; only the one spelling that an encoder writes.
std::optional<std::string> decodeBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) {
    return std::nullopt;
  }
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string out;
  out.reserve(text.size() * 3 / 4 + 1);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const std::uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) {
      return std::nullopt;
    }
    bits = (bits << 6U) | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>((bits >> static_cast<unsigned>(held)) & 0xFFU));
    }
  }
  if ((bits & ((1U << static_cast<unsigned>(held)) - 1U)) != 0) {
    return std::nullopt;
  }
  return out;
}

CredentialsFault fault(Cause cause, std::string detail) {
  return CredentialsFault{.cause = cause, .detail = std::move(detail)};
}

}  // namespace

Result<BasicCredentials, CredentialsFault> basicCredentials(const RequestHead& request) {
  if (!request.present.has(FieldId::Authorization)) {
    return Failure{fault(Cause::ClientCredentialsMissing, "no Authorization field")};
  }
  const auto is_it = [](const Field& field) { return field.id == FieldId::Authorization; };
  if (std::count_if(request.fields.begin(), request.fields.end(), is_it) > 1) {
    return Failure{fault(Cause::ClientCredentialsInvalid, "more than one Authorization field")};
  }
  std::string_view value = request.valueOf(FieldId::Authorization);
  const std::size_t space = std::min(value.find(' '), value.size());
  if (!equalsIgnoreCase(value.substr(0, space), kScheme)) {
    return Failure{fault(Cause::ClientCredentialsMissing, "the Authorization field is of another scheme than Basic")};
  }
  value.remove_prefix(space);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  const auto text = decodeBase64(value);
  const std::size_t colon = text ? text->find(':') : std::string::npos;
  if (!text || colon == std::string::npos || std::any_of(text->begin(), text->end(), octets::isControl)) {
    return Failure{fault(Cause::ClientCredentialsInvalid, "the Authorization field is not base64 of USER:PASSWORD")};
  }
  BasicCredentials out;
  out.user = text->substr(0, colon);
  out.password = text->substr(colon + 1);
  if (out.user.size() > kLongestUserId || out.password.size() > kLongestPassword) {
    return Failure{fault(Cause::ClientCredentialsInvalid, "the user or the password is longer than any can be")};
  }
  return out;
}

std::string basicChallenge(const std::string& realm) {
  std::string out = "Basic realm=\"";
  for (const char c : realm) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
    }
    out.push_back(c);
  }
  return out + "\", charset=\"UTF-8\"";
}

}  // namespace gatewhy
