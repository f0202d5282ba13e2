// SPDX-License-Identifier: Apache-2.0
// The values of an origin's sticky cookie. One for each endpoint: a MAC over
// the names of the origin and the endpoint, so that a value says nothing about
// addresses, cannot be made by whoever lacks the key, is worth nothing at
// another origin, and is the same on every instance that has the key.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "proxy/http/message.h"

namespace gatewhy {

class StickyTokens {
 public:
  // The first of `keys` signs, all of them verify.
  StickyTokens(const OriginConfig& origin, const std::vector<std::string>& keys);

  // What a client that is to stay with the endpoint is given.
  [[nodiscard]] const std::string& tokenOf(std::size_t endpoint) const { return tokens_[endpoint]; }
  // nullopt: forged, of another origin, or of an endpoint that is no more.
  [[nodiscard]] std::optional<std::size_t> endpointOf(std::string_view token) const;

  // The same of a host behind the endpoint's name, by its address. Any thread.
  [[nodiscard]] std::string tokenOf(std::size_t endpoint, const std::string& address) const;
  [[nodiscard]] bool isTokenOf(std::string_view token, std::size_t endpoint, const std::string& address) const;

 private:
  using HostTokens = std::vector<std::string>;  // by key
  [[nodiscard]] const HostTokens& ofHost(std::size_t endpoint, const std::string& address) const;

  const std::string origin_;
  const std::vector<std::string> urls_, keys_;
  std::vector<std::string> tokens_;
  std::map<std::string, std::size_t, std::less<>> endpoints_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::size_t, std::string>, HostTokens> hosts_;  // guarded by mutex_; as they are asked for
};

// "gw_shop=…; Path=/; HttpOnly; SameSite=Lax", with Secure where the client came over TLS (RFC 6265).
[[nodiscard]] std::string stickySetCookie(const std::string& name, const std::string& token, bool secure);

// A Cookie field's value without the cookies of that name; nullopt: it has none of them.
[[nodiscard]] std::optional<std::string> withoutCookie(std::string_view value, std::string_view name);

}  // namespace gatewhy
