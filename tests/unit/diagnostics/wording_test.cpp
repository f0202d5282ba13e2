// SPDX-License-Identifier: Apache-2.0
// Phrases that read as translated, and were replaced: they must not come back
// into what users read.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace gatewhy {
namespace {

// What users read: documents, tables, the page, and the sources whose texts
// are printed.
std::vector<std::filesystem::path> readByUsers() {
  const std::filesystem::path root(GATEWHY_SOURCE_DIR);
  std::vector<std::filesystem::path> files{root / "README.md", root / "CONTRIBUTING.md"};
  for (const char* folder : {"docs", "daemon", "config", "diagnostics", "systemd"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      for (const char* text :
           {".md", ".1", ".5", ".7", ".8", ".yaml", ".html", ".js", ".cpp", ".def", ".json", ".catalog"}) {
        if (entry.is_regular_file() && extension == text) {
          files.push_back(entry.path());
        }
      }
    }
  }
  return files;
}

constexpr auto kOldPhrases = std::to_array<std::string_view>({
    " anew",
    "what came of it",
    "who acts",
    "Who acts",
    "typing error",
    "typing mistake",
    "hold a connection for ever",
    "Absent: ",
    "is let go",
    "are let go",
    "TLS did not come about",
    "does not come about",
    "is no failure",
    "are no events",
    "is no time;",
    "is no status code",
    "is no admin address",
    "for want of",
    "in a circle",
    "breaks its word",
    "held against what",
    "never booked",
    "is for programs",
    "Commands that ask",
    "look away",
    "each origin's each",
    "Whom the route",
    "So many in the time",
    "unlike weights",
    "without clients",
    "What was seen<",
    "The way of your request",
    "not open to you",
    "a problem of your device",
    "matches everything that it does",
    "an endpoint has no path",
    "'the file' must",
    "left by the client",
    "The daemon said last",
    "no exchange has the request id",
    "asked process",
    "there is no way there",
    "refused now, fine later",
    "belongs to no phase",
    "Kubernetes kills",
    "put a new binary in place",
    "How failures are told",
    "Press one to see",
    "Faults over the last hour",
    " is no number",
    " are no number",
    "is no base64",
    "is no registered",
    "is no URI",
    "is no proxy to",
    "are no PROXY",
    "gatewhy serves\"",
    "successor serves",
    "given up, this process",
    "those of before",
    " stands in {} line",
    "holds no page",
    "is of no use:",
    "no effect but",
    "of its are",
    ", but `endpoints`",
    " circles",
    "\"Mend ",
    " mends it",
    "Send for instance",
    "belongs into",
    "sent along",
    "came behind",
    "directly behind",
    "Passed on by strictness",
    "each in its own way",
    "is not told which",
    "was to be renewed",
    "cannot be told",
    "for so long\"",
    "any rate will do",
    "Of a `unix:` listener",
    "Not for `trusted_proxies`",
    "where it came to that",
    "out of order (`dns.stale`)",
    "all else that",
    "go on over a reload",
    "what was made of it",
    "no failure at all",
    "registered nowhere",
    "Look whether",
    "Look into the origin's log",
    "is whose list",
    "from the longest down",
    "shorter than the origin's answer",
    "cannot be told from ours",
    "does nothing here",
    "is of the newest",
    "looked into from here",
    "is not whole",
});

TEST(Wording, OldPhrasesStayAway) {
  const auto files = readByUsers();
  ASSERT_GT(files.size(), 100U);
  for (const auto& file : files) {
    std::ostringstream content;
    content << std::ifstream(file, std::ios::binary).rdbuf();
    std::istringstream lines(content.str());
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      const bool comment = file.extension() == ".cpp" && line.find_first_not_of(' ') == line.find("//");
      for (const std::string_view phrase : kOldPhrases) {
        EXPECT_TRUE(comment || line.find(phrase) == std::string::npos)
            << file.string() << ":" << number << ": '" << phrase << "': " << line;
      }
    }
  }
}

}  // namespace
}  // namespace gatewhy
