// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gatewhy {

// Reads the command line, runs the command it names and returns its exit
// status (docs/commands in README). The only user of CLI11.
int runCommandLine(int argc, char** argv);

}  // namespace gatewhy
