// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scenario_over_h2.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "diagnostics/cause.h"
#include "tests/support/h2_origin_script.h"

namespace gatewhy::test {
namespace {

using StoryFile = std::filesystem::path;

constexpr std::string_view kPlain = "http://";
constexpr std::string_view kPlainHttp2 = "h2c://";
constexpr std::string_view kPlainOfStory = "http://${";  // one of its origins

const YAML::Node& overHttp2Table(const StoryFile& story) {
  static const YAML::Node kTable = YAML::LoadFile((story.parent_path() / "over_h2.yaml").string());
  return kTable;
}

bool lists(const YAML::Node& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const YAML::Node& one) { return one.Scalar() == name; });
}

// The step `h2` in a story's text, which is not parsed for that: see storyReason().
bool speaksHttp2(const StoryFile& file) {
  std::ifstream stream(file);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  text.resize(std::min(text.find("\nexpect:"), text.size()));
  text += '\n';
  for (std::size_t at = text.find("h2"); at != std::string::npos; at = text.find("h2", at + 1)) {
    const bool begins = at > 0 && std::string_view(" [").find(text[at - 1]) != std::string_view::npos;
    if (begins && std::string_view(" ,]\n").find(text[at + 2]) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// Stories are named after their causes.
std::string causeOf(const StoryFile& file) {
  const std::string stem = file.stem().string();
  return stem.substr(0, stem.find('.'));
}

// What is about no cause is passed on.
std::string phaseOf(const std::string& cause) {
  const std::optional<Cause> known = causeByName(cause);
  return known ? std::string(name(info(*known).phase)) : cause;
}

// Of a cause or a story: a text is the reason why it is not told.
std::string reasonOf(const YAML::Node& row) {
  return row && row.IsScalar() ? row.Scalar() : std::string();
}

std::string reasonOfGroup(const YAML::Node& groups, const std::string& story) {
  for (const YAML::Node& group : groups) {
    if (lists(group["stories"], story)) {
      return group["because"].Scalar();
    }
  }
  return {};
}

void mergeExpectations(YAML::Node story, const YAML::Node& row) {
  if (!row || !row.IsMap()) {
    return;
  }
  if (row["cause"]) {
    story["cause"] = row["cause"].Scalar();
  }
  if (row["origin"]) {
    story["origin"] = row["origin"];
  }
  if (row["expect"]) {
    mergeYaml(story["expect"], row["expect"]);
  }
}

// How the origin's record of a request would read, line by line: HTTP/2 has
// its own order.
void appendReceived(YAML::Node lines, std::string text) {
  const std::pair<std::string_view, std::string_view> spellings[] = {{" HTTP/1.1", " HTTP/2"},
                                                                     {"Host: ", ":authority: "}};
  for (const auto& [before, now] : spellings) {
    if (const std::size_t at = text.find(before); at != std::string::npos) {
      text.replace(at, before.size(), now);
    }
  }
  constexpr std::string_view kEnd = "\r\n";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(kEnd, at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + kEnd.size();
  }
}

// Connections are HTTP/1.1's: one for each request at a time.
void expectOfOrigin(YAML::Node wanted) {
  wanted.remove("connections");
  const YAML::Node received = YAML::Clone(wanted)["received"];
  if (!received) {
    return;
  }
  YAML::Node lines(YAML::NodeType::Sequence);
  if (received.IsScalar()) {
    appendReceived(lines, received.Scalar());
  }
  for (const YAML::Node& text : received.IsSequence() ? received : YAML::Node()) {
    appendReceived(lines, text.Scalar());
  }
  wanted["received"] = lines;
}

// Fields have names in lower case.
void expectOfEvent(const YAML::Node& event) {
  const YAML::Node diagnosis = event["diagnosis"];
  if (!diagnosis || !diagnosis.IsMap() || !diagnosis["evidence"] || !diagnosis["evidence"]["header_name"]) {
    return;
  }
  YAML::Node name = diagnosis["evidence"]["header_name"];
  std::string text = name.Scalar();
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  name = text;
}

bool originsHave(const Scenario& scenario, StepKind kind) {
  return std::any_of(scenario.origins.begin(), scenario.origins.end(), [kind](const auto& origin) {
    return std::any_of(
        origin.second.peer.scripts.begin(), origin.second.peer.scripts.end(), [kind](const Script& script) {
          return std::any_of(script.begin(), script.end(), [kind](const Step& step) { return step.kind == kind; });
        });
  });
}

void translate(Script& script, ScriptBegin begin) {
  Result<Script, std::string> over = overHttp2(script, begin);
  if (!over) {
    throw YAML::Exception(YAML::Mark::null_mark(), over.error());
  }
  script = std::move(over).value();
}

}  // namespace

std::string notOverHttp2(const StoryFile& file) {
  const YAML::Node& rows = overHttp2Table(file);
  const std::string named = file.stem().string();
  if (speaksHttp2(file)) {
    return "its origin speaks HTTP/2 as it is";
  }
  for (const std::string& reason : {reasonOf(rows["stories"][named]), reasonOfGroup(rows["groups"], named),
                                    reasonOf(rows["causes"][causeOf(file)])}) {
    if (!reason.empty()) {
      return reason;
    }
  }
  return lists(rows["also"], named) ? std::string() : reasonOf(rows["phases"][phaseOf(causeOf(file))]);
}

YAML::Node storyOverHttp2(const YAML::Node& story, const StoryFile& file) {
  YAML::Node told = YAML::Clone(story);
  const YAML::Node of_story = overHttp2Table(file)["stories"][file.stem().string()];
  const YAML::Node of_cause = overHttp2Table(file)["causes"][causeOf(file)];
  mergeExpectations(told, of_story && of_story["cause"] ? YAML::Node() : of_cause);
  mergeExpectations(told, of_story);
  const YAML::Node expect = told["expect"];
  if (const YAML::Node event = expect["event"]; event && event.IsMap()) {
    expectOfEvent(event);
  }
  if (expect["origin"]) {
    expectOfOrigin(expect["origin"]);
  }
  for (const auto& origin : expect["origins"] ? expect["origins"] : YAML::Node()) {
    expectOfOrigin(origin.second);
  }
  return told;
}

void playOverHttp2(Scenario& scenario) {
  scenario.origin_protocol = OriginProtocol::Http2;
  for (auto& [name, origin] : scenario.origins) {
    for (Script& script : origin.peer.scripts) {
      translate(script, ScriptBegin::Connection);
    }
    for (auto& [prefix, script] : origin.peer.by_path) {
      translate(script, ScriptBegin::Request);
    }
  }
  if (scenario.origin_scheme == kPlain) {
    scenario.origin_scheme = kPlainHttp2;
  }
}

void endpointsOverHttp2(const YAML::Node& config) {
  for (const auto& origin : config["origins"]) {
    YAML::Node endpoints = origin.second["endpoints"];
    for (std::size_t i = 0; endpoints && i < endpoints.size(); ++i) {
      YAML::Node url = endpoints[i].IsMap() ? endpoints[i]["url"] : endpoints[i];
      if (url.Scalar().starts_with(kPlainOfStory)) {
        url = std::string(kPlainHttp2) + url.Scalar().substr(kPlain.size());
      }
    }
  }
}

std::vector<std::string> problemsOfOverHttp2(const std::vector<StoryFile>& files) {
  constexpr std::size_t kReason = 20;
  std::vector<std::string> problems;
  std::set<std::string> known;
  for (const StoryFile& file : files) {
    known.insert(file.stem().string());
    const Result<Scenario, std::string> told = loadScenario(file);
    if (told && originsHave(*told, StepKind::H2) != speaksHttp2(file)) {
      problems.push_back(fmt::format("'{}': the step h2 stands alone, and the word only for it", file.stem().string()));
    }
  }
  const auto story = [&](const std::string& name) {
    if (known.count(name) == 0) {
      problems.push_back(fmt::format("there is no story '{}'", name));
    }
  };
  const auto reason = [&](const std::string& name, const std::string& text) {
    if (text.size() < kReason) {
      problems.push_back(fmt::format("'{}' without a reason", name));
    }
  };
  const YAML::Node& rows = overHttp2Table(files.front());
  for (const char* part : {"stories", "causes"}) {
    for (const auto& row : rows[part]) {
      const YAML::Node text = row.second.IsMap() ? row.second["because"] : row.second;
      reason(row.first.Scalar(), text ? text.Scalar() : "");
    }
  }
  for (const auto& row : rows["stories"]) {
    story(row.first.Scalar());
  }
  for (const YAML::Node& group : rows["groups"]) {
    reason("a group", group["because"].Scalar());
    for (const YAML::Node& name : group["stories"]) {
      story(name.Scalar());
    }
  }
  for (const YAML::Node& name : rows["also"]) {
    story(name.Scalar());
  }
  for (const auto& row : rows["phases"]) {
    reason(row.first.Scalar(), row.second.Scalar());
  }
  return problems;
}

}  // namespace gatewhy::test
