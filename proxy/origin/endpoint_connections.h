// SPDX-License-Identifier: Apache-2.0
// One worker's connections to one endpoint: those that carry requests, and
// those that are parked until keep_alive.timeout. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "proxy/origin/endpoint_state.h"
#include "proxy/origin/openings.h"
#include "proxy/origin/origin_connection.h"

namespace gatewhy {

class EndpointConnections {
 public:
  // `endpoint` and `keep` outlive it.
  EndpointConnections(EventLoop& loop, const EndpointConfig& endpoint, const KeepAliveConfig& keep,
                      std::shared_ptr<EndpointState> state, std::shared_ptr<OriginState> origin_state);
  ~EndpointConnections();
  EndpointConnections(const EndpointConnections&) = delete;
  EndpointConnections& operator=(const EndpointConnections&) = delete;

  // The one that is to carry the next request of `client` (null: of anybody): of
  // those in use the oldest that has room, else the one that was parked last.
  // Null: none. `http1`: only one of HTTP/1.1 will do.
  [[nodiscard]] OriginConnection* available(const ProxiedClient* client, bool http1);
  void lease(OriginConnection& available);
  // A new one, with the lease for which it was opened.
  OriginConnection& adopt(std::unique_ptr<OriginConnection> connection);
  // A lease has ended. True: the connection can carry another request.
  bool giveBack(OriginConnection& connection);

  [[nodiscard]] std::size_t parked() const { return parked_.size(); }
  void closeParked();
  void closeParkedOf(const ProxiedClient& client);
  // Closes the one that was parked first and holds a place. False: there is none.
  bool closeOldestWithPlace();

  [[nodiscard]] Openings& openings() { return openings_; }
  [[nodiscard]] const std::shared_ptr<EndpointState>& state() const { return state_; }
  // keep_alive.timeout: auto. A request found its connection closed after so
  // long; an answer has this Keep-Alive field ("" = none).
  void noteStale(double idle_ms);
  void noteKeepAlive(std::string_view value);

 private:
  friend class OriginConnection;
  [[nodiscard]] std::unique_ptr<OriginConnection> takeParked(OriginConnection& parked);
  [[nodiscard]] bool park(std::unique_ptr<OriginConnection> connection);
  // Among the used, with or without room, as it is now.
  void settle(OriginConnection& used);
  void use(std::unique_ptr<OriginConnection> connection);
  [[nodiscard]] std::unique_ptr<OriginConnection> unuse(OriginConnection& used);
  void closeOne(OriginConnection& parked);
  void bury(std::unique_ptr<OriginConnection> connection);
  void onExpired(OriginConnection& parked);
  void onClosedByOrigin(OriginConnection& parked);
  void noteUnsolicited(std::string_view bytes);
  [[nodiscard]] std::chrono::milliseconds keepTime() const;
  [[nodiscard]] std::chrono::milliseconds idleTime(const OriginConnection& parked) const;

  EventLoop& loop_;
  const EndpointConfig& endpoint_;
  const KeepAliveConfig& keep_;
  std::shared_ptr<EndpointState> state_;
  std::shared_ptr<OriginState> origin_state_;
  std::vector<std::unique_ptr<OriginConnection>> parked_;  // LIFO
  std::vector<std::unique_ptr<OriginConnection>> used_;    // have a lease; in no order
  std::vector<OriginConnection*> roomy_;                   // of the used: those with room, oldest first
  Openings openings_;
};

}  // namespace gatewhy
