// SPDX-License-Identifier: Apache-2.0
#include "config/config_hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace gatewhy {

struct ConfigHash::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

ConfigHash::ConfigHash() : state_(std::make_unique<State>()) {
  EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr);
}

ConfigHash::~ConfigHash() = default;

// With its size, so that text moved from one file to the next is a change.
void ConfigHash::add(std::string_view content) {
  const std::string size = fmt::format("{}:", content.size());
  EVP_DigestUpdate(state_->context.get(), size.data(), size.size());
  EVP_DigestUpdate(state_->context.get(), content.data(), content.size());
}

std::string ConfigHash::digits() {
  constexpr std::size_t kShown = 6;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context.get(), digest.data(), &size);
  std::string out;
  for (std::size_t i = 0; i < kShown; ++i) {
    out += fmt::format("{:02x}", digest[i]);
  }
  return out;
}

}  // namespace gatewhy
