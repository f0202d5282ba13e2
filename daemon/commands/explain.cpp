// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/explain.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "daemon/commands/run.h"
#include "diagnostics/cause.h"
#include "diagnostics/explain.h"

namespace gatewhy {
namespace {

void printAllAsJson() {
  std::cout << "[";
  const char* separator = "\n";
  for (const CauseInfo& row : allCauses()) {
    std::cout << separator << causeJson(row.cause);
    separator = ",\n";
  }
  std::cout << "\n]\n";
}

}  // namespace

int runExplain(const std::string& word, bool json) {
  if (word.empty()) {
    if (json) {
      printAllAsJson();
    } else {
      std::cout << causesTable(80);
    }
    return kExitOk;
  }
  const auto cause = causeByName(word);
  if (!cause) {
    std::cerr << "gatewhy: no cause is named '" << word << "'";
    const char* separator = "; nearest: ";
    for (const auto near : nearestCauseNames(word)) {
      std::cerr << separator << near;
      separator = ", ";
    }
    std::cerr << "\n";
    return kExitFailure;
  }
  const bool colour = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  std::cout << (json ? causeJson(*cause) + "\n" : explainCause(*cause, colour, 80));
  return kExitOk;
}

}  // namespace gatewhy
