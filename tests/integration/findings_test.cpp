// SPDX-License-Identifier: Apache-2.0
// tests/findings.yaml against the real binary: each rule is found where it is
// broken, and nothing is found where it is kept. A route of its own per row,
// because the log tells a finding once per route.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <chrono>
#include <map>
#include <set>

#include "diagnostics/findings.h"
#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using Words = std::set<std::string>;

struct Row {
  std::string rule, side;
  std::string method = "GET", asked;
  std::string answer;
  std::string status;
  std::string client, not_client;
  Words found;
  std::string enforce;  // "" = no matter of strictness

  [[nodiscard]] std::string path() const { return "/" + rule + "/" + side; }
};

std::string httpDate(std::chrono::seconds from_now) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::now() + from_now));
}

std::string filled(std::string text) {
  const std::map<std::string, std::string> values = {
      {"${NOW}", httpDate(std::chrono::seconds(0))},
      {"${IN_AN_HOUR}", httpDate(std::chrono::hours(1))},
      {"${AN_HOUR_AGO}", httpDate(std::chrono::hours(-1))},
      {"${4096}", std::string(4096, 'x')},
      {"${4095}", std::string(4095, 'x')},
  };
  for (const auto& [word, value] : values) {
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word)) {
      text.replace(at, word.size(), value);
    }
  }
  return text;
}

std::string textOf(const YAML::Node& node, const char* key) {
  return node[key] ? node[key].as<std::string>() : "";
}

std::string head(const YAML::Node& lines) {
  std::string out = "HTTP/1.1 ";
  for (const YAML::Node& line : lines) {
    out += filled(line.as<std::string>()) + "\r\n";
  }
  return out;
}

std::string answerOf(const YAML::Node& node, const std::string& status) {
  const std::string body = textOf(node, "body");
  std::string out = node["interim"] ? head(node["interim"]) + "\r\n" : "";
  std::string last = head(node["answer"]);
  const bool framed = last.find("Content-Length") != std::string::npos ||
                      last.find("Transfer-Encoding") != std::string::npos || status == "204" || status == "304";
  if (!framed) {
    last += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  if (last.find("\r\nDate: ") == std::string::npos && textOf(node, "date") != "none") {
    last += "Date: " + httpDate(std::chrono::seconds(0)) + "\r\n";
  }
  return out + last + "\r\n" + body + textOf(node, "behind");
}

Row readRow(const std::string& rule, const std::string& side, const YAML::Node& node) {
  static const Words kKeys = {"method", "asked",  "answer",     "body", "behind", "interim",
                              "date",   "client", "not_client", "also", "enforce"};
  for (const auto& entry : node) {
    EXPECT_TRUE(kKeys.count(entry.first.as<std::string>()) != 0) << rule << ": " << entry.first.as<std::string>();
  }
  Row row{.rule = rule, .side = side};
  row.status = node["answer"][0].as<std::string>().substr(0, 3);
  row.answer = answerOf(node, row.status);
  row.method = node["method"] ? textOf(node, "method") : "GET";
  for (const YAML::Node& line : node["asked"]) {
    row.asked += line.as<std::string>() + "\r\n";
  }
  row.client = textOf(node, "client");
  row.not_client = textOf(node, "not_client");
  row.enforce = textOf(node, "enforce");
  for (const YAML::Node& also : node["also"]) {
    row.found.insert(also.as<std::string>());
  }
  if (side == "breaks") {
    row.found.insert(rule);
  }
  return row;
}

std::vector<Row> readRows() {
  std::vector<Row> rows;
  for (const auto& entry : YAML::LoadFile(GATEWHY_SOURCE_DIR "/tests/findings.yaml")) {
    const auto rule = entry.first.as<std::string>();
    for (const char* side : {"breaks", "keeps"}) {
      EXPECT_TRUE(entry.second[side]) << rule << " has no origin that " << side << " it";
      if (entry.second[side]) {
        rows.push_back(readRow(rule, side, entry.second[side]));
      }
    }
  }
  return rows;
}

Words findingsOf(const json& event) {
  const json found = event.value("findings", json::array());
  return {found.begin(), found.end()};
}

std::string inWords(const Row& row) {
  return "rule " + row.rule + ", the origin that " + row.side + " it:\n" + row.answer.substr(0, 300);
}

class FindingsTest : public testing::Test {
 protected:
  FindingsTest()
      : rows_(readRows()), origin_([this](Socket& connection) {
          while (const auto request = readRequest(connection)) {
            connection.send(answerTo(request->target()));
          }
        }) {}

  void start(const std::string& diagnostics = "{}") { gateway_ = Gateway::start(config(diagnostics)); }

  [[nodiscard]] GatewayConfig config(const std::string& diagnostics = "{}") const {
    GatewayConfig config;
    config.origin_url = origin_.url();
    config.more_origins = "  lax:\n    endpoints: [\"" + origin_.url() + "\"]\n    strictness: report\n";
    config.diagnostics = diagnostics;
    config.more = "trusted_proxies: [127.0.0.1]\nroutes:\n";  // so that the request ids are ours
    for (const Row& row : rows_) {
      config.more += "  - {path: " + row.path() + ", origin: " + (row.enforce.empty() ? "origin" : "lax") + "}\n";
    }
    config.more += "  - {path: /strict/, origin: origin, strip_prefix: false}\n";
    return config;
  }

  // Sends the row's request below `prefix`; what the client got.
  std::string send(const Row& row, const std::string& prefix = "") {
    Socket client = Socket::connectTo(gateway_->address());
    client.send(row.method + " " + prefix + row.path() + " HTTP/1.1\r\nHost: shop.example\r\n" + row.asked +
                "X-Request-ID: " + std::to_string(++sent_) + "\r\nConnection: close\r\n\r\n");
    client.receiveToEnd();
    return client.buffer();
  }
  json eventOf(const std::string& request_id) {
    auto event = gateway_->exchangeOf(request_id);
    EXPECT_TRUE(event) << "no event";
    return event.value_or(json::object());
  }
  json play(const Row& row, const std::string& prefix = "") {
    send(row, prefix);
    return eventOf(std::to_string(sent_));
  }

  const Row& row(const std::string& rule) const {
    return *std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.rule == rule; });
  }

  std::vector<Row> rows_;
  std::unique_ptr<Gateway> gateway_;
  int sent_ = 0;

 private:
  std::string answerTo(const std::string& target) const {
    for (const Row& row : rows_) {
      if (target.ends_with(row.path())) {
        return row.answer;
      }
    }
    return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
  }

  OriginServer origin_;
};

TEST_F(FindingsTest, EveryRuleIsFoundWhereItIsBrokenAndOnlyThere) {
  start();
  ASSERT_TRUE(gateway_);
  for (const Row& row : rows_) {
    SCOPED_TRACE(inWords(row));
    const std::string client = send(row);
    EXPECT_NE(client.find("HTTP/1.1 " + row.status + " "), std::string::npos) << client;
    EXPECT_NE(client.find(row.client), std::string::npos) << client;
    EXPECT_TRUE(row.not_client.empty() || client.find(row.not_client) == std::string::npos) << client;
  }
  for (std::size_t n = 0; n < rows_.size(); ++n) {
    SCOPED_TRACE(inWords(rows_[n]));
    const json event = eventOf(std::to_string(n + 1));
    EXPECT_EQ(findingsOf(event), rows_[n].found);
    EXPECT_EQ(event.value("outcome", ""), "success");
    EXPECT_EQ(event.value("generated_by", ""), "origin");
    EXPECT_FALSE(event.contains("diagnosis")) << event.dump();
  }
  gateway_->expectCleanStop();
}

TEST_F(FindingsTest, EnforceRefusesWhatReportMends) {
  start();
  ASSERT_TRUE(gateway_);
  for (const Row& row : rows_) {
    if (row.enforce.empty()) {
      continue;
    }
    SCOPED_TRACE(inWords(row));
    EXPECT_EQ(causeOf(play(row, "/strict")), row.enforce == "none" ? "" : row.enforce);
  }
  gateway_->expectCleanStop();
}

TEST_F(FindingsTest, TheTableIsComplete) {
  // Not an answer's: tests/scenario/response_unsolicited.yaml and passed_on.ocsp_*.yaml and
  // passed_on.certificate_*.yaml, tests/unit/proxy/net/revocation_test.cpp.
  Words shown{"unsolicited_bytes",
              "ocsp_status_unknown",
              "ocsp_staple_expired",
              "ocsp_staple_unusable",
              "certificate_expires_in_30_days",
              "certificate_expires_in_7_days",
              "certificate_expires_in_1_day"};
  for (const Row& row : rows_) {
    EXPECT_TRUE(findingById(row.rule)) << row.rule << " is no finding";
    shown.insert(row.rule);
  }
  shown.insert(
      {"http_1_1_required", "grpc_answer_foreign", "grpc_status_missing"});  // h2_origins_test.cpp, grpc_test.cpp
  shown.insert("dns_stale");  // not of an answer: tests/scenario/passed_on.dns_stale.yaml
  for (const FindingInfo& finding : allFindings()) {
    EXPECT_TRUE(shown.count(std::string(finding.id)) != 0) << finding.id << " is not in tests/findings.yaml";
  }
}

TEST_F(FindingsTest, TheLogTellsOncePerRouteAndAgainAfterAReload) {
  start();
  ASSERT_TRUE(gateway_);
  const Row& broken = row("401_without_www_authenticate");
  EXPECT_EQ(findingsOf(play(broken)), broken.found);
  EXPECT_EQ(findingsOf(play(broken)), Words());
  EXPECT_EQ(findingsOf(play(broken, "/strict")), broken.found) << "another route";
  gateway_->reload(config());
  EXPECT_EQ(findingsOf(play(broken)), broken.found);
  gateway_->expectCleanStop();
}

TEST_F(FindingsTest, WithoutLintOnlyWhatWasCutOrMendedIsTold) {
  start("{lint: false}");
  ASSERT_TRUE(gateway_);
  EXPECT_EQ(findingsOf(play(row("401_without_www_authenticate"))), Words());
  EXPECT_EQ(findingsOf(play(row("1xx_with_content_length"))), Words());
  EXPECT_EQ(findingsOf(play(row("content_without_content_type"))), Words());
  EXPECT_EQ(findingsOf(play(row("response_extra_data"))), Words{"response_extra_data"});
  EXPECT_EQ(findingsOf(play(row("field_folded"))), Words{"field_folded"});
  EXPECT_EQ(findingsOf(play(row("chunk_size_padded"))), Words{"chunk_size_padded"});
  gateway_->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
