// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "diagnostics/result.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/address.h"

namespace gatewhy {

// What could not be opened, and why.
struct ListenFault {
  std::string address;
  std::string call;  // "bind"
  int error = 0;
};

// One listener's sockets. Each worker accepts on its own (SO_REUSEPORT: the
// kernel spreads connections, workers share nothing) or on duplicates of one
// that all share (unix sockets, and those that came with the process).
struct ListenSockets {
  std::string address;  // as configured
  std::string bound;    // as bound: the port that 0 became
  Address local;
  // One per worker, or more where more came with the process than there are
  // workers: each has a queue of its own, so somebody must serve it.
  std::vector<std::vector<Fd>> per_worker;
};
// `ipv4_too`: whether an IPv6 socket on the wildcard address takes IPv4
// connections as well.
[[nodiscard]] Result<ListenSockets, ListenFault> openListener(const std::string& address, std::size_t workers,
                                                              bool ipv4_too = false);
// The same from sockets that listen already; `sockets` is not empty.
[[nodiscard]] Result<ListenSockets, ListenFault> adoptListener(const std::string& address, std::size_t workers,
                                                               std::vector<Fd> sockets);

// What the socket is bound to.
[[nodiscard]] Address localAddress(int fd);

// True for an IPv6 socket that takes IPv4 connections too.
[[nodiscard]] bool takesIpv4(int listening) noexcept;

// Accepts on one listening socket, in bounded batches. Loop thread only.
class Listener : public IoHandler, public Deferred {
 public:
  using OnAccept = std::function<void(Fd fd, const Address& peer)>;
  // Asked before each is taken. False: newcomers stay in the kernel's queue,
  // and it is asked again in a moment.
  using MayAccept = std::function<bool()>;
  // What to do when accept4() fails for want of descriptors or memory.
  enum class Shortage : std::uint8_t {
    Retry,  // room was made
    Wait,   // room will be there in a moment
    Refuse  // close one newcomer, so that not all run into time-outs of their own; then wait
  };
  // errno; `somebody_waits`: false where the last descriptor went to the last
  // who came, so that only their requests may want for one.
  using OnShortage = std::function<Shortage(int error, bool somebody_waits)>;
  Listener(EventLoop& loop, Fd fd, MayAccept may_accept, OnAccept on_accept, OnShortage on_shortage);
  ~Listener() override;

  [[nodiscard]] bool start();
  // Takes what waits in the queue, then closes: a connection that the kernel
  // has accepted is not lost.
  void stop();

 private:
  void onIo(bool readable, bool writable) override;
  void acceptBatch();
  // Accepts at most `limit` while it may. True: nobody waits any more, or all
  // wait for pause_.
  bool accept(int limit, const MayAccept& may_accept);
  [[nodiscard]] bool somebodyWaits() const;

  EventLoop& loop_;
  Fd fd_;
  MayAccept may_accept_;
  OnAccept on_accept_;
  OnShortage on_shortage_;
  IoWatch watch_;
  Deadline pause_;
  Fd reserve_;  // given up to take and close one connection when descriptors run out
};

}  // namespace gatewhy
