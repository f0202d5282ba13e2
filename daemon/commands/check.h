// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

// `gatewhy check`: every problem of the file, one a line (or a JSON array of
// {file, line, column, severity, message}). Exit status 0, or 1 with an error.
[[nodiscard]] int runCheck(const std::string& file, bool json);

}  // namespace gatewhy
