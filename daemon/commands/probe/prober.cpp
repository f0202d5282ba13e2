// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/probe/prober.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "config/load.h"
#include "config/url.h"
#include "daemon/commands/probe/pinned_resolver.h"
#include "daemon/commands/probe/probe_run.h"
#include "daemon/commands/probe/probe_url.h"
#include "daemon/request_text.h"

namespace gatewhy {
namespace {

void capTimeouts(OriginTimeouts& limits, std::chrono::milliseconds most) {
  if (most.count() == 0) {
    return;
  }
  for (Millis* limit : {&limits.resolve, &limits.connect, &limits.tls_handshake, &limits.send, &limits.response_head,
                        &limits.response_idle}) {
    *limit = std::min(*limit, most);
  }
  limits.exchange = most;
}

Result<ConfigPtr, std::string> configFor(const ProbeUrl& url, const ProbeRequest& request) {
  const LoadedConfig loaded = configForUrl(url.endpoint, "");
  if (loaded.config == nullptr) {
    return Failure{loaded.problems.front().message};
  }
  auto config = std::make_shared<Config>(*loaded.config);
  config->listeners.clear();
  OriginConfig& origin = config->origins.front();
  origin.name = url.authority;
  origin.tls.verify = !request.insecure;
  origin.tls.ca_file = request.ca_file;
  origin.keep_alive.idle = 0;
  if (request.http2) {
    origin.endpoints.front().http = EndpointHttp::Http2;
  }
  capTimeouts(origin.timeouts, request.timeout);
  return ConfigPtr(std::move(config));
}

Result<RequestHead, std::string> requestFor(const ProbeUrl& url, const ProbeRequest& request) {
  if (equalsIgnoreCase(request.method, "CONNECT")) {
    return Failure{std::string("CONNECT asks for a tunnel; a probe sends a request")};
  }
  auto head = requestHead(request.method, url.target, url.authority, request.headers);
  if (head && (head->body == BodyKind::Chunked || head->content_length != 0)) {
    return Failure{std::string("a probe sends no body: leave Content-Length and Transfer-Encoding out")};
  }
  return head;
}

}  // namespace

Result<Prober, std::string> Prober::create(const ProbeRequest& request) {
  auto url = parseProbeUrl(request.url);
  if (!url) {
    return Failure{url.error()};
  }
  auto config = configFor(*url, request);
  if (!config) {
    return Failure{config.error()};
  }
  auto head = requestFor(*url, request);
  if (!head) {
    return Failure{head.error()};
  }
  Prober out;
  out.config_ = *std::move(config);
  out.head_ = std::move(head).value();
  const EndpointConfig& endpoint = out.config_->origins.front().endpoints.front();
  for (const std::string& item : request.resolve) {
    const auto pin = parsePinnedName(item);
    if (!pin) {
      return Failure{pin.error()};
    }
    if (pin->host != endpoint.host || pin->port != endpoint.port) {
      return Failure{fmt::format("--resolve names {}:{}, but the URL asks for {}:{}", pin->host, pin->port,
                                 endpoint.host, endpoint.port)};
    }
    for (const std::string& address : pin->addresses) {
      out.pinned_.push_back(*Address::fromIp(address, endpoint.port));
    }
  }
  return out;
}

std::vector<Address> Prober::addresses() const {
  const EndpointConfig& endpoint = config_->origins.front().endpoints.front();
  if (!pinned_.empty()) {
    return pinned_;
  }
  if (endpoint.scheme == EndpointScheme::Unix) {
    return {};
  }
  if (const auto literal = Address::fromIp(endpoint.host, endpoint.port)) {
    return {*literal};
  }
  return resolveAll(*config_);
}

ProbeResult Prober::run(const std::optional<Address>& only) const {
  return runProbe(config_, head_, only ? std::vector<Address>{*only} : pinned_);
}

}  // namespace gatewhy
