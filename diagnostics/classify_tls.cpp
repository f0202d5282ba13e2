// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/certificate_problem.h"
#include "diagnostics/classify_rules.h"

namespace gatewhy {
namespace {

// RFC 8446 section 6; only the alerts that mean something to a rule.
constexpr int kHandshakeFailure = 40;
constexpr int kBadCertificate = 42;
constexpr int kIllegalParameter = 47;
constexpr int kAccessDenied = 49;
constexpr int kDecryptError = 51;
constexpr int kProtocolVersion = 70;
constexpr int kInsufficientSecurity = 71;
constexpr int kUnrecognizedName = 112;
constexpr int kCertificateRequired = 116;
constexpr int kNoApplicationProtocol = 120;

bool inCertificateRange(int alert) noexcept {
  return alert >= kBadCertificate && alert <= kAccessDenied;
}

Cause causeOfHandshakeFailure(const TlsFault& fault) noexcept {
  if (fault.certificate_requested) {
    return fault.certificate_presented ? Cause::TlsClientCertificateRejected : Cause::TlsClientCertificateRequired;
  }
  // A peer that found nothing in common says so instead of its ServerHello.
  return fault.server_hello_seen ? Cause::TlsAlertReceived : Cause::TlsNoSharedParameters;
}

Cause causeOfAlert(const TlsFault& fault) noexcept {
  switch (fault.alert) {
    case kHandshakeFailure:
      return causeOfHandshakeFailure(fault);
    case kProtocolVersion:
      return Cause::TlsVersionMismatch;
    case kInsufficientSecurity:
      return Cause::TlsNoSharedParameters;
    case kUnrecognizedName:
      return Cause::TlsUnrecognizedName;
    case kCertificateRequired:
      return Cause::TlsClientCertificateRequired;
    case kNoApplicationProtocol:
      return Cause::TlsAlpnMismatch;
    default:
      break;
  }
  if (fault.certificate_presented) {
    const bool about_it =
        (inCertificateRange(fault.alert) && fault.alert != kIllegalParameter) || fault.alert == kDecryptError;
    return about_it ? Cause::TlsClientCertificateRejected : Cause::TlsAlertReceived;
  }
  const bool wants_one = fault.certificate_requested && inCertificateRange(fault.alert);
  return wants_one ? Cause::TlsClientCertificateRequired : Cause::TlsAlertReceived;
}

// A failure that our own library decided.
Cause causeOfLocalFailure(const TlsFault& fault) noexcept {
  if (fault.version_unsupported) {
    return Cause::TlsVersionMismatch;
  }
  return fault.no_shared_parameters ? Cause::TlsNoSharedParameters : Cause::TlsProtocolError;
}

// X509_V_ERR_* numbers of OpenSSL 3 (x509_vfy.h); stable since 1.1.
Cause causeOfCertificate(const TlsFault& fault) noexcept {
  const X509Problem* problem = decisiveProblem(fault);
  if (problem == nullptr) {
    return Cause::TlsCertificateInvalid;
  }
  switch (problem->code) {
    case 9:
      return Cause::TlsCertificateNotYetValid;
    case 10:
      return Cause::TlsCertificateExpired;
    case 18:
      return Cause::TlsCertificateSelfSigned;
    case 19:
      return Cause::TlsCertificateUntrustedRoot;
    case 2:
    case 20:
    case 21:
      // The issuer is not known here. With the leaf alone an intermediate is
      // missing; with a longer chain it is the root that we do not have.
      return fault.chain_length <= 1 ? Cause::TlsCertificateChainIncomplete : Cause::TlsCertificateUntrustedRoot;
    case 22:  // chain too long
    case 24:  // invalid CA certificate
    case 25:  // path length exceeded
    case 32:  // key usage without certificate signing
    case 37:  // key usage without digital signature, as a CA
    case 47:  // name not permitted
    case 48:  // name excluded
    case 79:  // CA certificate without CA:TRUE
      return Cause::TlsCertificateInvalidChain;
    case 23:
      return Cause::TlsCertificateRevoked;
    case 3:   // no list of the issuer
    case 5:   // its signature cannot be read
    case 8:   // or is wrong
    case 11:  // the list is not valid yet
    case 12:  // or has expired
    case 15:  // or has no such times
    case 16:
    case 33:  // whose list it is is not known
    case 35:  // the issuer may not sign lists
    case 36:  // an extension that must be understood
    case 44:  // it is about others
    case 54:
    case 73:  // the certificate demands an OCSP response, and none came
    case 74:
    case 75:
      return Cause::TlsCertificateRevocationUnknown;
    case 26:
      return Cause::TlsCertificateWrongUsage;
    case 62:
    case 63:
    case 64:
      return Cause::TlsCertificateNameMismatch;
    case 66:
    case 67:
    case 68:
      return Cause::TlsCertificateWeak;
    default:
      return Cause::TlsCertificateInvalid;
  }
}

}  // namespace

bool isNameMismatch(const X509Problem& problem) noexcept {
  return problem.code >= 62 && problem.code <= 64;
}

const X509Problem* decisiveProblem(const TlsFault& fault) noexcept {
  for (const X509Problem& problem : fault.problems) {
    if (!isNameMismatch(problem)) {
      return &problem;
    }
  }
  return fault.problems.empty() ? nullptr : &fault.problems.front();
}

Cause causeOfTlsHandshake(const TlsFault& fault) noexcept {
  switch (fault.failure) {
    case TlsFailure::AlertReceived:
      return causeOfAlert(fault);
    case TlsFailure::AlertSent:
    case TlsFailure::Protocol:
      return causeOfLocalFailure(fault);
    case TlsFailure::Eof:
    case TlsFailure::CloseNotify:
      return Cause::TlsConnectionClosed;
    case TlsFailure::Reset:
    case TlsFailure::Io:
      return Cause::TlsConnectionReset;
    case TlsFailure::NotTls:
      return Cause::TlsNotSpoken;
    case TlsFailure::Certificate:
      return causeOfCertificate(fault);
    case TlsFailure::Alpn:
      return Cause::TlsAlpnMismatch;
    case TlsFailure::Timeout:
      return fault.hello_acknowledged ? Cause::TlsHandshakeTimeout : Cause::TlsHelloUnacknowledged;
    case TlsFailure::Setup:
      return Cause::TlsSetupFailed;
    case TlsFailure::Memory:
      return Cause::ProxyMemoryExhausted;
  }
  return Cause::ProxyInternalError;
}

Cause causeOfClientTls(const TlsFault& fault) noexcept {
  if (fault.failure == TlsFailure::Memory) {
    return Cause::ProxyMemoryExhausted;
  }
  if (fault.failure != TlsFailure::Certificate) {
    return Cause::ClientTlsFailed;
  }
  switch (causeOfCertificate(fault)) {
    case Cause::TlsCertificateRevoked:
      return Cause::ClientCertificateRevoked;
    case Cause::TlsCertificateRevocationUnknown:
      return Cause::ClientCertificateRevocationUnknown;
    default:  // all else is the client's own
      return Cause::ClientCertificateInvalid;
  }
}

Cause causeOfLateTls(const TlsFault& fault, std::uint64_t response_received) noexcept {
  if (fault.failure == TlsFailure::Memory) {
    return Cause::ProxyMemoryExhausted;
  }
  // In TLS 1.3 the server judges our certificate after our side is done (RFC
  // 8446 section 4.4.2.4): its refusal comes at the first read.
  const bool refused_us = fault.failure == TlsFailure::AlertReceived && fault.late && response_received == 0;
  if (!refused_us) {
    return Cause::TlsErrorAfterHandshake;
  }
  if (fault.alert == kCertificateRequired) {
    return Cause::TlsClientCertificateRequired;
  }
  const bool about_certificates = inCertificateRange(fault.alert) || fault.alert == kDecryptError ||
                                  (fault.alert == kHandshakeFailure && fault.certificate_requested);
  if (!about_certificates) {
    return Cause::TlsErrorAfterHandshake;
  }
  return fault.certificate_presented ? Cause::TlsClientCertificateRejected : Cause::TlsClientCertificateRequired;
}

}  // namespace gatewhy
