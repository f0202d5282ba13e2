// SPDX-License-Identifier: Apache-2.0
// What a scripted client got, read with a reader of its own: a fault in the
// proxy's parser must not hide a fault in its writer.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/demo/script_session.h"

namespace gatewhy::test {

struct ClientResponse {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;       // unframed
  bool complete = false;  // the framing says so; without framing: an orderly end
  bool head_complete = false;

  // Values of all fields with that name (case does not matter), joined by ", ".
  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
};

// In order, interim ones too. `methods`: of the requests sent, in order.
[[nodiscard]] std::vector<ClientResponse> readResponses(const SessionRecord& record,
                                                        const std::vector<std::string>& methods);

}  // namespace gatewhy::test
