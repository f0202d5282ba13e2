// SPDX-License-Identifier: Apache-2.0
// Events on their way to NATS and to OpenTelemetry.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/log/event_subject.h"
#include "daemon/log/nkey.h"
#include "daemon/log/otlp_json.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using testing::SizeIs;

constexpr std::string_view kFailed =
    R"({"boot_id":"00c0ffee","sequence":7,"timestamp":"2026-01-31T12:00:01.000000Z","severity":"ERROR","event":"exchange",)"
    R"("service":{"instance":{"id":"gw-1"}},"request_id":"r.1","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",)"
    R"("span_id":"00f067aa0ba902b7","parent_span_id":"b7ad6b7169203331",)"
    R"("http":{"request":{"method":"GET"},"response":{"status_code":502}},"origin":"shop.example","route":"*/",)"
    R"("endpoint":"http://b","attempts":2,"tries":[{"endpoint":"http://a","diagnosis":{"cause":"empty_response",)"
    R"("summary":"closed"},"timings":{"connect":1.5,"wait":2}},{"endpoint":"http://b","timings":{"connect":3}}],)"
    R"("timings":{"connect":3,"total":10},"diagnosis":{"cause":"connection_refused","summary":"refused"},)"
    R"("findings":["a","b"]})";

TEST(EventSubjectTest, TokensAreEscapedAndComeBack) {
  EXPECT_EQ(subjectToken("gw-fra_2"), "gw-fra_2");
  EXPECT_EQ(subjectToken("shop.example"), "shop%2Eexample");
  EXPECT_EQ(subjectToken(""), "-");
  EXPECT_EQ(subjectToken("-"), "%2D");
  EXPECT_EQ(subjectToken("a b*>\x01%"), "a%20b%2A%3E%01%25");
  EXPECT_EQ(subjectToken("ü"), "%C3%BC");
  EXPECT_THAT(subjectToken(std::string(1000, 'x')), SizeIs(200));
  for (const std::string text : {"shop.example", "", "-", "%2E", "100%", "a b*>", "ü", "%"}) {
    EXPECT_EQ(subjectValue(subjectToken(text)), text);
  }
}

TEST(EventSubjectTest, FailuresEndInTheirRequestId) {
  const FleetEvent event = fleetEvent(kFailed);
  EXPECT_EQ(eventSubject(event.subject), "gatewhy.gw-1.exchange.shop%2Eexample.connection_refused.r%2E1");
  EXPECT_EQ(event.messageId(), "gw-1/00c0ffee/7");
  const FleetEvent start = fleetEvent(R"({"event":"start","service":{"instance":{"id":"gw-1"}}})");
  EXPECT_EQ(eventSubject(start.subject), "gatewhy.gw-1.start.-.-");
  // The cause of a try is not that of the exchange.
  const FleetEvent saved = fleetEvent(
      R"({"event":"exchange","origin":"a","tries":[{"diagnosis":{"cause":"empty_response"}}],"request_id":"r"})");
  EXPECT_EQ(eventSubject(saved.subject), "gatewhy.-.exchange.a.-");
  EXPECT_EQ(fleetEvent("no json").subject.event, "");
  EXPECT_EQ(fleetEvent(R"({"event":"exchange")").subject.event, "");
}

TEST(EventSubjectTest, FiltersAskForAsLittleAsPossible) {
  EXPECT_EQ(subjectFilter({.request_id = "r.1"}), "gatewhy.*.*.*.*.r%2E1");
  EXPECT_EQ(subjectFilter({.event = "exchange", .cause = "dns_timeout"}), "gatewhy.*.exchange.*.dns_timeout.*");
  EXPECT_EQ(subjectFilter({.event = "exchange", .origin = "a.b"}), "gatewhy.*.exchange.a%2Eb.>");
  EXPECT_EQ(subjectFilter({.instance = "gw-1"}), "gatewhy.gw-1.*.>");
}

// The pair that NATS' documentation shows.
TEST(NkeyTest, ThePublicKeyOfASeed) {
  const auto key = nkeyOfSeed("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY");
  ASSERT_TRUE(key) << key.error();
  EXPECT_EQ(*key, "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4");
  EXPECT_FALSE(nkeyOfSeed(""));
  EXPECT_FALSE(nkeyOfSeed("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VA")) << "the checksum";
  EXPECT_FALSE(nkeyOfSeed("UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4")) << "no seed";
  EXPECT_FALSE(nkeyOfSeed("not a seed"));
}

json attribute(const json& attributes, const std::string& key) {
  for (const json& each : attributes) {
    if (each["key"] == key) {
      return each["value"];
    }
  }
  return {};
}

TEST(OtlpTest, ARecordForEachEvent) {
  const std::vector<std::string_view> lines{kFailed, R"({"event":"start","severity":"INFO","message":"up"})", "text"};
  const json request = json::parse(otlpLogs(lines));
  const json& resource = request["resourceLogs"][0];
  EXPECT_EQ(attribute(resource["resource"]["attributes"], "service.name"), json({{"stringValue", "gatewhy"}}));
  EXPECT_EQ(attribute(resource["resource"]["attributes"], "service.instance.id"), json({{"stringValue", "gw-1"}}));
  const json& records = resource["scopeLogs"][0]["logRecords"];
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(records[0]["timeUnixNano"], "1769860801000000000");
  EXPECT_EQ(records[0]["severityNumber"], 17);
  EXPECT_EQ(records[0]["severityText"], "ERROR");
  EXPECT_EQ(records[0]["body"]["stringValue"], "refused");
  EXPECT_EQ(records[0]["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(records[0]["spanId"], "00f067aa0ba902b7");
  EXPECT_EQ(attribute(records[0]["attributes"], "http.response.status_code"), json({{"intValue", "502"}}));
  EXPECT_EQ(attribute(records[0]["attributes"], "diagnosis.cause"), json({{"stringValue", "connection_refused"}}));
  EXPECT_EQ(attribute(records[0]["attributes"], "findings")["arrayValue"]["values"][1]["stringValue"], "b");
  EXPECT_EQ(records[1]["body"]["stringValue"], "up");
  EXPECT_EQ(records[1]["severityNumber"], 9);
  EXPECT_EQ(records[2]["body"]["stringValue"], "text");
}

TEST(OtlpTest, SpansForExchangeTriesAndPhases) {
  const std::vector<std::string_view> lines{kFailed, R"({"event":"start"})"};
  const std::string text = otlpTraces(lines);
  const json request = json::parse(text);
  const json& spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"];
  ASSERT_THAT(spans, SizeIs(6));
  const auto named = [&spans](const std::string& name) {
    for (const json& span : spans) {
      if (span["name"] == name) {
        return span;
      }
    }
    return json();
  };
  const json root = named("GET */");
  EXPECT_EQ(root["spanId"], "00f067aa0ba902b7");
  EXPECT_EQ(root["parentSpanId"], "b7ad6b7169203331");
  EXPECT_EQ(root["kind"], 2);
  EXPECT_EQ(root["startTimeUnixNano"], "1769860801000000000");
  EXPECT_EQ(root["endTimeUnixNano"], "1769860801010000000");
  EXPECT_EQ(root["status"], json({{"code", 2}, {"message", "refused"}}));
  const json first = named("http://a");
  EXPECT_EQ(first["parentSpanId"], root["spanId"]);
  EXPECT_EQ(first["status"]["message"], "closed");
  EXPECT_EQ(first["startTimeUnixNano"], root["startTimeUnixNano"]);
  EXPECT_EQ(first["endTimeUnixNano"], "1769860801003500000");
  const json wait = named("wait");
  EXPECT_EQ(wait["parentSpanId"], first["spanId"]);
  EXPECT_EQ(wait["startTimeUnixNano"], "1769860801001500000");
  const json second = named("http://b");
  EXPECT_EQ(second["startTimeUnixNano"], first["endTimeUnixNano"]);
  EXPECT_FALSE(second.contains("status"));
  for (const json& span : spans) {
    EXPECT_EQ(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_THAT(span["spanId"].get<std::string>(), SizeIs(16));
  }
  EXPECT_EQ(otlpTraces(lines), text) << "what is sent again is the same";
  EXPECT_EQ(otlpTraces(std::vector<std::string_view>{R"({"event":"start"})"}), "");
}

}  // namespace
}  // namespace gatewhy
