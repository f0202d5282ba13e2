// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/certificate_expiry.h"

#include "config/certificate_file.h"
#include "proxy/net/x509_facts.h"

namespace gatewhy {

std::vector<ListenerCertificate> listenerCertificates(const Config& config) {
  std::vector<ListenerCertificate> all;
  for (const ListenerConfig& listener : config.listeners) {
    if (!listener.tls) {
      continue;
    }
    for (const CertificateConfig& pair : listener.tls->certificates) {
      const auto chain = readCertificates(pair.certificate);
      if (!chain) {
        continue;  // the running generation has it in memory; the next reload will complain
      }
      X509* leaf = chain->front().get();
      all.push_back({.listener = listener.address,
                     .file = pair.certificate,
                     .subject = nameText(X509_get_subject_name(leaf)),
                     .names = dnsNames(leaf),
                     .not_after = expiryOf(leaf)});
    }
  }
  return all;
}

}  // namespace gatewhy
