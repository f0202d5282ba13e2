// SPDX-License-Identifier: Apache-2.0
// The socket under an SSL, as a BIO of our own: unlike OpenSSL's it says when
// a read has emptied the socket, and lets several records leave together.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

namespace gatewhy {

struct TlsSocket {
  // What the last read told of the socket. Only while bytes may wait is it
  // asked; the owner, told of a new readiness, says that they may.
  enum class Input : std::uint8_t {
    MayWait,
    Taken,    // a short read: no byte is left, but a FIN or RST may stand right behind the last one
    Blocked,  // EAGAIN: whatever comes is announced
  };

  int fd = -1;  // not owned
  Input input = Input::MayWait;
  bool ended = false;  // the peer's FIN has been read, and told
  // A FIN that comes now is told by a later read. To OpenSSL one without
  // close_notify breaks the session: whoever got bytes before it decides first
  // whether that matters.
  bool hold_end = false;
  bool end_held = false;
  bool more = false;  // for writes: further bytes follow at once (MSG_MORE)

  // The library wants more than a short read brought it. True, once for each
  // such read: ask the socket again, for the end that shares an edge with
  // bytes is announced by no other.
  [[nodiscard]] bool mayHideEnd() noexcept {
    const bool taken = input == Input::Taken;
    if (taken) {
      input = Input::MayWait;
    }
    return taken;
  }
};

// Puts the connected, non-blocking `fd` under `ssl`, for reading and writing.
// False: out of memory.
[[nodiscard]] bool attachTlsSocket(SSL* ssl, int fd);
// Only after attachTlsSocket() said true. Dies with the SSL.
[[nodiscard]] TlsSocket& tlsSocketOf(SSL* ssl) noexcept;

}  // namespace gatewhy
