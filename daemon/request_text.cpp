// SPDX-License-Identifier: Apache-2.0
#include "daemon/request_text.h"

#include <fmt/format.h>

#include <utility>

#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

constexpr HeadLimits kTypedHeadLimits{.section = 256UL * 1024, .start_line = 0, .field = 64UL * 1024, .fields = 256};

}  // namespace

Result<RequestHead, std::string> requestHead(std::string_view method, std::string_view target,
                                             std::string_view authority, const std::vector<std::string>& headers) {
  std::string fields;
  bool host = false;
  bool agent = false;
  bool accept = false;
  for (const std::string& header : headers) {
    // A line break would begin a field of its own.
    if (header.find(':') == std::string::npos || header.find_first_of("\r\n") != std::string::npos) {
      return Failure{fmt::format("--header '{}': write Name: value", header)};
    }
    const std::string_view name = std::string_view(header).substr(0, header.find(':'));
    host = host || equalsIgnoreCase(name, "Host");
    agent = agent || equalsIgnoreCase(name, "User-Agent");
    accept = accept || equalsIgnoreCase(name, "Accept");
    fields.append(header).append("\r\n");
  }
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", method, target);
  text += host ? "" : fmt::format("Host: {}\r\n", authority);
  text += agent ? "" : "User-Agent: gatewhy/" GATEWHY_VERSION "\r\n";
  text += accept ? "" : "Accept: */*\r\n";
  text += fields + "\r\n";

  RequestParser parser(kTypedHeadLimits);
  const ParseStep step = parser.feed(text);
  if (step.status == ParseStatus::Error) {
    const ParseFault& fault = parser.fault();
    return Failure{fmt::format("this is not a valid request: {}{}", description(fault.error),
                               fault.header_name.empty() ? "" : " (" + fault.header_name + ")")};
  }
  if (step.status != ParseStatus::Done || step.consumed != text.size()) {
    return Failure{std::string("this is not one whole request")};
  }
  return std::move(parser.head());
}

}  // namespace gatewhy
