// SPDX-License-Identifier: Apache-2.0
// Heads of answers as HTTP/1 writes them (RFC 9112 sections 4 and 6).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proxy/http/answer_head.h"

namespace gatewhy {

// How the content of an answer is framed (RFC 9112 section 6.3).
enum class H1Framing : std::uint8_t { None, Length, Chunked, UntilClose };

// To an HTTP/1.0 client no transfer coding is sent.
[[nodiscard]] constexpr H1Framing h1Framing(AnswerLength length, bool http10) noexcept {
  switch (length) {
    case AnswerLength::None:
    case AnswerLength::Told:
      return H1Framing::None;
    case AnswerLength::Known:
      return H1Framing::Length;
    case AnswerLength::Unknown:
      return http10 ? H1Framing::UntilClose : H1Framing::Chunked;
  }
  return H1Framing::None;
}

// What is said of the connection behind the answer.
enum class H1Connection : std::uint8_t { Unsaid, KeepAlive, Close };

// Hands the head to `put(std::string_view)`, piece by piece.
template <typename Put>
void writeAnswerHead(const AnswerHead& head, H1Framing framing, H1Connection connection, const Put& put) {
  const std::array<char, 3> digits{static_cast<char>('0' + head.status / 100 % 10),
                                   static_cast<char>('0' + head.status / 10 % 10),
                                   static_cast<char>('0' + head.status % 10)};
  put("HTTP/1.1 ");
  put(std::string_view(digits.data(), digits.size()));
  put(" ");
  put(head.reason);
  put("\r\n");
  put(head.fields);
  if (framing == H1Framing::Chunked) {
    put("Transfer-Encoding: chunked\r\n");
  }
  if (!head.upgrade.empty()) {
    put("Connection: Upgrade\r\nUpgrade: ");
    put(head.upgrade);
    put("\r\n");
  }
  if (connection != H1Connection::Unsaid) {
    put(connection == H1Connection::Close ? "Connection: close\r\n" : "Connection: keep-alive\r\n");
  }
  put("\r\n");
}

}  // namespace gatewhy
