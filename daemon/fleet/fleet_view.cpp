// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet/fleet_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace gatewhy {
namespace {

using FleetJson = nlohmann::json;

std::string fleetWord(const FleetJson& object, const char* pointer) {
  const FleetJson::json_pointer path(pointer);
  return object.contains(path) && object.at(path).is_string() ? object.at(path).get<std::string>() : std::string();
}

// "120-131"
std::optional<SequenceSet::Range> fleetRange(const std::string& text) {
  SequenceSet::Range range;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, range.first);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') {
    return std::nullopt;
  }
  const auto last = std::from_chars(first.ptr + 1, end, range.second);
  return last.ec == std::errc() && last.ptr == end && range.second >= range.first ? std::optional(range) : std::nullopt;
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> fleetTime(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) {
    return std::nullopt;
  }
  constexpr double kMicros = 1e6;
  const double fraction = *rest == '.' ? std::strtod(rest, nullptr) : 0;
  return std::chrono::system_clock::from_time_t(::timegm(&parts)) +
         std::chrono::microseconds(std::llround(fraction * kMicros));
}

struct FleetView::Parsed {
  FleetJson json;
  std::string event, instance, boot;
  std::uint64_t sequence = 0;
  Time stored;
};

std::string_view instanceStateName(InstanceState state) noexcept {
  switch (state) {
    case InstanceState::Running:
      return "running";
    case InstanceState::Draining:
      return "draining";
    case InstanceState::Stopped:
      return "stopped";
    case InstanceState::Silent:
      return "silent";
  }
  return {};
}

std::string FleetGap::words() const {
  if (open) {
    return fmt::format("{}, boot {}, ended without stop after {}", instance, boot, last);
  }
  const std::uint64_t missing = last - first + 1;
  const std::string which = first == last ? fmt::format("{}", first) : fmt::format("{}–{}", first, last);
  std::string out = fmt::format("{}, boot {}, {} missing", instance, boot, which);
  if (told == missing) {
    return out + fmt::format(": {} dropped, told by it", told);
  }
  return told == 0 ? out + ": not told"
                   : out + fmt::format(": {} dropped, told by it; {} not told", told, missing - told);
}

bool FleetView::add(std::string_view line, Time stored) {
  Parsed event;
  event.json = FleetJson::parse(line, nullptr, false);
  if (!event.json.is_object()) {
    return false;
  }
  event.event = fleetWord(event.json, "/event");
  event.instance = fleetWord(event.json, "/service/instance/id");
  event.boot = fleetWord(event.json, "/boot_id");
  const auto number = event.json.find("sequence");
  if (event.event.empty() || event.boot.empty() || number == event.json.end() || !number->is_number_unsigned()) {
    return false;
  }
  event.sequence = number->get<std::uint64_t>();
  event.stored = stored;
  Instance& instance = instances_[event.instance];
  instance.view.name = event.instance;
  Run& run = instance.runs[event.boot];
  if (!run.seen.insert(event.sequence)) {
    ++duplicates_;
    return false;
  }
  run.begun = run.begun == Time{} ? stored : std::min(run.begun, stored);
  run.last = std::max(run.last, stored);
  ++instance.view.events;
  // What is replayed from a spool is of an earlier run.
  if (instance.view.boot.empty() || run.begun >= instance.runs[instance.view.boot].begun) {
    if (instance.view.boot != event.boot) {
      instance.view.boot = event.boot;
      instance.view.state = InstanceState::Running;
      instance.exchanges.clear();
      instance.said.clear();
    }
    instance.view.last_seen = std::max(instance.view.last_seen, stored);
  }
  if (event.event == "exchange") {
    addExchange(instance, event);
  } else {
    addWord(instance, run, event);
  }
  return true;
}

void FleetView::addExchange(Instance& instance, const Parsed& event) {
  const std::string origin = fleetWord(event.json, "/origin");
  const std::string cause = fleetWord(event.json, "/diagnosis/cause");
  const std::string address = fleetWord(event.json, "/peer/address");
  ++instance.counted[origin];
  auto& addresses = addresses_[origin];
  if (!address.empty() && (addresses.size() < kMostAddresses || addresses.count(address) != 0)) {
    ++addresses[address];
  }
  if (cause.empty()) {
    return;
  }
  ++instance.view.failures;
  Failing& failing = failures_[{origin, cause}];
  FailureView& view = failing.view;
  view.origin = origin;
  view.cause = cause;
  ++view.failures;
  ++view.by_instance[event.instance];
  const std::string timestamp = fleetWord(event.json, "/timestamp");
  const auto when = fleetTime(timestamp).value_or(event.stored);
  ++view.by_minute[std::chrono::floor<std::chrono::minutes>(when.time_since_epoch()).count()];
  view.last_request_id = fleetWord(event.json, "/request_id");
  view.last_summary = fleetWord(event.json, "/diagnosis/summary");
  if (!address.empty() && addresses.count(address) != 0) {
    ++failing.by_address[address];
  }
  const FleetJson::json_pointer status("/http/response/status_code");
  recent_.push_back({.timestamp = timestamp,
                     .instance = event.instance,
                     .origin = origin,
                     .cause = cause,
                     .request_id = view.last_request_id,
                     .summary = view.last_summary,
                     .status = event.json.contains(status) && event.json.at(status).is_number()
                                   ? event.json.at(status).get<int>()
                                   : 0});
  if (recent_.size() > kRecent) {
    recent_.pop_front();
  }
}

void FleetView::addWord(Instance& instance, Run& run, const Parsed& event) {
  const bool current = instance.view.boot == event.boot;
  if (const auto lost = event.json.find("lost_sequences"); lost != event.json.end() && lost->is_array()) {
    for (const FleetJson& each : *lost) {
      const auto range = each.is_string() ? fleetRange(each.get<std::string>()) : std::nullopt;
      if (range) {
        run.told.insert(range->first, range->second);
        instance.view.dropped += range->second - range->first + 1;
      }
    }
  }
  if (event.event == "stop") {
    run.stopped = true;
  }
  if (!current) {
    return;
  }
  if (event.event == "stop") {
    instance.view.state = InstanceState::Stopped;
  } else if (event.event == "drain") {
    instance.view.state = InstanceState::Draining;
  }
  const auto keep = [&event](const char* key, std::string& to) {
    if (auto text = fleetWord(event.json, key); !text.empty()) {
      to = std::move(text);
    }
  };
  keep("/version", instance.view.version);
  keep("/config_hash", instance.view.config_hash);
  if (event.event != "heartbeat") {
    return;
  }
  if (const auto when = fleetTime(fleetWord(event.json, "/timestamp"))) {
    instance.view.skew_ms = std::chrono::duration<double, std::milli>(*when - event.stored).count();
  }
  takeCounts(event, "exchanges_by_origin", instance.exchanges);
  takeCounts(event, "failures_by_cause", instance.said);
}

// "shop 1234", "shop connection_refused 12": a name, and a count that only grows.
void FleetView::takeCounts(const Parsed& event, const char* key,
                           std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>& counts) {
  const auto list = event.json.find(key);
  if (list == event.json.end() || !list->is_array()) {
    return;
  }
  for (const FleetJson& each : *list) {
    const std::string text = each.is_string() ? each.get<std::string>() : std::string();
    const std::size_t space = text.rfind(' ');
    std::uint64_t count = 0;
    if (space != std::string::npos &&
        std::from_chars(text.data() + space + 1, text.data() + text.size(), count).ec == std::errc()) {
      auto& [first, last] = counts.try_emplace(text.substr(0, space), count, count).first->second;
      first = std::min(first, count);
      last = std::max(last, count);
    }
  }
}

VantageVerdict FleetView::vantageByHeartbeats(const std::string& origin, const std::string& cause) const {
  std::vector<VantageCount> counts;
  counts.reserve(instances_.size());
  const auto grownBy = [](const auto& known, const std::string& key) {
    const auto found = known.find(key);
    return found == known.end() ? 0 : found->second.second - found->second.first;
  };
  const std::string said = fmt::format("{} {}", origin, cause);
  for (const auto& [name, instance] : instances_) {
    const std::uint64_t failures = grownBy(instance.said, said);
    counts.push_back(
        {.instance = name, .exchanges = std::max(failures, grownBy(instance.exchanges, origin)), .failures = failures});
  }
  return judgeVantage(cause, counts, {});
}

// What heartbeats have counted since the first that was seen, or, where that is
// more, the events that came: successes may be left out of these.
std::uint64_t FleetView::exchangesOf(const Instance& instance, const std::string& origin) const {
  const auto counted = instance.counted.find(origin);
  const auto said = instance.exchanges.find(origin);
  return std::max(counted == instance.counted.end() ? 0 : counted->second,
                  said == instance.exchanges.end() ? 0 : said->second.second - said->second.first);
}

std::vector<InstanceView> FleetView::instances(Time now) const {
  std::vector<InstanceView> out;
  for (const auto& [name, instance] : instances_) {
    out.push_back(instance.view);
    if (out.back().state != InstanceState::Stopped && now - out.back().last_seen > kSilence) {
      out.back().state = InstanceState::Silent;
    }
  }
  return out;
}

std::vector<FailureView> FleetView::failures() const {
  std::vector<FailureView> out;
  for (const auto& [key, failing] : failures_) {
    out.push_back(failing.view);
    std::vector<VantageCount> counts;
    for (const auto& [name, instance] : instances_) {
      const auto found = failing.view.by_instance.find(name);
      const std::uint64_t failures = found == failing.view.by_instance.end() ? 0 : found->second;
      counts.push_back(
          {.instance = name, .exchanges = std::max(failures, exchangesOf(instance, key.first)), .failures = failures});
    }
    std::vector<AddressCount> addresses;
    if (const auto known = addresses_.find(key.first); known != addresses_.end()) {
      for (const auto& [address, exchanges] : known->second) {
        const auto found = failing.by_address.find(address);
        addresses.push_back({.address = address,
                             .exchanges = exchanges,
                             .failures = found == failing.by_address.end() ? 0 : found->second});
      }
    }
    out.back().vantage = judgeVantage(key.second, counts, addresses);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const FailureView& a, const FailureView& b) { return a.failures > b.failures; });
  return out;
}

std::vector<FleetGap> FleetView::gaps(Time now) const {
  std::vector<FleetGap> out;
  for (const auto& [name, instance] : instances_) {
    for (const auto& [boot, run] : instance.runs) {
      for (const auto& [first, last] : run.seen.gaps()) {
        out.push_back(
            {.instance = name, .boot = boot, .first = first, .last = last, .told = run.told.countIn({first, last})});
      }
      const bool over = boot != instance.view.boot || now - run.last > kSilence;
      if (!run.stopped && over) {
        out.push_back(
            {.instance = name, .boot = boot, .first = run.seen.last(), .last = run.seen.last(), .open = true});
      }
    }
  }
  return out;
}

}  // namespace gatewhy
