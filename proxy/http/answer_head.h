// SPDX-License-Identifier: Apache-2.0
// The head of an answer as its exchange hands it to the client's stream, which
// frames and writes it in the version of HTTP that its client speaks.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatewhy {

// What is known of the content behind a head.
enum class AnswerLength : std::uint8_t {
  None,     // there is none, and no length is told
  Told,     // a length is told, and nothing comes (HEAD, 304)
  Known,    // as Content-Length says
  Unknown,  // until its end comes
};

struct AnswerHead {
  std::uint16_t status = 0;
  std::string_view reason;
  // "Name: value\r\n" each, Content-Length among them; none that speaks of the
  // connection or of a transfer coding (RFC 9110 section 7.6.1).
  std::string_view fields;
  AnswerLength length = AnswerLength::None;
  std::uint64_t content_length = 0;  // bytes; Known
  std::string_view upgrade;          // the protocols of a 101 or 426; "" = none
  bool close = false;                // nothing more is to be served on the connection
};

}  // namespace gatewhy
