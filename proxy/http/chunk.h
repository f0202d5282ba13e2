// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "diagnostics/text_buffer.h"

namespace gatewhy {

// Appends the line in front of a chunk's data (RFC 9112 section 7.1).
void appendChunkSize(TextBuffer& out, std::uint64_t size);

}  // namespace gatewhy
