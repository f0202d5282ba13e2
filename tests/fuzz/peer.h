// SPDX-License-Identifier: Apache-2.0
// How a parser written by others reads a whole message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/http/h1_parser.h"

namespace gatewhy::fuzz {

enum class MessageType : std::uint8_t { Request, Response };

struct Reading {
  bool head_accepted = false;
  bool complete = false;  // the message ended within the bytes (or with them, for UntilClose)
  bool refused = false;   // an error, in the head or later
  bool tunnel = false;    // what follows the head is not HTTP for this reader
  bool chunked = false;
  std::uint16_t status = 0;
  std::string method, target;
  std::vector<std::pair<std::string, std::string>> fields;  // values trimmed; in order where the reader keeps it
  std::string payload;
  std::size_t end = 0;  // of the message, where complete and the reader tells
};

// `bodiless`: the answer belongs to a HEAD request.
[[nodiscard]] Reading readWithLlhttp(MessageType type, std::string_view bytes, bool bodiless);
[[nodiscard]] Reading readWithBeast(MessageType type, std::string_view bytes, bool bodiless);

}  // namespace gatewhy::fuzz
