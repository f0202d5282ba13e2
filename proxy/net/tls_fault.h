// SPDX-License-Identifier: Apache-2.0
// OpenSSL's ways to fail, told apart. Everything here works on values that
// were copied right after the failing call.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "diagnostics/observation.h"
#include "proxy/net/transport.h"

namespace gatewhy {

struct SslError {
  int kind = SSL_ERROR_NONE;  // SSL_ERROR_*
  int error = 0;              // errno
  unsigned long code = 0;     // of the error queue: the library's own word, else the oldest
};

// Call it with nothing between it and the failing call; empties the queue.
[[nodiscard]] SslError takeSslError(const SSL* ssl, int ret) noexcept;
// The oldest entry of the error queue, which is emptied.
[[nodiscard]] unsigned long takeErrorCode() noexcept;

// The session's record so far; `failure` and what belongs to it are not set.
[[nodiscard]] TlsFault tlsFacts(const SSL* ssl);
[[nodiscard]] TlsFault handshakeFaultOf(const SSL* ssl, const SslError& error);
[[nodiscard]] TransportFault sessionFaultOf(const SSL* ssl, const SslError& error);
// Our own file, or option, could not be used. Empties the error queue.
[[nodiscard]] TlsFault setupFault(std::string detail);

}  // namespace gatewhy
