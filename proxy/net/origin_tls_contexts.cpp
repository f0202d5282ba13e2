// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/origin_tls_contexts.h"

#include <openssl/x509.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

namespace gatewhy {
namespace {

std::string pathOf(const char* variable, const char* standard) {
  const char* set = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nobody sets variables
  return set != nullptr ? set : standard;
}

// The files of the settings as they are now. A directory of authorities
// changes when one comes or goes.
std::vector<FileStamp> stampsOf(const OriginTls& settings) {
  std::vector<FileStamp> stamps;
  for (const std::string* file : {&settings.crl_file, &settings.certificate, &settings.key}) {
    if (!file->empty()) {
      stamps.emplace_back(*file);
    }
  }
  if (!settings.ca_file.empty()) {
    stamps.emplace_back(settings.ca_file);
  } else {
    stamps.emplace_back(pathOf(X509_get_default_cert_file_env(), X509_get_default_cert_file()));
    stamps.emplace_back(pathOf(X509_get_default_cert_dir_env(), X509_get_default_cert_dir()));
  }
  for (FileStamp& stamp : stamps) {
    static_cast<void>(stamp.changed());  // the first look
  }
  return stamps;
}

}  // namespace

bool OriginTlsContexts::stillGood(Entry& entry) {
  const bool used = entry.made.context != nullptr && entry.made.context.use_count() > 1;
  return used && std::none_of(entry.stamps.begin(), entry.stamps.end(), [](FileStamp& file) { return file.changed(); });
}

void OriginTlsContexts::beginGeneration() {
  std::erase_if(entries_, [](Entry& entry) { return !stillGood(entry); });
}

OriginTlsContexts::Made OriginTlsContexts::of(const OriginTls& settings) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.settings == settings; });
  if (found != entries_.end()) {
    return found->made;
  }
  // Looked at before they are read: a change meanwhile shows at the next reload.
  Entry entry{.settings = settings, .stamps = stampsOf(settings), .made = {}};
  auto context = OriginTlsContext::create(settings);
  if (context) {
    entry.made.context = std::move(context).value();
  } else {
    entry.made.fault = std::move(context).error();
  }
  entries_.push_back(std::move(entry));
  return entries_.back().made;
}

}  // namespace gatewhy
