// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

// `gatewhy explain [WORD]`: a status code, a class, a reason phrase or a
// cause; an empty word = all tables. 0, or 1 for an unknown word (the nearest
// ones are printed).
int runExplain(const std::string& word, bool json);

}  // namespace gatewhy
