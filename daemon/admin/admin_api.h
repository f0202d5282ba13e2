// SPDX-License-Identifier: Apache-2.0
// What the admin listener answers: docs/admin-api.md. The admin thread only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/admin/admin_server.h"
#include "daemon/daemon_view.h"
#include "daemon/metrics/certificate_expiry.h"
#include "daemon/metrics/series_bound.h"
#include "daemon/metrics/traffic_history.h"

namespace gatewhy {

class AdminApi final : public AdminHandler {
 public:
  // `daemon` must outlive it.
  explicit AdminApi(const DaemonView& daemon) : daemon_(daemon) {}

  AdminReply answer(const AdminRequest& request) override;
  void onTick() override;

 private:
  using Handler = AdminReply (AdminApi::*)(const AdminRequest& request);
  struct Row {
    Method method;
    std::string_view path;
    Handler handler;
    std::string_view parameters;  // "since|limit": any other is refused
  };
  static const Row kRows[];

  AdminReply health(const AdminRequest& request);
  AdminReply ready(const AdminRequest& request);
  AdminReply metrics(const AdminRequest& request);
  AdminReply status(const AdminRequest& request);
  AdminReply origins(const AdminRequest& request);
  AdminReply history(const AdminRequest& request);
  AdminReply events(const AdminRequest& request);
  AdminReply eventStream(const AdminRequest& request);
  AdminReply causes(const AdminRequest& request);
  AdminReply reload(const AdminRequest& request);
  AdminReply endpoints(const AdminRequest& request);
  AdminReply index(const AdminRequest& request);
  AdminReply page(const AdminRequest& request);

  const DaemonView& daemon_;
  TrafficHistory history_;
  SeriesBound series_;  // of /metrics
};
}  // namespace gatewhy
