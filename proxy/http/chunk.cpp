// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/chunk.h"

#include <array>
#include <charconv>

namespace gatewhy {

void appendChunkSize(TextBuffer& out, std::uint64_t size) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out.append("\r\n");
}

}  // namespace gatewhy
