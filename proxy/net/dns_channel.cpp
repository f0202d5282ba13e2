// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/dns_channel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace gatewhy {
namespace {

// c-ares doubles the time at the second try.
constexpr int kFirstTryMs = 1000;
constexpr int kTries = 2;
// DNS flag day 2020: fits every path without fragments.
constexpr int kEdnsSize = 1232;
using TimerStep = std::chrono::duration<std::int64_t, std::ratio<1, 50>>;  // 20 ms

void initLibrary() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  static_cast<void>(status);
}

Address fromAres(const ares_addr_port_node& node) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(node.family, &node.addr, text, sizeof text);
  const auto port = static_cast<std::uint16_t>(node.udp_port > 0 ? node.udp_port : kDnsPort);
  return Address::fromIp(text, port).value_or(Address{});
}

}  // namespace

struct DnsChannel::Query {
  DnsChannel& channel;
  OnAnswer on_answer;
};

// c-ares reads a stream once for each call, not to EAGAIN: level-triggered.
struct DnsChannel::Socket final : public IoHandler {
  Socket(DnsChannel& owner, ares_socket_t number) : channel(owner), fd(number) {}
  void onIo(bool readable, bool writable) override {
    channel.process(readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);  // the last word: we may be gone
  }

  DnsChannel& channel;
  ares_socket_t fd;
  IoWatch watch;
};

// c-ares calls an unsuccessful socket() "connection refused"; our own calls
// keep the errno, which tells a shortage here from a server that is away.
struct DnsChannel::SocketFunctions {
  static ares_socket_t open(int family, int type, int protocol, void* self) {
    const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    static_cast<DnsChannel*>(self)->socket_error_ = fd < 0 ? errno : 0;
    return fd;
  }
  static int close(ares_socket_t fd, void*) { return ::close(fd); }
  static int connect(ares_socket_t fd, const sockaddr* address, ares_socklen_t size, void*) {
    return ::connect(fd, address, size);
  }
  static ares_ssize_t receive(ares_socket_t fd, void* buffer, size_t size, int flags, sockaddr* from,
                              ares_socklen_t* from_size, void*) {
    return ::recvfrom(fd, buffer, size, flags, from, from_size);
  }
  static ares_ssize_t send(ares_socket_t fd, const iovec* parts, int count, void*) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);  // sendmsg(2) only reads it
    message.msg_iovlen = static_cast<std::size_t>(count);
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
  }
};

DnsChannel::DnsChannel(EventLoop& loop, const Address& server)
    : loop_(loop), server_(server.text()), timer_(loop, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {
  initLibrary();
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS;
  options.timeout = kFirstTryMs;
  options.tries = kTries;
  options.ednspsz = kEdnsSize;
  options.sock_state_cb = &DnsChannel::onSocketState;
  options.sock_state_cb_data = this;
  setup_status_ = ares_init_options(
      &channel_, &options,
      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);
  if (setup_status_ != ARES_SUCCESS) {
    channel_ = nullptr;
    return;
  }
  static const ares_socket_functions kFunctions{&SocketFunctions::open, &SocketFunctions::close,
                                                &SocketFunctions::connect, &SocketFunctions::receive,
                                                &SocketFunctions::send};
  ares_set_socket_functions(channel_, &kFunctions, this);
  setup_status_ = ares_set_servers_ports_csv(channel_, server_.c_str());
}

DnsChannel::~DnsChannel() {
  closing_ = true;
  if (channel_ != nullptr) {
    ares_destroy(channel_);  // ends every query and closes every socket, through the callbacks below
  }
}

void DnsChannel::query(const std::string& host, int family, OnAnswer on_answer) {
  if (setup_status_ != ARES_SUCCESS) {
    on_answer({setup_status_, 0, {}});
    return;
  }
  constexpr int kClassIn = 1;
  constexpr int kTypeA = 1;
  constexpr int kTypeAaaa = 28;
  auto query = std::make_unique<Query>(Query{*this, std::move(on_answer)});
  ares_query(channel_, host.c_str(), kClassIn, family == AF_INET6 ? kTypeAaaa : kTypeA, &DnsChannel::onAresAnswer,
             query.release());
  armTimer();
}

void DnsChannel::onAresAnswer(void* query, int status, int /*timeouts*/, unsigned char* bytes, int size) {
  const std::unique_ptr<Query> owned(static_cast<Query*>(query));
  DnsChannel& self = owned->channel;
  if (self.closing_) {
    return;
  }
  RawDnsAnswer answer{status, 0, {}};
  if (bytes != nullptr && size > 0) {
    answer.bytes = {bytes, static_cast<std::size_t>(size)};
  } else if (status == ARES_ECONNREFUSED) {
    answer.socket_error = self.socket_error_;
  }
  owned->on_answer(answer);
}

void DnsChannel::onSocketState(void* data, ares_socket_t fd, int readable, int writable) {
  auto& self = *static_cast<DnsChannel*>(data);
  if (readable == 0 && writable == 0) {
    self.sockets_.erase(fd);
    return;
  }
  std::unique_ptr<Socket>& slot = self.sockets_[fd];
  if (slot == nullptr) {
    slot = std::make_unique<Socket>(self, fd);
  }
  // On failure the query ends by its timer.
  [[maybe_unused]] const bool started =
      slot->watch.startLevel(self.loop_, fd, slot.get(), readable != 0, writable != 0);
}

void DnsChannel::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  armTimer();
}

void DnsChannel::armTimer() {
  timeval wait{};
  if (ares_timeout(channel_, nullptr, &wait) == nullptr) {
    timer_.cancel();
    return;
  }
  // Whole steps: the loop keeps a list for each duration.
  const auto exact = std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec);
  timer_.arm(std::max(std::chrono::ceil<TimerStep>(exact), TimerStep(1)));
}

std::optional<Address> parseDnsServer(std::string_view text) {
  if (auto bare = Address::fromIp(text, kDnsPort)) {
    return bare;
  }
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    return Address::fromIp(text.substr(1, text.size() - 2), kDnsPort);
  }
  auto address = Address::parse(text);
  if (!address || address->family() == AF_UNIX || address->port() == 0) {
    return std::nullopt;
  }
  return address;
}

std::vector<Address> systemDnsServers() {
  initLibrary();
  std::vector<Address> servers;
  ares_channel channel = nullptr;
  if (ares_init(&channel) != ARES_SUCCESS) {
    return servers;
  }
  ares_addr_port_node* list = nullptr;
  if (ares_get_servers_ports(channel, &list) == ARES_SUCCESS) {
    for (const ares_addr_port_node* node = list; node != nullptr; node = node->next) {
      servers.push_back(fromAres(*node));
    }
    ares_free_data(list);
  }
  ares_destroy(channel);
  return servers;
}

}  // namespace gatewhy
