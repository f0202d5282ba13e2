// SPDX-License-Identifier: Apache-2.0
#include "tests/support/pki.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace gatewhy::test {
namespace {

void require(bool ok, const char* what) {
  if (!ok) {
    throw std::runtime_error(std::string(what) + ": " + ERR_error_string(ERR_peek_error(), nullptr));
  }
}

struct BioDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};

template <typename Write>
std::string memoryText(Write write) {
  const std::unique_ptr<BIO, BioDeleter> out(BIO_new(BIO_s_mem()));
  require(out != nullptr, "BIO_new");
  write(out.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

EVP_PKEY* newKey(KeyType type) {
  switch (type) {
    case KeyType::Ec256:
      return EVP_EC_gen("P-256");
    case KeyType::Rsa2048:
      return EVP_RSA_gen(2048);
    case KeyType::Rsa1024:
      return EVP_RSA_gen(1024);
    case KeyType::Rsa512:
      return EVP_RSA_gen(512);
  }
  return nullptr;
}

void addExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  require(extension != nullptr, "X509V3_EXT_conf_nid");
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  require(added == 1, "X509_add_ext");
}

std::string alternativeNames(const CertificateSpec& spec) {
  std::string out;
  for (const std::string& name : spec.dns_names) {
    out += (out.empty() ? "DNS:" : ",DNS:") + name;
  }
  for (const std::string& address : spec.addresses) {
    out += (out.empty() ? "IP:" : ",IP:") + address;
  }
  return out;
}

void addExtensions(X509* certificate, X509* issuer, const CertificateSpec& spec) {
  addExtension(certificate, issuer, NID_basic_constraints, spec.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  addExtension(certificate, issuer, NID_key_usage,
               spec.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature,keyEncipherment");
  addExtension(certificate, issuer, NID_subject_key_identifier, "hash");
  if (issuer != certificate) {
    addExtension(certificate, issuer, NID_authority_key_identifier, "keyid");
  }
  if (spec.usage != Usage::Any) {
    addExtension(certificate, issuer, NID_ext_key_usage, spec.usage == Usage::Server ? "serverAuth" : "clientAuth");
  }
  if (spec.must_staple) {
    addExtension(certificate, issuer, NID_tlsfeature, "status_request");
  }
  if (const std::string names = alternativeNames(spec); !names.empty()) {
    addExtension(certificate, issuer, NID_subject_alt_name, names);
  }
}

void setSerial(X509* certificate) {
  unsigned char serial[8];
  require(RAND_bytes(serial, sizeof(serial)) == 1, "RAND_bytes");
  serial[0] = static_cast<unsigned char>((serial[0] & 0x3FU) | 0x40U);  // positive and never short
  BIGNUM* number = BN_bin2bn(serial, sizeof(serial), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
}

Identity issue(const Identity* issuer, const CertificateSpec& spec) {
  Identity out;
  out.key.reset(newKey(spec.key));
  out.certificate.reset(X509_new());
  require(out.key != nullptr && out.certificate != nullptr, "key or certificate");
  X509* certificate = out.certificate.get();
  X509* signer = issuer == nullptr ? certificate : issuer->certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  setSerial(certificate);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  X509_set_pubkey(certificate, out.key.get());
  const std::time_t now = std::time(nullptr);
  ASN1_TIME_set(X509_getm_notBefore(certificate), now + spec.not_before.count());
  ASN1_TIME_set(X509_getm_notAfter(certificate), now + spec.not_after.count());
  addExtensions(certificate, signer, spec);
  EVP_PKEY* signing_key = issuer == nullptr ? out.key.get() : issuer->key.get();
  require(X509_sign(certificate, signing_key, EVP_get_digestbyname(spec.digest.c_str())) > 0, "X509_sign");
  return out;
}

}  // namespace

Identity selfSigned(const CertificateSpec& spec) {
  return issue(nullptr, spec);
}

Identity signedBy(const Identity& issuer, const CertificateSpec& spec) {
  return issue(&issuer, spec);
}

CertificateSpec authority(const std::string& common_name) {
  CertificateSpec spec;
  spec.common_name = common_name;
  spec.authority = true;
  return spec;
}

std::string certificatesPem(std::initializer_list<const Identity*> chain) {
  return memoryText([&](BIO* out) {
    for (const Identity* identity : chain) {
      require(PEM_write_bio_X509(out, identity->certificate.get()) == 1, "PEM_write_bio_X509");
    }
  });
}

std::string keyPem(const Identity& identity) {
  return memoryText([&](BIO* out) {
    require(PEM_write_bio_PrivateKey(out, identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
            "PEM_write_bio_PrivateKey");
  });
}

PemDirectory::PemDirectory() : path_((std::filesystem::temp_directory_path() / "gatewhy-pki-XXXXXX").string()) {
  require(mkdtemp(path_.data()) != nullptr, "mkdtemp");
}

PemDirectory::~PemDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string PemDirectory::write(const std::string& name, const std::string& content) const {
  std::string path = path_ + "/" + name;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << content;
  out.flush();
  require(out.good(), "writing a PEM file");
  return path;
}

std::string PemDirectory::certificates(const std::string& name, std::initializer_list<const Identity*> chain) const {
  return write(name, certificatesPem(chain));
}

std::string PemDirectory::key(const std::string& name, const Identity& identity) const {
  return write(name, keyPem(identity));
}

}  // namespace gatewhy::test
