// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>

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
  // Null: there is none yet; open one and hand it to OriginPool::adopt().
  [[nodiscard]] OriginConnection* connection() const { return connection_; }
  // Nothing of the request's body is still to come.
  void bodyArrived() noexcept { upload_.release(); }
  // The request is over and has left the connection, which serves others, is
  // parked, or is closed.
  void end() noexcept;

 private:
  friend class OriginPool;
  OriginPool* pool_ = nullptr;
  std::size_t endpoint_ = 0;
  OriginConnection* connection_ = nullptr;
  OriginPlace place_;   // a connection of one request holds it instead
  UploadPlace upload_;  // held where the body is still coming, under a limit
};

}  // namespace gatewhy
