// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/idle_clients.h"

#include <algorithm>

namespace gatewhy {

IdleClient::~IdleClient() {
  if (list_ != nullptr) {
    list_->remove(*this);
  }
}

void IdleClients::add(IdleClient& client, TimePoint now) noexcept {
  remove(client);
  client.list_ = this;
  client.since_ = now;
  client.earlier_ = last_;
  client.later_ = nullptr;
  (last_ == nullptr ? first_ : last_->later_) = &client;
  last_ = &client;
  ++size_;
  if (first_ == &client) {
    publish();
  }
}

void IdleClients::remove(IdleClient& client) noexcept {
  if (client.list_ != this) {
    return;
  }
  const bool was_first = first_ == &client;
  (was_first ? first_ : client.earlier_->later_) = client.later_;
  (last_ == &client ? last_ : client.later_->earlier_) = client.earlier_;
  client.list_ = nullptr;
  --size_;
  if (was_first) {
    publish();
  }
}

void IdleClients::publish() noexcept {
  const TimePoint since = first_ == nullptr ? TimePoint::max() : first_->since_;
  longest_since_.store(since.time_since_epoch().count(), std::memory_order_relaxed);
}

bool IdleClients::giveWay() {
  while (first_ != nullptr) {
    IdleClient& longest = *first_;
    remove(longest);
    if (longest.giveWay()) {
      return true;
    }
  }
  return false;
}

IdleEverywhere::Room IdleEverywhere::makeRoomForNewest(IdleClients& mine) {
  const bool alone = mine.size() <= 1 && std::all_of(workers_.begin(), workers_.end(), [&](const IdleClients& worker) {
                       return &worker == &mine || worker.longestSince() >= mine.longestSince();
                     });
  return alone ? Room::None : makeRoom(mine);
}

IdleEverywhere::Room IdleEverywhere::makeRoom(IdleClients& mine) {
  IdleClients* longest = &mine;
  for (IdleClients& worker : workers_) {
    if (worker.longestSince() < longest->longestSince()) {
      longest = &worker;
    }
  }
  if (longest == &mine) {
    return mine.giveWay() ? Room::Here : Room::None;
  }
  // Until that runs the one that is meant may have gone, to make room for
  // somebody else: then it is no longer this worker's turn.
  longest->loop().post([this, longest, since = longest->longestSince()] {
    if (longest->longestSince() <= since) {
      longest->giveWay();
    } else {
      static_cast<void>(makeRoom(*longest));
    }
  });
  return Room::Elsewhere;
}

}  // namespace gatewhy
