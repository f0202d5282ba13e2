// SPDX-License-Identifier: Apache-2.0
// One peer's end of a connection on the fake kernel, plain or TLS 1.3. It does
// what a test says when it says it.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <string_view>

#include "proxy/net/transport.h"
#include "tests/edges/fake_kernel.h"

namespace gatewhy::test {

// Looks like a record, and no key of a session reads it.
inline constexpr std::string_view kNoRecord{
    "\x17\x03\x03\x00\x20"
    "0123456789abcdef0123456789abcdef",
    37};

class Peer {
 public:
  explicit Peer(FakeKernel& kernel) : kernel_(kernel) {}
  ~Peer() { kernel_.forget(socket); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void speakTls(SSL_CTX* context, bool server);
  // Takes what the product wrote, and answers where TLS has to. True: something moved.
  bool pump();
  // What TLS answers from here on comes as sendPart() says.
  void withhold() { withholds_ = true; }
  void sendPart(std::ptrdiff_t parts);  // the next of so many equal ones; nothing once all are sent
  void say(std::string_view text);
  void sayNothing();   // a record without a byte for HTTP: a session ticket, or a client's KeyUpdate
  void closeNotify();  // nothing where plain
  void alert();        // a fatal one, of a record that nobody sent
  void fin() { socket.fin = socket.pending = true; }
  void reset() { socket.reset = socket.pending = true; }
  void edge() { socket.pending = true; }  // one that brings nothing new

  FakeSocket socket;
  std::string heard;

 private:
  void flush();
  [[nodiscard]] bool isServer() const { return SSL_is_server(ssl_.get()) != 0; }

  FakeKernel& kernel_;
  SslPtr ssl_;
  bool withholds_ = false;
  std::string withheld_;
  std::size_t part_ = 0;  // the next one's size
};

}  // namespace gatewhy::test
