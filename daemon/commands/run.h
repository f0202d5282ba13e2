// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "config/config.h"

namespace gatewhy {

// Runs the daemon in the foreground until SIGTERM or SIGINT. `config_file` is
// read again on SIGHUP; empty = there is nothing to reload. `on_ready`, where
// given, is called once; `admin` is the admin listener's address, or empty.
// `watch`: changes of the file are loaded, whatever it says of that itself.
int runDaemon(ConfigPtr config, const std::string& config_file,
              const std::function<void(const std::string& admin)>& on_ready = {}, bool watch = false);

// `gatewhy run -c FILE [--watch]`
int runFromFile(const std::string& config_file, bool watch);
// `gatewhy run --to URL --from ADDR:PORT`
int runToUrl(const std::string& url, const std::string& from);

}  // namespace gatewhy
