// SPDX-License-Identifier: Apache-2.0
// Alerting rules and documents name causes: a name that the table does not
// have would be an alert that never fires, or a search that finds nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "diagnostics/cause.h"

namespace gatewhy {
namespace {

std::string document(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(GATEWHY_SOURCE_DIR "/docs/" + name).rdbuf();
  return text.str();
}

std::string rules() {
  return document("monitoring/alerts.yaml");
}

// What stands in `cause="…"`, `cause=~"…|…"` and `cause!~"…"`, one by one.
std::vector<std::string> causePatterns(const std::string& text) {
  static const std::regex kMatcher(R"re(cause(?:=|=~|!~)"([^"]*)")re");
  std::vector<std::string> all;
  for (std::sregex_iterator found(text.begin(), text.end(), kMatcher), end; found != end; ++found) {
    std::istringstream alternatives((*found)[1]);
    for (std::string one; std::getline(alternatives, one, '|');) {
      all.push_back(one);
    }
  }
  return all;
}

TEST(Alerts, EveryCauseThatARuleNamesExists) {
  const std::vector<std::string> patterns = causePatterns(rules());
  ASSERT_GT(patterns.size(), 30U);
  for (const std::string& pattern : patterns) {
    const std::regex matcher(pattern);
    EXPECT_TRUE(std::any_of(allCauses().begin(), allCauses().end(), [&](const CauseInfo& row) {
      return std::regex_match(std::string(row.name), matcher);
    })) << pattern;
  }
}

// Whatever the origin, the network or DNS is to blame for wakes somebody.
TEST(Alerts, EveryCauseOutsideTheClientIsCoveredByARule) {
  const std::string text = rules();
  EXPECT_NE(text.find("GatewhyOriginFailing"), std::string::npos);
  std::vector<std::string> specific = causePatterns(text);
  std::erase_if(specific, [](const std::string& pattern) { return pattern.starts_with("client_"); });
  for (const char* name :
       {"connection_refused", "connection_timeout", "dns_nxdomain", "tls_alert_received", "tls_certificate_expired",
        "response_timeout", "empty_response", "no_healthy_endpoint", "proxy_fd_exhausted", "proxy_internal_error"}) {
    EXPECT_TRUE(std::any_of(specific.begin(), specific.end(), [&](const std::string& pattern) {
      return std::regex_match(name, std::regex(pattern));
    })) << name;
  }
}

// docs/migrating.md: the last column of the tables below "Errors".
TEST(Migrating, EveryCauseInTheTablesExists) {
  const std::string text = document("migrating.md");
  const std::size_t errors = text.find("## Errors");
  ASSERT_NE(errors, std::string::npos);
  std::istringstream lines(text.substr(errors));
  static const std::regex kWord("`([a-z0-9_]+)`");
  std::size_t seen = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ") || line.size() < 4) {
      continue;
    }
    const std::size_t column = line.rfind("| ", line.size() - 3);
    const std::string cell = line.substr(column);
    for (std::sregex_iterator found(cell.begin(), cell.end(), kWord), end; found != end; ++found) {
      const std::string word = (*found)[1];
      if (!word.starts_with("_")) {  // the rest of a name that stands before it
        EXPECT_TRUE(causeByName(word)) << word << " in " << line;
        ++seen;
      }
    }
  }
  EXPECT_GT(seen, 60U);
}

}  // namespace
}  // namespace gatewhy
