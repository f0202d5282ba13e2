// SPDX-License-Identifier: Apache-2.0
// A connected, non-blocking socket with or without TLS: the one owner of its
// descriptor, its SSL and the facts of its last failure. errno and the OpenSSL
// error queue are copied at the failing call.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "diagnostics/observation.h"
#include "proxy/loop/fd.h"
#include "proxy/net/splice_pipe.h"

struct ssl_st;  // of <openssl/ssl.h>, which few of those who hold a Transport need
using SSL = ssl_st;

namespace gatewhy {

struct SslDeleter {
  void operator()(SSL* ssl) const noexcept;
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

enum class IoStatus : std::uint8_t {
  Ok,
  WouldBlock,
  Ended,  // the peer closed, or the connection broke: fault() says how
};

struct IoResult {
  IoStatus status = IoStatus::WouldBlock;
  std::size_t size = 0;  // Ok; on a TLS write that Ended, what went out before
  bool drained = false;  // read, Ok: nothing more is there now, no second call is needed
};

// Fin/CloseNotify/TlsTruncated/Reset/Error, or a TLS record or alert that
// broke the session after its handshake.
using TransportFault = std::variant<EndFault, TlsFault>;

enum class HandshakeStatus : std::uint8_t { Done, WouldBlock, Failed };

class Transport {
 public:
  Transport() = default;
  explicit Transport(Fd fd) noexcept : fd_(std::move(fd)) {}
  Transport(Transport&&) noexcept = default;
  Transport& operator=(Transport&&) noexcept = default;
  ~Transport() = default;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] bool tls() const noexcept { return ssl_ != nullptr; }
  [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }

  // Begins TLS on the connected socket; `ssl` comes from a TLS context of
  // tls_context.h, in connect or accept state. Then call handshake(), and again
  // at each readiness, until it is Done or Failed. `readable`: bytes may have
  // come already; where they cannot, the first call spares a read.
  void startTls(SslPtr ssl, bool readable = true);
  // Gives the SSL up without a close_notify: answering in plain text a client
  // that spoke plain text to a TLS port.
  void dropTls() noexcept { ssl_.reset(); }
  [[nodiscard]] HandshakeStatus handshake();
  // After Failed (or a timeout): what was seen. `certificate_presented` etc.
  // are filled from the session's record.
  [[nodiscard]] TlsFault handshakeFault() const;

  [[nodiscard]] IoResult read(char* buffer, std::size_t size);
  [[nodiscard]] IoResult write(const char* data, std::size_t size);
  // The parts one behind the other, without copying them together: in one call
  // or, over TLS, as records that leave together. `size` counts over all.
  [[nodiscard]] IoResult writeGathered(std::initializer_list<std::string_view> parts);
  // Plain sockets only: up to `size` bytes into the pipe, or what it holds out
  // of it, as far as socket and pipe take them. An end is told like read()'s
  // and write()'s.
  [[nodiscard]] SpliceResult readInto(SplicePipe& pipe, std::size_t size);
  [[nodiscard]] SpliceResult writeFrom(SplicePipe& pipe);
  [[nodiscard]] const TransportFault& fault() const noexcept;
  // TLS: decrypted bytes wait inside the library, no readiness will announce them.
  [[nodiscard]] bool hasBufferedInput() const noexcept;

  void shutdownWrite() noexcept;  // close_notify where TLS, then FIN
  // The next close sends RST: what was cut short must not look complete.
  void resetOnClose() noexcept;
  void close() noexcept;

  // A few bytes in front of TLS and of all else, on a connection that is new.
  // They are nobody's: tcpInfo() leaves them out of bytes_acked.
  void writePreamble(std::string_view bytes);

  // TCP keep-alive: that the peer vanished is noticed while nothing is sent.
  void probeWhenSilent() noexcept;
  [[nodiscard]] std::optional<TcpSnapshot> tcpInfo() const noexcept;  // nullopt: not TCP
  [[nodiscard]] int unsentBytes() const noexcept;  // SIOCOUTQ: neither sent nor acknowledged; -1 unknown

 private:
  [[nodiscard]] IoResult readTls(char* buffer, std::size_t size);
  [[nodiscard]] IoResult writeTls(const char* data, std::size_t size, bool more);
  [[nodiscard]] IoResult writeTlsGathered(std::initializer_list<std::string_view> parts);
  void endRead(EndFault end);
  [[nodiscard]] IoResult endWrite(TransportFault fault);
  void setFault(TransportFault fault);

  Fd fd_;
  SslPtr ssl_;
  std::unique_ptr<TransportFault> fault_;  // null until something fails: most connections never do
  bool read_ended_ = false;                // the stream is over, fault_ said how
  bool end_waits_ = false;                 // the end came together with data and has not been returned
  bool saw_fin_ = false;                   // FIN or close_notify
  bool saw_reset_ = false;
  bool input_drained_ = false;    // TLS: a further record needs bytes from the socket
  bool handshake_waits_ = false;  // the next handshake() is no readiness
  std::uint8_t preamble_ = 0;     // octets in front of all
};

}  // namespace gatewhy
