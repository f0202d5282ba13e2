// SPDX-License-Identifier: Apache-2.0
// Certificates made when a test runs: nothing to renew, nothing secret in the
// repository, and every defect on demand.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace gatewhy::test {

enum class KeyType : std::uint8_t { Ec256, Rsa2048, Rsa1024, Rsa512 };
enum class Usage : std::uint8_t { Any, Server, Client };  // extendedKeyUsage

// The default is a good leaf.
struct CertificateSpec {
  std::string common_name = "origin.test";
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;
  KeyType key = KeyType::Ec256;
  Usage usage = Usage::Any;
  bool authority = false;
  bool must_staple = false;                                  // RFC 7633
  std::chrono::seconds not_before = -std::chrono::hours(1);  // from now
  std::chrono::seconds not_after = std::chrono::hours(24);
  std::string digest = "SHA256";  // of the signature; "SHA1" and "MD5" are weak
};

struct X509Deleter {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct KeyDeleter {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};

struct Identity {
  std::unique_ptr<X509, X509Deleter> certificate;
  std::unique_ptr<EVP_PKEY, KeyDeleter> key;
};

[[nodiscard]] Identity selfSigned(const CertificateSpec& spec);
[[nodiscard]] Identity signedBy(const Identity& issuer, const CertificateSpec& spec);
// A root or an intermediate.
[[nodiscard]] CertificateSpec authority(const std::string& common_name);

[[nodiscard]] std::string certificatesPem(std::initializer_list<const Identity*> chain);  // leaf first
[[nodiscard]] std::string keyPem(const Identity& identity);

// A directory for PEM files, removed with everything in it at the end.
class PemDirectory {
 public:
  PemDirectory();
  ~PemDirectory();
  PemDirectory(const PemDirectory&) = delete;
  PemDirectory& operator=(const PemDirectory&) = delete;

  // Each returns the path of the file written.
  std::string write(const std::string& name, const std::string& content) const;
  std::string certificates(const std::string& name, std::initializer_list<const Identity*> chain) const;
  std::string key(const std::string& name, const Identity& identity) const;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace gatewhy::test
