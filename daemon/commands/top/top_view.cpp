// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/top/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include "daemon/commands/event_story.h"
#include "daemon/commands/report/log_time.h"

namespace gatewhy {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNameColumn = 20;

const Json& member(const Json& json, const char* name) {
  static const Json none = Json::array();
  if (!json.is_object()) {
    return none;
  }
  const auto found = json.find(name);
  return found == json.end() ? none : *found;
}

double numberOf(const Json& json, std::string_view path) {
  return numberAt(json, path).value_or(0);
}

const Json* originNamed(const Json& origins, const std::string& name) {
  for (const Json& origin : member(origins, "origins")) {
    if (textAt(origin, "name") == name) {
      return &origin;
    }
  }
  return nullptr;
}

std::string uptime(const Json& status) {
  const auto now = parseLogTime(textAt(status, "now"));
  const auto started = parseLogTime(textAt(status, "started"));
  return now && started ? ", up " + spanText(*now - *started) : "";
}

std::string headLine(const Json& status, const TextStyle& style) {
  const std::string readiness = textAt(status, "readiness");
  std::string out = paint("gatewhy " + textAt(status, "version"), Ink::Bold, style) + "  ";
  out += paint(readiness.empty() ? "unknown" : readiness, readiness == "ready" ? Ink::Green : Ink::Yellow, style);
  out += uptime(status);
  out += fmt::format(", {:.0f} clients, {:.0f} in flight", numberOf(status, "client_connections"),
                     numberOf(status, "exchanges_in_flight"));
  const double dropped = numberOf(status, "log.dropped");
  if (dropped > 0) {
    out += paint(fmt::format(", {:.0f} log lines dropped", dropped), Ink::Yellow, style);
  }
  const Json& reloaded = member(member(status, "config"), "last_reload_successful");
  if (reloaded.is_boolean() && !reloaded.get<bool>()) {
    out += paint(", last reload refused", Ink::Red, style);
  }
  return out + "\n\n";
}

std::string rateText(double difference, double seconds) {
  const double rate = std::max(0.0, difference) / seconds;
  return fmt::format("{:.{}f}", rate, rate > 0 && rate < 10 ? 1 : 0);
}

// The last hour's failures of one origin's one cause.
std::uint64_t hourlyCount(const Json& history, const std::string& name, const std::string& cause) {
  std::uint64_t sum = 0;
  for (const Json& origin : member(history, "origins")) {
    if (textAt(origin, "name") == name) {
      for (const Json& count : member(member(origin, "causes"), cause.c_str())) {
        sum += count.is_number_unsigned() ? count.get<std::uint64_t>() : 0;
      }
    }
  }
  return sum;
}

// The last hour's failures of one origin, the sum of its causes.
std::string hourOf(const Json& history, const std::string& name, std::size_t columns, const TextStyle& style) {
  std::vector<std::uint64_t> sums(columns);
  for (const Json& origin : member(history, "origins")) {
    if (textAt(origin, "name") != name) {
      continue;
    }
    for (const Json& counts : member(origin, "causes")) {
      const std::size_t steps = std::max<std::size_t>(counts.size(), 1);
      std::size_t i = 0;
      for (const Json& count : counts) {
        sums[i++ * columns / steps] += count.is_number_unsigned() ? count.get<std::uint64_t>() : 0;
      }
    }
  }
  return paint(sparkline(sums, style), Ink::Red, style);
}

void appendEndpoint(std::string& out, const Json& endpoint, const TextStyle& style) {
  const std::string state = textAt(endpoint, "state");
  std::string text = state;
  if (const auto left = numberAt(endpoint, "ejected_for_ms")) {
    text += ", back in " + millisText(*left);
  }
  if (const std::string cause = textAt(endpoint, "cause"); !cause.empty()) {
    text += " after " + cause;
  }
  out += "  " + fitted(textAt(endpoint, "url"), 40, style) + " ";
  out += paint(text, state == "up" ? Ink::Dim : Ink::Red, style);
  out += fmt::format("  {:.0f}+{:.0f} connections\n", numberOf(endpoint, "connections.in_use"),
                     numberOf(endpoint, "connections.idle"));
}

void appendOrigin(std::string& out, const Json& origin, const TopSnapshot& now, const TopSnapshot* before,
                  const TextStyle& style) {
  const std::string name = textAt(origin, "name");
  const Json* earlier = before == nullptr ? nullptr : originNamed(before->origins, name);
  const auto rate = [&](const char* key) {
    return earlier == nullptr ? "-"
                              : rateText(numberOf(origin, key) - numberOf(*earlier, key), now.at_s - before->at_s);
  };
  const auto latency = [&](const char* path) {
    const auto ms = numberAt(origin, path);
    return ms ? millisText(*ms) : std::string("-");
  };
  const double failures = numberOf(origin, "failures");
  const std::string count = rightAligned(countText(static_cast<std::uint64_t>(std::max(0.0, failures))), 10);
  const std::size_t columns = std::clamp<std::size_t>(style.width - kNameColumn - 50, 8, 60);
  out += fitted(name, kNameColumn, style);
  fmt::format_to(std::back_inserter(out), "{:>8}{:>8}{}{:>11}{:>11}  {}\n", rate("exchanges"), rate("failures"),
                 paint(count, failures > 0 ? Ink::Red : Ink::Dim, style), latency("latency_ms.exchange.p50"),
                 latency("latency_ms.exchange.p99"), hourOf(now.history, name, columns, style));
  const double waiting = numberOf(origin, "waiting");
  if (waiting > 0) {
    out += paint(fmt::format("  {:.0f} exchanges wait for a connection\n", waiting), Ink::Yellow, style);
  }
  std::string slow;
  for (const char* phase : {"resolve", "connect", "tls_handshake", "send", "wait", "receive"}) {
    if (const auto ms = numberAt(origin, fmt::format("latency_ms.{}.p99", phase))) {
      slow += fmt::format("{}{} {}", slow.empty() ? "  p99: " : ", ", phase, millisText(*ms));
    }
  }
  if (!slow.empty()) {
    out += paint(fitted(slow, std::min<std::size_t>(columnsOf(slow), style.width), style), Ink::Dim, style) + "\n";
  }
  for (const Json& endpoint : member(origin, "endpoints")) {
    appendEndpoint(out, endpoint, style);
  }
}

void appendOrigins(std::string& out, const TopSnapshot& now, const TopSnapshot* before, const TextStyle& style) {
  out += paint(fmt::format("{:<{}}{:>8}{:>8}{:>10}{:>11}{:>11}  failures, last hour\n", "origin", kNameColumn, "/s",
                           "fail/s", "failures", "p50", "p99"),
               Ink::Dim, style);
  for (const Json& origin : member(now.origins, "origins")) {
    appendOrigin(out, origin, now, before, style);
  }
}

void appendCauses(std::string& out, const TopSnapshot& now, const TextStyle& style) {
  struct Row {
    std::string origin, cause;
    double count = 0;
  };
  std::vector<Row> rows;
  const auto take = [&rows](const Json& from, const std::string& origin) {
    for (const auto& [cause, count] : member(from, "causes").items()) {
      if (count.is_number()) {
        rows.push_back({origin, harmless(cause), count.get<double>()});
      }
    }
  };
  for (const Json& origin : member(now.origins, "origins")) {
    take(origin, textAt(origin, "name"));
  }
  take(member(now.origins, "without_origin"), "(no origin)");
  if (rows.empty()) {
    return;
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.count > b.count; });
  rows.resize(std::min<std::size_t>(rows.size(), 8));
  out += "\n" + paint("Causes since the start", Ink::Bold, style) + "\n";
  const std::size_t cells = style.width > 74 ? std::min<std::size_t>(style.width - 64, 40) : 10;
  for (const Row& row : rows) {
    fmt::format_to(std::back_inserter(out), "{}{}{:>9.0f}  {}\n", fitted(row.cause, 34, style),
                   fitted(row.origin, 18, style), row.count,
                   paint(bar(row.count / std::max(rows.front().count, 1.0), cells, style), Ink::Red, style));
  }
}

void appendFailures(std::string& out, const TopSnapshot& now, const TextStyle& style) {
  const Json& events = member(now.events, "events");
  if (events.empty()) {
    return;
  }
  out += "\n" + paint("Last failure of each kind", Ink::Bold, style) +
         ", with the last hour's count (gatewhy why REQUEST_ID)\n";
  for (auto event = events.rbegin(); event != events.rend(); ++event) {  // newest first
    const std::string timestamp = textAt(*event, "timestamp");
    const auto status = numberAt(*event, "http.response.status_code");
    const std::string cause = textAt(*event, "diagnosis.cause"), origin = textAt(*event, "origin");
    const std::string count = countText(hourlyCount(now.history, origin, cause));
    const std::string line = fmt::format(
        "{} {:>3} {}x {}{}{} {} {}{}", timestamp.size() > 19 ? timestamp.substr(11, 8) : timestamp,
        status ? fmt::format("{:.0f}", *status) : "-", rightAligned(count, 6), cause, origin.empty() ? "" : " at ",
        origin, textAt(*event, "request_id"), textAt(*event, "server.address"), textAt(*event, "url.path"));
    out += columnsOf(line) > style.width ? fitted(line, style.width, style) : line;
    out += "\n";
  }
}

std::string firstLines(std::string text, std::size_t count) {
  std::size_t at = 0;
  for (std::size_t n = 0; n < count; ++n) {
    at = text.find('\n', at);
    if (at == std::string::npos) {
      return text;
    }
    ++at;
  }
  text.resize(at);
  return text;
}

}  // namespace

std::string topFrame(const TopSnapshot& now, const TopSnapshot* before, const TextStyle& style, std::size_t height) {
  const TopSnapshot* comparable = before != nullptr && now.at_s > before->at_s ? before : nullptr;
  std::string out = headLine(now.status, style);
  appendOrigins(out, now, comparable, style);
  appendCauses(out, now, style);
  appendFailures(out, now, style);
  return firstLines(std::move(out), height);
}

}  // namespace gatewhy
