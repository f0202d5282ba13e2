// SPDX-License-Identifier: Apache-2.0
// One DNS server, asked through a c-ares channel of its own: c-ares walks its
// servers without telling what each of them said, so it never gets two.
#pragma once

#include <ares.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/loop/event_loop.h"
#include "proxy/net/address.h"

namespace gatewhy {

// What came back; `bytes` is empty where no answer did, and valid during the
// call only.
struct RawDnsAnswer {
  int ares_status = 0;
  int socket_error = 0;  // errno of a socket() that failed, for a query that found no way out
  std::span<const std::uint8_t> bytes;
};

class DnsChannel {
 public:
  using OnAnswer = std::function<void(const RawDnsAnswer&)>;

  DnsChannel(EventLoop& loop, const Address& server);
  // Queries still running are never answered. Not from inside an OnAnswer.
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  [[nodiscard]] const std::string& server() const noexcept { return server_; }  // "192.0.2.1:53"
  // `host` is fully qualified; `family` chooses A or AAAA. A failure on this
  // host may call `on_answer` before query() returns.
  void query(const std::string& host, int family, OnAnswer on_answer);

 private:
  struct Query;
  struct Socket;
  struct SocketFunctions;
  static void onAresAnswer(void* query, int status, int timeouts, unsigned char* bytes, int size);
  static void onSocketState(void* self, ares_socket_t fd, int readable, int writable);
  // Either may be ARES_SOCKET_BAD; with both so, what ran out is looked at.
  void process(ares_socket_t readable, ares_socket_t writable);
  void armTimer();

  EventLoop& loop_;
  std::string server_;
  ares_channel channel_ = nullptr;
  int setup_status_ = ARES_SUCCESS;
  int socket_error_ = 0;
  bool closing_ = false;
  Deadline timer_;
  std::unordered_map<ares_socket_t, std::unique_ptr<Socket>> sockets_;
};

inline constexpr std::uint16_t kDnsPort = 53;

// "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:53"
[[nodiscard]] std::optional<Address> parseDnsServer(std::string_view text);
// Those of the system (resolv.conf(5)), in order.
[[nodiscard]] std::vector<Address> systemDnsServers();

}  // namespace gatewhy
