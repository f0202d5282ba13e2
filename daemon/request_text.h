// SPDX-License-Identifier: Apache-2.0
// A request from the command line, read by the parser that reads clients'
// requests: what the daemon would refuse to read is refused here. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/result.h"
#include "proxy/http/message.h"

namespace gatewhy {

// `headers`: "Name: value"; Host, User-Agent and Accept replace our own. The
// error is a sentence. A body is announced at most, never there.
[[nodiscard]] Result<RequestHead, std::string> requestHead(std::string_view method, std::string_view target,
                                                           std::string_view authority,
                                                           const std::vector<std::string>& headers);

}  // namespace gatewhy
