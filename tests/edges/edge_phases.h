// SPDX-License-Identifier: Apache-2.0
// Where a connection can be when its peer ends it.
#pragma once

#include <functional>
#include <iosfwd>
#include <string_view>
#include <vector>

#include "tests/edges/edge_world.h"

namespace gatewhy::test {

// The steps of a peer, by letter: D data, T a TLS record without any, C
// close_notify, F FIN, R RST, E an edge that brings nothing, M the time limits
// pass.
struct EdgePhase {
  const char* name;
  EdgeWorld::Tls tls;
  bool origin_side;
  std::function<void(EdgeWorld&)> enter;                      // brings a fresh world into it
  std::function<void(EdgeWorld&, int)> data;                  // the nth D, from 0
  std::function<bool(EdgeWorld&, std::string_view)> noticed;  // the product knows of these ends
  std::string_view ends = "CFR";                              // those that have to be known at once
  std::string_view without = "";                              // steps that cannot be here
  std::ptrdiff_t parts = 0;  // so many D make a handshake whole; 0: D is something else

  [[nodiscard]] bool isTls() const { return tls.origin || tls.client; }
  [[nodiscard]] Peer& peer(EdgeWorld& world) const { return origin_side ? world.origin() : world.client(); }
};

std::ostream& operator<<(std::ostream& out, const EdgePhase& phase);

[[nodiscard]] std::vector<EdgePhase> originPhases(bool tls);
[[nodiscard]] std::vector<EdgePhase> clientPhases(bool tls);

}  // namespace gatewhy::test
