// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/session_cache.h"

#include <openssl/x509.h>

namespace gatewhy {
namespace {

constexpr std::size_t kSessionsPerHost = 8;

bool usable(const SSL_SESSION* session) {
  const X509* peer = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  return SSL_SESSION_is_resumable(session) == 1 && peer != nullptr &&
         X509_cmp_current_time(X509_get0_notAfter(peer)) > 0;
}

}  // namespace

void SessionCache::put(const std::string& key, SslSessionPtr session) {
  if (!usable(session.get())) {
    return;
  }
  const std::lock_guard lock(mutex_);
  std::vector<SslSessionPtr>& of_host = sessions_[key];
  if (of_host.size() >= kSessionsPerHost) {
    of_host.erase(of_host.begin());
  }
  of_host.push_back(std::move(session));
}

void SessionCache::clear() {
  const std::lock_guard lock(mutex_);
  sessions_.clear();
}

SslSessionPtr SessionCache::take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) {
    return nullptr;
  }
  while (!found->second.empty()) {
    SslSessionPtr session = std::move(found->second.back());
    found->second.pop_back();
    if (usable(session.get())) {
      return session;
    }
  }
  return nullptr;
}

}  // namespace gatewhy
