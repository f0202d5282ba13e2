// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>

namespace gatewhy {
namespace {

// Also how long a ticket counts.
constexpr std::chrono::seconds kPeriod = std::chrono::hours(2);

TicketKeys& ring() {
  static TicketKeys keys(kPeriod);
  return keys;
}

bool initMac(EVP_MAC_CTX* mac, TicketKeys::Key& key) {
  char digest[] = "SHA256";
  std::array<OSSL_PARAM, 3> params{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params.data()) == 1;
}

// OpenSSL's contract: -1 the handshake fails, 0 the ticket is ignored (or none
// is sent), 1 fine, 2 fine but a new one is due.
int onTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seal) {
  const auto now = std::chrono::steady_clock::now();
  const std::span<unsigned char, TicketKeys::kNameSize> name_of(name, TicketKeys::kNameSize);
  if (seal == 1) {
    std::optional<TicketKeys::Key> key = ring().sealing(now);
    if (!key || RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) {
      return 0;
    }
    std::copy(key->name.begin(), key->name.end(), name_of.begin());
    const bool ready = EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv) == 1;
    return ready && initMac(mac, *key) ? 1 : 0;
  }
  std::optional<TicketKeys::Key> key = ring().opening(name_of, now);
  if (!key) {
    return 0;
  }
  const bool ready = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv) == 1;
  if (!ready || !initMac(mac, *key)) {
    return 0;
  }
  // Clients of TLS 1.3 use a ticket once (RFC 8446 appendix C.4): without a new
  // one each second connection would be a full handshake.
  return now - key->made < kPeriod && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

}  // namespace

void TicketKeys::forgetOld(Time now) {
  std::erase_if(keys_, [&](Key& key) {
    const bool old = now - key.made >= 2 * period_;
    if (old) {
      OPENSSL_cleanse(key.cipher.data(), key.cipher.size());
      OPENSSL_cleanse(key.mac.data(), key.mac.size());
    }
    return old;
  });
}

std::optional<TicketKeys::Key> TicketKeys::sealing(Time now) {
  const std::lock_guard lock(mutex_);
  forgetOld(now);
  if (keys_.empty() || now - keys_.back().made >= period_) {
    Key key;
    key.made = now;
    const bool random = RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
                        RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
                        RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
    if (!random) {
      return std::nullopt;
    }
    keys_.push_back(key);
  }
  return keys_.back();
}

std::optional<TicketKeys::Key> TicketKeys::opening(std::span<const std::uint8_t> name, Time now) {
  const std::lock_guard lock(mutex_);
  forgetOld(now);
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const Key& key) {
    return std::equal(key.name.begin(), key.name.end(), name.begin(), name.end());
  });
  return found == keys_.end() ? std::nullopt : std::optional(*found);
}

bool useTicketKeys(SSL_CTX* context) {
  SSL_CTX_set_timeout(context, kPeriod.count());
  return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, onTicket) == 1;
}

}  // namespace gatewhy
