// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <unordered_map>
#include <utility>

#include "config/load_parts.h"
#include "config/url.h"

namespace gatewhy {
namespace {

constexpr std::size_t kOptionalWord = 1;  // "required|optional"

ListenerTls readTls(Reader& reader, Section& section) {
  ListenerTls tls;
  for (const ReadValue& item : section.list("certificates")) {
    if (auto pair = Section::open(reader, item)) {
      CertificateConfig certificate;
      pair->read("certificate", certificate.certificate);
      pair->read("key", certificate.key);
      tls.certificates.push_back(std::move(certificate));
    }
  }
  std::size_t version = 0;
  if (section.readWord("min_version", version)) {
    tls.min_version = version == 0 ? "1.2" : "1.3";
  }
  section.read("client_ca", tls.client_ca);
  std::size_t mode = 0;
  if (section.readWord("client_certificate", mode)) {
    tls.client_certificate_required = mode != kOptionalWord;
  }
  return tls;
}

std::string addressComplaint(const std::string& text) {
  const auto canonical = canonicalListenerAddress(text);
  return canonical ? std::string() : canonical.error();
}

bool kernelChoosesPort(const std::string& address) {
  return address.ends_with(":0") && !address.starts_with("unix:");
}

}  // namespace

void readListeners(Reader& reader, Section& top, Config& config) {
  std::unordered_map<std::string, int> lines;
  for (const ReadValue& item : top.list("listeners")) {
    auto section = Section::open(reader, item);
    if (!section) {
      continue;
    }
    ListenerConfig listener;
    if (section->read("address", listener.address, addressComplaint)) {
      const auto canonical = canonicalListenerAddress(listener.address);
      const Position at = section->at("address");
      if (!kernelChoosesPort(*canonical)) {
        const auto [first, added] = lines.emplace(*canonical, at.line);
        if (!added) {
          reader.error(at,
                       fmt::format("another listener has the address '{}' (line {})", listener.address, first->second));
        }
      }
    }
    section->read("ipv6_only", listener.ipv6_only);
    section->read("proxy_protocol", listener.proxy_protocol);
    if (auto tls = section->section("tls")) {
      listener.tls = readTls(reader, *tls);
    }
    config.listeners.push_back(std::move(listener));
  }
}

}  // namespace gatewhy
