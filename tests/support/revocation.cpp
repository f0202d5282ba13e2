// SPDX-License-Identifier: Apache-2.0
#include "tests/support/revocation.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <stdexcept>

namespace gatewhy::test {
namespace {

template <auto free>
struct Free {
  template <typename T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};
using TimePtr = std::unique_ptr<ASN1_TIME, Free<ASN1_TIME_free>>;

void must(bool ok, const char* what) {
  if (!ok) {
    throw std::runtime_error(what);
  }
}

TimePtr fromNow(std::chrono::seconds offset) {
  return TimePtr(ASN1_TIME_set(nullptr, std::time(nullptr) + offset.count()));
}

// OCSP knows the long form of a time only.
TimePtr generalFromNow(std::chrono::seconds offset) {
  return TimePtr(ASN1_GENERALIZEDTIME_set(nullptr, std::time(nullptr) + offset.count()));
}

void revoke(X509_CRL* crl, const X509* certificate, const ASN1_TIME* when) {
  X509_REVOKED* entry = X509_REVOKED_new();
  X509_REVOKED_set_serialNumber(entry, const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(certificate)));
  X509_REVOKED_set_revocationDate(entry, const_cast<ASN1_TIME*>(when));
  const std::unique_ptr<ASN1_ENUMERATED, Free<ASN1_ENUMERATED_free>> reason(ASN1_ENUMERATED_new());
  ASN1_ENUMERATED_set(reason.get(), CRL_REASON_KEY_COMPROMISE);
  must(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason.get(), 0, 0) == 1, "X509_REVOKED_add1_ext_i2d");
  must(X509_CRL_add0_revoked(crl, entry) == 1, "X509_CRL_add0_revoked");
}

}  // namespace

std::string crlPem(const Identity& issuer, std::initializer_list<const Identity*> revoked, const CrlSpec& spec) {
  const std::unique_ptr<X509_CRL, Free<X509_CRL_free>> crl(X509_CRL_new());
  const TimePtr last = fromNow(spec.last_update);
  const TimePtr next = fromNow(spec.next_update);
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.certificate.get()));
  X509_CRL_set1_lastUpdate(crl.get(), last.get());
  X509_CRL_set1_nextUpdate(crl.get(), next.get());
  for (const Identity* identity : revoked) {
    revoke(crl.get(), identity->certificate.get(), last.get());
  }
  X509_CRL_sort(crl.get());
  must(X509_CRL_sign(crl.get(), issuer.key.get(), EVP_sha256()) > 0, "X509_CRL_sign");
  const std::unique_ptr<BIO, Free<BIO_free>> out(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509_CRL(out.get(), crl.get()) == 1, "PEM_write_bio_X509_CRL");
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string ocspResponse(const Identity& leaf, const Identity& issuer, const Identity& signer, const OcspSpec& spec) {
  const std::unique_ptr<OCSP_BASICRESP, Free<OCSP_BASICRESP_free>> basic(OCSP_BASICRESP_new());
  const std::unique_ptr<OCSP_CERTID, Free<OCSP_CERTID_free>> id(
      OCSP_cert_to_id(EVP_sha1(), leaf.certificate.get(), issuer.certificate.get()));
  const TimePtr now = generalFromNow(spec.this_update);
  const TimePtr next = generalFromNow(spec.next_update);
  const bool revoked = spec.status == OcspStatus::Revoked;
  int status = V_OCSP_CERTSTATUS_UNKNOWN;
  if (spec.status != OcspStatus::Unknown) {
    status = revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD;
  }
  must(OCSP_basic_add1_status(basic.get(), id.get(), status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                              revoked ? now.get() : nullptr, now.get(), next.get()) != nullptr,
       "OCSP_basic_add1_status");
  must(OCSP_basic_sign(basic.get(), signer.certificate.get(), signer.key.get(), EVP_sha256(), nullptr, 0) == 1,
       "OCSP_basic_sign");
  const std::unique_ptr<OCSP_RESPONSE, Free<OCSP_RESPONSE_free>> response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &der);
  must(size > 0, "i2d_OCSP_RESPONSE");
  const std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace gatewhy::test
