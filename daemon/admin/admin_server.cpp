// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/admin_server.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>

#include "config/url.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kFeed{100};
constexpr std::chrono::milliseconds kHousekeeping{5000};
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr int kSendBuffer = 256 * 1024;  // octets

}  // namespace

Result<ListenSockets, ListenFault> openAdminListener(const AdminConfig& config, InheritedSockets& inherited) {
  const mode_t before = ::umask(0117);  // a socket file is made by bind()
  auto sockets = inherited.open(config.address, 1, kAdminDescriptor, true);
  ::umask(before);
  if (sockets && isPublicAddress(sockets->bound) && !config.allow_public) {  // systemd decides on its own
    return Failure{ListenFault{.address = config.address + " (" + sockets->bound + ", which other machines can reach)",
                               .call = "admin.allow_public",
                               .error = EACCES}};
  }
  return sockets;
}

AdminServer::AdminServer(Settings settings, AdminHandler& handler, const RecentFailures& failures,
                         std::atomic<std::uint64_t>& streams_missed)
    : settings_(std::move(settings)),
      handler_(handler),
      failures_(failures),
      streams_missed_(streams_missed),
      listener_(std::move(settings_.sockets.per_worker.front().front())),
      accept_again_(loop_, [this] { acceptAll(); }),
      next_turn_(loop_, [this] { answerNext(); }),
      feed_(loop_, [this] { feedStreams(); }),
      tick_(loop_, [this] { onTick(); }) {}

bool AdminServer::start() {
  onTick();  // the spares are there, and the first sample, before anybody can ask
  if (!watch_.start(loop_, listener_.get(), this)) {
    return false;
  }
  thread_ = std::thread([this] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the supervisor's
    pthread_setname_np(pthread_self(), "gatewhy-admin");
    loop_.run();
    watch_.stop();
    connections_.clear();
  });
  return true;
}

void AdminServer::stop() {
  if (thread_.joinable()) {
    loop_.stop();
    thread_.join();
  }
}

bool AdminServer::trustsHost(std::string_view host) const {
  return settings_.sockets.local.family() == AF_UNIX || isTrustedHost(host, settings_.hosts);
}

void AdminServer::onIo(bool /*readable*/, bool /*writable*/) {
  acceptAll();
}

void AdminServer::acceptAll() {
  for (;;) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      adopt(std::move(fd));
      continue;
    }
    const int error = errno;
    if (error == EINTR || error == ECONNABORTED) {
      continue;
    }
    if ((error == EMFILE || error == ENFILE) && !spares_.empty()) {
      spares_.pop_back();
      continue;
    }
    if (error == EMFILE || error == ENFILE) {
      makeRoom();  // its descriptor is free in the loop's next turn
    }
    if (error != EAGAIN) {
      accept_again_.arm(kAcceptPause);
    }
    return;
  }
}

void AdminServer::refillSpares() {
  while (spares_.size() < kSpares) {
    Fd spare(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!spare.valid()) {
      return;
    }
    spares_.push_back(std::move(spare));
  }
}

// Who comes to look is heard, probes of /healthz first of all: the connection
// that has been of no use for the longest time goes.
void AdminServer::makeRoom() {
  const auto before = [](const AdminConnection& a, const AdminConnection& b) {
    return std::pair(a.standing(), a.lastProgress()) < std::pair(b.standing(), b.lastProgress());
  };
  AdminConnection* least = nullptr;
  for (const auto& [connection, owner] : connections_) {
    if (least == nullptr || before(*connection, *least)) {
      least = connection;
    }
  }
  if (least != nullptr) {
    least->giveWay();
  }
}

bool AdminServer::mayBuffer() const {
  std::size_t waiting = 0;
  for (const auto& [connection, owner] : connections_) {
    waiting += connection->waiting();
  }
  return waiting < kMostWaiting;
}

void AdminServer::adopt(Fd fd) {
  if (connections_.size() >= kMostConnections) {
    makeRoom();
  }
  // The kernel's share of what waits for a reader who does not read.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  AdminConnectionHost& host = *this;
  auto connection = std::make_unique<AdminConnection>(loop_, host, std::move(fd));
  AdminConnection& started = *connection;
  connections_.emplace(&started, std::move(connection));
  started.start();
}

void AdminServer::awaitTurn(AdminConnection& connection) {
  turns_.push_back(&connection);
  next_turn_.schedule();
}

void AdminServer::answerNext() {
  if (turns_.empty()) {
    return;
  }
  AdminConnection& next = *turns_.front();
  turns_.pop_front();
  if (!turns_.empty()) {
    next_turn_.schedule();
  }
  next.answer();
}

void AdminServer::onClosed(AdminConnection& connection) {
  std::erase(turns_, &connection);
  const auto found = connections_.find(&connection);
  if (found != connections_.end()) {
    streams_ -= connection.streaming() ? 1 : 0;
    loop_.deferDelete(std::move(found->second));
    connections_.erase(found);
  }
}

void AdminServer::onStreamStarted() {
  ++streams_;
  if (!feed_.armed()) {
    feed_.arm(kFeed);
  }
}

// Streams look for news themselves, so that a failing request never wakes
// anybody up.
void AdminServer::feedStreams() {
  std::vector<AdminConnection*> streams;
  for (const auto& [connection, owner] : connections_) {
    if (connection->streaming()) {
      streams.push_back(connection);
    }
  }
  for (AdminConnection* stream : streams) {
    stream->feedStream();
  }
  if (streams_ != 0) {
    feed_.arm(kFeed);
  }
}

void AdminServer::onTick() {
  refillSpares();
  handler_.onTick();
  tick_.arm(kHousekeeping);
}

}  // namespace gatewhy
