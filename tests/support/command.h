// SPDX-License-Identifier: Apache-2.0
// One run of a program to its end: what it printed and how it ended.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace gatewhy::test {

struct CommandResult {
  int status = -1;  // -N where signal N ended it
  std::vector<std::string> lines;
  std::string output;  // the same, with newlines
  std::string errors;
};
// `arguments`: the first is the program.
[[nodiscard]] CommandResult runCommand(const std::vector<std::string>& arguments,
                                       const std::vector<std::pair<std::string, std::string>>& environment = {});

}  // namespace gatewhy::test
