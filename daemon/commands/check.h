// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

struct CheckOptions {
  std::string file;
  bool json = false;
  bool strict = false;  // warnings are errors
};

// `gatewhy check`: every problem of the file, one a line (or a JSON array of
// {file, line, column, severity, message}), and what was found where there is
// no error. Exit status 0, or 1 with an error.
[[nodiscard]] int runCheck(const CheckOptions& options);

}  // namespace gatewhy
