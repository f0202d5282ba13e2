// SPDX-License-Identifier: Apache-2.0
// Any octets in every string of an event still make one line of valid JSON.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "diagnostics/event.h"
#include "require.h"

namespace gatewhy::fuzz {
namespace {

// Hands out runs of the input: a size octet, then that many octets.
class Pieces {
 public:
  explicit Pieces(std::string_view bytes) : left_(bytes) {}

  std::string_view next() {
    if (left_.empty()) {
      return {};
    }
    const auto size = static_cast<unsigned char>(left_.front());
    const std::string_view piece = left_.substr(1, size);
    left_.remove_prefix(1 + piece.size());
    return piece;
  }
  std::string nextString() { return std::string(next()); }

 private:
  std::string_view left_;
};

Diagnosis diagnosisOf(Pieces& pieces) {
  Observation observation;
  observation.phase = Phase::ResponseHead;
  ParseFault fault;
  fault.excerpt = pieces.next();
  fault.header_name = pieces.next();
  fault.token = pieces.next();
  observation.fault = fault;
  observation.connection.endpoint = pieces.next();
  observation.connection.peer_address = pieces.next();
  observation.bytes.last_line = pieces.next();
  return diagnose(observation, StatusPolicy{});
}

void requireOneJsonLine(const std::string& line) {
  require(line.ends_with('\n'), "the line ends");
  require(line.find('\n') == line.size() - 1, "it is one line");
  require(nlohmann::json::accept(line), "it is JSON in UTF-8");
}

}  // namespace
}  // namespace gatewhy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatewhy;
  using namespace gatewhy::fuzz;
  Pieces pieces(asText(data, size));
  const Diagnosis diagnosis = diagnosisOf(pieces);
  const std::vector<Symptom> later{{pieces.nextString(), 1.5}};
  const std::vector<TryRecord> tries(2,
                                     TryRecord{pieces.nextString(), pieces.nextString(), true, Timings{}, diagnosis});
  ExchangeEvent event;
  event.method = pieces.next();
  event.path = pieces.next();
  event.query = pieces.next();
  event.user_agent = pieces.next();
  event.server_address = pieces.next();
  event.request_id = pieces.next();
  event.trace_id = pieces.next();
  event.client_address = pieces.next();
  event.route = pieces.next();
  event.origin = pieces.next();
  event.endpoint = pieces.next();
  event.peer_address = pieces.next();
  event.attempts = 2;
  event.tries = &tries;
  event.diagnosis = &diagnosis;
  event.later = &later;
  event.outcome = gatewhy::Outcome::Failure;
  std::string line;
  appendJson(line, event);
  requireOneJsonLine(line);

  LifecycleEvent lifecycle;
  const std::string message = pieces.nextString();
  lifecycle.event = "start";
  lifecycle.message = message;
  lifecycle.facts.push_back({"fact", pieces.nextString(), std::nullopt, {}});
  lifecycle.facts.push_back({"list", {}, std::nullopt, {pieces.nextString(), pieces.nextString()}});
  line.clear();
  appendJson(line, lifecycle, {});
  requireOneJsonLine(line);
  return 0;
}
