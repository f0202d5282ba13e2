// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 read off a socket by a reader that is not gatewhy's own, and that
// accepts the one canonical form only: what reaches an origin through a
// gateway must not need any leniency.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/integration/socket.h"

namespace gatewhy::test {

struct WireMessage {
  std::string start_line;
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::pair<std::string, std::string>> trailers;
  std::string body;  // unframed
  bool complete = false;
  std::string fault;  // what was not canonical; "" = nothing

  [[nodiscard]] unsigned status() const;     // 0: not a response
  [[nodiscard]] std::string target() const;  // of a request
  [[nodiscard]] std::size_t count(std::string_view name) const;
  // Values of that name joined by ", "; names without regard to case.
  [[nodiscard]] std::string field(std::string_view name) const;
};

// nullopt: the connection ended (or kPatience did) before a first byte.
[[nodiscard]] std::optional<WireMessage> readRequest(Socket& socket);  // answers Expect with 100
[[nodiscard]] std::optional<WireMessage> readResponse(Socket& socket, bool to_head = false);
// Two steps, where what happens between head and body matters.
[[nodiscard]] std::optional<WireMessage> readHead(Socket& socket);
void readRequestBody(Socket& socket, WireMessage& message);

[[nodiscard]] std::string okResponse(std::string_view body, std::string_view more_fields = {});

}  // namespace gatewhy::test
