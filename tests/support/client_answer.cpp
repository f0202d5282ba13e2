// SPDX-License-Identifier: Apache-2.0
#include "tests/support/client_answer.h"

#include <algorithm>
#include <cstdlib>

#include "proxy/http/message.h"

namespace gatewhy::test {
namespace {

// Takes chunks off the front of `rest`; true where the last one came.
bool takeChunks(std::string_view& rest, std::string& body) {
  while (true) {
    const std::size_t line = rest.find("\r\n");
    if (line == std::string_view::npos) {
      return false;
    }
    const std::size_t size = std::strtoull(std::string(rest.substr(0, line)).c_str(), nullptr, 16);
    rest.remove_prefix(line + 2);
    if (size == 0) {
      break;
    }
    body += rest.substr(0, size);
    if (rest.size() < size + 2) {
      return false;
    }
    rest.remove_prefix(size + 2);
  }
  while (true) {  // trailers
    const std::size_t line = rest.find("\r\n");
    if (line == std::string_view::npos) {
      return false;
    }
    rest.remove_prefix(line + 2);
    if (line == 0) {
      return true;
    }
  }
}

void readHead(std::string_view head, ClientResponse& response) {
  response.head_complete = true;
  response.status = head.size() > 12 ? static_cast<unsigned>(std::atoi(std::string(head.substr(9, 3)).c_str())) : 0;
  std::size_t at = head.find("\r\n");
  while (at != std::string_view::npos && at + 2 < head.size()) {
    const std::size_t end = std::min(head.find("\r\n", at + 2), head.size());
    const std::string_view line = head.substr(at + 2, end - at - 2);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      const std::size_t value = line.find_first_not_of(' ', colon + 1);
      response.headers.emplace_back(line.substr(0, colon),
                                    value == std::string_view::npos ? std::string_view() : line.substr(value));
    }
    at = end == head.size() ? std::string_view::npos : end;
  }
}

void readBody(std::string_view& rest, ClientResponse& response, bool no_body, bool orderly_end) {
  if (no_body) {
    response.complete = true;
  } else if (response.status == 101) {
    response.complete = true;
    response.body = rest;
    rest = {};
  } else if (response.header("Transfer-Encoding") == "chunked") {
    response.complete = takeChunks(rest, response.body);
  } else if (response.has("Content-Length")) {
    const std::size_t length = std::strtoull(response.header("Content-Length").c_str(), nullptr, 10);
    response.body = rest.substr(0, length);
    response.complete = response.body.size() == length;
    rest.remove_prefix(response.body.size());
  } else {
    response.body = rest;
    response.complete = orderly_end;
    rest = {};
  }
}

}  // namespace

std::string ClientResponse::header(std::string_view name) const {
  std::string all;
  for (const auto& [field, value] : headers) {
    if (equalsIgnoreCase(field, name)) {
      all += all.empty() ? value : ", " + value;
    }
  }
  return all;
}

bool ClientResponse::has(std::string_view name) const {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& field) { return equalsIgnoreCase(field.first, name); });
}

std::vector<ClientResponse> readResponses(const SessionRecord& record, const std::vector<std::string>& methods) {
  std::vector<ClientResponse> responses;
  std::string_view rest = record.received;
  std::size_t answered = 0;
  while (!rest.empty()) {
    ClientResponse& response = responses.emplace_back();
    const std::size_t end = rest.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      break;
    }
    readHead(rest.substr(0, end + 2), response);
    rest.remove_prefix(end + 4);
    const bool interim = response.status >= 100 && response.status < 200 && response.status != 101;
    const bool head = answered < methods.size() && methods[answered] == "HEAD";
    readBody(rest, response, interim || head || response.status == 204 || response.status == 304,
             record.end == SessionEnd::PeerClosed);
    answered += interim ? 0 : 1;
  }
  return responses;
}

}  // namespace gatewhy::test
