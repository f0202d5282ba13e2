// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/passage.h"

namespace gatewhy {

void Passage::begin(const RequestHead& head) {
  body_.begin(head);
  up_.tee(body_);
}

void Passage::leave() {
  state_ = State::Apart;
  up_.stop();
  down_.stop();
}

std::size_t Passage::requestRoom(bool queued) const {
  const std::size_t room = queued ? body_.room(true) : 0;
  return room != 0 ? room : RequestBody::kMostKept;
}

void Passage::openRequest() {
  up_.open();
  up_.resume();
}

Passage::Taken Passage::takeRequest(std::string_view data, bool last, std::string_view trailers, std::uint64_t limit) {
  if (state_ == State::Tunnel) {
    if (last) {
      return endHalf(up_, down_) ? Taken::Over : Taken::More;
    }
    up_.take(data);
    return Taken::More;
  }
  if (limit != 0 && up_.moved() + data.size() > limit) {
    up_.stop();
    up_.take(data);
    return Taken::TooMuch;
  }
  if (!last) {
    up_.take(data);
    return Taken::More;
  }
  up_.takeEnd(data, trailers);
  return Taken::Whole;
}

void Passage::openAnswer() {
  state_ = State::Answering;
  if (!body_.copy().empty()) {
    body_.dropCopy();
  }
  down_.open();
}

void Passage::endAnswer(std::string_view trailers) {
  state_ = State::Over;
  up_.stop();
  down_.takeEnd({}, trailers);
}

void Passage::openTunnel() {
  state_ = State::Tunnel;
  up_.openTunnel();
  down_.openTunnel();
}

bool Passage::endHalf(Relay& half, const Relay& other) {
  if (other.ends()) {
    state_ = State::Over;
    return true;
  }
  half.takeEnd({}, {});
  return false;
}

}  // namespace gatewhy
