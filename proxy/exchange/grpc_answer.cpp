// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/grpc_answer.h"

#include <fmt/format.h>

#include "diagnostics/reason_phrase.h"
#include "proxy/exchange/current_date.h"
#include "proxy/exchange/forward_head.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kCarrierStatus = 200;
constexpr std::size_t kLongestGrpcMessage = 1024;  // octets, encoded

void appendGrpcEnd(std::string& out, GrpcStatus status, std::string_view message) {
  out += fmt::format("grpc-status: {}\r\n", static_cast<int>(status));
  if (!message.empty()) {
    out += fmt::format("grpc-message: {}\r\n", encodeGrpcMessage(message, kLongestGrpcMessage));
  }
}

}  // namespace

SynthesizedResponse synthesizeGrpc(const GrpcAnswer& answer, const RouteConfig* route, const VariableSource& source) {
  const HeaderEdits edits = editsOfFailure(route, source);
  SynthesizedResponse made;
  made.status = kCarrierStatus;
  made.reason = reasonPhrase(kCarrierStatus);
  const auto field = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && !isEdited(edits, name)) {
      made.fields.append(name).append(": ").append(value).append("\r\n");
    }
  };
  field("Date", currentDate());
  field("Content-Type", answer.content_type);
  field("Proxy-Status", answer.proxy_status);
  field("X-Request-ID", source.request_id);
  if (answer.retry_after_s > 0) {
    field("grpc-retry-pushback-ms", fmt::format("{}000", answer.retry_after_s));
  }
  for (const auto& [name, value] : edits.set) {
    made.fields.append(name).append(": ").append(value).append("\r\n");
  }
  appendGrpcEnd(made.fields, answer.status, answer.message);
  if (source.request.version_major == 1) {
    made.fields += "Content-Length: 0\r\n";  // over HTTP/2 the head ends the stream
    made.length = AnswerLength::Known;
  }
  return made;
}

std::string grpcMessageOf(const Diagnosis& diagnosis, Disclose disclose) {
  if (disclose == Disclose::None) {
    return {};
  }
  const CauseInfo& row = info(diagnosis.cause);
  const bool evidence = disclose == Disclose::Evidence && !diagnosis.summary.empty();
  return fmt::format("{}: {}", row.name, evidence ? std::string_view(diagnosis.summary) : row.seen);
}

std::string grpcTrailers(GrpcStatus status, std::string_view message) {
  std::string trailers;
  appendGrpcEnd(trailers, status, message);
  return trailers;
}

}  // namespace gatewhy
