// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/event_line.h"

#include <gtest/gtest.h>

namespace gatewhy {
namespace {

constexpr std::chrono::sys_seconds kWhen = std::chrono::sys_days(std::chrono::year(2026) / 11 / 28) +
                                           std::chrono::hours(21) + std::chrono::minutes(4) + std::chrono::seconds(2);

ExchangeEvent someExchange() {
  ExchangeEvent event;
  event.timestamp = kWhen;
  event.request_id = "4f3a9c12d0e8b7a6";
  event.method = "GET";
  event.path = "/cart";
  event.protocol_version = "1.1";
  event.client_address = "192.0.2.7";
  event.user_agent = "curl/8";
  event.status = 200;
  event.response_body_size = 512;
  event.origin = "shop";
  event.attempts = 1;
  event.timings.total = 12.6;
  return event;
}

std::string lineOf(const ExchangeEvent& event, EventFormat format) {
  TextBuffer line;
  appendLine(line, event, format);
  return std::string(line.view());
}

Diagnosis refusedConnection() {
  Diagnosis diagnosis;
  diagnosis.cause = Cause::ConnectionRefused;
  diagnosis.blame = Blame::Origin;
  return diagnosis;
}

TEST(EventLine, CombinedIsWhatAccessLogReadersExpect) {
  ExchangeEvent event = someExchange();
  event.query = "a=1";
  EXPECT_EQ(lineOf(event, EventFormat::Combined),
            "192.0.2.7 - - [28/Nov/2026:21:04:02 +0000] \"GET /cart?a=1 HTTP/1.1\" 200 512 \"-\" \"curl/8\"\n");
}

TEST(EventLine, CombinedOfARequestThatWasNotUnderstood) {
  ExchangeEvent event = someExchange();
  event.method = event.path = event.user_agent = {};
  event.status = 0;
  event.response_body_size.reset();
  EXPECT_EQ(lineOf(event, EventFormat::Combined),
            "192.0.2.7 - - [28/Nov/2026:21:04:02 +0000] \"-\" 499 - \"-\" \"-\"\n");
}

TEST(EventLine, NobodyForgesALine) {
  ExchangeEvent event = someExchange();
  event.path = "/x\"\n1.2.3.4 - -";
  event.user_agent = "\\\x1b[2J\xe2\x80\xae";
  for (const EventFormat format : {EventFormat::Combined, EventFormat::Text}) {
    const std::string line = lineOf(event, format);
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
    EXPECT_NE(line.find("/x\\x22\\x0A1.2.3.4"), std::string::npos) << line;
  }
}

TEST(EventLine, TextIsForPeople) {
  ExchangeEvent event = someExchange();
  EXPECT_EQ(lineOf(event, EventFormat::Text), "21:04:02 200 GET /cart -> shop  13 ms\n");
  const Diagnosis diagnosis = refusedConnection();
  event.diagnosis = &diagnosis;
  event.outcome = Outcome::Failure;
  event.status = 521;
  event.attempts = 2;
  event.timings.total = 0.44;
  EXPECT_EQ(lineOf(event, EventFormat::Text),
            "21:04:02 521 connection_refused       GET /cart -> shop  0.4 ms  2 tries  why 4f3a9c12\n");
}

TEST(EventLine, ColourSaysWhoseFailureItIs) {
  ExchangeEvent event = someExchange();
  EXPECT_NE(lineOf(event, EventFormat::ColouredText).find("\x1b[32m200"), std::string::npos);
  Diagnosis diagnosis = refusedConnection();
  event.diagnosis = &diagnosis;
  event.outcome = Outcome::Failure;
  EXPECT_NE(lineOf(event, EventFormat::ColouredText).find("\x1b[31m200"), std::string::npos);
  diagnosis.blame = Blame::Client;
  EXPECT_NE(lineOf(event, EventFormat::ColouredText).find("\x1b[33m200"), std::string::npos);
}

TEST(EventLine, LifecycleEventsAreCommentsOfAnAccessLog) {
  LifecycleEvent event{.event = "reload", .severity = "WARN", .message = "refused"};
  event.facts.push_back({.key = "config", .text = "gw.yaml", .number = {}, .list = {}});
  event.facts.push_back({.key = "problems", .text = {}, .number = {}, .list = {"a", "b\n"}});
  std::string out;
  appendLine(out, event, kWhen, EventFormat::Combined);
  appendLine(out, event, kWhen, EventFormat::Text);
  EXPECT_EQ(out,
            "# [28/Nov/2026:21:04:02 +0000] WARN  reload: refused  config=gw.yaml  problems=a, b\\x0A\n"
            "21:04:02 WARN  reload: refused  config=gw.yaml  problems=a, b\\x0A\n");
}

}  // namespace
}  // namespace gatewhy
