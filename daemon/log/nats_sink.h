// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "config/log_place.h"
#include "daemon/log/log_destination.h"

namespace gatewhy {

// NATS JetStream: one message for each event, under its subject and with a
// message id (daemon/log/event_subject.h), in batches that are taken once the
// stream has acknowledged all of them. What is sent again after a failure is
// stored once, as long as the stream remembers the id.
[[nodiscard]] std::unique_ptr<LogDestination> makeNatsSink(const LogPlace& place, const LogTarget& target);

}  // namespace gatewhy
