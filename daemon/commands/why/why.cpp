// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/why/why.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "daemon/commands/admin_client.h"
#include "daemon/commands/event_story.h"
#include "daemon/commands/report/log_source.h"
#include "daemon/exit_status.h"
#include "daemon/fleet/fleet_command.h"
#include "daemon/log/event_subject.h"
#include "diagnostics/cause.h"

namespace gatewhy {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShortestPrefix = 4;

// What is looked for, and what has been found of it so far.
class Search {
 public:
  explicit Search(const WhyOptions& options) : options_(options) {}

  // Cheap, for a line of a log: most lines are somebody else's.
  [[nodiscard]] bool mayFit(std::string_view line) const {
    return line.find(options_.last ? std::string_view("\"diagnosis\"") : std::string_view(options_.request_id)) !=
           std::string_view::npos;
  }

  // Events come oldest first; of one id, and of failures, the last counts: a
  // client's own id may come again.
  void take(const Json& event) {
    if (!event.is_object() || textAt(event, "event") != "exchange") {
      return;
    }
    const std::string id = textAt(event, "request_id");
    if (options_.last) {
      const std::string cause = textAt(event, "diagnosis.cause");
      if (!cause.empty() && (options_.last_of.empty() || cause == options_.last_of)) {
        exact_ = event;
      }
    } else if (id == options_.request_id) {
      exact_ = event;
    } else if (options_.request_id.size() >= kShortestPrefix && id.starts_with(options_.request_id)) {
      begun_[id] = event;
    }
  }

  // The one that is meant; null where there is none, or where it is not clear.
  [[nodiscard]] const Json* found() const {
    if (exact_) {
      return &*exact_;
    }
    return begun_.size() == 1 ? &begun_.begin()->second : nullptr;
  }
  // All that begin as asked, where no one is meant.
  [[nodiscard]] const std::map<std::string, Json>& candidates() const { return begun_; }

 private:
  const WhyOptions& options_;
  std::optional<Json> exact_;
  std::map<std::string, Json> begun_;
};

bool searchLog(const std::string& path, Search& search) {
  auto source = LogSource::open(path);
  if (!source) {
    fmt::print(stderr, "gatewhy: {}\n", source.error());
    return false;
  }
  const std::string problem = source->forEachLine(
      [&](const LogSource::Line& line) {
        // Most lines are somebody else's: they are not parsed.
        if (line.too_long || !search.mayFit(line.text)) {
          return;
        }
        if (const auto event = parseEvent(line.text)) {
          search.take(*event);
        }
      },
      [](std::uint64_t /*bytes*/) {});
  if (!problem.empty()) {
    fmt::print(stderr, "gatewhy: {}: {}\n", path, problem);
  }
  return problem.empty();
}

std::string query(const WhyOptions& options) {
  if (!options.last) {
    const bool whole = options.request_id.size() < kShortestPrefix;
    return (whole ? "request_id=" : "request_id_prefix=") + queryEncoded(options.request_id);
  }
  return options.last_of.empty() ? "limit=1" : "limit=1&cause=" + queryEncoded(options.last_of);
}

// The error is a sentence.
Result<bool, std::string> searchDaemon(const WhyOptions& options, Search& search) {
  const auto client = adminClient(options.admin, options.config);
  if (!client) {
    return Failure{client.error()};
  }
  const auto answer = client->get("/api/v1/events?" + query(options));
  if (!answer) {
    return Failure{answer.error()};
  }
  if (!answer->is_object()) {
    return Failure{client->text() + " is not the admin listener of a gatewhy"};
  }
  for (const Json& event : answer->value("events", Json::array())) {
    search.take(event);
  }
  return true;
}

// Asks the server for one subject: a whole id, or the last failure.
Result<bool, std::string> searchFleet(const WhyOptions& options, Search& search) {
  const auto take = [&search](std::string_view line) {
    if (const auto event = parseEvent(line)) {
      search.take(*event);
    }
  };
  if (!options.last) {
    const auto read = readFleet(options.fleet, subjectFilter({.request_id = options.request_id}), {}, take);
    return read ? Result<bool, std::string>(true) : Failure{read.error()};
  }
  const auto last = lastOfFleet(options.fleet, options.last_of.empty()
                                                   ? std::string(kFailureSubjects)
                                                   : subjectFilter({.event = "exchange", .cause = options.last_of}));
  if (!last) {
    return Failure{last.error()};
  }
  take(*last);
  return true;
}

std::string vantageLine(const WhyOptions& options, const Json& event) {
  const std::string cause = textAt(event, "diagnosis.cause");
  const std::string words =
      options.fleet.nats.empty() || cause.empty()
          ? ""
          : vantageWords(options.fleet, textAt(event, "origin"), cause, textAt(event, "timestamp"));
  return words.empty() ? "" : fmt::format("\nIn the minutes around it, {}\n", words);
}

// Prints what begins as asked, one a line.
void printCandidates(const std::string& prefix, const std::map<std::string, Json>& candidates) {
  constexpr std::size_t kShown = 20;
  fmt::print(stderr, "gatewhy: {} request ids begin with '{}':\n", candidates.size(), harmless(prefix));
  std::size_t shown = 0;
  for (const auto& [id, event] : candidates) {
    if (++shown > kShown) {
      fmt::print(stderr, "  …\n");
      return;
    }
    const auto status = numberAt(event, "http.response.status_code");
    fmt::print(stderr, "  {}  {}  {} {} {} {}\n", id, textAt(event, "timestamp"),
               status ? fmt::format("{:.0f}", *status) : "-", textAt(event, "diagnosis.cause"),
               textAt(event, "http.request.method"), textAt(event, "url.path"));
  }
}

void printNotFound(const WhyOptions& options, const std::string& where) {
  if (options.last) {
    fmt::print(stderr, "gatewhy: no failure{} {}\n",
               options.last_of.empty() ? "" : fmt::format(" with the cause '{}'", harmless(options.last_of)), where);
    return;
  }
  fmt::print(stderr, "gatewhy: request id '{}' not found {}\n", harmless(options.request_id), where);
}

// Whether --last names a cause that exists; says so where not.
bool causeIsKnown(const WhyOptions& options) {
  if (options.last_of.empty() || causeByName(options.last_of)) {
    return true;
  }
  const auto near = nearestCauseNames(options.last_of, 1);
  fmt::print(stderr, "gatewhy: '{}' is not a cause{}\n", harmless(options.last_of),
             near.empty() ? "; `gatewhy explain` lists them" : fmt::format("; did you mean '{}'?", near.front()));
  return false;
}

}  // namespace

int runWhy(const WhyOptions& options) {
  if (!causeIsKnown(options)) {
    return kExitFailure;
  }
  Search search(options);
  std::string where = "in the running daemon, which keeps recent failures only; its log may know more (--log FILE)";
  if (!options.fleet.nats.empty()) {
    where = "in the fleet's stream, which finds failures by their whole id";
    if (const auto asked = searchFleet(options, search); !asked) {
      fmt::print(stderr, "gatewhy: {}\n", asked.error());
      return kExitFailure;
    }
  } else if (options.logs.empty()) {
    if (const auto asked = searchDaemon(options, search); !asked) {
      fmt::print(stderr, "gatewhy: {}\n", asked.error());
      return kExitFailure;
    }
  } else {
    bool readable = true;
    for (const std::string& log : options.logs) {
      readable = searchLog(log, search) && readable;
    }
    where = readable ? "in the log" : "in what could be read of the log";
  }
  const Json* found = search.found();
  if (found == nullptr) {
    if (search.candidates().empty()) {
      printNotFound(options, where);
    } else {
      printCandidates(options.request_id, search.candidates());
    }
    return kExitFailure;
  }
  const std::string text = options.json ? found->dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                                        : tellStory(*found, styleOf(STDOUT_FILENO)) + vantageLine(options, *found);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  return kExitOk;
}

}  // namespace gatewhy
