// SPDX-License-Identifier: Apache-2.0
#include "config/tls_words.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace gatewhy {
namespace {

std::vector<std::string> colonSeparated(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t colon = std::min(text.find(':', at), text.size());
    words.push_back(text.substr(at, colon - at));
    at = colon + 1;
  }
  return words;
}

bool isSuite(std::string_view word) {
  return word.starts_with("TLS_");
}

// What OpenSSL takes alone, for in a list it passes over what it does not know.
std::string firstUnknown(const std::string& text, const std::function<bool(SSL_CTX*, const std::string&)>& takes) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  std::string complaint;
  for (const std::string& word : colonSeparated(text)) {
    if (context == nullptr || !takes(context.get(), word)) {
      complaint = word;
      break;
    }
  }
  ERR_clear_error();
  return complaint;
}

bool takesCipher(SSL_CTX* context, const std::string& word) {
  if (isSuite(word)) {
    return SSL_CTX_set_ciphersuites(context, word.c_str()) == 1;
  }
  // Alone, what takes away or orders leaves nothing: the name behind it counts.
  const bool changes = word.starts_with('!') || word.starts_with('-') || word.starts_with('+');
  const std::string name = changes ? word.substr(1) : word;
  if (name.starts_with('@')) {
    return SSL_CTX_set_cipher_list(context, ("ALL:" + name).c_str()) == 1;
  }
  // eNULL and the like name what is off at every security level but 0.
  return !name.empty() && (SSL_CTX_set_cipher_list(context, name.c_str()) == 1 ||
                           (changes && SSL_CTX_set_cipher_list(context, (name + ":@SECLEVEL=0").c_str()) == 1));
}

}  // namespace

TlsCipherWords splitCiphers(const std::string& text) {
  TlsCipherWords split;
  for (const std::string& word : colonSeparated(text)) {
    std::string& part = isSuite(word) ? split.suites : split.list;
    part += (part.empty() ? "" : ":") + word;
  }
  return split;
}

std::string tlsCiphersComplaint(const std::string& text) {
  if (text.empty()) {
    return "";
  }
  const std::string unknown = firstUnknown(text, takesCipher);
  if (!unknown.empty() || text.ends_with(':') || text.find("::") != std::string::npos || text.starts_with(':')) {
    return fmt::format("OpenSSL does not know the cipher '{}'; `openssl ciphers` lists them, separated by colons",
                       unknown);
  }
  const TlsCipherWords words = splitCiphers(text);
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const bool leaves_some =
      context != nullptr && (words.list.empty() || SSL_CTX_set_cipher_list(context.get(), words.list.c_str()) == 1);
  ERR_clear_error();
  return leaves_some ? "" : fmt::format("'{}' leaves no cipher for TLS 1.2", words.list);
}

std::string tlsGroupsComplaint(const std::string& text) {
  if (text.empty()) {
    return "";
  }
  const std::string unknown = firstUnknown(text, [](SSL_CTX* context, const std::string& word) {
    return !word.empty() && SSL_CTX_set1_groups_list(context, word.c_str()) == 1;
  });
  if (!unknown.empty() || text.find("::") != std::string::npos || text.ends_with(':') || text.starts_with(':')) {
    return fmt::format(
        "OpenSSL does not know the group '{}'; write names such as X25519, P-256 or P-384, separated by colons",
        unknown);
  }
  return "";
}

}  // namespace gatewhy
