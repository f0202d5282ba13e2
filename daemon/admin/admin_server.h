// SPDX-License-Identifier: Apache-2.0
// The admin listener: an event loop on a thread of its own, never on the path
// of a request.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "daemon/admin/admin_connection.h"
#include "daemon/inherited_sockets.h"
#include "diagnostics/result.h"
#include "proxy/client/listener.h"

namespace gatewhy {

// Answers requests. The admin thread only.
class AdminHandler {
 public:
  virtual ~AdminHandler() = default;
  [[nodiscard]] virtual AdminReply answer(const AdminRequest& request) = 0;
  // Every few seconds, for what is sampled over time.
  virtual void onTick() = 0;
};

class AdminServer final : private AdminConnectionHost, private IoHandler {
 public:
  struct Settings {
    ListenSockets sockets;           // one socket
    std::vector<std::string> hosts;  // accepted in Host
  };
  // All must outlive it. `streams_missed` counts events that slow readers of
  // streams did not get.
  AdminServer(Settings settings, AdminHandler& handler, const RecentFailures& failures,
              std::atomic<std::uint64_t>& streams_missed);
  ~AdminServer() { stop(); }
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  [[nodiscard]] bool start();  // false: errno says why
  void stop();
  [[nodiscard]] const std::string& address() const { return settings_.sockets.bound; }  // as bound
  [[nodiscard]] int socket() const { return listener_.get(); }

 private:
  AdminReply answer(const AdminRequest& request) override { return handler_.answer(request); }
  [[nodiscard]] bool trustsHost(std::string_view host) const override;
  [[nodiscard]] bool mayStream() const override { return streams_ < kMostStreams; }
  [[nodiscard]] bool mayBuffer() const override;
  void awaitTurn(AdminConnection& connection) override;
  void onStreamStarted() override;
  void onStreamGap(std::uint64_t missed) override { streams_missed_.fetch_add(missed, std::memory_order_relaxed); }
  [[nodiscard]] const RecentFailures& failures() const override { return failures_; }
  void onClosed(AdminConnection& connection) override;

  void onIo(bool readable, bool writable) override;
  void acceptAll();
  void adopt(Fd fd);
  void makeRoom();
  void refillSpares();
  void answerNext();
  void feedStreams();
  void onTick();

  static constexpr std::size_t kMostConnections = 128;
  static constexpr std::size_t kMostStreams = 64;
  static constexpr std::size_t kMostWaiting = 16UL << 20U;  // octets for readers, in all; one answer may pass it
  static constexpr std::size_t kSpares = 4;

  Settings settings_;
  AdminHandler& handler_;
  const RecentFailures& failures_;
  std::atomic<std::uint64_t>& streams_missed_;
  EventLoop loop_;
  Fd listener_;
  IoWatch watch_;
  Deadline accept_again_;
  std::vector<Fd> spares_;  // given up when descriptors run out: that is when somebody comes to look
  std::unordered_map<AdminConnection*, std::unique_ptr<AdminConnection>> connections_;
  // Whose answer costs something. One in each turn of the loop: whoever probes
  // /healthz meanwhile waits for no more than that.
  std::deque<AdminConnection*> turns_;
  DeferredCall next_turn_;
  std::size_t streams_ = 0;
  Deadline feed_;
  Deadline tick_;
  std::thread thread_;
};

// Opens the socket of `admin.address`: as any listener's, but a unix socket
// for its owner and group only, and nothing that systemd passes for all to see
// unless that is allowed.
[[nodiscard]] Result<ListenSockets, ListenFault> openAdminListener(const AdminConfig& config,
                                                                   InheritedSockets& inherited);
// The name of its socket for a successor.
inline constexpr std::string_view kAdminDescriptor = "gatewhy-admin";

}  // namespace gatewhy
