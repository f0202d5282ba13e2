// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "config/config.h"
#include "proxy/origin/places.h"

namespace gatewhy {

class OriginConnection;
class OriginPool;

// A request's place on a connection of an origin's pool or, before there is
// one, the right to open one. Whoever holds it gives it back by end(), or by
// destroying it, before the pool goes. Loop thread only.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept { *this = std::move(other); }
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { end(); }

  [[nodiscard]] bool held() const { return pool_ != nullptr; }
  [[nodiscard]] std::size_t endpoint() const { return endpoint_; }
  // Null: there is none yet. Open one and hand it to OriginPool::adopt(), or
  // tell it onOpeningFailed(); unless it waits().
  [[nodiscard]] OriginConnection* connection() const { return connection_; }
  // Another lease opens it; PoolWaiter::onOpened() says when.
  [[nodiscard]] bool waits() const { return step_ == Step::Waits; }
  // What is to be spoken, or offered by ALPN, on a connection that is opened for it.
  [[nodiscard]] EndpointHttp http() const { return http_; }
  // Nothing of the request's body is still to come.
  void bodyArrived() noexcept { upload_.release(); }
  // The request is over and has left the connection, which serves others, is
  // parked, or is closed.
  void end() noexcept;

 private:
  friend class OriginPool;
  // Opens: others may wait for its connection.
  enum class Step : std::uint8_t { Alone, Opens, Waits };

  OriginPool* pool_ = nullptr;
  Step step_ = Step::Alone;
  EndpointHttp http_ = EndpointHttp::Http1;
  std::size_t endpoint_ = 0;
  OriginConnection* connection_ = nullptr;
  OriginPlace place_;   // a connection of one request holds it instead
  OpenCount count_;     // while it is being opened
  UploadPlace upload_;  // held where the body is still coming, under a limit
};

}  // namespace gatewhy
