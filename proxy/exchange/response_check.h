// SPDX-License-Identifier: Apache-2.0
// An exchange's way to the response lint: hands over what the parser has, and
// keeps what was found.
#pragma once

#include <chrono>
#include <cstdint>

#include "config/config.h"
#include "diagnostics/response_lint.h"
#include "proxy/http/message.h"

namespace gatewhy {

class ResponseCheck {
 public:
  // `lint` false: only what had to be cut off or mended is noted.
  explicit ResponseCheck(bool lint) : lint_(lint) {}

  // An answer of gRPC keeps the rules of gRPC.
  void skipLint() { lint_ = false; }
  // A field of the request did not reach the origin: noted whatever `lint` says.
  void requestFieldDropped() { found_.add(Finding::RequestFieldDropped); }
  void interim(const ResponseHead& head);
  // The final head. `route` as in the exchange: its edits decide what the
  // origin was asked. `now`: the wall clock.
  void head(const RequestHead& request, const RouteConfig& route, const ResponseHead& head,
            std::chrono::system_clock::time_point now);
  // The whole response is here: `content` octets of payload, and bytes behind
  // its end or none.
  void end(std::uint64_t content, bool extra_data);

  // Found elsewhere.
  void note(FindingSet findings) { found_.add(findings); }

  [[nodiscard]] FindingSet found() const { return found_; }

 private:
  bool lint_;
  FindingSet found_;
  ResponseEnd end_;
};

}  // namespace gatewhy
