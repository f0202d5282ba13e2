// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/endpoint_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "diagnostics/json_writer.h"
#include "diagnostics/nearest.h"
#include "proxy/origin/health_event.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {
namespace {

constexpr std::string_view kDrain = "drain", kReady = "ready";

std::string didYouMean(std::string_view word, const std::vector<std::string_view>& known) {
  const auto near = nearestWord(word, known);
  return near ? fmt::format("; did you mean '{}'?", *near) : std::string();
}

}  // namespace

Result<EndpointOrder, std::string> readEndpointOrder(const AdminRequest& request) {
  EndpointOrder order;
  const std::string_view action = request.field("X-Gatewhy-Action");
  if (action != kDrain && action != kReady) {
    return Failure{fmt::format("X-Gatewhy-Action must be {} or {} here", kDrain, kReady)};
  }
  order.drain = action == kDrain;
  const auto origin = request.parameter("origin");
  if (!origin || origin->empty()) {
    return Failure{std::string("'origin' must name an origin")};
  }
  order.origin = *origin;
  order.endpoint = request.parameter("endpoint").value_or("");
  return order;
}

Result<std::string, std::string> carryOut(const EndpointOrder& order, const Generation& generation,
                                          const std::function<void(const LifecycleEvent&)>& tell) {
  const auto& origins = generation.config->origins;
  std::vector<std::string_view> names, urls;
  std::transform(origins.begin(), origins.end(), std::back_inserter(names),
                 [](const OriginConfig& origin) -> std::string_view { return origin.name; });
  const auto found = std::find(names.begin(), names.end(), order.origin);
  if (found == names.end()) {
    return Failure{fmt::format("there is no origin '{}'{}", order.origin, didYouMean(order.origin, names))};
  }
  const auto index = static_cast<std::size_t>(found - names.begin());
  const OriginConfig& origin = origins[index];
  std::transform(origin.endpoints.begin(), origin.endpoints.end(), std::back_inserter(urls),
                 [](const EndpointConfig& endpoint) -> std::string_view { return endpoint.url; });
  if (!order.endpoint.empty() && std::find(urls.begin(), urls.end(), order.endpoint) == urls.end()) {
    return Failure{fmt::format("the origin '{}' has no endpoint '{}'{}", order.origin, order.endpoint,
                               didYouMean(order.endpoint, urls))};
  }
  OriginHealth health(origin, generation.origins[index].endpoints, generation.origins[index].state);
  const TimePoint now = EventLoop::now();
  std::string body;
  JsonWriter json(body);
  json.beginObject();
  json.member("origin", origin.name);
  json.beginArray("endpoints");
  for (std::size_t i = 0; i < urls.size(); ++i) {
    if (!order.endpoint.empty() && urls[i] != order.endpoint) {
      continue;
    }
    const bool changed = health.setDrained(i, order.drain, now);
    if (changed) {
      tellDrain(tell, origin.name, origin.endpoints[i].url, order.drain);
    }
    json.beginObject();
    json.member("url", urls[i]);
    json.memberBoolean("drained", order.drain);
    json.memberBoolean("changed", changed);
    json.endObject();
  }
  json.endArray();
  json.endObject();
  return body;
}

}  // namespace gatewhy
