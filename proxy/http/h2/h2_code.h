// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gatewhy {

// RFC 9113 section 7.
enum class H2Code : std::uint32_t {
  NoError = 0x0,
  ProtocolError = 0x1,
  InternalError = 0x2,
  FlowControlError = 0x3,
  SettingsTimeout = 0x4,
  StreamClosed = 0x5,
  FrameSizeError = 0x6,
  RefusedStream = 0x7,
  Cancel = 0x8,
  CompressionError = 0x9,
  ConnectError = 0xa,
  EnhanceYourCalm = 0xb,
  InadequateSecurity = 0xc,
  Http11Required = 0xd,
};

[[nodiscard]] constexpr std::uint32_t numberOf(H2Code code) noexcept {
  return static_cast<std::uint32_t>(code);
}

}  // namespace gatewhy
