// SPDX-License-Identifier: Apache-2.0
#include "tests/support/command.h"

#include "tests/support/child_process.h"

namespace gatewhy::test {

CommandResult runCommand(const std::vector<std::string>& arguments,
                         const std::vector<std::pair<std::string, std::string>>& environment) {
  CommandResult result;
  ChildOptions options;
  options.arguments = arguments;
  options.environment = environment;
  auto child = ChildProcess::start(options, [&result](const std::string& line) { result.lines.push_back(line); });
  if (!child) {
    result.errors = child.error();
    return result;
  }
  result.status = (*child)->wait().value_or(-1);
  result.errors = (*child)->standardError();
  for (const std::string& line : result.lines) {
    result.output += line + "\n";
  }
  return result;
}

}  // namespace gatewhy::test
