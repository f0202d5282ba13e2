// SPDX-License-Identifier: Apache-2.0
// TLS sessions that origins let us resume, a few per host and offered protocols. Shared by all
// workers; the lock is taken when a connection is made, not on the data path.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/net/tls_setup.h"

namespace gatewhy {

// Resuming skips the certificate, so only sessions whose certificate was
// accepted may come in, and they leave when it expires. A session is handed
// out once (RFC 8446 appendix C.4): one owner, and one that an origin chokes
// on is not tried again.
class SessionCache {
 public:
  void put(const std::string& key, SslSessionPtr session);
  [[nodiscard]] SslSessionPtr take(const std::string& key);  // null: none
  void clear();                                              // what made certificates acceptable has changed

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<SslSessionPtr>> sessions_;  // the newest last
};

}  // namespace gatewhy
