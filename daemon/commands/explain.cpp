// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/explain.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "daemon/exit_status.h"
#include "diagnostics/explain_word.h"

namespace gatewhy {
namespace {

// https://no-color.org: any value but the empty one.
bool wantsColour() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

void complain(const std::string& word, const std::vector<std::string>& nearest) {
  const std::string unregistered = unregisteredCode(word);
  if (unregistered.empty()) {
    std::cerr << "gatewhy: '" << word << "' is not a known status code, cause, finding or log word";
  } else {
    std::cerr << "gatewhy: " << unregistered;
  }
  const char* separator = "; nearest: ";
  for (const std::string& near : nearest) {
    std::cerr << separator << near;
    separator = ", ";
  }
  std::cerr << (nearest.empty() ? "; `gatewhy explain` lists all\n" : "\n");
}

void print(const Explanation& explanation, bool json) {
  std::cout << (json ? explanation.json + '\n' : explanation.text);
}

}  // namespace

int runExplain(const std::string& word, bool json) {
  const ExplainStyle style{.colour = wantsColour()};
  if (word.empty()) {
    print(explainEverything(style), json);
    return kExitOk;
  }
  const auto found = explainWord(word, style);
  if (!found) {
    if (json) {
      const nlohmann::json unknown = {{"unknown", word}, {"nearest", found.error()}};
      std::cout << unknown.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    }
    complain(word, found.error());
    return kExitFailure;
  }
  print(found.value(), json);
  return kExitOk;
}

}  // namespace gatewhy
