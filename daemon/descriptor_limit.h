// SPDX-License-Identifier: Apache-2.0
// How many descriptors this process may open, and how many its configuration
// can need.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.h"

namespace gatewhy {

// Raises the soft limit to the hard one, which needs no privilege. Returns what
// is allowed then.
std::uint64_t raiseDescriptorLimit() noexcept;

// One for each client, one for each request's connection to an origin, and
// what the process itself has open. Limits of 0 (none) count as the clients'.
[[nodiscard]] std::uint64_t descriptorsNeeded(const Config& config);

// A sentence where `allowed` is less than the configuration can need.
[[nodiscard]] std::optional<std::string> descriptorShortage(const Config& config, std::uint64_t allowed);

}  // namespace gatewhy
