// SPDX-License-Identifier: Apache-2.0
// What the two families' look-ups say together when neither gave an address.
#pragma once

#include <optional>

#include "diagnostics/observation.h"

namespace gatewhy {

// The more informative fault, with what every server said about both types.
// Both absent is a broken invariant.
[[nodiscard]] DnsFault dnsVerdict(const std::optional<DnsFault>& v6, const std::optional<DnsFault>& v4);

// Adds `from`'s answers that `into` does not have.
void addServerAnswers(DnsFault& into, const DnsFault& from);

}  // namespace gatewhy
