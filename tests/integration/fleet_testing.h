// SPDX-License-Identifier: Apache-2.0
// What tests of several gatewhys have in common.
#pragma once

#include <fmt/format.h>

#include <string>

#include "daemon/fleet/fleet_reader.h"
#include "daemon/fleet/fleet_view.h"
#include "daemon/log/event_subject.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/nats_cluster.h"
#include "tests/integration/socket.h"

namespace gatewhy::test {

// An origin that answers everything with 200.
inline OriginServer::Serve good() {
  return [](Socket& socket) {
    while (readRequest(socket)) {
      socket.send(okResponse("fine"));
    }
  };
}

// The status that came; 0: none.
inline unsigned ask(const std::string& address, const std::string& path) {
  Socket socket = Socket::connectTo(address);
  socket.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path));
  const auto answer = readResponse(socket);
  return answer ? answer->status() : 0;
}

inline FleetView viewOf(const NatsCluster& cluster, std::string* problem = nullptr) {
  FleetView view;
  auto reader = FleetReader::open(cluster.source());
  if (!reader) {
    if (problem != nullptr) {
      *problem = reader.error();
    }
    return view;
  }
  const auto read = (*reader)->readAll(std::string(kAllSubjects), {},
                                       [&](std::string_view line, FleetReader::Time at) { view.add(line, at); });
  if (!read && problem != nullptr) {
    *problem = read.error();
  }
  return view;
}

}  // namespace gatewhy::test
