// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "config/check.h"

namespace gatewhy {
namespace {

void checkGrpcChecks(const OriginConfig& origin, const std::string& path, CheckReport& report) {
  if (!origin.health->path.empty()) {
    report.error(path + ".health.path", "'health.path' contradicts 'health.grpc': a check asks for one of them");
  }
  for (const std::string_view key : {"expect", "method"}) {
    if (report.written(fmt::format("{}.health.{}", path, key))) {
      report.warning(fmt::format("{}.health.{}", path, key),
                     fmt::format("'health.{}' has no effect with 'health.grpc': SERVING is what a check expects", key));
    }
  }
  for (const EndpointConfig& endpoint : origin.endpoints) {
    if (endpoint.http != EndpointHttp::Http1) {
      continue;
    }
    const std::string_view instead = endpoint.scheme == EndpointScheme::Https  ? "leave 'http2: false' out"
                                     : endpoint.scheme == EndpointScheme::Unix ? "leave 'grpc' out"
                                                                               : "write h2c:// there";
    report.error(path + ".health.grpc",
                 fmt::format("'health.grpc' needs HTTP/2, which the endpoint {} is not spoken to in: {}", endpoint.url,
                             instead));
  }
}

void checkActiveChecks(const OriginConfig& origin, const std::string& path, CheckReport& report) {
  const HealthConfig& health = *origin.health;
  if (health.grpc) {
    checkGrpcChecks(origin, path, report);
  }
  if (health.connectionOnly()) {
    for (const std::string_view key : {"expect", "method", "host", "headers"}) {
      if (report.written(fmt::format("{}.health.{}", path, key))) {
        report.warning(fmt::format("{}.health.{}", path, key),
                       fmt::format("'health.{}' has no effect without 'health.path': nothing is asked for", key));
      }
    }
  }
  const auto is_unix = [](const EndpointConfig& endpoint) { return endpoint.scheme == EndpointScheme::Unix; };
  if (health.port != 0 && std::any_of(origin.endpoints.begin(), origin.endpoints.end(), is_unix)) {
    report.warning(path + ".health.port", "'health.port' has no effect on the endpoints that are unix sockets");
  }
}

}  // namespace

void checkHealth(const OriginConfig& origin, const std::string& path, CheckReport& report) {
  if (origin.endpoints.size() == 1) {
    for (const std::string_view key : {"eject", "panic", "slow_start"}) {
      const bool off = key == "eject" && !origin.eject;
      if (report.written(fmt::format("{}.{}", path, key)) && !off) {
        report.warning(
            fmt::format("{}.{}", path, key),
            fmt::format("'{}' has no effect: the only endpoint of an origin is always used, unless checks or "
                        "an operator take it out",
                        key));
      }
    }
  }
  if (!origin.eject && report.written(path + ".panic")) {
    report.warning(path + ".panic", "'panic' has no effect with 'eject: false'");
  }
  if (origin.health) {
    checkActiveChecks(origin, path, report);
  }
}

}  // namespace gatewhy
