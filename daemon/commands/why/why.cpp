// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/why/why.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "daemon/commands/admin_client.h"
#include "daemon/commands/event_story.h"
#include "daemon/commands/report/log_source.h"
#include "daemon/commands/run.h"

namespace gatewhy {
namespace {

using Json = nlohmann::ordered_json;
using Found = std::optional<Json>;

bool isExchangeOf(const Json& event, const std::string& request_id) {
  return event.is_object() && event.value("event", Json()) == "exchange" &&
         event.value("request_id", Json()) == request_id;
}

// The last exchange of that id: a client's own id may come again.
Found findInLog(const std::string& path, const std::string& request_id, bool& readable) {
  auto source = LogSource::open(path);
  if (!source) {
    fmt::print(stderr, "gatewhy: {}\n", source.error());
    readable = false;
    return std::nullopt;
  }
  Found found;
  const std::string problem = source->forEachLine(
      [&](const LogSource::Line& line) {
        // Most lines are somebody else's: they are not parsed.
        if (line.too_long || line.text.find(request_id) == std::string_view::npos) {
          return;
        }
        if (auto event = parseEvent(line.text); event && isExchangeOf(*event, request_id)) {
          found = std::move(event);
        }
      },
      [](std::uint64_t /*bytes*/) {});
  if (!problem.empty()) {
    fmt::print(stderr, "gatewhy: {}: {}\n", path, problem);
    readable = false;
  }
  return found;
}

Result<Found, std::string> findInDaemon(const WhyOptions& options) {
  const auto client = adminClient(options.admin, options.config);
  if (!client) {
    return Failure{client.error()};
  }
  const auto answer = client->get("/api/v1/events?request_id=" + queryEncoded(options.request_id));
  if (!answer) {
    return Failure{answer.error()};
  }
  Found found;
  if (!answer->is_object()) {
    return Failure{client->text() + " is not the admin listener of a gatewhy"};
  }
  for (const Json& event : answer->value("events", Json::array())) {
    if (isExchangeOf(event, options.request_id)) {
      found = event;
    }
  }
  return found;
}

}  // namespace

int runWhy(const WhyOptions& options) {
  Found found;
  std::string where = "in the running daemon, which keeps recent failures only; its log may know more (--log FILE)";
  if (options.logs.empty()) {
    auto asked = findInDaemon(options);
    if (!asked) {
      fmt::print(stderr, "gatewhy: {}\n", asked.error());
      return kExitFailure;
    }
    found = *std::move(asked);
  } else {
    bool readable = true;
    for (const std::string& log : options.logs) {
      if (Found here = findInLog(log, options.request_id, readable)) {
        found = std::move(here);
      }
    }
    where = readable ? "in the log" : "in what could be read of the log";
  }
  if (!found) {
    fmt::print(stderr, "gatewhy: no exchange has the request id '{}' {}\n", harmless(options.request_id), where);
    return kExitFailure;
  }
  const std::string text = options.json ? found->dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                                        : tellStory(*found, styleOf(STDOUT_FILENO));
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  return kExitOk;
}

}  // namespace gatewhy
