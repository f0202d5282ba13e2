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
  std::size_t room = SIZE_MAX;  // bytes that send() takes
  bool send_blocked = false;    // the last send() could not take all
  int unacknowledged = 0;       // written bytes that the peer's TCP does not have, as SIOCOUTQ tells

  // Fewer free bytes are none for epoll, though send() would take them.
  static constexpr std::size_t kWriteSpace = 4096;
  [[nodiscard]] bool writable() const { return room >= kWriteSpace || shut || reset; }
  // The peer takes bytes: an edge where somebody was told that there is no room.
  void giveRoom(std::size_t bytes);

  // The kernel's own.
  int fd = -1;
  void* watch = nullptr;      // what epoll was given; null: not watched
  bool wants_room = false;    // SOCK_NOSPACE
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
  void forget(const FakeSocket& socket);
  // What the next socket() and connect() of the product get, at once.
  void expectConnect(FakeSocket* socket) { next_ = socket; }
  void passTime(std::chrono::seconds time) { now_ += time; }

  // For the system calls.
  [[nodiscard]] FakeSocket* find(int fd) const;
  [[nodiscard]] FakeSocket* takeNext();
  [[nodiscard]] std::chrono::seconds now() const { return now_; }
  void watch(int epoll, FakeSocket& socket, void* data);
  [[nodiscard]] bool collects(int epoll) const { return epoll == epoll_; }
  int collect(epoll_event* events, int room);  // edges that are due
  static FakeKernel* current();

 private:
  std::vector<FakeSocket*> sockets_;  // open ones
  FakeSocket* next_ = nullptr;
  std::chrono::seconds now_{1000};
  int epoll_ = -1;  // the set that fake sockets are in
  // A real socket that stands in for each fake one: options and ioctls that
  // matter to nobody here find it.
  int placeholder_[2] = {-1, -1};
  // Always readable, in the set: whoever waits for the set is woken at once.
  int beacon_;
};

}  // namespace gatewhy::test
