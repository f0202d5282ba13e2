// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/script_head.h"

#include <algorithm>
#include <charconv>

#include "proxy/http/message.h"

namespace gatewhy::script_head {

std::optional<std::string_view> rawField(std::string_view head, std::string_view name) {
  std::size_t line = head.find("\r\n");
  while (line != std::string_view::npos && line + 2 < head.size()) {
    const std::size_t from = line + 2;
    line = head.find("\r\n", from);
    const std::string_view text = head.substr(from, line - from);
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && equalsIgnoreCase(text.substr(0, colon), name)) {
      const std::size_t value = text.find_first_not_of(" \t", colon + 1);
      return value == std::string_view::npos ? std::string_view() : text.substr(value);
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> rawLength(std::string_view head) {
  const auto value = rawField(head, "Content-Length");
  std::uint64_t length = 0;
  if (!value || std::from_chars(value->data(), value->data() + value->size(), length).ec != std::errc{}) {
    return std::nullopt;
  }
  return length;
}

bool isChunked(std::string_view head) {
  const auto coding = rawField(head, "Transfer-Encoding");
  return coding && coding->find("chunked") != std::string_view::npos;
}

unsigned statusOf(std::string_view head) {
  unsigned status = 0;
  if (head.size() > 12) {
    std::from_chars(head.data() + 9, head.data() + 12, status);
  }
  return status;
}

std::string_view methodOf(std::string_view head) {
  return head.substr(0, head.find(' '));
}

std::string_view pathOf(std::string_view head) {
  const std::size_t from = std::min(head.find(' '), head.size() - 1) + 1;
  return head.substr(from, head.find_first_of(" ?\r", from) - from);
}

}  // namespace gatewhy::script_head
