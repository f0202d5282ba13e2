// SPDX-License-Identifier: Apache-2.0
// Sockets for tests that play a client or an origin: blocking, but never for
// longer than kPatience, and with every way to end that a peer can see.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "proxy/loop/fd.h"

namespace gatewhy::test {

class Socket {
 public:
  enum class End : std::uint8_t { None, Fin, Reset, Late };

  Socket() = default;
  explicit Socket(Fd fd);
  // `address` is "127.0.0.1:8080". Not open() where that failed.
  [[nodiscard]] static Socket connectTo(const std::string& address, int receive_buffer = 0);

  [[nodiscard]] bool open() const { return fd_.valid(); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::uint16_t localPort() const;

  // False where the peer has gone, or takes nothing any more.
  bool send(std::string_view bytes);
  // From now on every send is a segment of its own.
  void sendAtOnce() const;
  // Until the kernel takes no more or `most` bytes are gone; how many.
  std::size_t sendUntilFull(std::size_t most);

  // Waits for bytes and appends them to buffer(). False at the end, see end().
  bool receive();
  // Everything up to the end of the connection, or kPatience.
  void receiveToEnd();
  // Until buffer() holds `text`; false where the end came first.
  bool receiveUntil(std::string_view text);
  // Waits until something is there to be read, or the end is, and reads nothing.
  void awaitReadable() const;
  [[nodiscard]] std::string& buffer() { return buffer_; }
  [[nodiscard]] End end() const { return end_; }
  // Keeps all that is received, also what is taken out of buffer().
  void keepTranscript() { keeps_transcript_ = true; }
  [[nodiscard]] const std::string& transcript() const { return transcript_; }

  void finish();  // FIN; can still receive
  void reset();   // RST
  void close() { fd_.reset(); }

 private:
  Fd fd_;
  std::string buffer_;
  std::string transcript_;
  bool keeps_transcript_ = false;
  End end_ = End::None;
};

// Where a server listens: a loopback address, a port or any.
struct Place {
  std::string ip = "127.0.0.1";
  std::uint16_t port = 0;
};

class ListeningSocket {
 public:
  explicit ListeningSocket(int backlog = 512, int receive_buffer = 0, const Place& place = {});
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string address() const { return ip_ + ":" + std::to_string(port_); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] Socket accept() const;  // not open() after stop() or kPatience
  void stop();

 private:
  Fd fd_;
  std::string ip_;
  std::uint16_t port_ = 0;
};

// An origin: `serve` runs for each connection, on a thread of its own.
class OriginServer {
 public:
  using Serve = std::function<void(Socket& connection)>;
  explicit OriginServer(Serve serve, int receive_buffer = 0, const Place& place = {});
  ~OriginServer() { stop(); }
  OriginServer(const OriginServer&) = delete;
  OriginServer& operator=(const OriginServer&) = delete;
  // Ends every connection and waits for its thread: what it had been sent has
  // been seen then.
  void stop();

  [[nodiscard]] std::string url() const { return "http://" + listening_.address(); }
  [[nodiscard]] std::string address() const { return listening_.address(); }
  [[nodiscard]] std::uint16_t port() const { return listening_.port(); }

 private:
  struct Connection {
    Socket socket;
    std::thread thread;
    std::atomic<bool> over = false;
  };
  void run();
  void reap();

  Serve serve_;
  ListeningSocket listening_;
  std::mutex mutex_;
  std::list<Connection> connections_;  // guarded by mutex_
  bool stopping_ = false;              // guarded by mutex_
  std::thread acceptor_;
};

}  // namespace gatewhy::test
