// SPDX-License-Identifier: Apache-2.0
// A kernel that a test commands: some descriptors are answered from here, by
// definitions of recv, send, epoll_wait and their like that come before libc's
// in this program. What arrives, and which arrivals share an edge, is the
// test's to say; all of the product above the system calls is the real one.
// Other descriptors, and all while no world is there, get the real kernel.
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace gatewhy::test {

// The end that the product holds.
struct FakeSocket {
  std::string in;               // arrived, not yet read
  std::string out;              // written by the product
  bool fin = false;             // the peer's FIN, behind `in`
  bool reset = false;           // the peer's RST, behind `in`: TCP keeps what came before it readable
  bool shut = false;            // the product has sent FIN
  bool closed = false;          // the product has closed it
  bool pending = false;         // something came since the last edge
  std::size_t room = SIZE_MAX;  // bytes that send() takes; more room is an edge where it was asked for in vain
  bool no_space = false;        // asked in vain

  int fd = -1;
  void* watch = nullptr;      // what epoll was given; null: not watched
  bool reset_told = false;    // the error is told once, then it is the end
  std::uint64_t written = 0;  // over all, as acknowledged by TCP_INFO
};

class FakeKernel {
 public:
  FakeKernel();
  ~FakeKernel();
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;

  // A descriptor for `socket`, the product's to close. `socket` outlives that.
  int open(FakeSocket& socket);
  void forget(FakeSocket& socket);
  // What the next socket() and connect() of the product get, at once.
  void expectConnect(FakeSocket& socket) { next_ = &socket; }
  void passTime(std::chrono::seconds time) { offset_ += time; }

  static void giveRoom(FakeSocket& socket, std::size_t bytes);

  // For the system calls.
  [[nodiscard]] FakeSocket* find(int fd) const;
  [[nodiscard]] FakeSocket* takeNext();
  [[nodiscard]] std::chrono::seconds offset() const { return offset_; }
  int collect(epoll_event* events, int room);  // edges that are due
  static FakeKernel* current();

 private:
  std::vector<FakeSocket*> sockets_;  // by descriptor
  FakeSocket* next_ = nullptr;
  std::chrono::seconds offset_{};
  int placeholder_ = -1;
};

}  // namespace gatewhy::test
