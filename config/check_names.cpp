// SPDX-License-Identifier: Apache-2.0
// Hosts and paths of routes that read well and hardly mean what they say.
#include <fmt/format.h>

#include <algorithm>

#include "config/certificate_file.h"
#include "config/check.h"
#include "config/schema.h"
#include "config/url.h"

namespace gatewhy {
namespace {

// What to write instead of a pattern, where there is something.
std::string patternAdvice(std::string_view path) {
  if (path.ends_with("/*") && path.find('*') == path.size() - 1) {
    return fmt::format("; '{}' already takes everything below it", path.substr(0, path.size() - 1));
  }
  return schemaRow("routes[].path_regex") == nullptr ? "" : "; 'path_regex' takes patterns";
}

// All leaf certificates of the listeners; nullopt where one cannot be read,
// which is an error of its own.
std::optional<std::vector<X509Ptr>> listenerCertificates(const Config& config) {
  std::vector<X509Ptr> leaves;
  for (const ListenerConfig& listener : config.listeners) {
    if (!listener.tls) {
      continue;
    }
    for (const CertificateConfig& pair : listener.tls->certificates) {
      auto certificates = readCertificates(pair.certificate);
      if (!certificates) {
        return std::nullopt;
      }
      leaves.push_back(std::move(certificates->front()));
    }
  }
  return leaves;
}

}  // namespace

void checkPathPatterns(const Config& config, CheckReport& report) {
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const std::string& path = config.routes[i].path;
    const std::size_t odd = path.find_first_of("*$^");
    if (odd == std::string::npos || config.routes[i].path_match == PathMatch::Regex) {
      continue;
    }
    report.warning(
        fmt::format("routes[{}].path", i),
        fmt::format("'{}' in '{}' is an ordinary character, not a pattern{}", path[odd], path, patternAdvice(path)));
  }
}

void checkCertificateNames(const Config& config, CheckReport& report) {
  const auto certificates = listenerCertificates(config);
  if (!certificates || certificates->empty()) {
    return;
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const std::string& host = config.routes[i].host;
    if (host.empty() || host.starts_with('[') || isIpLiteral(host)) {
      continue;
    }
    const bool covered = std::any_of(certificates->begin(), certificates->end(), [&host](const X509Ptr& certificate) {
      return certificateCovers(*certificate, host);
    });
    if (!covered) {
      report.warning(fmt::format("routes[{}].host", i),
                     fmt::format("no certificate is for '{}': browsers refuse https://{}/", host, host));
    }
  }
}

}  // namespace gatewhy
