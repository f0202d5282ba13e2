// SPDX-License-Identifier: Apache-2.0
// The signals that steer the daemon, taken one by one on the main thread: no
// handler ever runs.
#pragma once

#include <chrono>
#include <optional>

namespace gatewhy {

// SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2 wait for awaitSignal() from now
// on, and SIGPIPE does nothing. Before any thread exists: each inherits it.
void holdSignals();

// The next of them; 0 where none came within `limit`. Main thread only.
[[nodiscard]] int awaitSignal(std::optional<std::chrono::milliseconds> limit);

}  // namespace gatewhy
