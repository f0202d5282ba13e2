// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/certificate_expiry.h"

#include <utility>

namespace gatewhy {

std::vector<ListenerCertificate> listenerCertificates(const Generation& generation) {
  std::vector<ListenerCertificate> all;
  for (std::size_t i = 0; i < generation.listener_tls.size(); ++i) {
    if (generation.listener_tls[i] == nullptr) {
      continue;
    }
    for (ServedCertificate& served : generation.listener_tls[i]->certificates()) {
      all.push_back({.listener = generation.config->listeners[i].address, .served = std::move(served)});
    }
  }
  return all;
}

}  // namespace gatewhy
