// SPDX-License-Identifier: Apache-2.0
// Requests that two parsers could read differently, or that no parser should
// read at all: the raw material of request smuggling.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

namespace gatewhy::test {

struct HostileRequest {
  // What is wrong where: the head must not go on to the origin at all; the
  // body may only show when the head has, and then the request stays unfinished
  // there; a refusal is a well-formed request that gatewhy will not forward.
  enum class Fault : std::uint8_t { Head, Body, Refusal };

  std::string family;
  std::string bytes;  // "{path}" stands for a path of its own
  std::vector<unsigned> statuses;
  Fault fault = Fault::Head;
  // Nothing may follow these bytes: the test is about what is missing.
  bool incomplete = false;
};

// More than 500, the same in every run.
[[nodiscard]] std::vector<HostileRequest> hostileRequests();

}  // namespace gatewhy::test
