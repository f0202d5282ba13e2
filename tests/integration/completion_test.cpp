// SPDX-License-Identifier: Apache-2.0
// The completion for bash: sourced by a real bash, and complete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/command.h"

namespace gatewhy::test {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// What bash offers after `words`, the last of which is being typed.
std::vector<std::string> completionsOf(const std::vector<std::string>& words) {
  std::string script = "source " GATEWHY_SOURCE_DIR "/systemd/gatewhy.bash || exit 9\nCOMP_WORDS=(" GATEWHY_BINARY;
  for (const std::string& word : words) {
    script += " '" + word + "'";
  }
  script += ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_gatewhy\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const CommandResult result = runCommand({"/bin/bash", "--norc", "-c", script});
  EXPECT_EQ(result.status, 0) << result.errors;
  std::vector<std::string> out;
  for (const std::string& line : result.lines) {
    if (!line.empty()) {
      out.push_back(line);
    }
  }
  return out;
}

std::set<std::string> longOptionsIn(const std::string& help) {
  static const std::regex option("(^|[ ,])(--[a-z][a-z0-9-]*)");
  std::set<std::string> out;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    // An option's own line begins with it; descriptions may mention others.
    std::smatch found;
    if (line.find_first_not_of(' ') != std::string::npos && line[line.find_first_not_of(' ')] == '-' &&
        std::regex_search(line, found, option)) {
      out.insert(found[2]);
    }
  }
  return out;
}

std::vector<std::string> subcommands() {
  const std::string help = runCommand({GATEWHY_BINARY, "--help"}).output;
  std::vector<std::string> out;
  std::istringstream lines(help.substr(std::min(help.find("Commands:"), help.size())));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  ") && line.size() > 2 && line[2] != ' ') {
      out.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
  }
  return out;
}

TEST(CompletionTest, KnowsEveryCommand) {
  const std::vector<std::string> commands = subcommands();
  ASSERT_GT(commands.size(), 8U);
  const auto offered = completionsOf({""});
  for (const std::string& command : commands) {
    EXPECT_THAT(offered, Contains(command));
  }
  EXPECT_THAT(completionsOf({"pr"}), UnorderedElementsAre("probe"));
}

TEST(CompletionTest, KnowsEveryOptionOfEveryCommand) {
  for (const std::string& command : subcommands()) {
    const auto offered = completionsOf({command, "--"});
    const auto known = longOptionsIn(runCommand({GATEWHY_BINARY, command, "--help"}).output);
    EXPECT_EQ(std::set<std::string>(offered.begin(), offered.end()), known) << command;
  }
}

TEST(CompletionTest, CausesComeFromTheProgram) {
  EXPECT_THAT(completionsOf({"explain", "connection_ref"}),
              UnorderedElementsAre("connection_refused", "connection_refused_by_firewall"));
}

TEST(CompletionTest, FilesAndMethods) {
  EXPECT_THAT(completionsOf({"check", "-c", GATEWHY_SOURCE_DIR "/CMakeLi"}),
              UnorderedElementsAre(GATEWHY_SOURCE_DIR "/CMakeLists.txt"));
  EXPECT_THAT(completionsOf({"route", "PA"}), UnorderedElementsAre("PATCH"));
  EXPECT_THAT(completionsOf({"probe", "--timeout", ""}), IsEmpty());
}

}  // namespace
}  // namespace gatewhy::test
