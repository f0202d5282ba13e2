// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/synthesize.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <iterator>

#include "diagnostics/answer.h"
#include "diagnostics/proxy_status.h"
#include "diagnostics/reason_phrase.h"

namespace gatewhy {
namespace {

constexpr std::size_t kRoomForHead = 512;

// IMF-fixdate of the present second (RFC 9110 section 5.6.7). Failures come in
// floods, and the calendar is the dear part.
std::string_view httpDate() {
  thread_local std::time_t second = -1;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != second) {
    second = now;
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
  }
  return text;
}

SynthesizedResponse assemble(std::uint16_t status, const Answer& answer, std::string_view request_id,
                             const RequestHead& request, std::string_view proxy_status, const FailureFields& fields) {
  SynthesizedResponse made;
  made.bytes.reserve(kRoomForHead + answer.body.size());
  auto out = std::back_inserter(made.bytes);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\nDate: {}\r\n", status, reasonPhrase(status), httpDate());
  const bool bodiless = status < 200 || status == 204 || status == 304;
  if (!bodiless) {
    fmt::format_to(out, "Content-Type: {}\r\nContent-Length: {}\r\n", answer.content_type, answer.body.size());
  }
  if (!proxy_status.empty()) {
    fmt::format_to(out, "Proxy-Status: {}\r\n", proxy_status);
  }
  fmt::format_to(out, "X-Request-ID: {}\r\nCache-Control: no-store\r\n", request_id);
  if (fields.retry_after_s > 0) {
    fmt::format_to(out, "Retry-After: {}\r\n", fields.retry_after_s);
  }
  if (!fields.allow.empty()) {
    fmt::format_to(out, "Allow: {}\r\n", fields.allow);
  }
  if (!fields.upgrade.empty()) {
    fmt::format_to(out, "Upgrade: {}\r\nConnection: Upgrade\r\n", fields.upgrade);
  }
  if (fields.close) {
    made.bytes += "Connection: close\r\n";
  } else if (request.version_minor == 0) {
    made.bytes += "Connection: keep-alive\r\n";
  }
  made.bytes += "\r\n";
  if (!bodiless && request.method != Method::Head) {
    made.bytes += answer.body;
    made.body_size = answer.body.size();
  }
  return made;
}

}  // namespace

SynthesizedResponse synthesizeFailure(const Diagnosis& diagnosis, const DiagnosticsConfig& config,
                                      const RequestHead& request, std::string_view request_id,
                                      std::uint16_t origin_status, const FailureFields& fields) {
  const std::string proxy_status = proxyStatus(diagnosis, config.name, config.disclose, origin_status);
  const Answer answer = makeAnswer(diagnosis, diagnosis.sent_status, request_id, request.valueOf(FieldId::Accept),
                                   config.disclose, config.name);
  return assemble(diagnosis.sent_status, answer, request_id, request, proxy_status, fields);
}

SynthesizedResponse synthesizeFixed(const FixedResponse& fixed, const RequestHead& request, std::string_view request_id,
                                    bool close) {
  const Answer answer = makeFixedAnswer(fixed.status, request_id, request.valueOf(FieldId::Accept));
  const int retry_after = fixed.retry_after ? static_cast<int>(fixed.retry_after->count()) : 0;
  return assemble(fixed.status, answer, request_id, request, {},
                  FailureFields{.allow = {}, .upgrade = {}, .retry_after_s = retry_after, .close = close});
}

}  // namespace gatewhy
