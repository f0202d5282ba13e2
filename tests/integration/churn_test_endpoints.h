// SPDX-License-Identifier: Apache-2.0
// Endpoints that are killed and revived, each on a port that stays its own,
// all on one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "proxy/loop/fd.h"

namespace gatewhy::test {

// How an endpoint dies. FailsCheck: only its check does, with a 503.
enum class Death : std::uint8_t { Refuses, Drops, CutsRequests, CutsHeads, Hangs, FailsCheck };
inline constexpr std::size_t kDeaths = 6;
[[nodiscard]] const char* nameOf(Death how);
// What a check that began after it finds.
[[nodiscard]] const char* causeOfDeath(Death how);

class ChurnEndpoints {
 public:
  explicit ChurnEndpoints(std::size_t count);
  ~ChurnEndpoints();
  ChurnEndpoints(const ChurnEndpoints&) = delete;
  ChurnEndpoints& operator=(const ChurnEndpoints&) = delete;

  [[nodiscard]] std::string url(std::size_t endpoint) const;
  // Both are done when they return. Any thread.
  void kill(std::size_t endpoint, Death how);
  void revive(std::size_t endpoint);  // requests that it held are answered

 private:
  struct Endpoint {
    std::uint16_t port = 0;
    Fd place;  // bound, never listening: the port stays ours
    Fd listening;
    Fd filler;  // Drops: has the only place in the queue
    std::optional<Death> dead;
  };
  struct Peer {
    Fd fd;
    std::size_t endpoint = 0;
    std::string received;
  };
  void run();
  void runTasks();
  void inLoop(const std::function<void()>& task);
  void listenAt(std::size_t endpoint, int backlog);
  void stopListening(std::size_t endpoint);
  void resetPeersOf(std::size_t endpoint);
  void accept(std::size_t endpoint);
  void receive(int fd);
  // Everything that `peer` has asked for; false: it is to be closed.
  [[nodiscard]] bool serve(Peer& peer);
  [[nodiscard]] bool answer(Peer& peer, std::string_view target);
  void watch(int fd) const;

  std::vector<Endpoint> endpoints_;
  std::map<int, Peer> peers_;  // by descriptor
  Fd epoll_, wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;  // guarded by mutex_
  bool stopping_ = false;                     // the thread's
  std::thread thread_;
};

}  // namespace gatewhy::test
