// SPDX-License-Identifier: Apache-2.0
// The journal as a log destination, in its native protocol.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/log/log_destination.h"

namespace gatewhy {

// The fields of one entry, "NAME=value" each, for one event as a line of JSON
// without its '\n'. MESSAGE is the line itself, so that `journalctl -o cat`
// gives back the event stream; what people filter by is repeated in fields. An
// event with a diagnosis has a MESSAGE_ID (messageId()), by which `journalctl
// -x` adds the catalogue's explanation. A line that is no JSON object is a
// MESSAGE alone.
[[nodiscard]] std::vector<std::string> journalFields(std::string_view line);

// One entry a line. Where no journal runs, writes fail, and lines wait for it.
[[nodiscard]] std::unique_ptr<LogDestination> makeJournal();

}  // namespace gatewhy
