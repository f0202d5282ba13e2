// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/sticky_tokens.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

namespace gatewhy {
namespace {

// Addresses come and go; nobody counts on more at once.
constexpr std::size_t kMostHosts = 4096;
constexpr std::size_t kMacOctets = 24;  // of 32: a multiple of three, so that base64 has no padding

// base64url (RFC 4648 section 5).
std::string tokenText(const std::array<unsigned char, EVP_MAX_MD_SIZE>& mac) {
  std::array<unsigned char, kMacOctets / 3 * 4 + 1> text{};
  EVP_EncodeBlock(text.data(), mac.data(), static_cast<int>(kMacOctets));
  std::string out(text.begin(), text.end() - 1);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

// Neither name can hold a line feed, so that no two pairs sign alike.
std::string stickyMac(const std::string& key, const std::string& origin, const std::string& endpoint) {
  const std::string text = "gatewhy sticky 1\n" + origin + "\n" + endpoint;
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(), mac.data(), &size) ==
      nullptr) {
    return {};  // out of memory: an empty value, which no client is given
  }
  return tokenText(mac);
}

std::vector<std::string> urlsIn(const OriginConfig& origin) {
  std::vector<std::string> urls;
  for (const EndpointConfig& endpoint : origin.endpoints) {
    urls.push_back(endpoint.url);
  }
  return urls;
}

}  // namespace

StickyTokens::StickyTokens(const OriginConfig& origin, const std::vector<std::string>& keys)
    : origin_(origin.name), urls_(urlsIn(origin)), keys_(keys) {
  for (std::size_t i = 0; i < origin.endpoints.size(); ++i) {
    for (const std::string& key : keys) {
      std::string token = stickyMac(key, origin.name, origin.endpoints[i].url);
      if (&key == keys.data()) {
        tokens_.push_back(token);
      }
      if (!token.empty()) {
        endpoints_.emplace(std::move(token), i);
      }
    }
  }
}

std::optional<std::size_t> StickyTokens::endpointOf(std::string_view token) const {
  const auto found = endpoints_.find(token);
  return found == endpoints_.end() ? std::nullopt : std::optional(found->second);
}

// Under the lock.
const StickyTokens::HostTokens& StickyTokens::ofHost(std::size_t endpoint, const std::string& address) const {
  if (hosts_.size() >= kMostHosts) {
    hosts_.clear();
  }
  HostTokens& tokens = hosts_[{endpoint, address}];
  if (tokens.empty()) {
    for (const std::string& key : keys_) {
      tokens.push_back(stickyMac(key, origin_, urls_[endpoint] + "\n" + address));
    }
  }
  return tokens;
}

std::string StickyTokens::tokenOf(std::size_t endpoint, const std::string& address) const {
  const std::lock_guard lock(mutex_);
  return ofHost(endpoint, address).front();
}

bool StickyTokens::isTokenOf(std::string_view token, std::size_t endpoint, const std::string& address) const {
  const std::lock_guard lock(mutex_);
  const HostTokens& tokens = ofHost(endpoint, address);
  return !token.empty() && std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

std::string stickySetCookie(const std::string& name, const std::string& token, bool secure) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Lax{}", name, token, secure ? "; Secure" : "");
}

std::optional<std::string> withoutCookie(std::string_view value, std::string_view name) {
  std::string rest;
  bool found = false;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(';'), value.size());
    std::string_view pair = value.substr(0, end);
    value.remove_prefix(std::min(end + 1, value.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(" \t"), pair.size()));
    if (pair.substr(0, std::min(pair.find('='), pair.size())) == name) {
      found = true;
    } else if (!pair.empty()) {
      rest.append(rest.empty() ? "" : "; ").append(pair);
    }
  }
  return found ? std::optional(std::move(rest)) : std::nullopt;
}

}  // namespace gatewhy
