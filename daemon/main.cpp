// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/cli.h"

// Read by jemalloc, where it is linked: freed memory goes back to the system
// within ten seconds also when nobody allocates, by a thread of the library's.
// Addresses go back too: where RLIMIT_AS counts them, those that one worker's
// arena keeps are lost to the others.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,retain:false";
}

int main(int argc, char** argv) {
  return gatewhy::runCommandLine(argc, argv);
}
