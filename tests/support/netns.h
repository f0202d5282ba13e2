// SPDX-License-Identifier: Apache-2.0
// Two hosts on one machine: network namespaces joined by a veth pair, so that
// packets can be dropped, refused and misrouted without touching the machine's
// own network.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "diagnostics/result.h"
#include "proxy/loop/fd.h"

namespace gatewhy::test {

class NetworkLab {
 public:
  static constexpr const char* kProxyAddress = "10.77.0.1";
  static constexpr const char* kOriginAddress = "10.77.0.2";
  static constexpr const char* kProxyAddress6 = "fd77::1";
  static constexpr const char* kOriginAddress6 = "fd77::2";
  static constexpr const char* kNobody = "10.77.0.9";  // on the same link, belongs to nobody

  // The proxy's host has interface gwp and reaches 10.78.0.0/16 and fd78::/32
  // through the origin's host (gwo), which forwards. The error says why this
  // machine cannot do it.
  [[nodiscard]] static Result<std::unique_ptr<NetworkLab>, std::string> create();

  [[nodiscard]] int proxyNamespace() const { return proxy_.get(); }
  [[nodiscard]] int originNamespace() const { return origin_.get(); }

  // The link falls silent in both directions, as when a cable is pulled
  // somewhere on the way; and works again.
  [[nodiscard]] Result<bool, std::string> cut() const;
  [[nodiscard]] Result<bool, std::string> heal() const;

 private:
  NetworkLab() = default;
  Fd proxy_, origin_;
};

// Runs `work` on a thread of that namespace; sockets and threads that it makes
// stay there. -1: the namespace we are in.
void runInNamespace(int network_namespace, const std::function<void()>& work);

// Namespaces are root's business; become root of a user namespace of our own
// where that is not given. Call once, before any thread exists. Failure is
// found out by NetworkLab::create().
void gainNamespaces();

}  // namespace gatewhy::test
