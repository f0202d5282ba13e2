// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <utility>

#include "config/cpu_count.h"
#include "config/http_words.h"
#include "config/load_parts.h"
#include "config/url.h"
#include "diagnostics/cause.h"

namespace gatewhy {
namespace {

std::string dnsServerComplaint(const std::string& text) {
  if (isIpLiteral(text)) {
    return "";
  }
  const auto place = splitHostPort(text);
  if (!place) {
    return place.error();
  }
  if (!isIpLiteral(place->host)) {
    return fmt::format("'{}' is not an IP address", place->host);
  }
  return place->port && *place->port == 0 ? "'0' is not a port (1 to 65535)" : "";
}

std::string hopNameComplaint(const std::string& name) {
  return name.empty() || (isToken(name) && name.size() <= 64)
             ? std::string()
             : fmt::format("'{}' is not a token (RFC 9110): letters, digits and !#$%&'*+-.^_`|~, at most 64", name);
}

void readLimits(Section& section, ClientLimits& limits) {
  section.read("request_head", limits.request_head);
  section.read("request_body", limits.request_body);
  section.read("fields", limits.fields);
  section.read("connections", limits.connections);
  section.read("connections_per_client", limits.connections_per_client);
  section.read("handshakes", limits.handshakes);
  section.read("handshakes_per_client", limits.handshakes_per_client);
  section.read("memory", limits.memory);
  section.readWord("paths", limits.paths);
  section.readWord("underscores", limits.underscores);
  section.read("client_head_timeout", limits.client_head_timeout);
  section.read("client_body_timeout", limits.client_body_timeout);
  section.read("client_minimum_rate", limits.client_minimum_rate);
  section.read("client_idle_timeout", limits.client_idle_timeout);
  section.read("client_keepalive_requests", limits.client_keepalive_requests);
  section.read("client_keepalive_time", limits.client_keepalive_time);
  section.readWord("client_abort", limits.client_abort);
}

void readStatuses(Reader& reader, Section& section, StatusPolicy& policy) {
  for (const ReadValue& item : section.map("statuses")) {
    const auto cause = causeByName(item.name);
    if (!cause) {
      const auto near = nearestCauseNames(item.name, 1);
      reader.error(item.name_at, fmt::format("unknown cause '{}'{}", item.name,
                                             near.empty() ? "; `gatewhy explain` lists them"
                                                          : fmt::format("; did you mean '{}'?", near.front())));
    }
    const auto status = readNumber(reader, item);
    if (cause && status) {
      policy.overrides[*cause] = static_cast<std::uint16_t>(*status);
    }
  }
}

void readDiagnostics(Reader& reader, Section& section, DiagnosticsConfig& diagnostics) {
  section.readWord("profile", diagnostics.policy.profile);
  readStatuses(reader, section, diagnostics.policy);
  section.readWord("disclose", diagnostics.disclose);
  section.read("name", diagnostics.name, hopNameComplaint);
  section.read("lint", diagnostics.lint);
  if (auto pages = section.section("pages")) {
    readPages(*pages, diagnostics.pages);
  }
}

std::string adminAddressComplaint(const std::string& text) {
  if (text.empty() || text == "off") {
    return "";
  }
  const auto canonical = canonicalListenerAddress(text);
  if (canonical) {
    return "";
  }
  // What a listener would mean by ":9180" is not what anybody wants here.
  constexpr std::string_view kEverywhere = "write 0.0.0.0:";
  const std::string& error = canonical.error();
  return error.starts_with(kEverywhere)
             ? "write 127.0.0.1:" +
                   error.substr(kEverywhere.size(), error.find(' ', kEverywhere.size()) - kEverywhere.size())
             : error;
}

std::string adminHostComplaint(const std::string& text) {
  return isIpLiteral(text) ? "IP addresses are always accepted; list names only" : hostComplaint(text);
}

void readAdmin(Reader& reader, Section& section, Config& config) {
  AdminConfig& admin = config.admin;
  admin.configured = section.read("address", admin.address, adminAddressComplaint);
  section.read("allow_public", admin.allow_public);
  for (const ReadValue& item : section.list("hosts")) {
    if (const auto name = readText(reader, item, adminHostComplaint)) {
      admin.hosts.push_back(canonicalHost(*name));
    }
  }
  if (admin.address == "off") {
    admin.address.clear();
  }
  if (!admin.configured || admin.address.empty()) {
    return;
  }
  if (isPublicAddress(admin.address) && !admin.allow_public) {
    reader.error(section.at("address"),
                 fmt::format("'{}' can be reached from other machines, and the admin listener asks for no password; "
                             "write a loopback address or unix:/path, or say 'allow_public: true'",
                             admin.address));
  }
  for (const ListenerConfig& listener : config.listeners) {
    if (listener.address == admin.address && !admin.address.ends_with(":0")) {
      reader.error(section.at("address"), fmt::format("a listener already has the address '{}'", admin.address));
    }
  }
}

}  // namespace

void readRest(Reader& reader, Section& top, Config& config) {
  config.workers = usableCpus();
  top.read("watch", config.watch);
  top.read("workers", config.workers);
  top.read("user", config.user);
  if (top.read("group", config.group) && !config.group.empty() && config.user.empty()) {
    reader.error(top.at("group"), "'group' needs 'user'; set that as well");
  }
  if (auto limits = top.section("limits")) {
    readLimits(*limits, config.limits);
  }
  for (const ReadValue& item : top.list("trusted_proxies")) {
    if (const auto text = readText(reader, item, cidrComplaint)) {
      config.trusted_proxies.push_back(*Cidr::parse(*text));
    }
  }
  if (auto dns = top.section("dns")) {
    for (const ReadValue& item : dns->list("servers")) {
      if (auto server = readText(reader, item, dnsServerComplaint)) {
        config.dns.servers.push_back(*std::move(server));
      }
    }
    dns->read("hosts_file", config.dns.hosts_file);
    dns->read("search", config.dns.search);
    dns->read("stale", config.dns.stale);
  }
  if (auto diagnostics = top.section("diagnostics")) {
    readDiagnostics(reader, *diagnostics, config.diagnostics);
  }
  if (auto log = top.section("log")) {
    readLog(reader, *log, config.log);
  }
  if (auto admin = top.section("admin")) {
    readAdmin(reader, *admin, config);
  }
  if (auto secrets = top.section("secrets")) {
    secrets->read("file", config.secrets.file);
  }
  if (auto drain = top.section("drain")) {
    drain->read("delay", config.drain.delay);
    drain->read("timeout", config.drain.timeout);
  }
}

}  // namespace gatewhy
