// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/errno_name.h"

#include <cstring>

namespace gatewhy {

std::string_view errnoName(int error) noexcept {
  if (error == 0) {
    return {};
  }
  // glibc 2.32; a constant table, so neither locale nor threads matter.
  const char* name = strerrorname_np(error);
  return name == nullptr ? std::string_view() : std::string_view(name);
}

}  // namespace gatewhy
