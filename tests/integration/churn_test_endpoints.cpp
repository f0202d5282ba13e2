// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/churn_test_endpoints.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <future>
#include <string_view>

#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

constexpr int kBacklog = 512;

sockaddr_in churnAddress(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Fd boundTo(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  const sockaddr_in address = churnAddress(port);
  ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return fd;
}

std::uint16_t portOf(const Fd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

void closeHard(Fd& fd) {
  const linger hard{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  fd.reset();
}

// Octets of the first request in `received`; 0: it is not whole.
std::size_t wholeRequest(std::string_view received) {
  const std::size_t head = received.find("\r\n\r\n");
  if (head == std::string_view::npos) {
    return 0;
  }
  constexpr std::string_view kLength = "Content-Length: ";
  std::size_t body = 0;
  if (const std::size_t at = received.find(kLength); at < head) {
    std::from_chars(received.data() + at + kLength.size(), received.data() + head, body);
  }
  const std::size_t size = head + 4 + body;
  return received.size() >= size ? size : 0;
}

}  // namespace

const char* nameOf(Death how) {
  static constexpr std::array<const char*, kDeaths> kNames{"refuses",    "drops", "cuts requests",
                                                           "cuts heads", "hangs", "fails its check"};
  return kNames[static_cast<std::size_t>(how)];
}

const char* causeOfDeath(Death how) {
  static constexpr std::array<const char*, kDeaths> kCauses{"connection_refused",    "connection_timeout",
                                                            "reset_before_response", "response_head_incomplete",
                                                            "response_timeout",      "health_status_unexpected"};
  return kCauses[static_cast<std::size_t>(how)];
}

ChurnEndpoints::ChurnEndpoints(std::size_t count)
    : endpoints_(count), epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  watch(wake_.get());
  for (std::size_t i = 0; i < count; ++i) {
    endpoints_[i].place = boundTo(0);
    endpoints_[i].port = portOf(endpoints_[i].place);
    listenAt(i, kBacklog);
  }
  thread_ = std::thread([this] { run(); });
}

ChurnEndpoints::~ChurnEndpoints() {
  inLoop([this] { stopping_ = true; });
  thread_.join();
}

std::string ChurnEndpoints::url(std::size_t endpoint) const {
  return "http://127.0.0.1:" + std::to_string(endpoints_[endpoint].port);
}

void ChurnEndpoints::kill(std::size_t endpoint, Death how) {
  inLoop([this, endpoint, how] {
    Endpoint& dying = endpoints_[endpoint];
    dying.dead = how;
    if (how != Death::Refuses && how != Death::Drops) {
      return;
    }
    stopListening(endpoint);
    resetPeersOf(endpoint);
    if (how == Death::Drops) {
      dying.listening = boundTo(dying.port);
      ::listen(dying.listening.get(), 0);
      dying.filler = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      const sockaddr_in address = churnAddress(dying.port);
      static_cast<void>(::connect(dying.filler.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
    }
  });
}

void ChurnEndpoints::revive(std::size_t endpoint) {
  inLoop([this, endpoint] {
    Endpoint& back = endpoints_[endpoint];
    const Death from = *std::exchange(back.dead, std::nullopt);
    if (from == Death::Refuses || from == Death::Drops) {
      stopListening(endpoint);
      listenAt(endpoint, kBacklog);
      return;
    }
    for (auto at = peers_.begin(); at != peers_.end();) {
      const auto peer = at++;
      if (peer->second.endpoint == endpoint && !serve(peer->second)) {
        peers_.erase(peer);
      }
    }
  });
}

void ChurnEndpoints::inLoop(const std::function<void()>& task) {
  std::promise<void> done;
  {
    const std::lock_guard lock(mutex_);
    tasks_.emplace_back([&] {
      task();
      done.set_value();
    });
  }
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof one));
  done.get_future().wait();
}

void ChurnEndpoints::runTasks() {
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_.get(), &count, sizeof count));
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) {
    task();
  }
}

// One event at a time: a task may close what other events are of.
void ChurnEndpoints::run() {
  while (!stopping_) {
    epoll_event event{};
    if (::epoll_wait(epoll_.get(), &event, 1, -1) != 1) {
      continue;
    }
    if (event.data.fd == wake_.get()) {
      runTasks();
      continue;
    }
    const auto listening = std::find_if(endpoints_.begin(), endpoints_.end(), [&](const Endpoint& endpoint) {
      return endpoint.listening.get() == event.data.fd;
    });
    if (listening != endpoints_.end()) {
      accept(static_cast<std::size_t>(listening - endpoints_.begin()));
    } else {
      receive(event.data.fd);
    }
  }
}

void ChurnEndpoints::watch(int fd) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void ChurnEndpoints::listenAt(std::size_t endpoint, int backlog) {
  Endpoint& opening = endpoints_[endpoint];
  opening.listening = boundTo(opening.port);
  ::listen(opening.listening.get(), backlog);
  watch(opening.listening.get());
}

void ChurnEndpoints::stopListening(std::size_t endpoint) {
  endpoints_[endpoint].listening.reset();
  endpoints_[endpoint].filler.reset();
}

void ChurnEndpoints::resetPeersOf(std::size_t endpoint) {
  for (auto at = peers_.begin(); at != peers_.end();) {
    const auto peer = at++;
    if (peer->second.endpoint == endpoint) {
      closeHard(peer->second.fd);
      peers_.erase(peer);
    }
  }
}

void ChurnEndpoints::accept(std::size_t endpoint) {
  Fd fd(::accept4(endpoints_[endpoint].listening.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) {
    return;
  }
  const int number = fd.get();
  peers_[number] = Peer{.fd = std::move(fd), .endpoint = endpoint, .received = {}};
  watch(number);
}

void ChurnEndpoints::receive(int fd) {
  const auto found = peers_.find(fd);
  if (found == peers_.end()) {
    return;
  }
  std::array<char, 4096> block{};
  const ssize_t size = ::recv(fd, block.data(), block.size(), 0);
  if (size < 0 && errno == EAGAIN) {
    return;
  }
  if (size > 0) {
    found->second.received.append(block.data(), static_cast<std::size_t>(size));
  }
  if (size <= 0 || !serve(found->second)) {
    peers_.erase(found);
  }
}

bool ChurnEndpoints::serve(Peer& peer) {
  while (endpoints_[peer.endpoint].dead != Death::Hangs) {
    const std::size_t size = wholeRequest(peer.received);
    if (size == 0) {
      return true;
    }
    const std::string request = peer.received.substr(0, size);
    peer.received.erase(0, size);
    const std::size_t target = request.find(' ') + 1;
    if (!answer(peer, std::string_view(request).substr(target, request.find(' ', target) - target))) {
      return false;
    }
  }
  return true;
}

bool ChurnEndpoints::answer(Peer& peer, std::string_view target) {
  const std::optional<Death>& dead = endpoints_[peer.endpoint].dead;
  if (dead == Death::CutsRequests) {
    closeHard(peer.fd);
    return false;
  }
  std::string response = okResponse(std::to_string(peer.endpoint));
  if (dead == Death::FailsCheck && target == "/healthz") {
    response = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
  } else if (dead == Death::CutsHeads) {
    response.resize(response.find("\r\n") + 8);
  }
  const bool sent = ::send(peer.fd.get(), response.data(), response.size(), MSG_NOSIGNAL) > 0;
  return sent && dead != Death::CutsHeads;  // a FIN in the middle of the head
}

}  // namespace gatewhy::test
