// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/nats_cluster.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "tests/integration/socket.h"

namespace gatewhy::test {

NatsCluster::NatsCluster(int size, bool started, NatsAccess access)
    : access_(std::move(access)), nodes_(static_cast<std::size_t>(size)) {
  {
    std::vector<std::unique_ptr<ListeningSocket>> held;  // all at once, so that no port comes twice
    const auto freePort = [&held] {
      held.push_back(std::make_unique<ListeningSocket>());
      return held.back()->port();
    };
    for (Node& node : nodes_) {
      node.port = freePort();
      node.route = freePort();
    }
  }
  std::string routes;
  for (const Node& node : nodes_) {
    routes += fmt::format("{}nats://127.0.0.1:{}", routes.empty() ? "" : ", ", node.route);
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    std::string text = fmt::format(
        "server_name: n{}\nhost: 127.0.0.1\nport: {}\njetstream {{ store_dir: \"{}/store-{}\", max_mem: 64M, max_file: "
        "1G }}\n",
        i, node.port, directory_.path(), i);
    text += access_.config;
    if (size > 1) {
      text += fmt::format("cluster {{ name: fleet, host: 127.0.0.1, port: {}, routes: [ {} ] }}\n", node.route, routes);
    }
    node.config = directory_.write(fmt::format("nats-{}.conf", i), text);
  }
  for (int i = 0; started && i < size; ++i) {
    start(i);
  }
  if (started) {
    EXPECT_TRUE(comesTrue([this] { return answers(); })) << "JetStream does not answer\n"
                                                         << nodes_.front().process->standardError();
  }
}

std::string NatsCluster::urlFor(const NatsAccess& access) const {
  std::string out;
  for (const Node& node : nodes_) {
    out += fmt::format("{}{}://{}127.0.0.1:{}", out.empty() ? "" : ",", access.ca_file.empty() ? "nats" : "tls",
                       access.login, node.port);
  }
  return out;
}

void NatsCluster::start(int node) {
  Node& started = nodes_[static_cast<std::size_t>(node)];
  ChildOptions options;
  options.arguments = {"/usr/sbin/nats-server", "-c", started.config};
  auto child = ChildProcess::start(options, [](const std::string&) {});
  if (!child) {
    ADD_FAILURE() << child.error();
    return;
  }
  started.process = std::move(child).value();
}

void NatsCluster::kill(int node) {
  Node& ended = nodes_[static_cast<std::size_t>(node)];
  ended.process->signal(SIGKILL);
  ended.process->wait();
  ended.process.reset();
}

bool NatsCluster::answers() const {
  const auto server = fleetServer(source());
  const auto link = server ? connectNats(*server) : Failure<std::string>{server.error()};
  if (!link) {
    return false;
  }
  jsStreamInfo* info = nullptr;
  jsErrCode code{};
  const natsStatus status = js_GetStreamInfo(&info, link->context.get(), "none", nullptr, &code);
  const NatsPtr<jsStreamInfo> owned(info);
  return status == NATS_OK || status == NATS_NOT_FOUND;
}

NatsPtr<jsStreamInfo> NatsCluster::streamInfo() const {
  const auto server = fleetServer(source());
  const auto link = server ? connectNats(*server) : Failure<std::string>{server.error()};
  jsStreamInfo* info = nullptr;
  if (link) {
    js_GetStreamInfo(&info, link->context.get(), kFleetStream, nullptr, nullptr);
  }
  return NatsPtr<jsStreamInfo>(info);
}

int NatsCluster::leader() const {
  const auto info = streamInfo();
  const std::string name =
      info && info->Cluster != nullptr && info->Cluster->Leader != nullptr ? info->Cluster->Leader : "";
  return name.size() == 2 ? name[1] - '0' : -1;
}

bool NatsCluster::isWhole() const {
  const auto info = streamInfo();
  if (!info || info->Cluster == nullptr || info->Cluster->Leader == nullptr ||
      info->Cluster->ReplicasLen != size() - 1) {
    return false;
  }
  const jsClusterInfo& cluster = *info->Cluster;
  return std::all_of(cluster.Replicas, cluster.Replicas + cluster.ReplicasLen,
                     [](const jsPeerInfo* peer) { return peer->Current && !peer->Offline && peer->Lag == 0; });
}

}  // namespace gatewhy::test
