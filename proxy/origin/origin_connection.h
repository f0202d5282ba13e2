// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/origin/endpoint_state.h"
#include "proxy/origin/origin_stream.h"

namespace gatewhy {

// One of the endpoint's connection slots, given back when destroyed.
class ConnectionSlot {
 public:
  ConnectionSlot() = default;
  ConnectionSlot(std::shared_ptr<EndpointState> state, std::function<void()> on_release)
      : state_(std::move(state)), on_release_(std::move(on_release)) {}
  ConnectionSlot(ConnectionSlot&& other) noexcept = default;
  ConnectionSlot& operator=(ConnectionSlot&& other) noexcept {
    if (this != &other) {
      release();
      state_ = std::move(other.state_);
      on_release_ = std::move(other.on_release_);
    }
    return *this;
  }
  ~ConnectionSlot() { release(); }
  [[nodiscard]] bool held() const noexcept { return state_ != nullptr; }

 private:
  void release() noexcept {
    if (state_) {
      state_->release();
      state_.reset();
      if (on_release_) {
        on_release_();
      }
    }
  }
  std::shared_ptr<EndpointState> state_;
  std::function<void()> on_release_;
};

class OriginPool;

// An established connection to an endpoint: owned by the attempt that uses it,
// else by the pool in which it is parked.
class OriginConnection : public Deferred {
 public:
  explicit OriginConnection(EventLoop& loop);

  // The next request's stream. It refers to the connection until it is left.
  [[nodiscard]] virtual std::unique_ptr<OriginStream> open(const OriginStreamSetup& setup) = 0;
  // It is to be buried: no event may come any more.
  virtual void stop() = 0;

  ConnectionSlot slot;
  std::string peer_address;
  std::uint32_t requests = 0;  // begun on this connection
  TimePoint idle_since{};      // parked at

 protected:
  // While parked: an idle connection has nothing to say. False: this one has,
  // and is not parked; what it says later is told by one of the two below.
  [[nodiscard]] virtual bool beginIdle() = 0;
  virtual void endIdle() = 0;
  void noteUnsolicited(std::string_view bytes);
  void leavePool();  // it has ended, or said something; we are buried

 private:
  friend class OriginPool;
  OriginPool* parked_in_ = nullptr;
  std::size_t endpoint_ = 0;
  bool watched_ = false;  // past its time: kept to see when the origin closes it, and for no request
  Deadline expiry_;
};

}  // namespace gatewhy
