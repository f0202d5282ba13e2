// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/current_date.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <string>

namespace gatewhy {

// Failures come in floods, and the calendar is the dear part.
std::string_view currentDate() {
  thread_local std::time_t second = -1;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != second) {
    second = now;
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
  }
  return text;
}

}  // namespace gatewhy
