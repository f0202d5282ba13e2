// SPDX-License-Identifier: Apache-2.0
// One line of an event log, as much of it as a report needs.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/commands/report/log_source.h"

namespace gatewhy {

// Views are valid until the next line is read.
struct LoggedEvent {
  enum class Kind : std::uint8_t { Exchange, Lifecycle };
  enum class Outcome : std::uint8_t { Success, Failure, Aborted };
  // The event's `timings`, in the order of kPhaseNames.
  static constexpr std::array<std::string_view, 7> kPhaseNames = {"resolve", "connect", "tls_handshake", "send",
                                                                  "wait",    "receive", "total"};

  Kind kind = Kind::Exchange;
  std::int64_t second = 0;
  std::string_view event, severity, message;  // `message`: Lifecycle
  std::string_view request_id, origin;        // `origin` also of an ejection
  Outcome outcome = Outcome::Success;
  std::uint64_t attempts = 0, status = 0;
  std::array<std::optional<double>, kPhaseNames.size()> timings;  // ms
  std::string_view cause, blame, phase, summary;                  // of the diagnosis
  std::uint64_t diagnosis_status = 0;
  // Of a call of gRPC. A failure of an origin's own making, which has no
  // diagnosis, has the status's name as its cause.
  std::optional<std::uint64_t> grpc_status;
  std::string_view grpc_message;
  std::vector<std::string_view> findings;
  // A try that failed and that another one followed.
  struct RetriedTry {
    std::string_view endpoint, cause;
  };
  std::vector<RetriedTry> retried;
};

// Reads lines with simdjson; keeps its memory between them.
class EventReader {
 public:
  EventReader();
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  // nullptr where the line is no event of gatewhy's.
  [[nodiscard]] const LoggedEvent* read(const LogSource::Line& line);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  LoggedEvent event_;
};

}  // namespace gatewhy
