// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/nats_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "config/file_text.h"
#include "daemon/log/nkey.h"

namespace gatewhy {
namespace {

constexpr std::int64_t kNatsConnect = 2000;       // milliseconds
constexpr std::int64_t kNatsReconnectWait = 250;  // likewise, between servers
constexpr std::int64_t kNatsPing = 5000;          // likewise: a dead server is noticed after two of them
constexpr int kNatsPendingBytes = 1024 * 1024;    // while it looks for another server; we keep the lines ourselves

std::vector<std::string> serversOf(const std::string& url) {
  std::vector<std::string> servers;
  for (std::size_t at = 0; at <= url.size();) {
    const std::size_t comma = std::min(url.find(',', at), url.size());
    servers.push_back(url.substr(at, comma - at));
    at = comma + 1;
  }
  return servers;
}

natsStatus setTls(natsOptions* options, const LogTls& tls) {
  natsStatus status = natsOptions_SetSecure(options, true);
  if (status == NATS_OK && !tls.ca_file.empty()) {
    status = natsOptions_LoadCATrustedCertificates(options, tls.ca_file.c_str());
  }
  if (status == NATS_OK && !tls.certificate.empty()) {
    status = natsOptions_LoadCertificatesChain(options, tls.certificate.c_str(), tls.key.c_str());
  }
  return status;
}

// The public key where the credentials are a bare seed; "" where they are a
// user's JWT with its seed, which libnats reads itself.
Result<std::string, std::string> nkeyIn(const std::string& file) {
  constexpr std::size_t kMostCredentialBytes = 64UL * 1024;
  if (file.empty()) {
    return std::string();
  }
  const auto text = readTextFile(file, kMostCredentialBytes);
  if (!text) {
    return Failure{fmt::format("'{}' cannot be read: {}", file, text.error())};
  }
  if (text->find("NATS USER JWT") != std::string::npos) {
    return std::string();
  }
  const auto key = nkeyOfSeed(std::string_view(*text).substr(0, text->find_last_not_of(" \t\r\n") + 1));
  return key ? key : Failure{fmt::format("'{}' {}, and no credentials file either", file, key.error())};
}

natsStatus setOptions(natsOptions* options, const NatsServer& server, const std::string& nkey) {
  std::vector<std::string> servers = serversOf(server.url);
  std::vector<const char*> pointers;
  pointers.reserve(servers.size());
  for (const std::string& one : servers) {
    pointers.push_back(one.c_str());
  }
  natsStatus status = natsOptions_SetServers(options, pointers.data(), static_cast<int>(pointers.size()));
  const auto then = [&status](natsStatus next) { status = status == NATS_OK ? next : status; };
  then(natsOptions_SetName(options, "gatewhy"));
  then(natsOptions_SetTimeout(options, kNatsConnect));
  then(natsOptions_SetMaxReconnect(options, -1));
  then(natsOptions_SetReconnectWait(options, kNatsReconnectWait));
  then(natsOptions_SetReconnectBufSize(options, kNatsPendingBytes));
  then(natsOptions_SetPingInterval(options, kNatsPing));
  if (!nkey.empty()) {
    then(natsOptions_SetNKeyFromSeed(options, nkey.c_str(), server.credentials.c_str()));
  } else if (!server.credentials.empty()) {
    then(natsOptions_SetUserCredentialsFromFiles(options, server.credentials.c_str(), nullptr));
  }
  const bool by_scheme = server.url.starts_with("tls://");
  if (server.tls || by_scheme) {
    then(setTls(options, server.tls.value_or(LogTls{})));
  }
  return status;
}

}  // namespace

std::string natsProblem(natsStatus status, jsErrCode code) {
  natsStatus last = NATS_OK;
  const char* detail = nats_GetLastError(&last);
  std::string problem = natsStatus_GetText(status);
  if (last == status && detail != nullptr && *detail != '\0') {
    problem += fmt::format(": {}", detail);
  }
  if (code != 0) {
    problem += fmt::format(" (JetStream error {})", static_cast<int>(code));
  }
  return problem;
}

Result<NatsLink, std::string> connectNats(const NatsServer& server, const jsOptions* options) {
  const auto nkey = nkeyIn(server.credentials);
  if (!nkey) {
    return Failure{nkey.error()};
  }
  natsOptions* made_options = nullptr;
  natsStatus status = natsOptions_Create(&made_options);
  const NatsPtr<natsOptions> set(made_options);
  if (status == NATS_OK) {
    status = setOptions(set.get(), server, *nkey);
  }
  NatsLink link;
  natsConnection* connection = nullptr;
  if (status == NATS_OK) {
    status = natsConnection_Connect(&connection, set.get());
    link.connection.reset(connection);
  }
  jsCtx* context = nullptr;
  if (status == NATS_OK) {
    jsOptions own = options == nullptr ? jsOptions{} : *options;
    status = natsConnection_JetStream(&context, connection, options == nullptr ? nullptr : &own);
    link.context.reset(context);
  }
  if (status != NATS_OK) {
    return Failure{natsProblem(status)};
  }
  return link;
}

}  // namespace gatewhy
