// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/script_tls.h"

#include <fmt/core.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace gatewhy {
namespace {

struct ContextDeleter {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;

std::optional<int> versionNumber(std::string_view text) {
  if (text.empty()) {
    return 0;  // the library's own limit
  }
  if (text == "1.0") {
    return TLS1_VERSION;
  }
  if (text == "1.1") {
    return TLS1_1_VERSION;
  }
  if (text == "1.2") {
    return TLS1_2_VERSION;
  }
  if (text == "1.3") {
    return TLS1_3_VERSION;
  }
  return std::nullopt;
}

// "h2:http/1.1" in the wire form of RFC 7301: each name after its length.
std::vector<unsigned char> alpnWire(std::string_view list) {
  std::vector<unsigned char> wire;
  while (!list.empty()) {
    const std::size_t colon = std::min(list.find(':'), list.size());
    wire.push_back(static_cast<unsigned char>(colon));
    wire.insert(wire.end(), list.begin(), list.begin() + static_cast<std::ptrdiff_t>(colon));
    list.remove_prefix(std::min(colon + 1, list.size()));
  }
  return wire;
}

using AlpnWire = std::vector<unsigned char>;

void freeAlpn(void* /*parent*/, void* pointer, CRYPTO_EX_DATA* /*data*/, int /*index*/, long /*l*/, void* /*p*/) {
  delete static_cast<AlpnWire*>(pointer);
}

// What a server session offers lives as long as its SSL; the library frees it.
int alpnIndex() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, freeAlpn);
  return kIndex;
}

int selectAlpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
               void* /*argument*/) {
  const auto* spoken = static_cast<const AlpnWire*>(SSL_get_ex_data(ssl, alpnIndex()));
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, spoken->data(), static_cast<unsigned>(spoken->size()), in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// "" where everything could be applied.
std::string applyFiles(SSL_CTX* context, const Step& step, const TlsFiles& files, bool server) {
  const std::string certificate(step.option("cert"));
  if (!certificate.empty() || server) {
    const auto found = files.identities.find(certificate.empty() ? "default" : certificate);
    if (found == files.identities.end()) {
      return fmt::format("no certificate named '{}'", certificate);
    }
    if (SSL_CTX_use_certificate_chain_file(context, found->second.certificate_file.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, found->second.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      return takeTlsErrors();
    }
  }
  const std::string authority(step.option("ca"));
  if (authority.empty()) {
    return {};
  }
  const auto found = files.authorities.find(authority);
  if (found == files.authorities.end()) {
    return fmt::format("no authority named '{}'", authority);
  }
  if (SSL_CTX_load_verify_locations(context, found->second.c_str(), nullptr) != 1) {
    return takeTlsErrors();
  }
  return {};
}

std::string applyParameters(SSL_CTX* context, const Step& step) {
  const std::optional<int> lowest = versionNumber(step.option("min"));
  const std::optional<int> highest = versionNumber(step.option("max"));
  if (!lowest || !highest) {
    return "min= and max= take 1.0, 1.1, 1.2 or 1.3";
  }
  // Old versions and weak certificates are what some scripts are about.
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, *lowest);
  SSL_CTX_set_max_proto_version(context, *highest);
  const std::string ciphers(step.option("ciphers"));
  if (!ciphers.empty() && SSL_CTX_set_cipher_list(context, ciphers.c_str()) != 1) {
    return takeTlsErrors();
  }
  if (step.option("verify") == "require") {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return {};
}

int sendStaple(SSL* ssl, void* response) {
  const auto& der = *static_cast<const std::string*>(response);
  void* copy = OPENSSL_memdup(der.data(), der.size());
  return SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(der.size())) == 1 ? SSL_TLSEXT_ERR_OK
                                                                                        : SSL_TLSEXT_ERR_NOACK;
}

std::string applyStaple(SSL_CTX* context, const Step& step, const TlsFiles& files) {
  const std::string name(step.option("staple"));
  if (name.empty()) {
    return {};
  }
  const auto found = files.staples.find(name);
  if (found == files.staples.end()) {
    return fmt::format("no OCSP response named '{}'", name);
  }
  SSL_CTX_set_tlsext_status_cb(context, sendStaple);
  SSL_CTX_set_tlsext_status_arg(context, const_cast<std::string*>(&found->second));
  return {};
}

std::string unknownOption(const Step& step) {
  constexpr std::array<std::string_view, 9> kKnown = {"cert",    "ca",   "verify", "min",   "max",
                                                      "ciphers", "alpn", "sni",    "staple"};
  for (const auto& [key, value] : step.options) {
    if (std::find(kKnown.begin(), kKnown.end(), key) == kKnown.end()) {
      return fmt::format("tls knows no option '{}'", key);
    }
  }
  return {};
}

}  // namespace

std::string takeTlsErrors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    std::array<char, 256> line{};
    ERR_error_string_n(code, line.data(), line.size());
    text += text.empty() ? line.data() : fmt::format("; {}", line.data());
  }
  return text;
}

Result<TlsSessionPtr, std::string> newTlsSession(const Step& step, const TlsFiles& files, bool server) {
  const ContextPtr context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  std::string problem = context ? unknownOption(step) : takeTlsErrors();
  if (problem.empty()) {
    problem = applyParameters(context.get(), step);  // first: the security level decides which keys may be loaded
  }
  if (problem.empty()) {
    problem = applyFiles(context.get(), step, files, server);
  }
  if (problem.empty()) {
    problem = applyStaple(context.get(), step, files);
  }
  if (!problem.empty()) {
    return Failure{std::move(problem)};
  }
  const std::vector<unsigned char> alpn = alpnWire(step.option("alpn"));
  if (server && !alpn.empty()) {
    SSL_CTX_set_alpn_select_cb(context.get(), selectAlpn, nullptr);
  }
  TlsSessionPtr session(SSL_new(context.get()));
  if (!session) {
    return Failure{takeTlsErrors()};
  }
  if (server) {
    SSL_set_ex_data(session.get(), alpnIndex(), std::make_unique<AlpnWire>(alpn).release());
    SSL_set_accept_state(session.get());
    return session;
  }
  if (!alpn.empty()) {
    SSL_set_alpn_protos(session.get(), alpn.data(), static_cast<unsigned>(alpn.size()));
  }
  const std::string server_name(step.option("sni"));
  if (!server_name.empty()) {
    SSL_set_tlsext_host_name(session.get(), server_name.c_str());
  }
  SSL_set_connect_state(session.get());
  return session;
}

}  // namespace gatewhy
