// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "diagnostics/explain.h"
#include "diagnostics/json_writer.h"

namespace gatewhy {

std::string explainGrpcStatus(GrpcStatus status, const ExplainStyle& style) {
  const GrpcStatusInfo& row = info(status);
  std::string out = bold(fmt::format("{} {}", static_cast<int>(status), row.name), style) + " (gRPC)\n";
  appendField(out, "meaning", row.meaning, style);
  appendField(out, "reported",
              row.failure ? "An origin's own makes the exchange a failure, without a diagnosis."
                          : "An origin's own is an answer like any other: the exchange is a success.",
              style);
  std::string causes;
  for (const CauseInfo& cause : allCauses()) {
    if (isToldAs(cause, status)) {
      causes += causes.empty() ? "" : ", ";
      causes += cause.name;
    }
  }
  if (!causes.empty()) {
    appendField(out, "ours", "gatewhy says it for " + causes + ".", style);
  }
  return out;
}

std::string grpcStatusesTable(const ExplainStyle& style) {
  constexpr std::size_t kTextAt = 26;
  const std::size_t room = std::max<std::size_t>(style.width, kTextAt + 16) - kTextAt;
  std::string out;
  for (const GrpcStatusInfo& row : allGrpcStatuses()) {
    out += fmt::format("  {:>2} {:<21}{}\n", static_cast<int>(row.status), row.name, cutText(row.meaning, room));
  }
  return out;
}

std::string grpcStatusJson(GrpcStatus status) {
  const GrpcStatusInfo& row = info(status);
  std::string out;
  JsonWriter json(out);
  json.beginObject();
  json.memberUnsigned("grpc_status", static_cast<std::uint64_t>(status));
  json.member("name", row.name);
  json.member("meaning", row.meaning);
  json.memberBoolean("failure", row.failure);
  json.endObject();
  return out;
}

std::string grpcStatusesJson() {
  std::string out = "[";
  std::string_view separator = "\n";
  for (const GrpcStatusInfo& row : allGrpcStatuses()) {
    out += separator;
    out += grpcStatusJson(row.status);
    separator = ",\n";
  }
  return out + "\n]";
}

}  // namespace gatewhy
