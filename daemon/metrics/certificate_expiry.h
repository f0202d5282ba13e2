// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"

namespace gatewhy {

struct ListenerCertificate {
  std::string listener, file;
  std::string subject;
  std::vector<std::string> names;
  std::int64_t not_after = 0;  // Unix seconds
};

// Of every listener of the configuration, as the files are now.
[[nodiscard]] std::vector<ListenerCertificate> listenerCertificates(const Config& config);

}  // namespace gatewhy
