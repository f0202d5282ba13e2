// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/top/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/commands/event_story.h"
#include "daemon/commands/report/log_time.h"
#include "diagnostics/cause.h"
#include "diagnostics/grpc_status.h"

namespace gatewhy {
namespace {

using Json = nlohmann::ordered_json;

// Steps of the history that say how an origin is now: five minutes.
constexpr std::size_t kRecentSteps = 10;
constexpr std::size_t kStateColumn = 13;
constexpr std::size_t kNumbersWidth = 41;

std::size_t nameColumn(const TextStyle& style) {
  return std::clamp<std::size_t>(style.width / 5, 16, 40);
}

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

std::string rateText(double difference, double seconds) {
  const double rate = std::max(0.0, difference) / seconds;
  return fmt::format("{:.{}f}", rate, rate > 0 && rate < 10 ? 1 : 0);
}

double sumOf(const Json& origins, const char* key) {
  double sum = 0;
  for (const Json& origin : member(origins, "origins")) {
    sum += numberOf(origin, key);
  }
  return sum;
}

std::string shareText(double share) {
  return share > 0 && share < 0.001 ? "<0.1 %" : fmt::format("{:.{}f} %", 100 * share, share < 0.0995 ? 1 : 0);
}

// Two lines: how gatewhy is, and how its origins are altogether.
std::string headLine(const TopSnapshot& now, const TopSnapshot* before, const TextStyle& style) {
  const Json& status = now.status;
  const std::string readiness = textAt(status, "readiness");
  std::string out = paint("gatewhy " + textAt(status, "version"), Ink::Bold, style) + "  ";
  out += paint(readiness.empty() ? "unknown" : readiness, readiness == "ready" ? Ink::Green : Ink::Yellow, style);
  out += uptime(status);
  const double clients = numberOf(status, "client_connections");
  out += fmt::format(", {:.0f} {}, {:.0f} in flight", clients, clients == 1 ? "client" : "clients",
                     numberOf(status, "exchanges_in_flight"));
  const double dropped = numberOf(status, "log.dropped");
  if (dropped > 0) {
    out += paint(fmt::format(", {:.0f} log lines dropped", dropped), Ink::Yellow, style);
  }
  const Json& reloaded = member(member(status, "config"), "last_reload_successful");
  if (reloaded.is_boolean() && !reloaded.get<bool>()) {
    out += paint(", last reload refused", Ink::Red, style);
  }
  out += "\n";
  if (before == nullptr) {
    return out + "\n";
  }
  const double requests = std::max(0.0, sumOf(now.origins, "exchanges") - sumOf(before->origins, "exchanges"));
  const double failures = std::max(0.0, sumOf(now.origins, "failures") - sumOf(before->origins, "failures"));
  out += paint(rateText(requests, now.at_s - before->at_s) + " requests/s", Ink::Bold, style) + ", ";
  const std::string failing = requests > 0 ? shareText(failures / requests) + " failing" : "none failing";
  return out + paint(failing, failures > 0 ? Ink::Red : Ink::Green, style) + "\n";
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

// What came of an origin's requests lately.
struct Recent {
  double requests = 0;
  double failures = 0;
};

double lastOf(const Json& counts) {
  double sum = 0;
  const std::size_t from = counts.size() > kRecentSteps ? counts.size() - kRecentSteps : 0;
  for (std::size_t i = from; i < counts.size(); ++i) {
    sum += counts[i].is_number() ? counts[i].get<double>() : 0;
  }
  return sum;
}

// Without what clients did wrong.
Recent recentOf(const Json& history, const std::string& name) {
  Recent recent;
  for (const Json& origin : member(history, "origins")) {
    if (textAt(origin, "name") != name) {
      continue;
    }
    recent.requests += lastOf(member(origin, "exchanges"));
    for (const auto& [cause, counts] : member(origin, "causes").items()) {
      const auto known = causeByName(cause);
      recent.failures += known && info(*known).blame == Blame::Client ? 0 : lastOf(counts);
    }
  }
  return recent;
}

double failingShare(const Recent& recent) {
  return recent.failures / std::max({recent.requests, recent.failures, 1.0});
}

// Endpoints by the words of the admin API.
std::size_t endpointsIn(const Json& origin, std::initializer_list<std::string_view> states) {
  std::size_t count = 0;
  for (const Json& endpoint : member(origin, "endpoints")) {
    count += std::find(states.begin(), states.end(), textAt(endpoint, "state")) != states.end() ? 1U : 0U;
  }
  return count;
}

bool anyOut(const Json& origin) {
  return endpointsIn(origin, {"ejected", "down_by_check", "drained"}) > 0;
}

bool anyFailing(const Json& origin) {
  return endpointsIn(origin, {"failing"}) > 0;
}

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// "up" is only said of what has answered.
std::pair<std::string, Ink> stateOf(const Json& origin, const Recent& recent) {
  constexpr double kFailing = 0.05;
  const double share = failingShare(recent);
  if (share >= kFailing) {
    return {"failing " + shareText(share), Ink::Red};
  }
  for (const char* out : {"ejected", "down_by_check", "drained"}) {
    if (endpointsIn(origin, {out}) > 0) {
      return {spaced(out), Ink::Yellow};
    }
  }
  if (const std::size_t failing = endpointsIn(origin, {"failing"}); failing > 0) {
    return {fmt::format("{}/{} failing", failing, member(origin, "endpoints").size()), Ink::Yellow};
  }
  if (recent.requests == 0) {
    return {"no traffic", Ink::Dim};
  }
  return share > 0 ? std::pair(shareText(share) + " failing", Ink::Yellow) : std::pair(std::string("up"), Ink::Green);
}

// What retries saved from this endpoint, and when it failed last.
void appendRescues(std::string& out, const Json& endpoint, const TextStyle& style) {
  std::string text;
  for (const auto& [cause, count] : member(endpoint, "rescued").items()) {
    text += text.empty() ? "" : ", ";
    const double times = count.is_number() ? std::max(0.0, count.get<double>()) : 0;
    text += fmt::format("{} rescued from {}", countText(static_cast<std::uint64_t>(times)), harmless(cause));
  }
  const std::string at = textAt(endpoint, "last_failure.timestamp");
  if (at.size() > 18) {
    text += fmt::format("{}last failure {} {}", text.empty() ? "" : "; ", at.substr(11, 8),
                        textAt(endpoint, "last_failure.cause"));
  }
  if (!text.empty()) {
    text = "    " + text;
    out += paint(fitted(text, std::min<std::size_t>(columnsOf(text), style.width), style), Ink::Dim, style) + "\n";
  }
}

void appendEndpoint(std::string& out, const Json& endpoint, const TextStyle& style) {
  const std::string state = textAt(endpoint, "state");
  std::string text = spaced(state);
  const double failed = numberOf(endpoint, "recent.failed");
  const double tries = failed + numberOf(endpoint, "recent.answered");
  if (failed > 0 && (state == "failing" || state == "up")) {
    text = state == "up" ? shareText(failed / tries) + " failing" : "failing " + shareText(failed / tries);
  }
  if (const auto left = numberAt(endpoint, "ejected_for_ms")) {
    text += ", back in " + millisText(*left);
  }
  if (const std::string cause = textAt(endpoint, "cause"); !cause.empty()) {
    text += " after " + cause;
  }
  const std::string connections = fmt::format("  {:.0f} busy + {:.0f} idle", numberOf(endpoint, "connections.in_use"),
                                              numberOf(endpoint, "connections.idle"));
  const std::string url = "  " + fitted(textAt(endpoint, "url"), 40, style) + " ";
  const std::size_t room = style.width - std::min<std::size_t>(style.width, 43);
  const bool fits = columnsOf(text) + columnsOf(connections) <= room;
  text = columnsOf(text) > room ? fitted(text, room, style) : text;
  const bool quiet = state == "up" || state == "no_traffic" || state == "drained";
  out += url + paint(text, quiet ? Ink::Dim : Ink::Red, style) + (fits ? connections : "") + "\n";
  appendRescues(out, endpoint, style);
}

void appendDetails(std::string& out, const Json& origin, const TextStyle& style) {
  const double waiting = numberOf(origin, "waiting");
  if (waiting > 0) {
    out += paint(fmt::format("  {:.0f} requests wait for a connection\n", waiting), Ink::Yellow, style);
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

void appendOrigin(std::string& out, const Json& origin, const TopSnapshot& now, const TopSnapshot* before,
                  const TextStyle& style, bool details) {
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
  const std::string count = rightAligned(countText(static_cast<std::uint64_t>(std::max(0.0, failures))), 9);
  const std::size_t before_line = nameColumn(style) + kStateColumn + kNumbersWidth;
  const std::size_t columns =
      std::clamp<std::size_t>(style.width - std::min<std::size_t>(style.width, before_line + 1), 8, 60);
  const Recent recent = recentOf(now.history, name);
  const auto [state, ink] = stateOf(origin, recent);
  out += fitted(name, nameColumn(style) - 1, style) + " " + paint(fitted(state, kStateColumn, style), ink, style);
  fmt::format_to(std::back_inserter(out), "{:>7}{:>7}{}{:>9}{:>9} {}\n", rate("exchanges"), rate("failures"),
                 paint(count, failures > 0 ? Ink::Red : Ink::Dim, style), latency("latency_ms.exchange.p50"),
                 latency("latency_ms.exchange.p99"), hourOf(now.history, name, columns, style));
  if (details || recent.failures > 0 || anyOut(origin) || anyFailing(origin) || numberOf(origin, "waiting") > 0) {
    appendDetails(out, origin, style);
  }
}

// What is out of use or hidden by retries counts as failing; on a tie as the configuration has them.
std::vector<const Json*> sortedOrigins(const TopSnapshot& now, const TopSnapshot* before, TopSort sort) {
  struct Keyed {
    const Json* origin;
    std::string name;
    double key;  // largest first
  };
  std::vector<Keyed> keyed;
  for (const Json& origin : member(now.origins, "origins")) {
    const std::string name = textAt(origin, "name");
    double key = 0;
    if (sort == TopSort::Failing) {
      constexpr double kOut = 0.5;
      constexpr double kHidden = 0.04;  // below what clients see of any origin that is called failing
      const double hidden = anyOut(origin) ? kOut : anyFailing(origin) ? kHidden : 0.0;
      key = std::max(failingShare(recentOf(now.history, name)), hidden);
    } else if (sort == TopSort::Requests) {
      const Json* earlier = before == nullptr ? nullptr : originNamed(before->origins, name);
      key = numberOf(origin, "exchanges") - (earlier == nullptr ? 0 : numberOf(*earlier, "exchanges"));
    }
    keyed.push_back({&origin, name, key});
  }
  std::stable_sort(keyed.begin(), keyed.end(), [sort](const Keyed& a, const Keyed& b) {
    return sort == TopSort::Name ? a.name < b.name : a.key > b.key;
  });
  std::vector<const Json*> sorted;
  sorted.reserve(keyed.size());
  for (const Keyed& one : keyed) {
    sorted.push_back(one.origin);
  }
  return sorted;
}

void appendOrigins(std::string& out, const TopSnapshot& now, const TopSnapshot* before, const TextStyle& style,
                   const TopView& view) {
  out += paint(fmt::format("{:<{}}{:<{}}{:>7}{:>7}{:>9}{:>9}{:>9} {}\n", "origin", nameColumn(style), "state",
                           kStateColumn, "req/s", "fail/s", "failures", "p50", "p99",
                           style.width < 100 ? "last hour" : "failures in the last hour"),
               Ink::Dim, style);
  for (const Json* origin : sortedOrigins(now, before, view.sort)) {
    appendOrigin(out, *origin, now, before, style, view.details);
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
  take(member(now.origins, "without_origin"), "(by gatewhy)");
  if (rows.empty()) {
    return;
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.count > b.count; });
  rows.resize(std::min<std::size_t>(rows.size(), 8));
  out += "\n" + paint("Causes since the start", Ink::Bold, style) + "\n";
  constexpr std::size_t kCauseColumn = 36;
  const std::size_t used = kCauseColumn + nameColumn(style) + 11;
  const std::size_t cells = std::clamp<std::size_t>(style.width - std::min<std::size_t>(style.width, used), 8, 40);
  for (const Row& row : rows) {
    fmt::format_to(std::back_inserter(out), "{}{}{:>9.0f}  {}\n", fitted(row.cause, kCauseColumn, style),
                   fitted(row.origin, nameColumn(style), style), row.count,
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
    std::string cause = textAt(*event, "diagnosis.cause");
    if (const auto code = numberAt(*event, "rpc.grpc.status_code"); cause.empty() && code) {
      cause = fmt::format("gRPC {:.0f} {}", *code, grpcStatusName(static_cast<std::uint32_t>(*code)));
    }
    const std::string origin = textAt(*event, "origin");
    const std::string count = countText(hourlyCount(now.history, origin, cause));
    const std::string line = fmt::format(
        "{} {:>3} {}x {}{}{} {} {}{}", timestamp.size() > 19 ? timestamp.substr(11, 8) : timestamp,
        status ? fmt::format("{:.0f}", *status) : "-", rightAligned(count, 6), cause, origin.empty() ? "" : " at ",
        origin, textAt(*event, "request_id"), textAt(*event, "server.address"), textAt(*event, "url.path"));
    out += columnsOf(line) > style.width ? fitted(line, style.width, style) : line;
    out += "\n";
  }
}

// The end of the `count`th line.
std::size_t endOfLines(const std::string& text, std::size_t count) {
  std::size_t at = 0;
  for (std::size_t n = 0; n < count && at < text.size(); ++n) {
    at = std::min(text.find('\n', at), text.size() - 1) + 1;
  }
  return at;
}

}  // namespace

std::string topFrame(const TopSnapshot& now, const TopSnapshot* before, const TextStyle& style, const TopView& view) {
  constexpr std::size_t kHeadLines = 2;
  const TopSnapshot* comparable = before != nullptr && now.at_s > before->at_s ? before : nullptr;
  std::string head = headLine(now, comparable, style);
  std::string out;
  appendOrigins(out, now, comparable, style, view);
  appendCauses(out, now, style);
  appendFailures(out, now, style);
  const std::size_t room = view.height > kHeadLines ? view.height - kHeadLines : 1;
  const auto lines = static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n'));
  out.erase(0, endOfLines(out, std::min(view.skip, lines > room ? lines - room : 0)));
  out.resize(endOfLines(out, room));
  return head + out;
}

}  // namespace gatewhy
