// SPDX-License-Identifier: Apache-2.0
// A new configuration, as far as it can be brought before anything changes,
// and what of it takes effect only with a restart. Main thread only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/load.h"
#include "daemon/listener_set.h"
#include "proxy/exchange/generation.h"

namespace gatewhy {

struct RefusedReload {
  std::string message;
  std::vector<std::string> problems;
  std::string hash;  // of what is refused; "" where no configuration was read
};

// Nothing can refuse it any more.
struct PreparedReload {
  ConfigPtr config;
  GenerationPtr generation;
  ListenerSet::Opened opened;
  std::vector<std::string> problems;  // warnings
};

// The error says what could not be opened.
using OpenListeners = std::function<Result<ListenerSet::Opened, std::string>(const Config&)>;

[[nodiscard]] Result<PreparedReload, RefusedReload> prepareReload(const LoadedConfig& loaded, SharedStates& states,
                                                                  const OpenListeners& open);

// But for the share of successes that each is given, which may change while they are open.
[[nodiscard]] bool sameLogTargets(const LogConfig& a, const LogConfig& b);

// Workers, destinations of the log, the admin listener and the user are those of the start.
[[nodiscard]] bool needsRestart(const Config& changed, const Config& running);

// `changed` with what cannot change as it runs.
[[nodiscard]] std::shared_ptr<Config> withWhatStays(const Config& changed, const Config& running);

}  // namespace gatewhy
