// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <unordered_map>
#include <utility>

#include "config/load_parts.h"
#include "config/tls_words.h"
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
  section.read("ciphers", tls.ciphers, tlsCiphersComplaint);
  section.read("groups", tls.groups, tlsGroupsComplaint);
  section.read("client_ca", tls.client_ca);
  section.read("client_crl_file", tls.client_crl_file);
  std::size_t mode = 0;
  if (section.readWord("client_certificate", mode)) {
    tls.client_certificate_required = mode != kOptionalWord;
  }
  return tls;
}

void readProxyProtocol(Reader& reader, Section& section, ListenerConfig& listener) {
  if (!section.isMap("proxy_protocol")) {
    section.read("proxy_protocol", listener.proxy_protocol);
    return;
  }
  listener.proxy_protocol = true;
  if (auto senders = section.section("proxy_protocol")) {
    for (const ReadValue& item : senders->list("from")) {
      if (const auto text = readText(reader, item, cidrComplaint)) {
        listener.proxy_protocol_from.push_back(*Cidr::parse(*text));
      }
    }
  }
}

// On where TLS can offer it, unless it says otherwise.
void readHttp2(Section& section, ListenerConfig& listener) {
  listener.http2.enabled = listener.tls.has_value();
  if (!section.isMap("http2")) {
    section.read("http2", listener.http2.enabled);
  } else if (auto limits = section.section("http2")) {
    listener.http2.enabled = true;
    std::uint64_t size = 0;
    limits->read("streams", listener.http2.streams);
    if (limits->read("window", size)) {
      listener.http2.window = static_cast<std::uint32_t>(size);
    }
    if (limits->read("header_list", size)) {
      listener.http2.header_list = static_cast<std::uint32_t>(size);
    }
  }
  if (listener.tls) {
    listener.tls->http2 = listener.http2.enabled;
  }
}

std::string addressComplaint(const std::string& text) {
  const auto canonical = canonicalListenerAddress(text);
  return canonical ? std::string() : canonical.error();
}

std::string modeComplaint(const std::string& text) {
  const bool octal = (text.size() == 3 || (text.size() == 4 && text.front() == '0')) &&
                     text.find_first_not_of("01234567") == std::string::npos;
  return octal ? std::string() : fmt::format("'{}' is not a file mode; write four octal digits: \"0660\"", text);
}

void readSocketFile(Reader& reader, Section& section, ListenerConfig& listener) {
  std::string mode;
  if (section.read("mode", mode, modeComplaint)) {
    constexpr int kOctal = 8;
    listener.mode = static_cast<std::uint32_t>(std::stoul(mode, nullptr, kOctal));
  }
  section.read("group", listener.group);
  for (const char* key : {"mode", "group"}) {
    if (section.has(key) && !listener.address.starts_with("unix:")) {
      reader.error(section.at(key), fmt::format("'{}' is only for the file of a unix: listener", key));
    }
  }
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
    readSocketFile(reader, *section, listener);
    readProxyProtocol(reader, *section, listener);
    section->read("redirect_to_https", listener.redirect_to_https);
    if (listener.redirect_to_https && section->has("tls")) {
      reader.error(section->at("redirect_to_https"),
                   "'redirect_to_https' is only for a plain listener; this one speaks TLS");
    }
    if (auto tls = section->section("tls")) {
      listener.tls = readTls(reader, *tls);
    }
    readHttp2(*section, listener);
    config.listeners.push_back(std::move(listener));
  }
}

}  // namespace gatewhy
