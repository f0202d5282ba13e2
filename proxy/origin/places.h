// SPDX-License-Identifier: Apache-2.0
// Places at an endpoint, which all workers share. Each is given back when it is
// destroyed, on the thread of the pool that gave it.
#pragma once

#include <memory>
#include <utility>

#include "proxy/origin/endpoint_state.h"

namespace gatewhy {

// Whoever serves those who wait for one.
class PlaceWatcher {
 public:
  virtual void onPlaceFree() = 0;
  virtual void onUploadPlaceFree() = 0;

 protected:
  ~PlaceWatcher() = default;
};
using PlaceWatch = std::shared_ptr<PlaceWatcher*>;  // nulled when the watcher is gone

// Of limits.connections: one request in flight, or one parked connection.
class OriginPlace {
 public:
  OriginPlace() = default;
  // `state` was acquired for it.
  OriginPlace(std::shared_ptr<EndpointState> state, PlaceWatch watch)
      : state_(std::move(state)), watch_(std::move(watch)) {}
  OriginPlace(OriginPlace&&) noexcept = default;
  OriginPlace& operator=(OriginPlace&& other) noexcept {
    if (this != &other) {
      release();
      state_ = std::move(other.state_);
      watch_ = std::move(other.watch_);
    }
    return *this;
  }
  ~OriginPlace() { release(); }
  [[nodiscard]] bool held() const noexcept { return state_ != nullptr; }
  void release() noexcept {
    if (state_) {
      std::exchange(state_, nullptr)->release();
      if (PlaceWatcher* const watcher = *std::exchange(watch_, nullptr)) {
        watcher->onPlaceFree();
      }
    }
  }

 private:
  std::shared_ptr<EndpointState> state_;
  PlaceWatch watch_;
};

// A connection that is open or being opened, counted.
class OpenCount {
 public:
  OpenCount() = default;
  explicit OpenCount(std::shared_ptr<EndpointState> state) : state_(std::move(state)) { state_->noteOpened(); }
  OpenCount(OpenCount&&) noexcept = default;
  OpenCount& operator=(OpenCount&& other) noexcept {
    if (this != &other) {
      release();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~OpenCount() { release(); }
  void release() noexcept {
    if (state_) {
      std::exchange(state_, nullptr)->noteClosed();
    }
  }

 private:
  std::shared_ptr<EndpointState> state_;
};

// Among those of requests whose body is still coming; given back early once
// the body is whole.
class UploadPlace {
 public:
  UploadPlace() = default;
  UploadPlace(std::shared_ptr<EndpointState> state, PlaceWatch watch)
      : state_(std::move(state)), watch_(std::move(watch)) {}
  UploadPlace(UploadPlace&&) noexcept = default;
  UploadPlace& operator=(UploadPlace&& other) noexcept {
    if (this != &other) {
      release();
      state_ = std::move(other.state_);
      watch_ = std::move(other.watch_);
    }
    return *this;
  }
  ~UploadPlace() { release(); }
  [[nodiscard]] bool held() const noexcept { return state_ != nullptr; }
  void release() noexcept {
    if (state_) {
      std::exchange(state_, nullptr)->releaseUpload();
      if (PlaceWatcher* const watcher = *std::exchange(watch_, nullptr)) {
        watcher->onUploadPlaceFree();
      }
    }
  }

 private:
  std::shared_ptr<EndpointState> state_;
  PlaceWatch watch_;
};

}  // namespace gatewhy
