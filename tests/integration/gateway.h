// SPDX-License-Identifier: Apache-2.0
// gatewhy on a configuration, for one test.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/daemon_process.h"
#include "tests/support/pki.h"

namespace gatewhy::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// A configuration from its parts, each a block of YAML or empty. The default:
// one listener on a free port, one worker, one origin called `origin`.
struct GatewayConfig {
  std::string origin_url;
  std::string origin_more;   // further keys of the origin, "timeouts: {connect: 1s}\n…"
  std::string more_origins;  // further origins, indented by two
  std::string limits = "{}";
  std::string diagnostics = "{name: gatewhy}";
  std::string listener_more;   // further keys of the listener, in flow style: ", tls: {…}"
  std::string more_listeners;  // further listeners, in flow style: ", {address: …}"
  std::string log = "{destination: stdout}";
  std::string drain = "{timeout: 5s}";
  std::string admin = "{address: \"off\"}";
  std::string more;  // further top-level blocks
  int workers = 1;
  std::vector<std::string> wrapper;  // a program that becomes the daemon, with its arguments: "prlimit", "--nofile=64"
};
[[nodiscard]] std::string toYaml(const GatewayConfig& config);

class Gateway {
 public:
  // nullptr, with a failure noted, where it does not start.
  [[nodiscard]] static std::unique_ptr<Gateway> start(const GatewayConfig& config);

  [[nodiscard]] const std::string& address() const { return daemon_->listeners().front(); }
  [[nodiscard]] DaemonProcess& daemon() { return *daemon_; }
  [[nodiscard]] const PemDirectory& directory() const { return directory_; }
  // Writes the configuration anew and waits until it is in force.
  void reload(const GatewayConfig& config);

  // The event of the exchange that this client port had; waits for it. Ports
  // come again: where there are many exchanges, ask by X-Request-ID.
  [[nodiscard]] std::optional<nlohmann::json> exchangeOf(std::uint16_t client_port);
  [[nodiscard]] std::optional<nlohmann::json> exchangeOf(const std::string& request_id);
  [[nodiscard]] std::vector<nlohmann::json> exchanges() const;

  // Stops it and expects what every run owes: exit status 0, nothing from a
  // sanitizer, and no line that is not a valid event.
  void expectCleanStop();

 private:
  Gateway() = default;
  PemDirectory directory_;
  std::string config_file_;
  std::unique_ptr<DaemonProcess> daemon_;
};

// Everything that can be asserted of a daemon that has ended.
void expectCleanEnd(DaemonProcess& daemon, std::optional<int> status);

[[nodiscard]] std::string causeOf(const nlohmann::json& event);

}  // namespace gatewhy::test
