// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/origin/origin_stream.h"
#include "proxy/origin/places.h"
#include "proxy/origin/proxied_client.h"

namespace gatewhy {

class EndpointConnections;

// An established connection to an endpoint. The pool owns it; who holds a lease
// of it may open a stream on it. Loop thread only.
class OriginConnection : public Deferred {
 public:
  // Whether it carries one request at a time, or many.
  enum class Sharing : std::uint8_t { Exclusive, Shared };
  OriginConnection(EventLoop& loop, Sharing sharing);

  // The next request's stream. It refers to the connection until it is left.
  [[nodiscard]] virtual std::unique_ptr<OriginStream> open(const OriginStreamSetup& setup) = 0;
  // Requests that it takes besides those that have a lease of it.
  [[nodiscard]] virtual std::uint32_t room() const = 0;
  // It takes no further request: it is closed behind those that it has.
  [[nodiscard]] virtual bool draining() const = 0;
  // For how many milliseconds it was parked before the lease just given; 0
  // where it was not.
  [[nodiscard]] double idleMs(TimePoint now) const { return leases_ == 1 ? millisBetween(idle_since, now) : 0; }
  // It is to be buried: no event may come any more.
  virtual void stop() = 0;

  [[nodiscard]] Sharing sharing() const { return sharing_; }

  OriginPlace place;  // Exclusive: held also while it is parked; Shared: each lease has its own
  OpenCount count;
  std::string peer_address;
  std::uint32_t requests = 0;  // begun on this connection
  TimePoint idle_since{};      // parked at
  // Whose requests alone it carries, for the origin was told of that client
  // (send_proxy_protocol); null: anybody's.
  ProxiedClient* client = nullptr;

 protected:
  // Requests that have a lease of it.
  [[nodiscard]] std::uint32_t leases() const { return leases_; }
  // While parked: an idle connection has nothing to say. False: this one has,
  // and is not parked; what it says later is told by one of the two below.
  [[nodiscard]] virtual bool beginIdle() = 0;
  virtual void endIdle() = 0;
  void noteUnsolicited(std::string_view bytes);
  void leavePool();                      // it has ended, or said something; we are buried
  void noteRoom();                       // room() has changed by itself
  void noteStreams(std::uint32_t most);  // requests at a time that the endpoint allows

 private:
  friend class EndpointConnections;
  const Sharing sharing_;
  EndpointConnections* owner_ = nullptr;
  std::uint32_t leases_ = 0;
  std::size_t at_ = 0;    // among the owner's used ones
  bool watched_ = false;  // past its time: kept to see when the origin closes it, and for no request
  Deadline expiry_;
};

}  // namespace gatewhy
