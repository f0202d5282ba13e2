// SPDX-License-Identifier: Apache-2.0
// The parts of classify(), one per kind of fault that needs a file.
#pragma once

#include "diagnostics/observation.h"

namespace gatewhy {

[[nodiscard]] Cause causeOfConnect(const ConnectFault& fault, const ConnectionFacts& connection) noexcept;

// During the handshake with the origin.
[[nodiscard]] Cause causeOfTlsHandshake(const TlsFault& fault) noexcept;

// With a client; a certificate of the client's that is refused ends no handshake.
[[nodiscard]] Cause causeOfClientTls(const TlsFault& fault) noexcept;

// After our side thought the handshake was done.
[[nodiscard]] Cause causeOfLateTls(const TlsFault& fault, std::uint64_t response_received) noexcept;

// HTTP/2, with a client or an origin.
[[nodiscard]] Cause causeOfStream(const StreamFault& fault, const Observation& seen) noexcept;
// A client's tunnel in a stream ends by END_STREAM; all else breaks it (RFC 8441 section 5).
[[nodiscard]] bool breaksTunnel(const Observation& seen) noexcept;

// An origin's message over HTTP/2: what it shares with HTTP/1.1 has the same cause.
[[nodiscard]] Cause causeOfH2Message(const ParseFault& fault) noexcept;

// A GOAWAY that leaves the request's stream out: the origin says that it did
// nothing with it (RFC 9113 section 6.8).
[[nodiscard]] bool aboveGoAway(const StreamFault& fault, const ConnectionFacts& connection) noexcept;

// The origin gave the stream up because of our load, whatever it did before:
// to come back at once is what it asks us not to do.
[[nodiscard]] bool asksForCalm(const StreamFault& fault) noexcept;

// A PING of HTTP/2 went unanswered, and TCP says that it arrived: the host is
// alive, its process is not.
[[nodiscard]] bool pingWasRead(const Observation& seen) noexcept;

// Whether request bytes are still without acknowledgement, as far as TCP_INFO
// tells; false without it.
[[nodiscard]] bool requestUnacknowledged(const Observation& observation) noexcept;

}  // namespace gatewhy
