// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/script_peer.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <optional>

namespace gatewhy {
namespace {

std::string failed(std::string_view what, std::string_view address) {
  return fmt::format("{} {}: {}", what, address, std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<ScriptPeer>, std::string> ScriptPeer::start(ScriptPeerOptions options) {
  std::unique_ptr<ScriptPeer> peer(new ScriptPeer);
  peer->options_ = std::move(options);
  peer->environment_ = {&peer->stop_, peer->options_.signals, peer->options_.on_run, &peer->options_.by_path,
                        &peer->options_.tls_files};
  Result<bool, std::string> opened = peer->open();
  if (!opened) {
    return Failure{opened.error()};
  }
  if (peer->options_.listens && peer->options_.accepts) {
    peer->acceptor_ = std::thread([raw = peer.get()] { raw->acceptLoop(); });
  }
  return peer;
}

Result<bool, std::string> ScriptPeer::open() {
  const std::optional<Address> wanted = Address::parse(options_.address);
  if (!wanted) {
    return Failure{fmt::format("not an address: {}", options_.address)};
  }
  if (options_.scripts.empty() && options_.listens && options_.accepts) {
    return Failure{std::string("a peer needs a script")};
  }
  listener_ = Fd(::socket(wanted->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (wanted->family() != AF_UNIX) {
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (options_.receive_buffer > 0) {
    // Before listen(), for accepted sockets inherit their window from here.
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_RCVBUF, &options_.receive_buffer, sizeof options_.receive_buffer);
  }
  if (!listener_.valid() || ::bind(listener_.get(), wanted->get(), wanted->size) != 0) {
    return Failure{failed("cannot bind", options_.address)};
  }
  if (options_.listens && ::listen(listener_.get(), options_.backlog) != 0) {
    return Failure{failed("cannot listen on", options_.address)};
  }
  address_.size = sizeof address_.storage;
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address_.storage), &address_.size);
  return true;
}

ScriptPeer::~ScriptPeer() {
  stop();
}

void ScriptPeer::stop() {
  if (stopped_) {
    return;
  }
  stopped_ = true;
  stop_.raise();
  if (options_.signals != nullptr) {
    options_.signals->stop();
  }
  if (acceptor_.joinable()) {
    acceptor_.join();
  }
  for (Session& session : sessions_) {
    if (session.thread.joinable()) {
      session.thread.join();
    }
  }
  fillers_.clear();
  listener_.reset();
}

void ScriptPeer::acceptLoop() {
  std::array<pollfd, 2> fds{{{listener_.get(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}}};
  while (true) {
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) {
      return;
    }
    if (fds[1].revents != 0) {
      return;
    }
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket.valid()) {
      reapFinished();
      startSession(std::move(socket));
    }
  }
}

void ScriptPeer::startSession(Fd socket) {
  const std::lock_guard lock(mutex_);
  const auto running = std::count_if(sessions_.begin(), sessions_.end(), [](const Session& s) { return !s.finished; });
  if (static_cast<std::size_t>(running) >= options_.max_connections) {
    return;
  }
  const Script& script = options_.scripts[std::min(accepted_, options_.scripts.size() - 1)];
  ++accepted_;
  Session& session = sessions_.emplace_back();  // a list: the reference stays good
  session.thread = std::thread([this, &session, &script, owned = std::move(socket)]() mutable {
    ScriptSession(std::move(owned), ScriptSession::Role::Server, environment_, session.record, &mutex_).run(script);
    const std::lock_guard done(mutex_);
    session.finished = true;
  });
}

// Keeps the newest records only, so that a demo that runs for days does not grow.
void ScriptPeer::reapFinished() {
  const std::lock_guard lock(mutex_);
  constexpr std::size_t kKept = 256;
  for (auto at = sessions_.begin(); at != sessions_.end() && sessions_.size() > kKept;) {
    if (!at->finished) {
      ++at;
      continue;
    }
    at->thread.join();  // its last act was to release the lock that we hold
    at = sessions_.erase(at);
  }
}

std::size_t ScriptPeer::connections() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

unsigned ScriptPeer::requests() const {
  const std::lock_guard lock(mutex_);
  return std::accumulate(sessions_.begin(), sessions_.end(), 0U,
                         [](unsigned sum, const Session& s) { return sum + s.record.requests; });
}

std::vector<SessionRecord> ScriptPeer::records() const {
  const std::lock_guard lock(mutex_);
  std::vector<SessionRecord> records;
  for (const Session& session : sessions_) {
    records.push_back(session.record);
  }
  return records;
}

void ScriptPeer::fillQueue() {
  // Linux drops a SYN once the queue holds more than `backlog` connections;
  // non-blocking connects beyond that simply stay in SYN_SENT.
  for (int i = 0; i < options_.backlog + 4; ++i) {
    Fd filler(::socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    static_cast<void>(::connect(filler.get(), address_.get(), address_.size));
    fillers_.push_back(std::move(filler));
  }
}

}  // namespace gatewhy
