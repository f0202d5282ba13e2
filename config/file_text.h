// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "diagnostics/result.h"

namespace gatewhy {

// Whether a pipe will do for a regular file: `gatewhy run -c /dev/stdin`.
enum class Pipes : std::uint8_t { Refused, Accepted };

// The content of a file, cut after one byte more than `most` (which the caller
// then refuses), or the reason why there is none, ready to follow "cannot be
// read: ". Never waits for somebody to open the other end of a FIFO, and never
// reads a device; an accepted pipe has ten seconds in all to say everything.
[[nodiscard]] Result<std::string, std::string> readTextFile(const std::string& path, std::size_t most,
                                                            Pipes pipes = Pipes::Refused);

}  // namespace gatewhy
