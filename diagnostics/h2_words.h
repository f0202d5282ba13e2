// SPDX-License-Identifier: Apache-2.0
// What RFC 9113 calls its frame types and error codes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatewhy {

// RFC 9113 section 6; of the extensions, those of RFC 9218, RFC 7838 and RFC 8336.
[[nodiscard]] std::string h2FrameName(std::uint8_t type);  // "WINDOW_UPDATE"; "frame type 0x2a"
// RFC 9113 section 7.
[[nodiscard]] std::string h2CodeName(std::uint32_t code);  // "PROTOCOL_ERROR"; "error code 0x2a"
// In the words of that section, in short: "a rule of HTTP/2 is broken".
[[nodiscard]] std::string_view h2CodeMeaning(std::uint32_t code);

}  // namespace gatewhy
