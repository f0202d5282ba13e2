// SPDX-License-Identifier: Apache-2.0
#include "config/config_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "config/certificate_file.h"

namespace gatewhy {
namespace {

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

struct Expiry {
  std::string name;
  long days = 0;
};

std::optional<Expiry> firstExpiry(const Config& config) {
  std::optional<Expiry> first;
  for (const ListenerConfig& listener : config.listeners) {
    if (!listener.tls) {
      continue;
    }
    for (const CertificateConfig& pair : listener.tls->certificates) {
      const auto certificates = readCertificates(pair.certificate);
      if (!certificates) {
        continue;
      }
      const X509& leaf = *certificates->front();
      const long days = daysUntilExpiry(leaf);
      if (!first || days < first->days) {
        const auto names = certificateNames(leaf);
        first = Expiry{names.empty() ? pair.certificate : names.front(), days};
      }
    }
  }
  return first;
}

std::string describeExpiry(const Expiry& expiry) {
  if (expiry.days < 0) {
    return fmt::format("certificate of {} has expired", expiry.name);
  }
  return expiry.days == 0 ? fmt::format("certificate of {} expires today", expiry.name)
                          : fmt::format("certificate of {} expires in {}", expiry.name,
                                        counted(static_cast<std::size_t>(expiry.days), "day"));
}

std::size_t originsOf(const Config& config) {
  return static_cast<std::size_t>(std::count_if(config.origins.begin(), config.origins.end(),
                                                [](const OriginConfig& origin) { return !origin.implied; }));
}

}  // namespace

std::string describeConfig(const Config& config) {
  std::string text = fmt::format("{}, {}, {}", counted(config.listeners.size(), "listener"),
                                 counted(originsOf(config), "origin"), counted(config.routes.size(), "route"));
  if (const auto expiry = firstExpiry(config)) {
    text += "; " + describeExpiry(*expiry);
  }
  return text;
}

}  // namespace gatewhy
