// SPDX-License-Identifier: Apache-2.0
// A connection to NATS with its JetStream context, owned.
#pragma once

#include <nats/nats.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "diagnostics/result.h"

namespace gatewhy {

struct NatsRelease {
  void operator()(natsOptions* options) const noexcept { natsOptions_Destroy(options); }
  void operator()(natsConnection* connection) const noexcept { natsConnection_Destroy(connection); }
  void operator()(jsCtx* context) const noexcept { jsCtx_Destroy(context); }
  void operator()(natsMsg* message) const noexcept { natsMsg_Destroy(message); }
  void operator()(natsSubscription* subscription) const noexcept { natsSubscription_Destroy(subscription); }
  void operator()(jsStreamInfo* info) const noexcept { jsStreamInfo_Destroy(info); }
  void operator()(jsMsgMetaData* data) const noexcept { jsMsgMetaData_Destroy(data); }
  void operator()(jsConsumerInfo* info) const noexcept { jsConsumerInfo_Destroy(info); }
};
template <typename T>
using NatsPtr = std::unique_ptr<T, NatsRelease>;

// Where to and as whom.
struct NatsServer {
  std::string url;  // LogPlace::url
  std::string credentials;
  std::optional<LogTls> tls;
};

struct NatsLink {
  NatsPtr<natsConnection> connection;  // outlives the context
  NatsPtr<jsCtx> context;
};

// Waits at most some seconds. Once connected, the library itself looks for
// another server of the cluster when one is lost. `options`: of the context.
[[nodiscard]] Result<NatsLink, std::string> connectNats(const NatsServer& server, const jsOptions* options = nullptr);

// "Timeout", or more where the library knows more.
[[nodiscard]] std::string natsProblem(natsStatus status, jsErrCode code = {});

}  // namespace gatewhy
