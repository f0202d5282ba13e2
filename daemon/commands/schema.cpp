// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/schema.h"

#include <cstdio>
#include <string>

#include "config/load.h"
#include "diagnostics/event.h"

namespace gatewhy {

int runSchema(bool event) {
  std::string schema = event ? eventSchema() : configSchema();
  if (!schema.ends_with('\n')) {
    schema += '\n';
  }
  std::fputs(schema.c_str(), stdout);
  std::fflush(stdout);
  return 0;
}

}  // namespace gatewhy
