// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

// `gatewhy explain [CAUSE]`: no word = the whole table. 0, or 1 for an unknown
// word (the nearest names are printed).
int runExplain(const std::string& word, bool json);

}  // namespace gatewhy
