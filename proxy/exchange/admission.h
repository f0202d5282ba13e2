// SPDX-License-Identifier: Apache-2.0
// What this hop itself refuses, before anything is asked of an origin.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/observation.h"
#include "proxy/exchange/client_facts.h"
#include "proxy/exchange/generation.h"
#include "proxy/exchange/memory_meter.h"
#include "proxy/http/head_reader.h"
#include "proxy/http/message.h"

namespace gatewhy {

struct Admission {
  const RouteConfig* route = nullptr;  // of `generation`; null where none matches, or the client was refused before
  std::size_t origin = 0;              // of the route's, where it does not answer itself
  std::string forwarded_client;        // the client's address where a trusted proxy names it; else ""
  std::string path;                    // to be forwarded instead of the one that was sent; "" = as sent
  std::vector<std::uint32_t> dropped;  // fields that do not reach the origin (dropped_fields.h)
  std::optional<Fault> refusal;
  std::uint64_t client_key = 0;   // of the client's address, for what is counted (RateLimiter::keyOf)
  bool options_end_here = false;  // OPTIONS with Max-Forwards: 0 (RFC 9110 section 7.6.2)
};

// Of requests, as the configuration has them.
[[nodiscard]] HeadLimits requestHeadLimits(const ClientLimits& limits);

// The largest request body of a route (which may be null); 0 = no limit.
[[nodiscard]] std::uint64_t bodyLimit(const Config& config, const RouteConfig* route);

// The answer of a listener with redirect_to_https; a route of no configuration.
[[nodiscard]] const RouteConfig& httpsRedirect();

// Whether the client itself used TLS, as a trusted proxy tells it.
[[nodiscard]] bool cameOverTls(const RequestHead& request, const ClientFacts& client);

// Judges a request whose head is complete: the client first, then the message,
// then what its route demands; a rate limit counts last, so that only what
// would be passed on is counted. Any thread. `request_id`: for paths that are
// rewritten to hold it.
[[nodiscard]] Admission admit(const RequestHead& request, const ClientFacts& client, const Generation& generation,
                              TimePoint now, std::string_view request_id = {});

// A refusal, with the phase that it belongs to.
[[nodiscard]] Observation refusalSeen(Fault refusal);

// Why nothing new is begun while memory is nearly used up.
[[nodiscard]] DecisionFault memoryFault(const MemoryUse& use);

// The value of Allow for a 405 (RFC 9110 section 15.5.6) and for an OPTIONS that
// ends here. `route` may be null.
[[nodiscard]] std::string allowedMethods(const RouteConfig* route);
// The value of Upgrade for a 426 (RFC 9110 section 15.5.22, RFC 2817 section
// 4.2): what `route` demands and the request lacks.
[[nodiscard]] std::string demandedProtocols(const RouteConfig& route, const RequestHead& request,
                                            const ClientFacts& client);

}  // namespace gatewhy
