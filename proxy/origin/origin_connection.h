// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "proxy/http/h1_parser.h"
#include "proxy/net/connector.h"
#include "proxy/origin/endpoint_state.h"

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
class OriginConnection final : public Deferred, public IoHandler {
 public:
  OriginConnection(EventLoop& loop, const HeadLimits& limits);

  std::unique_ptr<Link> link;
  ConnectionSlot slot;
  std::string peer_address;
  std::uint32_t requests = 0;   // begun on this connection
  TimePoint idle_since{};       // parked at
  bool unsent_bounded = false;  // for a large request body, see boundUnsentBytes()
  bool readable = false;        // an edge came that nobody has read to its end
  ResponseParser parser;        // here, because its memory serves one response after the other

 private:
  friend class OriginPool;
  // While parked: an idle connection has nothing to say. Where an edge brings
  // something all the same, it is closed or out of step (RFC 9112 section 9.3:
  // bytes nobody asked for are no response to the next request).
  void onIo(bool readable, bool writable) override;
  // What reading brings while nothing was asked; bytes are noted.
  [[nodiscard]] bool isSilent();

  OriginPool* parked_in_ = nullptr;
  std::size_t endpoint_ = 0;
  Deadline expiry_;
};

}  // namespace gatewhy
