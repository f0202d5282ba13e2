// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/report/logged_event.h"

#include <simdjson.h>

#include "daemon/commands/report/log_time.h"
#include "diagnostics/grpc_status.h"

namespace gatewhy {
namespace {

using simdjson::error_code;
using simdjson::SUCCESS;
// The DOM, not On-Demand: it picks the processor's best instructions when the
// program runs, On-Demand when it is compiled, which is for the oldest ones.
using simdjson::dom::element;
using simdjson::dom::object;

static_assert(simdjson::SIMDJSON_PADDING <= 64, "LogSource promises 64 bytes behind a line");

// A value of another type than the event has is an error, as the schema has it.
error_code take(element from, std::string_view& to) {
  return from.get_string().get(to);
}
error_code take(element from, std::uint64_t& to) {
  return from.get_uint64().get(to);
}

// Calls `on_member(key, value)` for each; the first error ends it.
template <typename OnMember>
error_code forMembers(element from, OnMember on_member) {
  object members;
  if (const error_code error = from.get_object().get(members)) {
    return error;
  }
  for (const auto& [key, at] : members) {
    if (const error_code error = on_member(key, at)) {
      return error;
    }
  }
  return SUCCESS;
}

error_code takeStatus(element http, std::uint64_t& status) {
  return forMembers(http, [&](std::string_view key, element at) {
    return key != "response" ? SUCCESS : forMembers(at, [&](std::string_view inner, element code) {
      return inner == "status_code" ? take(code, status) : SUCCESS;
    });
  });
}

error_code takeTimings(element timings, LoggedEvent& event) {
  return forMembers(timings, [&](std::string_view key, element at) {
    for (std::size_t i = 0; i < event.timings.size(); ++i) {
      if (LoggedEvent::kPhaseNames[i] == key) {
        double ms = 0;
        const error_code error = at.get_double().get(ms);
        event.timings[i] = ms;
        return error;
      }
    }
    return SUCCESS;
  });
}

error_code takeDiagnosis(element diagnosis, LoggedEvent& event) {
  return forMembers(diagnosis, [&](std::string_view key, element at) {
    return key == "cause"     ? take(at, event.cause)
           : key == "blame"   ? take(at, event.blame)
           : key == "phase"   ? take(at, event.phase)
           : key == "summary" ? take(at, event.summary)
           : key == "status"  ? take(at, event.diagnosis_status)
                              : SUCCESS;
  });
}

error_code takeCall(element rpc, LoggedEvent& event) {
  return forMembers(rpc, [&](std::string_view key, element at) {
    return key != "grpc" ? SUCCESS : forMembers(at, [&](std::string_view inner, element value) {
      return inner == "status_code"      ? take(value, event.grpc_status.emplace())
             : inner == "status_message" ? take(value, event.grpc_message)
                                         : SUCCESS;
    });
  });
}

error_code takeFindings(element findings, LoggedEvent& event) {
  simdjson::dom::array list;
  if (const error_code error = findings.get_array().get(list)) {
    return error;
  }
  for (const element item : list) {
    std::string_view name;
    if (const error_code error = item.get_string().get(name)) {
      return error;
    }
    event.findings.push_back(name);
  }
  return SUCCESS;
}

error_code takeTry(element from, LoggedEvent& event) {
  LoggedEvent::RetriedTry attempt;
  bool retried = false;
  const error_code error = forMembers(from, [&](std::string_view key, element at) {
    if (key == "endpoint") {
      return take(at, attempt.endpoint);
    }
    if (key == "retried") {
      return at.get_bool().get(retried);
    }
    return key != "diagnosis" ? SUCCESS : forMembers(at, [&](std::string_view inner, element cause) {
      return inner == "cause" ? take(cause, attempt.cause) : SUCCESS;
    });
  });
  if (error == SUCCESS && retried && !attempt.cause.empty()) {
    event.retried.push_back(attempt);
  }
  return error;
}

error_code takeTries(element tries, LoggedEvent& event) {
  simdjson::dom::array list;
  if (const error_code error = tries.get_array().get(list)) {
    return error;
  }
  for (const element attempt : list) {
    if (const error_code error = takeTry(attempt, event)) {
      return error;
    }
  }
  return SUCCESS;
}

struct Words {
  std::string_view timestamp, outcome;
};

error_code takeMember(std::string_view key, element at, LoggedEvent& event, Words& words) {
  if (key == "timestamp") {
    return take(at, words.timestamp);
  }
  if (key == "severity") {
    return take(at, event.severity);
  }
  if (key == "event") {
    return take(at, event.event);
  }
  if (key == "request_id") {
    return take(at, event.request_id);
  }
  if (key == "http") {
    return takeStatus(at, event.status);
  }
  if (key == "outcome") {
    return take(at, words.outcome);
  }
  if (key == "origin") {
    return take(at, event.origin);
  }
  if (key == "attempts") {
    return take(at, event.attempts);
  }
  if (key == "tries") {
    return takeTries(at, event);
  }
  if (key == "timings") {
    return takeTimings(at, event);
  }
  if (key == "rpc") {
    return takeCall(at, event);
  }
  if (key == "diagnosis") {
    return takeDiagnosis(at, event);
  }
  if (key == "findings") {
    return takeFindings(at, event);
  }
  return key == "message" ? take(at, event.message) : SUCCESS;
}

bool judge(LoggedEvent& event, const Words& words) {
  const auto second = parseLogTime(words.timestamp);
  if (!second || event.event.empty()) {
    return false;
  }
  event.second = *second;
  if (event.event != "exchange") {
    event.kind = LoggedEvent::Kind::Lifecycle;
    return true;
  }
  if (words.outcome == "success") {
    event.outcome = LoggedEvent::Outcome::Success;
  } else if (words.outcome == "failure") {
    event.outcome = LoggedEvent::Outcome::Failure;
  } else if (words.outcome == "aborted") {
    event.outcome = LoggedEvent::Outcome::Aborted;
  } else {
    return false;
  }
  if (event.outcome == LoggedEvent::Outcome::Failure && event.cause.empty() && event.grpc_status) {
    const std::string_view status = grpcStatusName(static_cast<std::uint32_t>(*event.grpc_status));
    event.cause = status.empty() ? info(GrpcStatus::Unknown).name : status;
    event.summary = event.grpc_message;
    event.blame = name(Blame::Origin);
  }
  return true;
}

}  // namespace

struct EventReader::Parser {
  simdjson::dom::parser json;
};

EventReader::EventReader() : parser_(std::make_unique<Parser>()) {}
EventReader::~EventReader() = default;

const LoggedEvent* EventReader::read(const LogSource::Line& line) {
  event_ = LoggedEvent{.findings = std::move(event_.findings), .retried = std::move(event_.retried)};
  event_.findings.clear();
  event_.retried.clear();
  if (line.too_long) {
    return nullptr;
  }
  element top;
  if (parser_->json.parse(line.text.data(), line.text.size(), false).get(top) != SUCCESS) {
    return nullptr;
  }
  Words words;
  const error_code error =
      forMembers(top, [&](std::string_view key, element at) { return takeMember(key, at, event_, words); });
  if (error != SUCCESS || !judge(event_, words)) {
    return nullptr;
  }
  return &event_;
}

}  // namespace gatewhy
