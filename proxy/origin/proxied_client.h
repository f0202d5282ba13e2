// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "proxy/net/proxy_protocol.h"

namespace gatewhy {

// A client's connection, as origins with send_proxy_protocol hear of it: what
// they are told of it is said once on each connection to them, so those carry
// no other client's requests. Shared by the client's connection and by its
// attempts; the last to go closes what they left parked. Loop thread only.
class ProxiedClient {
 public:
  explicit ProxiedClient(const ProxiedAddresses& own) : addresses(own) {}
  ~ProxiedClient() {
    for (const auto& [key, call] : at_end_) {
      call();
    }
  }
  ProxiedClient(const ProxiedClient&) = delete;
  ProxiedClient& operator=(const ProxiedClient&) = delete;

  // `call`s once when this ends, however often it is asked for with that key.
  void atEnd(const void* key, std::function<void()> call) {
    if (std::none_of(at_end_.begin(), at_end_.end(), [key](const auto& each) { return each.first == key; })) {
      at_end_.emplace_back(key, std::move(call));
    }
  }

  const ProxiedAddresses addresses;

 private:
  std::vector<std::pair<const void*, std::function<void()>>> at_end_;
};

}  // namespace gatewhy
