// SPDX-License-Identifier: Apache-2.0
#include "config/certificate_file.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "config/file_text.h"
#include "config/url.h"

namespace gatewhy {
namespace {

struct BioDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioDeleter>;

// A bundle of every authority there is has a few hundred KiB.
constexpr std::size_t kMostPem = 16UL * 1024 * 1024;

Result<BioPtr, std::string> openFile(const std::string& path) {
  const auto content = readTextFile(path, kMostPem);
  if (!content) {
    return Failure{fmt::format("cannot read '{}': {}", path, content.error())};
  }
  if (content->size() > kMostPem) {
    return Failure{fmt::format("'{}' is larger than {} MiB", path, kMostPem >> 20U)};
  }
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio ||
      BIO_write(bio.get(), content->data(), static_cast<int>(content->size())) != static_cast<int>(content->size())) {
    ERR_clear_error();
    return Failure{fmt::format("cannot read '{}': out of memory", path)};
  }
  BIO_set_mem_eof_return(bio.get(), 0);
  return bio;
}

// OpenSSL's own text of the first queued error; the queue is emptied.
std::string opensslReason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown format" : reason;
}

bool endOfPem() {
  const unsigned long code = ERR_peek_last_error();
  return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

// Never asks the terminal for a passphrase.
int noPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::string dateOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return "an unreadable date";
  }
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

}  // namespace

Result<std::vector<X509Ptr>, std::string> readCertificates(const std::string& path) {
  auto bio = openFile(path);
  if (!bio) {
    return Failure{bio.error()};
  }
  std::vector<X509Ptr> certificates;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509_AUX(bio->get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  if (!endOfPem()) {
    return Failure{
        fmt::format("'{}' holds a broken certificate (number {}): {}", path, certificates.size() + 1, opensslReason())};
  }
  ERR_clear_error();
  if (certificates.empty()) {
    return Failure{fmt::format("'{}' holds no PEM certificate", path)};
  }
  return certificates;
}

Result<KeyPtr, std::string> readPrivateKey(const std::string& path) {
  auto bio = openFile(path);
  if (!bio) {
    return Failure{bio.error()};
  }
  bool passphrase_asked = false;
  ERR_clear_error();
  KeyPtr key(PEM_read_bio_PrivateKey(bio->get(), nullptr, noPassphrase, &passphrase_asked));
  if (key) {
    return key;
  }
  if (passphrase_asked) {
    ERR_clear_error();
    return Failure{fmt::format("the key in '{}' needs a passphrase; store it without one", path)};
  }
  // OpenSSL's decoder says the same of a broken key and of none at all.
  return Failure{fmt::format("'{}' holds no usable PEM private key ({})", path, opensslReason())};
}

Result<std::vector<CrlPtr>, std::string> readRevocationLists(const std::string& path) {
  auto bio = openFile(path);
  if (!bio) {
    return Failure{bio.error()};
  }
  std::vector<CrlPtr> lists;
  ERR_clear_error();
  while (X509_CRL* list = PEM_read_bio_X509_CRL(bio->get(), nullptr, nullptr, nullptr)) {
    lists.emplace_back(list);
  }
  if (!endOfPem()) {
    return Failure{
        fmt::format("'{}' holds a broken revocation list (number {}): {}", path, lists.size() + 1, opensslReason())};
  }
  ERR_clear_error();
  if (lists.empty()) {
    return Failure{fmt::format("'{}' holds no PEM revocation list (X509 CRL)", path)};
  }
  return lists;
}

std::string validityComplaint(const X509_CRL& list) {
  const ASN1_TIME* until = X509_CRL_get0_nextUpdate(&list);
  if (until != nullptr && X509_cmp_current_time(until) < 0) {
    return fmt::format("expired on {}", dateOf(until));
  }
  const ASN1_TIME* from = X509_CRL_get0_lastUpdate(&list);
  if (X509_cmp_current_time(from) > 0) {
    return fmt::format("is not valid before {}", dateOf(from));
  }
  return "";
}

std::string nameInWords(const X509_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  constexpr unsigned long kFlags = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (out == nullptr || X509_NAME_print_ex(out.get(), name, 0, kFlags) < 0) {
    return "";
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size <= 0 ? std::string() : std::string(data, static_cast<std::size_t>(size));
}

std::string validityComplaint(const X509& certificate) {
  const ASN1_TIME* until = X509_get0_notAfter(&certificate);
  if (X509_cmp_current_time(until) < 0) {
    return fmt::format("expired on {}", dateOf(until));
  }
  const ASN1_TIME* from = X509_get0_notBefore(&certificate);
  if (X509_cmp_current_time(from) > 0) {
    return fmt::format("is not valid before {}", dateOf(from));
  }
  return "";
}

std::vector<std::string> certificateNames(const X509& certificate) {
  std::vector<std::string> names;
  auto* alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(const_cast<X509*>(&certificate), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == GEN_DNS) {
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    }
  }
  GENERAL_NAMES_free(alternatives);
  if (names.empty()) {
    std::array<char, 256> common{};
    if (X509_NAME_get_text_by_NID(X509_get_subject_name(&certificate), NID_commonName, common.data(), common.size()) >
        0) {
      names.emplace_back(common.data());
    }
  }
  return names;
}

long daysUntilExpiry(const X509& certificate) {
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(&certificate)) != 1) {
    ERR_clear_error();
    return 0;
  }
  return days == 0 && seconds < 0 ? -1 : days;
}

bool certificateCovers(const X509& certificate, const std::string& host) {
  if (host.starts_with("*.")) {  // nothing but the same wildcard covers all of its names
    for (const std::string& name : certificateNames(certificate)) {
      if (lowerCase(name) == lowerCase(host)) {
        return true;
      }
    }
    return false;
  }
  return X509_check_host(const_cast<X509*>(&certificate), host.data(), host.size(), 0, nullptr) == 1;
}

}  // namespace gatewhy
