// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/new_origin_connection.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "proxy/origin/endpoint_state.h"
#include "proxy/origin/h1_origin_connection.h"
#include "proxy/origin/h2_origin_connection.h"

namespace gatewhy {
namespace {

// RFC 9113 section 6.5.2 counts 32 octets more for each field than it has.
std::uint32_t headerList(const HeadLimits& limits) {
  constexpr std::uint64_t kOverhead = 32, kFields = 1024;
  constexpr std::uint64_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::uint64_t fields = limits.fields == 0 ? kFields : limits.fields;
  const std::uint64_t section = limits.section == 0 ? kMost : limits.section;
  return static_cast<std::uint32_t>(std::min(kMost, section + kOverhead * fields));
}

}  // namespace

std::unique_ptr<OriginConnection> newOriginConnection(EventLoop& loop, const OriginConfig& origin, std::uint32_t fields,
                                                      std::uint32_t streams, const Redaction& redaction,
                                                      Connected connected) {
  const HeadLimits limits{.section = origin.limits.response_head, .start_line = 0, .field = 0, .fields = fields};
  std::unique_ptr<OriginConnection> made;
  if (connected.http2) {
    H2OriginSettings settings;
    settings.head = limits;
    settings.header_list = headerList(limits);
    settings.streams = EndpointState::kMostStreams;
    settings.first_streams = streams;
    made = std::make_unique<H2OriginConnection>(loop, settings, H2Patience::of(origin.timeouts), redaction,
                                                std::move(connected.link), connected.readable);
  } else {
    auto http1 = std::make_unique<H1OriginConnection>(loop, limits, std::move(connected.link));
    http1->readable = connected.readable;
    made = std::move(http1);
  }
  made->peer_address = std::move(connected.peer_address);
  return made;
}

}  // namespace gatewhy
