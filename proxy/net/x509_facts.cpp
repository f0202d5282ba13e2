// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/x509_facts.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>

namespace gatewhy {
namespace {

constexpr std::size_t kMaxNameText = 256;
constexpr std::size_t kMaxNames = 32;

struct BioDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct NamesDeleter {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};
using NamesPtr = std::unique_ptr<GENERAL_NAMES, NamesDeleter>;

NamesPtr subjectAltNames(X509* certificate) {
  return NamesPtr(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
}

std::string textOf(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

struct EnumeratedDeleter {
  void operator()(ASN1_ENUMERATED* value) const noexcept { ASN1_ENUMERATED_free(value); }
};
struct NumberDeleter {
  void operator()(BIGNUM* number) const noexcept { BN_free(number); }
};

std::string serialText(const ASN1_INTEGER* serial) {
  const std::unique_ptr<BIGNUM, NumberDeleter> number(ASN1_INTEGER_to_BN(serial, nullptr));
  char* text = number == nullptr ? nullptr : BN_bn2hex(number.get());
  std::string out = text == nullptr ? "" : text;
  OPENSSL_free(text);
  return out;
}

std::string lowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return text;
}

std::string addressOf(const ASN1_OCTET_STRING* value) {
  const int family = ASN1_STRING_length(value) == 4 ? AF_INET : ASN1_STRING_length(value) == 16 ? AF_INET6 : AF_UNSPEC;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family == AF_UNSPEC || inet_ntop(family, ASN1_STRING_get0_data(value), text.data(), text.size()) == nullptr) {
    return "(invalid address)";
  }
  return text.data();
}

}  // namespace

std::string nameText(const X509_NAME* name) {
  const std::unique_ptr<BIO, BioDeleter> out(BIO_new(BIO_s_mem()));
  // UTF-8 stays readable; control characters are still escaped.
  constexpr unsigned long kFlags = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (out == nullptr || name == nullptr || X509_NAME_print_ex(out.get(), name, 0, kFlags) < 0) {
    return {};
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size <= 0 ? std::string() : std::string(data, std::min(static_cast<std::size_t>(size), kMaxNameText));
}

std::string timeText(const ASN1_TIME* time) {
  std::tm utc{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &utc) != 1) {
    return {};
  }
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::int64_t expiryOf(const X509* certificate) {
  std::tm utc{};
  const bool known = certificate != nullptr && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &utc) == 1;
  return known ? ::timegm(&utc) : 0;
}

std::vector<std::string> dnsNames(X509* certificate) {
  std::vector<std::string> out;
  const NamesPtr names = subjectAltNames(certificate);
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* entry = sk_GENERAL_NAME_value(names.get(), i);
    if (entry->type == GEN_DNS) {
      out.push_back(lowerCase(textOf(entry->d.dNSName)));
    }
  }
  return out;
}

std::vector<std::string> alternativeNames(X509* certificate) {
  std::vector<std::string> out;
  const NamesPtr names = subjectAltNames(certificate);
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()) && out.size() < kMaxNames; ++i) {
    const GENERAL_NAME* entry = sk_GENERAL_NAME_value(names.get(), i);
    if (entry->type == GEN_DNS) {
      out.push_back(textOf(entry->d.dNSName).substr(0, kMaxNameText));
    } else if (entry->type == GEN_IPADD) {
      out.push_back(addressOf(entry->d.iPAddress));
    }
  }
  return out;
}

X509Problem problemOf(X509* certificate, int code, int depth) {
  X509Problem problem{.code = code, .name = X509_verify_cert_error_string(code), .depth = depth};
  if (certificate != nullptr) {
    problem.subject = nameText(X509_get_subject_name(certificate));
    problem.issuer = nameText(X509_get_issuer_name(certificate));
    problem.not_before = timeText(X509_get0_notBefore(certificate));
    problem.not_after = timeText(X509_get0_notAfter(certificate));
    problem.serial = serialText(X509_get0_serialNumber(certificate));
  }
  return problem;
}

void addRevocation(X509Problem& problem, X509_CRL* list, X509* certificate) {
  if (problem.code != X509_V_ERR_CERT_REVOKED) {
    problem.crl_next_update = timeText(X509_CRL_get0_nextUpdate(list));
    return;
  }
  problem.revocation_source = "crl";
  X509_REVOKED* entry = nullptr;
  if (certificate == nullptr || X509_CRL_get0_by_cert(list, &entry, certificate) != 1) {
    return;
  }
  problem.revoked_at = timeText(X509_REVOKED_get0_revocationDate(entry));
  const std::unique_ptr<ASN1_ENUMERATED, EnumeratedDeleter> reason(
      static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr)));
  if (reason != nullptr) {
    problem.revocation_reason = OCSP_crl_reason_str(ASN1_ENUMERATED_get(reason.get()));
  }
}

bool certificateCovers(X509* certificate, const std::string& host) {
  const std::string wanted = comparableHost(host);
  if (isIpLiteral(wanted)) {
    return X509_check_ip_asc(certificate, wanted.c_str(), 0) == 1;
  }
  return X509_check_host(certificate, wanted.data(), wanted.size(),
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

bool isIpLiteral(const std::string& host) {
  in6_addr any{};
  return inet_pton(AF_INET, host.c_str(), &any) == 1 || inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

std::string comparableHost(const std::string& host) {
  std::string out = lowerCase(host);
  if (out.find(':') != std::string::npos) {
    return out.substr(0, out.find('%'));
  }
  if (out.size() > 1 && out.back() == '.') {
    out.pop_back();
  }
  return out;
}

}  // namespace gatewhy
