// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/cause_words.h"

#include <fmt/format.h>

namespace gatewhy {

std::string_view title(Phase phase) noexcept {
  switch (phase) {
    case Phase::ClientRequest:
      return "The client's request";
    case Phase::Routing:
      return "Routing and policy";
    case Phase::Dns:
      return "DNS";
    case Phase::Connect:
      return "Connecting to the origin";
    case Phase::TlsHandshake:
      return "TLS handshake with the origin";
    case Phase::RequestWrite:
      return "Sending the request";
    case Phase::ResponseHead:
      return "Waiting for the response head";
    case Phase::ResponseBody:
      return "Reading the response body";
    case Phase::Upgrade:
      return "Upgrade and tunnel";
    case Phase::Internal:
      return "This gateway itself";
  }
  return {};
}

std::string_view words(Retry retry) noexcept {
  switch (retry) {
    case Retry::Never:
      return "never";
    case Retry::BeforeAnyByte:
      return "safe for any method: the origin did not begin to act on the request";
    case Retry::IdempotentOnly:
      return "safe for idempotent methods only: the origin may have acted on the request";
  }
  return {};
}

std::string_view proxyErrorWords(const CauseInfo& row) noexcept {
  return row.proxy_error == ProxyError::None ? std::string_view("none") : name(row.proxy_error);
}

std::string statusCell(std::uint16_t status) {
  return status == 0 ? "none" : fmt::format("{}", status);
}

std::string statusWords(const CauseInfo& row) {
  std::string text;
  if (row.sent_status == 0 && row.log_status == 0) {
    return "none of its own";
  }
  if (row.sent_status == 0) {
    text = fmt::format("none is sent, {} in the log", row.log_status);
  } else if (row.sent_status != row.log_status) {
    text = fmt::format("{} is sent, {} in the log", row.sent_status, row.log_status);
  } else {
    text = fmt::format("{}", row.sent_status);
  }
  if (row.standard_status != row.log_status) {
    text += fmt::format("; with profile standard {}", statusCell(row.standard_status));
  }
  return text;
}

}  // namespace gatewhy
