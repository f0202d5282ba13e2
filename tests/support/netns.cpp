// SPDX-License-Identifier: Apache-2.0
#include "tests/support/netns.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>

#include "tests/support/child_process.h"

namespace gatewhy::test {
namespace {

Fd newNamespace() {
  Fd made;
  std::thread([&made] {
    if (::unshare(CLONE_NEWNET) == 0) {
      made = Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }
  }).join();
  return made;
}

constexpr const char* kProxySide =
    "ip link set lo up && ip link set gwp up && ip addr add 10.77.0.1/24 dev gwp && "
    "ip addr add fd77::1/64 dev gwp nodad && ip route add 10.78.0.0/16 via 10.77.0.2 && "
    "ip route add fd78::/32 via fd77::2";
constexpr const char* kOriginSide =
    "ip link set lo up && ip link set gwo up && ip addr add 10.77.0.2/24 dev gwo && "
    "ip addr add fd77::2/64 dev gwo nodad && echo 1 > /proc/sys/net/ipv4/ip_forward && "
    "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding && echo 0 > /proc/sys/net/ipv4/icmp_ratemask && "
    "echo 0 > /proc/sys/net/ipv6/icmp/ratelimit";  // an ICMP error that the kernel saved itself would look like a drop
constexpr const char* kCut =
    "nft 'table inet cut { chain in { type filter hook input priority -10; iifname gwo drop; }; "
    "chain out { type filter hook output priority -10; oifname gwo drop; }; }'";

}  // namespace

Result<std::unique_ptr<NetworkLab>, std::string> NetworkLab::create() {
  std::unique_ptr<NetworkLab> lab(new NetworkLab);
  lab->proxy_ = newNamespace();
  lab->origin_ = newNamespace();
  if (!lab->proxy_.valid() || !lab->origin_.valid()) {
    return Failure{std::string("neither root nor a user namespace may make network namespaces here")};
  }
  const std::string pair =
      fmt::format("ip link add name gwp type veth peer name gwo netns /proc/{}/fd/{}", ::getpid(), lab->origin_.get());
  for (const auto& [command, where] : {std::pair<std::string, int>{pair, lab->proxy_.get()},
                                       {kProxySide, lab->proxy_.get()},
                                       {kOriginSide, lab->origin_.get()},
                                       {"nft list ruleset", lab->origin_.get()}}) {
    if (const Result<bool, std::string> done = runShell(command, where); !done) {
      return Failure{done.error()};
    }
  }
  return lab;
}

Result<bool, std::string> NetworkLab::cut() const {
  return runShell(kCut, origin_.get());
}
Result<bool, std::string> NetworkLab::heal() const {
  return runShell("nft delete table inet cut", origin_.get());
}

void runInNamespace(int network_namespace, const std::function<void()>& work) {
  if (network_namespace < 0) {
    work();
    return;
  }
  std::thread([&] {
    if (::setns(network_namespace, CLONE_NEWNET) == 0) {
      work();
    }
  }).join();
}

void gainNamespaces() {
  const pid_t probe = ::fork();
  if (probe == 0) {
    ::_exit(::unshare(CLONE_NEWNET) == 0 ? 0 : 1);
  }
  int status = 1;
  ::waitpid(probe, &status, 0);
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (status == 0 || ::unshare(CLONE_NEWUSER) != 0) {
    return;
  }
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << fmt::format("0 {} 1", user);
  std::ofstream("/proc/self/gid_map") << fmt::format("0 {} 1", group);
}

}  // namespace gatewhy::test
