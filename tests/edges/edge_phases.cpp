// SPDX-License-Identifier: Apache-2.0
#include "tests/edges/edge_phases.h"

#include <ostream>
#include <string>

namespace gatewhy::test {
namespace {

constexpr std::ptrdiff_t kFlightParts = 3;  // so that a handshake can become whole
constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kUpgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: edges\r\n\r\n";
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: edges\r\n\r\n";

using Enter = std::function<void(EdgeWorld&)>;
using Data = std::function<void(EdgeWorld&, int)>;

Enter exchangeOf(std::string_view request, std::string_view response) {
  return [request, response](EdgeWorld& world) {
    world.clientSays(request);
    if (!response.empty()) {
      world.originSays(response);
    }
  };
}

Data bytesOf(bool origin_side, std::size_t size) {
  return [origin_side, size](EdgeWorld& world, int) {
    (origin_side ? world.origin() : world.client()).say(std::string(size, '#'));
  };
}

Data linesOf(bool origin_side, std::string_view first) {
  return [origin_side, first](EdgeWorld& world, int number) {
    (origin_side ? world.origin() : world.client()).say(number == 0 ? first : "X-More: 1\r\n");
  };
}

Data flightOf(bool origin_side) {
  return
      [origin_side](EdgeWorld& world, int) { (origin_side ? world.origin() : world.client()).sendPart(kFlightParts); };
}

void shakeHands(EdgePhase& phase) {
  phase.without = "TC";
  phase.parts = kFlightParts;
}

bool originGone(EdgeWorld& world, std::string_view /*ends*/) {
  return world.originClosed();
}
bool clientGone(EdgeWorld& world, std::string_view /*ends*/) {
  return world.clientClosed() || !world.cause().empty();
}
// A tunnel passes an orderly end on, and lives on in the other direction: that
// an origin which has said all takes nothing more matters to who sends to it.
bool originLeftTunnel(EdgeWorld& world, std::string_view ends) {
  return world.originClosed() || (ends != "R" && world.client().socket.shut);
}
bool clientLeftTunnel(EdgeWorld& world, std::string_view ends) {
  return clientGone(world, ends) || (ends.back() != 'R' && world.origin().socket.shut);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const EdgePhase& phase) {
  return out << phase.name;
}

std::vector<EdgePhase> originPhases(bool tls) {
  std::vector<EdgePhase> phases;
  const auto add = [&](const char* name, Enter enter, Data data) -> EdgePhase& {
    return phases.emplace_back(EdgePhase{.name = name,
                                         .tls = {.origin = tls},
                                         .origin_side = true,
                                         .enter = std::move(enter),
                                         .data = std::move(data),
                                         .noticed = originGone});
  };
  if (tls) {
    const Enter hello = [](EdgeWorld& world) {
      world.origin().withhold();
      world.clientSays(kGet);
    };
    shakeHands(add("handshake", hello, flightOf(true)));
  }
  add("head", exchangeOf(kGet, ""), linesOf(true, "HTTP/1.1 200 OK\r\n"));
  add("body", exchangeOf(kGet, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), bytesOf(true, 10));
  // The first D ends the message: the connection is parked, or is over.
  add("end of body", exchangeOf(kGet, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), bytesOf(true, 10));
  if (!tls) {
    add("spliced body", exchangeOf(kGet, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), bytesOf(true, 20'000));
    add("body until close", exchangeOf(kGet, "HTTP/1.1 200 OK\r\n\r\n"), bytesOf(true, 10));
  }
  add("parked", exchangeOf(kGet, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), bytesOf(true, 10));
  add("tunnel", exchangeOf(kUpgrade, kSwitch), bytesOf(true, 10)).noticed = originLeftTunnel;
  return phases;
}

std::vector<EdgePhase> clientPhases(bool tls) {
  std::vector<EdgePhase> phases;
  const auto add = [&](const char* name, Enter enter, Data data) -> EdgePhase& {
    return phases.emplace_back(EdgePhase{.name = name,
                                         .tls = {.client = tls},
                                         .origin_side = false,
                                         .enter = std::move(enter),
                                         .data = std::move(data),
                                         .noticed = clientGone});
  };
  if (tls) {
    const Enter hello = [](EdgeWorld& world) {
      world.client().withhold();
      world.client().pump();
    };
    const Enter finished = [](EdgeWorld& world) {
      world.client().pump();
      world.turn();
      world.client().withhold();
      world.client().pump();
    };
    shakeHands(add("handshake", hello, flightOf(false)));
    shakeHands(add("end of handshake", finished, flightOf(false)));
  }
  add(
      "head", [](EdgeWorld& world) { world.settle(); }, linesOf(false, "GET / HTTP/1.1\r\n"));
  add("body", exchangeOf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", ""), bytesOf(false, 10));
  // From the first D on the request is whole: a FIN leaves a client that waits
  // for its answer, but a reset has to be known.
  add("end of body", exchangeOf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", ""), bytesOf(false, 10))
      .ends = "R";
  if (!tls) {
    add("spliced body", exchangeOf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", ""),
        bytesOf(false, 20'000));
  }
  if (!tls) {  // over TLS as with the end of a body
    add("waiting", exchangeOf(kGet, ""), linesOf(false, "GET / HTTP/1.1\r\n")).ends = "R";
  }
  add("tunnel", exchangeOf(kUpgrade, kSwitch), bytesOf(false, 10)).noticed = clientLeftTunnel;
  return phases;
}

}  // namespace gatewhy::test
