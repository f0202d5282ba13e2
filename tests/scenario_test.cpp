// SPDX-License-Identifier: Apache-2.0
// Runs every story under tests/scenario against the real binary: with HTTP/1.1
// clients, and with HTTP/2 clients where the story has a meaning for them; and
// both ways with an HTTP/2 origin, where that makes a difference.
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>

#include "diagnostics/cause.h"
#include "diagnostics/event.h"
#include "tests/support/expectation.h"
#include "tests/support/json_schema.h"
#include "tests/support/netns.h"
#include "tests/support/scenario.h"
#include "tests/support/scenario_over_h2.h"
#include "tests/support/scenario_world.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using std::filesystem::path;

constexpr const char* kUnreachable = "unreachable.yaml";
constexpr const char* kStatuses = "statuses.yaml";
constexpr const char* kOverHttp2 = "over_h2.yaml";
constexpr const char* kPassedOn = "passed_on";  // stories in which nothing fails

path scenarioFile(const char* name) {
  return path(GATEWHY_SOURCE_DIR) / "tests/scenario" / name;
}

const YAML::Node& clientSideStatuses() {
  static const YAML::Node kTable = YAML::LoadFile(scenarioFile(kStatuses).string());
  return kTable;
}

std::string starvedBy(const path& file) {
  return storyReason(file, "starved_by");
}

std::vector<path> scenarioFiles() {
  std::vector<path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path(GATEWHY_SOURCE_DIR) / "tests/scenario")) {
    const path name = entry.path().filename();
    if (name.extension() == ".yaml" && name != kUnreachable && name != kStatuses && name != kOverHttp2) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct Play {
  path file;
  ClientProtocol protocol = ClientProtocol::Http1;
  OriginProtocol origins = OriginProtocol::AsWritten;
};

// Sanitizers make each slow: there it is played one way, every second one, where
// that is possible, with HTTP/2.
bool playsBothWays() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#else
  return true;
#endif
}

// Those whose diagnosis a starved machine can change, and the others.
std::vector<Play> plays(ClientProtocol protocol, bool starved) {
  std::vector<Play> chosen;
  bool http2_has_turn = false;
  for (const path& file : scenarioFiles()) {
    http2_has_turn = !http2_has_turn;
    const bool can_http2 = storyReason(file, "h2_client").empty();
    const bool once = !playsBothWays();
    const bool plays = protocol == ClientProtocol::Http2 ? can_http2 && (!once || http2_has_turn)
                                                         : !(once && can_http2 && http2_has_turn);
    if (plays && starvedBy(file).empty() != starved) {
      chosen.push_back({file, protocol});
    }
  }
  return chosen;
}

// Once more with an HTTP/2 origin, where that makes another story of it.
std::vector<Play> playsOverHttp2(ClientProtocol protocol) {
  std::vector<Play> chosen;
  for (const path& file : playsBothWays() ? scenarioFiles() : std::vector<path>()) {
    const bool possible = protocol == ClientProtocol::Http1 || storyReason(file, "h2_client").empty();
    if (possible && starvedBy(file).empty() && notOverHttp2(file).empty()) {
      chosen.push_back({file, protocol, OriginProtocol::Http2});
    }
  }
  return chosen;
}

// connection_refused.yaml, connection_refused.ipv6.yaml
std::string causeOfFile(const path& file) {
  const std::string stem = file.stem().string();
  return stem.substr(0, stem.find('.'));
}

std::string testName(const path& file) {
  std::string name = file.stem().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
  return name;
}

bool isKind(const json& event, const YAML::Node& wanted) {
  return event.value("event", "") == wanted["event"].as<std::string>("exchange");
}

bool wantsNoDiagnosis(const YAML::Node& wanted) {
  return wanted["diagnosis"] && wanted["diagnosis"].IsNull();
}

std::string causeOf(const json& event) {
  return event.value("/diagnosis/cause"_json_pointer, "");
}

// For tests/repeat: what each exchange was booked as, whatever the order of
// those that ran at once.
void printDiagnoses(const Play& play, const ScenarioResult& result) {
  std::multiset<std::string> booked;
  for (const json& event : result.events) {
    if (event.value("event", "") == "exchange") {
      booked.insert(fmt::format("{}/{}/{}", event.value("outcome", ""),
                                event.value("/diagnosis/phase"_json_pointer, "-"), causeOf(event)));
    }
  }
  fmt::print("diagnoses of {}: {}\n", testName(play.file), fmt::join(booked, " "));
}

class ScenarioTest : public testing::TestWithParam<Play> {
 protected:
  void check(const Scenario& scenario, const ScenarioResult& result) {
    checkProcess(result);
    checkClients(scenario, result);
    checkOrigins(scenario, result);
    checkEvents(scenario, result);
    if (!result.metrics.empty()) {
      report(metricMismatches(result));
    }
    for (const YAML::Node& line : scenario.expect["metrics"]) {
      EXPECT_NE(result.metrics.find(line.Scalar()), std::string::npos) << line.Scalar() << " not in\n"
                                                                       << result.metrics;
    }
  }

 private:
  static void report(const std::vector<std::string>& problems) {
    for (const std::string& problem : problems) {
      ADD_FAILURE() << problem;
    }
  }

  static void checkProcess(const ScenarioResult& result) {
    report(result.problems);
    EXPECT_TRUE(result.exit_status.has_value()) << "gatewhy did not stop";
    EXPECT_EQ(result.exit_status.value_or(0), 0) << "exit status";
    EXPECT_EQ(result.standard_error.find("Sanitizer"), std::string::npos) << "a sanitizer has something to say";
    EXPECT_TRUE(result.stray_lines.empty()) << "not an event: " << result.stray_lines.front();
  }

  static void checkClients(const Scenario& scenario, const ScenarioResult& result) {
    if (const YAML::Node wanted = scenario.expect["client"]) {
      report(clientMismatches(wanted, result.clients.at("client")));
    }
    for (const auto& entry : scenario.expect["clients"]) {
      SCOPED_TRACE(entry.first.Scalar());
      report(clientMismatches(entry.second, result.clients.at(entry.first.Scalar())));
    }
  }

  static void checkOrigins(const Scenario& scenario, const ScenarioResult& result) {
    // HTTP/2 knows fields in lower case only.
    const bool any_case =
        scenario.client_protocol == ClientProtocol::Http2 || scenario.origin_protocol == OriginProtocol::Http2;
    if (const YAML::Node wanted = scenario.expect["origin"]) {
      report(originMismatches(wanted, result.origins.at("origin"), any_case));
    }
    for (const auto& entry : scenario.expect["origins"]) {
      SCOPED_TRACE(entry.first.Scalar());
      report(originMismatches(entry.second, result.origins.at(entry.first.Scalar()), any_case));
    }
  }

  void checkEvents(const Scenario& scenario, const ScenarioResult& result) {
    static const json kSchema = json::parse(eventSchema());
    const YAML::Node wanted = scenario.expect["event"];
    std::set<std::string> allowed = {scenario.cause};
    for (const YAML::Node& cause : scenario.expect["also"]) {
      allowed.insert(cause.Scalar());
    }
    for (const json& event : result.events) {
      for (const std::string& problem : schemaProblems(kSchema, event)) {
        ADD_FAILURE() << "schema: " << problem;
      }
      report(tableMismatches(event, wanted));
      if (event.value("event", "") == "exchange" && event.contains("diagnosis")) {
        EXPECT_EQ(allowed.count(causeOf(event)), 1U) << "booked under another name: " << causeOf(event);
      }
    }
    if (const YAML::Node number = scenario.expect["exchanges"]) {
      const auto seen = std::count_if(result.events.begin(), result.events.end(),
                                      [](const json& event) { return event.value("event", "") == "exchange"; });
      EXPECT_EQ(seen, number.as<std::ptrdiff_t>()) << "exchange events";
    }
    if (const YAML::Node number = scenario.expect["messages"]) {
      const auto seen = std::count_if(result.events.begin(), result.events.end(),
                                      [](const json& event) { return event.value("event", "") == "message"; });
      EXPECT_EQ(seen, number.as<std::ptrdiff_t>()) << "message events";
    }
    if (wanted) {
      checkWanted(scenario, wanted, result);
    }
  }

  // Of the events of that kind and cause, the one that fits best must fit.
  void checkWanted(const Scenario& scenario, const YAML::Node& wanted, const ScenarioResult& result) {
    std::vector<std::string> best = {"there is no such event"};
    std::optional<json> found;
    for (const json& event : result.events) {
      if (!isKind(event, wanted) || (!wantsNoDiagnosis(wanted) && causeOf(event) != scenario.cause)) {
        continue;
      }
      std::vector<std::string> problems = mismatches(wanted, event);
      if (!found || problems.size() < best.size()) {
        best = std::move(problems);
        found = event;
      }
    }
    report(best);
    if (found && scenario.clients.size() == 1) {
      checkSynthesised(*found, result.clients.begin()->second);
    }
  }

  // The client was told the same as the log, wherever it was told anything.
  void checkSynthesised(const json& event, const ClientResult& client) {
    if (event.value("generated_by", "") != "proxy" || client.responses.empty() || !event.contains("diagnosis")) {
      return;
    }
    const unsigned status = event.value("/http/response/status_code"_json_pointer, 0U);
    const auto response = std::find_if(client.responses.begin(), client.responses.end(),
                                       [&](const ClientResponse& r) { return r.status == status; });
    ASSERT_NE(response, client.responses.end()) << "the client did not get status " << status;
    EXPECT_EQ(response->header("X-Request-ID"), event.value("request_id", ""));
    EXPECT_EQ(response->header("Cache-Control"), "no-store");
    for (const YAML::Node& field : clientSideStatuses()["sent"][status]) {
      const bool possible = GetParam().protocol == ClientProtocol::Http1 || !isFieldOfConnection(field.Scalar());
      EXPECT_TRUE(!possible || response->has(field.Scalar())) << status << " without " << field.Scalar();
    }
    const std::string error = event.value("/diagnosis/proxy_error"_json_pointer, "");
    if (!error.empty()) {
      EXPECT_NE(response->header("Proxy-Status").find("error=" + error), std::string::npos)
          << "Proxy-Status: " << response->header("Proxy-Status");
    }
  }
};

TEST_P(ScenarioTest, IsDiagnosed) {
  const Result<Scenario, std::string> scenario = loadScenario(GetParam().file, GetParam().protocol, GetParam().origins);
  ASSERT_TRUE(scenario) << scenario.error();
  if (GetParam().origins == OriginProtocol::AsWritten) {
    EXPECT_EQ(scenario->cause, causeOfFile(GetParam().file)) << "file name and cause differ";
  }
  bool unsupported = false;
  const Result<std::unique_ptr<ScenarioWorld>, std::string> world = ScenarioWorld::create(*scenario, unsupported);
  if (!world && unsupported) {
    GTEST_SKIP() << "this machine cannot play the scenario: " << world.error();
  }
  ASSERT_TRUE(world) << world.error();
  DaemonProcess::Predicate wanted;
  const YAML::Node event = scenario->expect["event"];
  if (event) {
    wanted = [&](const json& seen) {
      return isKind(seen, event) &&
             (wantsNoDiagnosis(event) ? mismatches(event, seen).empty() : causeOf(seen) == scenario->cause);
    };
  }
  const ScenarioResult result = (*world)->run(wanted);
  check(*scenario, result);
  printDiagnoses(GetParam(), result);
  if (HasFailure()) {
    for (const json& line : result.events) {
      fmt::print("event: {}\n", line.dump(-1, ' ', false, json::error_handler_t::replace));
    }
    for (const auto& [name, client] : result.clients) {
      fmt::print("client {} ({} {}) got: {}\n", name, endName(client.record.end), client.record.error,
                 json(client.record.received.substr(0, 4000)).dump(-1, ' ', true, json::error_handler_t::replace));
    }
    for (const auto& [name, origin] : result.origins) {
      fmt::print("origin {} got ({} connections): {}\n", name, origin.connections,
                 json(origin.received.substr(0, 4000)).dump(-1, ' ', true, json::error_handler_t::replace));
    }
    fmt::print("standard error: {}\n", result.standard_error);
  }
}

std::string playName(const testing::TestParamInfo<Play>& test) {
  return testName(test.param.file);
}

INSTANTIATE_TEST_SUITE_P(Scenario, ScenarioTest, testing::ValuesIn(plays(ClientProtocol::Http1, false)), playName);
INSTANTIATE_TEST_SUITE_P(OriginHttp2Scenario, ScenarioTest, testing::ValuesIn(playsOverHttp2(ClientProtocol::Http1)),
                         playName);
INSTANTIATE_TEST_SUITE_P(BothHttp2Scenario, ScenarioTest, testing::ValuesIn(playsOverHttp2(ClientProtocol::Http2)),
                         playName);
INSTANTIATE_TEST_SUITE_P(Http2Scenario, ScenarioTest, testing::ValuesIn(plays(ClientProtocol::Http2, false)), playName);
// Apart, for only these may be repeated.
INSTANTIATE_TEST_SUITE_P(Starved, ScenarioTest, testing::ValuesIn(plays(ClientProtocol::Http1, true)), playName);
INSTANTIATE_TEST_SUITE_P(Http2Starved, ScenarioTest, testing::ValuesIn(plays(ClientProtocol::Http2, true)), playName);

TEST(ScenarioCoverage, WhatMayBeRepeatedHasAReason) {
  for (const path& file : scenarioFiles()) {
    if (const YAML::Node reason = YAML::LoadFile(file.string())["starved_by"]) {
      EXPECT_EQ(reason.Scalar(), starvedBy(file)) << file << ": the key begins a line";
      EXPECT_GT(reason.Scalar().size(), 30U) << file << ": a reason says why";
    }
  }
}

TEST(ScenarioCoverage, WhatIsOtherwiseWithHttp2HasAReason) {
  for (const path& file : scenarioFiles()) {
    if (const YAML::Node other = YAML::LoadFile(file.string())["h2_client"]) {
      EXPECT_EQ(other.IsScalar() ? other.Scalar() : "", storyReason(file, "h2_client"))
          << file << ": the key begins a line";
      const std::string reason = other.IsScalar() ? other.Scalar() : other["reason"].as<std::string>("");
      EXPECT_GT(reason.size(), 20U) << file << ": a reason says why";
    }
  }
}

TEST(ScenarioCoverage, WhatIsOtherwiseOverHttp2HasAReason) {
  for (const std::string& problem : problemsOfOverHttp2(scenarioFiles())) {
    ADD_FAILURE() << kOverHttp2 << ": " << problem;
  }
}

// A cause that nobody has seen happen is a claim, not a diagnosis.
TEST(ScenarioCoverage, EveryCauseHasAStoryOrAReason) {
  const YAML::Node reasons = YAML::LoadFile((path(GATEWHY_SOURCE_DIR) / "tests/scenario" / kUnreachable).string());
  std::set<std::string> told;
  for (const path& file : scenarioFiles()) {
    told.insert(causeOfFile(file));
    EXPECT_TRUE(causeByName(causeOfFile(file)) || causeOfFile(file) == kPassedOn) << file << " is about no known cause";
  }
  for (const auto& entry : reasons) {
    EXPECT_TRUE(causeByName(entry.first.Scalar())) << entry.first.Scalar() << " is no known cause";
    EXPECT_EQ(told.count(entry.first.Scalar()), 0U) << entry.first.Scalar() << " has a story, so it is reachable";
    EXPECT_GT(entry.second.Scalar().size(), 30U) << "a reason says why";
  }
  for (const CauseInfo& row : allCauses()) {
    const std::string cause(row.name);
    EXPECT_TRUE(told.count(cause) != 0 || reasons[cause]) << cause << " has neither a scenario nor a reason";
  }
}

void collectStatuses(const YAML::Node& client, std::set<unsigned>& sent) {
  if (!client.IsMap()) {
    return;
  }
  if (client["status"]) {
    sent.insert(client["status"].as<unsigned>());
  }
  for (const YAML::Node& status : client["statuses"]) {
    sent.insert(status.as<unsigned>());
  }
}

// The claim which statuses gatewhy itself speaks on the client's side.
TEST(ScenarioCoverage, EveryClientSideStatusHasAStory) {
  std::set<unsigned> sent;
  std::set<unsigned> logged;
  for (const path& file : scenarioFiles()) {
    const YAML::Node expect = YAML::LoadFile(file.string())["expect"];
    const YAML::Node event = expect["event"] ? expect["event"] : YAML::Load("{}");
    const YAML::Node diagnosis = event["diagnosis"];
    if (event["http.response.status_code"] && event["generated_by"].as<std::string>("") == "proxy") {
      logged.insert(event["http.response.status_code"].as<unsigned>(0));  // 444 is no failure
    }
    if (!diagnosis || !diagnosis.IsMap() || !diagnosis["status"] || diagnosis["status"].IsNull()) {
      continue;  // not ours
    }
    const auto status = diagnosis["status"].as<unsigned>();
    logged.insert(status);
    std::set<unsigned> got;
    if (expect["client"]) {
      collectStatuses(expect["client"], got);
    }
    for (const auto& client : expect["clients"]) {
      collectStatuses(client.second, got);
    }
    if (got.count(status) != 0) {
      sent.insert(status);
    }
  }
  for (const auto& entry : clientSideStatuses()["sent"]) {
    EXPECT_EQ(sent.count(entry.first.as<unsigned>()), 1U) << "no story sends " << entry.first.Scalar();
  }
  for (const YAML::Node& status : clientSideStatuses()["logged"]) {
    EXPECT_EQ(logged.count(status.as<unsigned>()), 1U) << "no story logs " << status.Scalar();
  }
}

}  // namespace
}  // namespace gatewhy::test

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  gatewhy::test::gainNamespaces();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
