// SPDX-License-Identifier: Apache-2.0
// Steps, a letter each, and their groupings into edges. Bit i of `cuts`: an
// edge ends behind step i.
#pragma once

#include <string>
#include <string_view>

namespace gatewhy::test {

// An edge that brings nothing ('E') is one of its own; together with others it
// is theirs, and the case another one's.
inline bool isEdgeCase(std::string_view steps, unsigned cuts) {
  const unsigned begins = cuts << 1U | 1U | 1U << steps.size();  // bit i: an edge begins with step i
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i] == 'E' && ((begins >> i) & 3U) != 3U) {
      return false;
    }
  }
  return true;
}

// As people read it: "DT|F" are two edges.
inline std::string cutInto(std::string_view steps, unsigned cuts) {
  std::string edges;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    edges += steps[i];
    if (i + 1 < steps.size() && ((cuts >> i) & 1U) != 0) {
      edges += '|';
    }
  }
  return edges;
}

}  // namespace gatewhy::test
