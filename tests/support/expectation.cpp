// SPDX-License-Identifier: Apache-2.0
#include "tests/support/expectation.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <sstream>

#include "diagnostics/cause.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using Problems = std::vector<std::string>;

// As a person would write it: strings without quotes.
std::string plain(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

const json* descend(const json& from, std::string_view path) {
  const json* at = &from;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string key(path.substr(0, dot));
    if (!at->is_object() || !at->contains(key)) {
      return nullptr;
    }
    at = &(*at)[key];
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return at;
}

bool textMatches(const std::string& wanted, const std::string& seen) {
  if (wanted == "*") {
    return true;
  }
  if (wanted.rfind("re:", 0) == 0) {
    return std::regex_search(seen, std::regex(wanted.substr(3)));
  }
  return wanted == seen;
}

class Comparison {
 public:
  void compare(const YAML::Node& wanted, const json* seen, const std::string& at) {
    if (wanted.IsNull()) {
      if (seen != nullptr) {
        problems.push_back(fmt::format("{} should be absent, is {}", at, seen->dump()));
      }
    } else if (seen == nullptr) {
      problems.push_back(fmt::format("{} is absent", at));
    } else if (wanted.IsMap()) {
      for (const auto& entry : wanted) {
        const std::string key = entry.first.Scalar();
        compare(entry.second, descend(*seen, key), at.empty() ? key : at + "." + key);
      }
    } else if (wanted.IsSequence()) {
      compareList(wanted, *seen, at);
    } else if (!textMatches(wanted.Scalar(), plain(*seen))) {
      problems.push_back(fmt::format("{} should be {}, is {}", at, wanted.Scalar(), plain(*seen)));
    }
  }
  Problems problems;

 private:
  void compareList(const YAML::Node& wanted, const json& seen, const std::string& at) {
    if (seen.is_object()) {
      for (const YAML::Node& key : wanted) {
        if (descend(seen, key.Scalar()) == nullptr) {
          problems.push_back(fmt::format("{} lacks {}", at, key.Scalar()));
        }
      }
      return;
    }
    if (!seen.is_array() || seen.size() != wanted.size()) {
      problems.push_back(fmt::format("{} should be a list of {}, is {}", at, wanted.size(), seen.dump()));
      return;
    }
    for (std::size_t i = 0; i < seen.size(); ++i) {
      compare(wanted[i], &seen[i], fmt::format("{}[{}]", at, i));
    }
  }
};

void compareText(Problems& problems, const std::string& what, const std::string& wanted, const std::string& seen) {
  if (!textMatches(wanted, seen)) {
    problems.push_back(fmt::format("{} should be '{}', is '{}'", what, wanted, seen));
  }
}

bool contains(const std::string& text, const std::string& part, bool any_case) {
  const auto same = [any_case](unsigned char one, unsigned char other) {
    return one == other || (any_case && std::tolower(one) == std::tolower(other));
  };
  return part.empty() || std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

void compareContained(Problems& problems, const std::string& what, const YAML::Node& wanted, const std::string& seen,
                      bool any_case = false) {
  for (const YAML::Node& part : wanted.IsSequence() ? wanted : YAML::Load("[]")) {
    compareContained(problems, what, part, seen, any_case);
  }
  if (wanted.IsScalar() && !contains(seen, wanted.Scalar(), any_case)) {
    problems.push_back(fmt::format("{} should contain '{}', is '{}'", what, wanted.Scalar(), seen.substr(0, 2000)));
  }
}

void compareHeaders(Problems& problems, const YAML::Node& wanted, const ClientResponse& response) {
  for (const auto& entry : wanted) {
    const std::string name = entry.first.Scalar();
    if (entry.second.IsNull() == response.has(name)) {
      problems.push_back(fmt::format("header {} is {}", name, response.has(name) ? "there" : "missing"));
    } else if (!entry.second.IsNull()) {
      compareText(problems, "header " + name, entry.second.Scalar(), response.header(name));
    }
  }
}

// Facts about the last response; a client that got none has empty ones.
void compareResponse(Problems& problems, const std::string& key, const YAML::Node& wanted, const ClientResponse& last) {
  if (key == "status") {
    compareText(problems, "client status", wanted.Scalar(), std::to_string(last.status));
  } else if (key == "truncated") {
    compareText(problems, "client truncated", wanted.Scalar(), last.complete ? "false" : "true");
  } else if (key == "headers") {
    compareHeaders(problems, wanted, last);
  } else if (key == "body") {
    compareText(problems, "client body", wanted.Scalar(), last.body);
  } else if (key == "body_contains") {
    compareContained(problems, "client body", wanted, last.body);
  } else {
    problems.push_back(fmt::format("expect.client has an unknown key '{}'", key));
  }
}

}  // namespace

std::string endName(SessionEnd end) {
  switch (end) {
    case SessionEnd::Finished:
      return "open";
    case SessionEnd::PeerClosed:
      return "closed";
    case SessionEnd::PeerReset:
      return "reset";
    case SessionEnd::TlsFailed:
      return "tls_failed";
    case SessionEnd::Stopped:
      return "stopped";
    case SessionEnd::Error:
      return "error";
  }
  return "";
}

Problems mismatches(const YAML::Node& wanted, const json& seen) {
  Comparison comparison;
  comparison.compare(wanted, &seen, "");
  return comparison.problems;
}

Problems clientMismatches(const YAML::Node& wanted, const ClientResult& client) {
  Problems problems;
  const ClientResponse none;
  const ClientResponse& last = client.responses.empty() ? none : client.responses.back();
  for (const auto& entry : wanted) {
    const std::string key = entry.first.Scalar();
    if (key == "end") {  // how the client's script ended
      compareText(problems, "client end", entry.second.Scalar(), endName(client.record.end));
    } else if (key == "responses") {
      compareText(problems, "client responses", entry.second.Scalar(), std::to_string(client.responses.size()));
    } else if (key == "bytes") {
      compareText(problems, "client bytes", entry.second.Scalar(), std::to_string(client.record.received_total));
    } else if (key == "statuses") {
      json seen = json::array();
      for (const ClientResponse& response : client.responses) {
        seen.push_back(response.status);
      }
      const Problems differing = mismatches(entry.second, seen);
      problems.insert(problems.end(), differing.begin(), differing.end());
    } else {
      compareResponse(problems, key, entry.second, last);
    }
  }
  return problems;
}

Problems originMismatches(const YAML::Node& wanted, const OriginResult& origin, bool any_case) {
  Problems problems;
  for (const auto& entry : wanted) {
    const std::string key = entry.first.Scalar();
    if (key == "requests") {
      compareText(problems, "origin requests", entry.second.Scalar(), std::to_string(origin.requests));
    } else if (key == "connections") {
      compareText(problems, "origin connections", entry.second.Scalar(), std::to_string(origin.connections));
    } else if (key == "received") {
      compareContained(problems, "origin received", entry.second, origin.received, any_case);
    } else {
      problems.push_back(fmt::format("expect.origin has an unknown key '{}'", key));
    }
  }
  return problems;
}

namespace {

using Counts = std::map<std::string, std::uint64_t>;

std::string statusOr(const json& event, const char* pointer) {
  const auto status = event.value(json::json_pointer(pointer), 0U);
  return status == 0 ? "none" : std::to_string(status);
}

Counts countEvents(const std::vector<json>& events, std::size_t number) {
  Counts counts;
  for (std::size_t i = 0; i < number; ++i) {
    const json& event = events[i];
    if (event.value("event", "") != "exchange") {
      continue;
    }
    const std::string origin = event.value("origin", "");
    ++counts[fmt::format("gatewhy_exchanges_total{{route=\"{}\",origin=\"{}\",code=\"{}\"}}", event.value("route", ""),
                         origin, statusOr(event, "/http/response/status_code"))];
    if (event.contains("diagnosis")) {
      ++counts[fmt::format("gatewhy_diagnoses_total{{origin=\"{}\",cause=\"{}\",status=\"{}\"}}", origin,
                           event.value("/diagnosis/cause"_json_pointer, ""), statusOr(event, "/diagnosis/status"))];
    }
  }
  return counts;
}

Counts countMetrics(const std::string& metrics) {
  Counts counts;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t blank = line.rfind(' ');
    const bool counted = line.starts_with("gatewhy_exchanges_total{") || line.starts_with("gatewhy_diagnoses_total{");
    if (counted && blank != std::string::npos && line.substr(blank) != " 0") {
      counts[line.substr(0, blank)] = std::stoull(line.substr(blank));
    }
  }
  return counts;
}

}  // namespace

Problems metricMismatches(const ScenarioResult& result) {
  Problems problems;
  const Counts metrics = countMetrics(result.metrics);
  const Counts before = countEvents(result.events, result.events_before_metrics);
  const Counts all = countEvents(result.events, result.events.size());
  const auto in = [](const Counts& counts, const std::string& series) {
    const auto found = counts.find(series);
    return found == counts.end() ? 0 : found->second;
  };
  for (const auto& [series, logged] : before) {
    if (in(metrics, series) < logged) {
      problems.push_back(fmt::format("{} events, but {} {}", logged, series, in(metrics, series)));
    }
  }
  for (const auto& [series, counted] : metrics) {
    if (counted > in(all, series)) {
      problems.push_back(fmt::format("{} {}, but {} events", series, counted, in(all, series)));
    }
  }
  return problems;
}

Problems tableMismatches(const json& event, const YAML::Node& wanted) {
  Problems problems;
  const json* diagnosis = descend(event, "diagnosis");
  if (diagnosis == nullptr) {
    return problems;
  }
  const std::string cause_name = diagnosis->value("cause", "");
  const std::optional<Cause> cause = causeByName(cause_name);
  if (!cause) {
    return {fmt::format("cause '{}' is not in the table", cause_name)};
  }
  const CauseInfo& row = info(*cause);
  // What the scenario states itself is a wanted exception from the row.
  const YAML::Node stated = wanted ? wanted["diagnosis"] : YAML::Node(YAML::NodeType::Undefined);
  const auto agree = [&](const char* key, std::string_view of_row) {
    if (!(stated.IsDefined() && stated.IsMap() && stated[key]) && !of_row.empty() &&
        diagnosis->value(key, "") != of_row) {
      problems.push_back(fmt::format("diagnosis.{} of {} is '{}', its row says '{}'", key, cause_name,
                                     diagnosis->value(key, ""), of_row));
    }
  };
  agree("phase", name(row.phase));
  agree("blame", name(row.blame));
  agree("proxy_error", name(row.proxy_error));
  if (diagnosis->value("summary", "").empty()) {
    problems.push_back(fmt::format("the diagnosis of {} has no summary", cause_name));
  }
  return problems;
}

}  // namespace gatewhy::test
