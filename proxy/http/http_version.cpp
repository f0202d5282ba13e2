// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/http_version.h"

#include "diagnostics/octets.h"

namespace gatewhy {

std::optional<ParseError> judgeVersionOctet(std::size_t index, char octet) noexcept {
  constexpr std::string_view kShape = "HTTP/1.1";
  constexpr std::size_t kMajor = 5;
  constexpr std::size_t kMinor = 7;
  if (octet == kShape[index]) {
    return std::nullopt;
  }
  const bool digit = octets::is(octet, octets::kDigit);
  if (index == kMajor && digit) {
    return ParseError::VersionUnsupported;
  }
  if (index == kMinor && digit) {
    return std::nullopt;
  }
  return octetError(octet, ParseError::VersionInvalid);
}

std::optional<HeadFault> parseHttpVersion(std::string_view line, std::size_t at, std::uint8_t& minor) noexcept {
  const std::string_view version = line.substr(at, kHttpVersionSize);
  if (version == "HTTP/1.1") {
    minor = 1;
    return std::nullopt;
  }
  for (std::size_t index = 0; index < version.size(); ++index) {
    if (const auto error = judgeVersionOctet(index, version[index])) {
      return HeadFault{*error, at + index, {}, version};
    }
  }
  if (version.size() < kHttpVersionSize) {
    return HeadFault{ParseError::VersionInvalid, line.size(), {}, version};
  }
  minor = version.back() == '0' ? 0 : 1;
  return std::nullopt;
}

}  // namespace gatewhy
