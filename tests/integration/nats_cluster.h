// SPDX-License-Identifier: Apache-2.0
// Real NATS servers with JetStream, on loopback.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/fleet/fleet_reader.h"
#include "daemon/log/nats_link.h"
#include "tests/support/child_process.h"
#include "tests/support/pki.h"

namespace gatewhy::test {

// Who may connect, and how. The default: anybody, without TLS.
struct NatsAccess {
  std::string config;       // what the servers' configuration has about it
  std::string login;        // in the URL: "user:password@", "token@"
  std::string credentials;  // a file
  std::string ca_file;      // not empty: with TLS
};

class NatsCluster {
 public:
  // `size` 1: a server alone. They are up, and one leads, when this returns;
  // a failure is noted where they are not.
  explicit NatsCluster(int size, bool started = true, NatsAccess access = {});

  [[nodiscard]] std::string url() const { return urlFor(access_); }  // of all of them
  // As somebody else.
  [[nodiscard]] std::string urlFor(const NatsAccess& access) const;
  [[nodiscard]] FleetSource source() const {
    return {.nats = url(), .credentials = access_.credentials, .ca_file = access_.ca_file};
  }
  void start(int node);
  void kill(int node);  // SIGKILL
  void signal(int node, int number) { nodes_[static_cast<std::size_t>(node)].process->signal(number); }
  // Whether JetStream answers.
  [[nodiscard]] bool answers() const;
  // Which node leads the stream; -1: none does.
  [[nodiscard]] int leader() const;
  // Whether one leads, and all others have what it has: only then may the next
  // one be killed, or the servers themselves lose what they acknowledged.
  [[nodiscard]] bool isWhole() const;
  [[nodiscard]] int size() const { return static_cast<int>(nodes_.size()); }

 private:
  [[nodiscard]] NatsPtr<jsStreamInfo> streamInfo() const;
  struct Node {
    std::uint16_t port = 0, route = 0;
    std::string config;
    std::unique_ptr<ChildProcess> process;
  };
  PemDirectory directory_;
  const NatsAccess access_;
  std::vector<Node> nodes_;
};

// Asks again until it holds; false after kPatience.
template <typename Holds>
bool comesTrue(Holds holds) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

}  // namespace gatewhy::test
