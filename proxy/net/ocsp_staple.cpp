// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/ocsp_staple.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <memory>

#include "proxy/net/tls_record.h"
#include "proxy/net/x509_facts.h"

namespace gatewhy {
namespace {

constexpr long kClockSlack = 300;  // seconds that the responder's clock may be ahead

template <auto free>
struct OcspDeleter {
  template <typename T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, OcspDeleter<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, OcspDeleter<OCSP_BASICRESP_free>>;
using CertIdPtr = std::unique_ptr<OCSP_CERTID, OcspDeleter<OCSP_CERTID_free>>;
using FeaturesPtr = std::unique_ptr<TLS_FEATURE, OcspDeleter<TLS_FEATURE_free>>;

// Responders choose the digest by which a certificate is named.
bool isAbout(const OCSP_SINGLERESP* single, const X509* leaf, const X509* issuer) {
  auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
  ASN1_OBJECT* algorithm = nullptr;
  if (OCSP_id_get0_info(nullptr, &algorithm, nullptr, nullptr, id) != 1) {
    return false;
  }
  const EVP_MD* digest = EVP_get_digestbyobj(algorithm);
  const CertIdPtr wanted(digest == nullptr ? nullptr : OCSP_cert_to_id(digest, leaf, issuer));
  return wanted != nullptr && OCSP_id_cmp(wanted.get(), id) == 0;
}

Staple judge(OCSP_SINGLERESP* single) {
  int reason = -1;
  ASN1_GENERALIZEDTIME* revoked_at = nullptr;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  const int status = OCSP_single_get0_status(single, &reason, &revoked_at, &this_update, &next_update);
  Staple staple{.next_update = timeText(next_update)};
  if (status == V_OCSP_CERTSTATUS_REVOKED) {
    staple.verdict = StapleVerdict::Revoked;
    staple.revoked_at = timeText(revoked_at);
    staple.reason = reason >= 0 ? OCSP_crl_reason_str(reason) : "";
  } else if (OCSP_check_validity(this_update, next_update, kClockSlack, -1) != 1) {
    staple.verdict = StapleVerdict::Expired;
  } else {
    staple.verdict = status == V_OCSP_CERTSTATUS_GOOD ? StapleVerdict::Good : StapleVerdict::Unknown;
  }
  return staple;
}

Finding findingOf(StapleVerdict verdict) {
  switch (verdict) {
    case StapleVerdict::Unknown:
      return Finding::OcspStatusUnknown;
    case StapleVerdict::Expired:
      return Finding::OcspStapleExpired;
    case StapleVerdict::Good:
    case StapleVerdict::Revoked:
    case StapleVerdict::Unusable:
      break;
  }
  return Finding::OcspStapleUnusable;
}

int refuse(const SSL* ssl, X509* leaf, X509Problem problem) {
  TlsRecord& record = tlsRecordOf(ssl);
  problem.revocation_source = "ocsp";
  record.problems.push_back(std::move(problem));
  recordChain(record, SSL_get_peer_cert_chain(ssl), leaf);
  return 0;
}

// After the chain was verified. A resumed session has no certificate to ask about.
int onStaple(SSL* ssl, void* /*arg*/) {
  STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  if (SSL_session_reused(ssl) == 1 || chain == nullptr || sk_X509_num(chain) == 0) {
    return 1;
  }
  X509* leaf = sk_X509_value(chain, 0);
  const unsigned char* der = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(ssl, &der);
  if (der == nullptr || size <= 0) {
    return mustStaple(leaf) ? refuse(ssl, leaf, problemOf(leaf, X509_V_ERR_OCSP_VERIFY_NEEDED, 0)) : 1;
  }
  const Staple staple = readStaple({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}, chain,
                                   SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)));
  if (staple.verdict == StapleVerdict::Revoked) {
    X509Problem problem = problemOf(leaf, X509_V_ERR_CERT_REVOKED, 0);
    problem.revoked_at = staple.revoked_at;
    problem.revocation_reason = staple.reason;
    return refuse(ssl, leaf, std::move(problem));
  }
  if (staple.verdict != StapleVerdict::Good) {
    tlsRecordOf(ssl).findings.add(findingOf(staple.verdict));
  }
  return 1;
}

}  // namespace

Staple readStaple(std::string_view der, STACK_OF(X509) * chain, X509_STORE* store) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  const bool answered = response != nullptr && OCSP_response_status(response.get()) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
  const BasicPtr basic(answered ? OCSP_response_get1_basic(response.get()) : nullptr);
  Staple staple;
  if (basic != nullptr && OCSP_basic_verify(basic.get(), chain, store, OCSP_PARTIAL_CHAIN) > 0) {
    const X509* leaf = sk_X509_value(chain, 0);
    const X509* issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);
    for (int i = 0; i < OCSP_resp_count(basic.get()); ++i) {
      OCSP_SINGLERESP* single = OCSP_resp_get0(basic.get(), i);
      if (isAbout(single, leaf, issuer)) {
        staple = judge(single);
        break;
      }
    }
  }
  ERR_clear_error();  // what was wrong with it is in the verdict
  return staple;
}

bool mustStaple(const X509* certificate) {
  constexpr long kStatusRequest = 5;
  const FeaturesPtr features(
      static_cast<TLS_FEATURE*>(X509_get_ext_d2i(certificate, NID_tlsfeature, nullptr, nullptr)));
  for (int i = 0; features != nullptr && i < sk_ASN1_INTEGER_num(features.get()); ++i) {
    if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features.get(), i)) == kStatusRequest) {
      return true;
    }
  }
  return false;
}

void checkStaples(SSL_CTX* context) {
  SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
  SSL_CTX_set_tlsext_status_cb(context, onStaple);
}

}  // namespace gatewhy
