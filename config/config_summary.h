// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "config/config.h"

namespace gatewhy {

// "2 listeners, 3 origins, 6 routes; certificate of shop.example expires in 59
// days": the listeners' certificate that expires first. Reads the certificates
// and skips those that cannot be read.
[[nodiscard]] std::string describeConfig(const Config& config);

}  // namespace gatewhy
