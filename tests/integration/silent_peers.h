// SPDX-License-Identifier: Apache-2.0
// Peers that hold an exchange in a phase before there is a connection.
#pragma once

#include <cstdint>
#include <string>
#include <thread>

#include "proxy/loop/fd.h"

namespace gatewhy::test {

// A DNS server that keeps its peace until it is told to speak: every name is
// 127.0.0.1 then.
class SilentDns {
 public:
  SilentDns();
  ~SilentDns();
  SilentDns(const SilentDns&) = delete;
  SilentDns& operator=(const SilentDns&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void awaitQuery() const;
  void speak();

 private:
  void answerAll() const;

  Fd fd_;
  std::uint16_t port_ = 0;
  std::thread speaker_;
};

// Waits until a socket of this machine is in SYN_SENT towards that port.
[[nodiscard]] bool awaitSyn(std::uint16_t port);

}  // namespace gatewhy::test
