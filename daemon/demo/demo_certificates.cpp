// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/demo_certificates.h"

#include <fmt/core.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "config/certificate_file.h"

namespace gatewhy {
namespace {

struct Issued {
  KeyPtr key;
  X509Ptr certificate;
};

struct Wanted {
  std::string common_name;
  std::string dns_name;  // "" = none
  bool authority = false;
  long from_s = -3600;  // relative to now
  long to_s = 7L * 24 * 3600;
};

bool addExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// Signed by `issuer`, or by itself where that is null. Empty on failure.
Issued issue(const Wanted& wanted, const Issued* issuer) {
  static long serial = 1;
  Issued issued{KeyPtr(EVP_EC_gen("P-256")), X509Ptr(X509_new())};
  X509* const certificate = issued.certificate.get();
  if (!issued.key || certificate == nullptr) {
    return {};
  }
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wanted.from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.to_s);
  X509_set_pubkey(certificate, issued.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wanted.common_name.c_str()), -1, -1, 0);
  X509* const parent = issuer != nullptr ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(parent));
  bool good =
      addExtension(certificate, parent, NID_basic_constraints, wanted.authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!wanted.dns_name.empty()) {
    good = good && addExtension(certificate, parent, NID_subject_alt_name, "DNS:" + wanted.dns_name);
  }
  EVP_PKEY* const signer = issuer != nullptr ? issuer->key.get() : issued.key.get();
  if (!good || X509_sign(certificate, signer, EVP_sha256()) == 0) {
    return {};
  }
  return issued;
}

struct FileCloser {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

bool save(const Issued& issued, const TlsIdentity& files) {
  const std::unique_ptr<std::FILE, FileCloser> certificate(std::fopen(files.certificate_file.c_str(), "w"));
  const std::unique_ptr<std::FILE, FileCloser> key(std::fopen(files.key_file.c_str(), "w"));
  return issued.certificate && certificate && key && PEM_write_X509(certificate.get(), issued.certificate.get()) == 1 &&
         PEM_write_PrivateKey(key.get(), issued.key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
}

}  // namespace

Result<std::unique_ptr<DemoCertificates>, std::string> DemoCertificates::create(const std::string& name) {
  std::error_code error;
  std::string pattern = (std::filesystem::temp_directory_path(error) / "gatewhy-demo-XXXXXX").string();
  if (error || ::mkdtemp(pattern.data()) == nullptr) {  // mode 0700
    return Failure{std::string("cannot make a temporary directory for the demo's certificates")};
  }
  std::unique_ptr<DemoCertificates> made(new DemoCertificates(pattern));
  const Issued authority = issue({"gatewhy demo authority", "", true}, nullptr);
  const TlsIdentity authority_files{made->authorityFile(), pattern + "/ca.key"};
  bool good = authority.certificate && save(authority, authority_files);
  const auto add = [&](const std::string& id, const Wanted& wanted, const Issued* issuer) {
    const TlsIdentity files{fmt::format("{}/{}.pem", pattern, id), fmt::format("{}/{}.key", pattern, id)};
    good = good && save(issue(wanted, issuer), files);
    made->files_.identities[id] = files;
  };
  constexpr long kDay = 24L * 3600;
  add("default", {name, name}, &authority);
  add("expired", {name, name, false, -30 * kDay, -2 * kDay}, &authority);
  add("wrong-name", {"elsewhere.example", "elsewhere.example"}, &authority);
  add("self-signed", {name, name}, nullptr);
  if (!good) {
    return Failure{"cannot make the demo's certificates: " + takeTlsErrors()};
  }
  return made;
}

DemoCertificates::~DemoCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace gatewhy
