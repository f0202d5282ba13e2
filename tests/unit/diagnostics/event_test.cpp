// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "diagnostics/event_docs.h"
#include "diagnostics/event_keys.h"
#include "tests/unit/diagnostics/evidence_samples.h"
#include "tests/unit/diagnostics/schema_validator.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using testing::IsEmpty;

std::chrono::system_clock::time_point at(std::int64_t micros) {
  return std::chrono::system_clock::time_point{std::chrono::microseconds{micros}};
}

json parseLine(const std::string& line) {
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line";
  return json::parse(line);
}

json written(const ExchangeEvent& event) {
  std::string out;
  appendJson(out, event);
  return parseLine(out);
}

json written(const LifecycleEvent& event) {
  std::string out;
  appendJson(out, event, at(0));
  return parseLine(out);
}

std::vector<std::string> schemaProblems(const json& event) {
  static const test::SchemaValidator validator(eventSchema());
  return validator.problems(event);
}

ExchangeEvent success() {
  ExchangeEvent event;
  event.timestamp = at(1769817599'000001);
  event.request_id = "id-1";
  event.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  event.span_id = "00f067aa0ba902b7";
  event.parent_span_id = "b7ad6b7169203331";
  event.method = "GET";
  event.request_body_size = 0;
  event.path = "/a";
  event.query = "b=c";
  event.scheme = "https";
  event.server_address = "shop.example";
  event.protocol_version = "2";
  static const TlsSession kTls{.version = "1.3",
                               .cipher = "TLS_AES_128_GCM_SHA256",
                               .application = "h2",
                               .server_name = "shop.example",
                               .resumed = true,
                               .handshake_ms = 0.7};
  event.tls = &kTls;
  event.client_address = "203.0.113.9";
  event.client_port = 4711;
  event.user_agent = "test/1";
  event.status = 200;
  event.response_body_size = 1024;
  event.generated_by = GeneratedBy::Origin;
  event.origin_status = 200;
  event.route = "shop.example/";
  event.origin = "shop";
  event.endpoint = "http://10.0.0.7:80";
  event.peer_address = "10.0.0.7:80";
  event.peer_protocol_version = "1.1";
  event.connection_reused = true;
  event.attempts = 1;
  event.timings = {.resolve = 0.1,
                   .connect = 0.2,
                   .tls_handshake = 0.3,
                   .send = 0.4,
                   .wait = 5,
                   .receive = 6,
                   .total = 12,
                   .login = 0.5};
  return event;
}

TEST(EventTest, SuccessIsNestedAsDocumented) {
  EXPECT_EQ(written(success()), json::parse(R"({
    "timestamp": "2026-01-30T23:59:59.000001Z", "severity": "INFO", "event": "exchange", "request_id": "id-1",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "span_id": "00f067aa0ba902b7",
    "parent_span_id": "b7ad6b7169203331",
    "http": {"request": {"method": "GET", "body": {"size": 0}}, "response": {"status_code": 200, "body": {"size": 1024}}},
    "url": {"path": "/a", "query": "b=c", "scheme": "https"}, "server": {"address": "shop.example"},
    "network": {"protocol": {"version": "2"}},
    "tls": {"protocol": {"version": "1.3"}, "cipher": "TLS_AES_128_GCM_SHA256", "resumed": true,
            "server_name": "shop.example", "handshake_ms": 0.7},
    "client": {"address": "203.0.113.9", "port": 4711},
    "user_agent": {"original": "test/1"}, "generated_by": "origin", "origin_status": 200, "outcome": "success",
    "route": "shop.example/", "origin": "shop", "endpoint": "http://10.0.0.7:80", "peer": {"address": "10.0.0.7:80", "protocol": {"version": "1.1"}},
    "connection_reused": true, "attempts": 1,
    "timings": {"resolve": 0.1, "connect": 0.2, "tls_handshake": 0.3, "send": 0.4, "wait": 5, "receive": 6, "total": 12, "login": 0.5}
  })"));
}

TEST(EventTest, ABodyThatEndedShortIsToldWithWhatItsLengthWas) {
  ExchangeEvent event = success();
  event.request_body_size = 3;
  event.request_body_announced = 9;
  EXPECT_EQ(written(event)["http"]["request"]["body"], json::parse(R"({"size": 3, "announced": 9})"));
  EXPECT_THAT(schemaProblems(written(event)), IsEmpty());
}

TEST(EventTest, UnknownFactsHaveNoKeys) {
  EXPECT_EQ(written(ExchangeEvent{}), json::parse(R"({"timestamp": "1970-01-01T00:00:00.000000Z", "severity": "INFO",
                                                      "event": "exchange", "outcome": "success", "attempts": 0})"));
  EXPECT_THAT(schemaProblems(written(ExchangeEvent{})), IsEmpty());
}

TEST(EventTest, TheInstanceAndWhatDnsSaidAreNested) {
  const DnsFacts dns{.name = "shop.default.svc", .stale = StaleDns{DnsStatus::ServFail, 1500}};
  ExchangeEvent event = success();
  event.instance = "gatewhy-0a1b2c3d";
  event.dns = &dns;
  const json line = written(event);
  EXPECT_EQ(line["service"], json::parse(R"({"instance": {"id": "gatewhy-0a1b2c3d"}})"));
  EXPECT_EQ(line["dns"], json::parse(R"({"name": "shop.default.svc", "stale_ms": 1500, "status": "SERVFAIL"})"));
  EXPECT_THAT(schemaProblems(line), IsEmpty());
  const json start = written(LifecycleEvent{.event = "start", .message = "started", .instance = "gatewhy-0a1b2c3d"});
  EXPECT_EQ(start["service"]["instance"]["id"], "gatewhy-0a1b2c3d");
  EXPECT_THAT(schemaProblems(start), IsEmpty());
}

TEST(EventTest, WhatStrangersAndRulesDoIsNoError) {
  const auto severity = [](Cause cause) {
    const Diagnosis diagnosis = test::sample(info(cause).phase, DecisionFault{.cause = cause});
    ExchangeEvent event = success();
    event.outcome = Outcome::Failure;
    event.diagnosis = &diagnosis;
    return written(event)["severity"];
  };
  EXPECT_EQ(severity(Cause::NoRoute), "WARN");
  EXPECT_EQ(severity(Cause::RateLimited), "WARN");
  EXPECT_EQ(severity(Cause::RequestDenied), "INFO");
  EXPECT_EQ(severity(Cause::UpgradeNotAllowed), "INFO");
  EXPECT_EQ(severity(Cause::ProxyDraining), "WARN");
  EXPECT_EQ(severity(Cause::ProxyLoop), "ERROR");
  EXPECT_EQ(severity(Cause::OriginConnectionLimit), "ERROR");
}

TEST(EventTest, TimestampsAcrossSecondsAndBeforeTheEpoch) {
  const auto text = [](std::int64_t micros) {
    ExchangeEvent event;
    event.timestamp = at(micros);
    return written(event)["timestamp"].get<std::string>();
  };
  EXPECT_EQ(text(1'999'999), "1970-01-01T00:00:01.999999Z");
  EXPECT_EQ(text(2'000'000), "1970-01-01T00:00:02.000000Z");
  EXPECT_EQ(text(1'000'000), "1970-01-01T00:00:01.000000Z");  // the clock may jump back
  EXPECT_EQ(text(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(text(951'782'400'000'000), "2000-02-29T00:00:00.000000Z");
}

TEST(EventTest, SeverityFollowsBlame) {
  Diagnosis diagnosis = test::connectSample();
  ExchangeEvent event = success();
  event.outcome = Outcome::Failure;
  event.diagnosis = &diagnosis;
  EXPECT_EQ(written(event)["severity"], "ERROR");
  diagnosis.blame = Blame::Client;
  EXPECT_EQ(written(event)["severity"], "WARN");
  diagnosis.blame = Blame::Origin;
  event.outcome = Outcome::Aborted;
  EXPECT_EQ(written(event)["severity"], "WARN");
}

TEST(EventTest, FailureNamesItsCauseTwice) {
  const Diagnosis diagnosis = test::connectSample();
  ExchangeEvent event = success();
  event.outcome = Outcome::Failure;
  event.generated_by = GeneratedBy::Proxy;
  event.diagnosis = &diagnosis;
  const json line = written(event);
  EXPECT_EQ(line["outcome"], "failure");
  EXPECT_EQ(line["error"]["type"], name(diagnosis.cause));
  EXPECT_EQ(line["diagnosis"]["cause"], name(diagnosis.cause));
  EXPECT_EQ(line["diagnosis"]["phase"], "connect");
  EXPECT_EQ(line["diagnosis"]["status"], diagnosis.status);
  EXPECT_EQ(line["diagnosis"]["summary"], diagnosis.summary);
  EXPECT_EQ(line["diagnosis"]["evidence"]["errno_name"], "EHOSTUNREACH");
}

TEST(EventTest, TriesAreListedOnlyWhereThereWereSeveral) {
  std::vector<TryRecord> tries(1);
  tries[0] = {"http://10.0.0.7:80", "10.0.0.7:80", false, {.connect = 1}, test::connectSample()};
  ExchangeEvent event = success();
  event.tries = &tries;
  EXPECT_FALSE(written(event).contains("tries"));

  tries.push_back({.endpoint = "http://10.0.0.8:80", .connection_reused = true, .peer_protocol_version = "2"});
  const json list = written(event)["tries"];
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["peer"]["address"], "10.0.0.7:80");
  EXPECT_EQ(list[0]["diagnosis"]["evidence"]["icmp"]["sender"], "198.51.100.1");
  EXPECT_EQ(list[1], json::parse(R"({"endpoint": "http://10.0.0.8:80", "peer": {"protocol": {"version": "2"}},
                                     "connection_reused": true})"));
}

TEST(EventTest, ArbitraryBytesNeverBreakTheLine) {
  std::string noise;
  for (int byte = 0; byte < 256; ++byte) {
    noise += static_cast<char>(byte);
  }
  ExchangeEvent event = success();
  event.path = event.query = event.user_agent = event.method = event.server_address = event.request_id = noise;
  EXPECT_THAT(schemaProblems(written(event)), IsEmpty());
}

TEST(EventTest, TimingsThatAreNoNumbersAreAbsent) {
  ExchangeEvent event;
  event.timings.total = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(written(event).contains("timings"));
}

TEST(EventTest, LifecycleFactsKeepTheirOrderAndTypes) {
  LifecycleEvent event{.event = "reload", .severity = "ERROR", .message = "refused"};
  event.facts.push_back({.key = "file", .text = "a.yaml"});
  event.facts.push_back({.key = "problems", .number = 2});
  event.facts.push_back({.key = "lines", .list = {"one", "two\n"}});
  event.facts.push_back({.key = "nothing"});
  std::string out;
  appendJson(out, event, at(0));
  EXPECT_EQ(out,
            "{\"timestamp\":\"1970-01-01T00:00:00.000000Z\",\"severity\":\"ERROR\",\"event\":\"reload\","
            "\"message\":\"refused\",\"file\":\"a.yaml\",\"problems\":2,\"lines\":[\"one\",\"two\\n\"]}\n");
  EXPECT_THAT(schemaProblems(json::parse(out)), IsEmpty());
}

// An event with every key that there is.
json fullEvent(const Diagnosis& diagnosis) {
  const std::vector<TryRecord> tries = {
      {"http://10.0.0.7:80", "10.0.0.7:80", false, {.total = 1}, diagnosis, true, "2"},
      {"http://10.0.0.8:80", "10.0.0.8:80"}};
  const ReceivedProxyStatus said{
      .name = "edge", .error = "connection_timeout", .details = "10 s", .received_status = 504};
  const std::vector<Symptom> later = test::laterSample();
  const DnsFacts dns{.name = "shop.default.svc", .stale = StaleDns{DnsStatus::ServFail, 1500}};
  ExchangeEvent event = success();
  event.instance = "gatewhy-0a1b2c3d";
  event.dns = &dns;
  event.request_body_announced = 9;
  event.outcome = Outcome::Failure;
  event.diagnosis = &diagnosis;
  event.later = &later;
  event.origin_proxy_status = &said;
  const GrpcFacts call{.status = 14, .message = "not now"};
  event.grpc = &call;
  event.attempts = 2;
  event.tries = &tries;
  event.told_findings.add(Finding::Status401WithoutWwwAuthenticate);
  const std::vector<std::string_view> dropped{"X-Real-IP"};
  event.dropped_fields = dropped;
  return written(event);
}

TEST(EventTest, EverySampleFitsTheSchema) {
  for (const Diagnosis& diagnosis : test::allSamples()) {
    EXPECT_THAT(schemaProblems(fullEvent(diagnosis)), IsEmpty()) << name(diagnosis.cause);
  }
}

TEST(EventTest, SchemaRefusesWhatIsNotDocumented) {
  json event = written(success());
  event["surprise"] = 1;
  EXPECT_FALSE(schemaProblems(event).empty());
  event = written(success());
  event["request_id"] = "";
  EXPECT_FALSE(schemaProblems(event).empty());
  event = written(success());
  event.erase("outcome");
  EXPECT_FALSE(schemaProblems(event).empty());
}

void collectMembers(const json& value, const std::string& prefix, const std::set<std::string>& stop_at,
                    std::set<std::string>& paths) {
  for (const auto& [key, member] : value.items()) {
    const std::string path = prefix + key;
    if (member.is_object() && stop_at.count(path) == 0) {
      collectMembers(member, path + ".", stop_at, paths);
    } else {
      paths.insert(path);
    }
  }
}

void expectDocumented(const json& value, KeySection section) {
  std::set<std::string> paths;
  collectMembers(value, "", {"timings", "diagnosis", "evidence"}, paths);
  std::set<std::string> documented;
  for (const KeyRow& row : eventKeys(section)) {
    documented.insert(std::string(row.path));
  }
  EXPECT_EQ(paths, documented);
}

TEST(EventTest, WritesEveryKeyOfTheTableAndNoOther) {
  json event = fullEvent(test::connectSample());
  event.update({{"boot_id", "00c0ffee"}, {"sequence", 1}});  // the log's writer adds these
  EXPECT_THAT(schemaProblems(event), IsEmpty());
  expectDocumented(event, KeySection::Exchange);
  expectDocumented(event["tries"][0], KeySection::Try);
  expectDocumented(event["diagnosis"], KeySection::Diagnosis);
  expectDocumented(event["timings"], KeySection::Timings);
  const Diagnosis diagnosis = test::connectSample();
  json change = written(
      LifecycleEvent{.event = "health", .message = "down", .instance = "a", .facts = {}, .diagnosis = &diagnosis});
  change.update({{"boot_id", "00c0ffee"}, {"sequence", 1}});
  expectDocumented(change, KeySection::Lifecycle);
}

TEST(EventTest, DocumentIsUpToDate) {
  const std::string path = GATEWHY_SOURCE_DIR "/docs/events.md";
  if (std::getenv("GATEWHY_UPDATE_DOCS") != nullptr) {
    std::ofstream(path, std::ios::binary) << eventsMarkdown();
  }
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  EXPECT_EQ(text.str(), eventsMarkdown()) << "run make docs";
}

}  // namespace
}  // namespace gatewhy
