// SPDX-License-Identifier: Apache-2.0
// The socket under an SSL, as a BIO of our own: unlike OpenSSL's it says when
// a read has emptied the socket, and lets several records leave together.
#pragma once

#include <openssl/ssl.h>

namespace gatewhy {

struct TlsSocket {
  int fd = -1;  // not owned
  // The last read was short: more is announced by a new readiness, and until
  // the owner, told of one, resets this the socket is not asked again.
  bool emptied = false;
  bool ended = false;  // the peer's FIN has been read
  bool more = false;   // for writes: further bytes follow at once (MSG_MORE)
};

// Puts the connected, non-blocking `fd` under `ssl`, for reading and writing.
// False: out of memory.
[[nodiscard]] bool attachTlsSocket(SSL* ssl, int fd);
// Only after attachTlsSocket() said true. Dies with the SSL.
[[nodiscard]] TlsSocket& tlsSocketOf(SSL* ssl) noexcept;

}  // namespace gatewhy
