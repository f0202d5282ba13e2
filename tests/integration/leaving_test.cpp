// SPDX-License-Identifier: Apache-2.0
// Stock clients against limits.client_abort: probe. None may mind an interim
// 100 that it did not ask for, one that half-closes is answered, and one that
// leaves is noticed: its request at the origin is cancelled.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <tuple>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/support/child_process.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

const std::string kFolder = std::string(GATEWHY_SOURCE_DIR) + "/tests/integration/";

// `{scheme}`, `{port}`, `{mode}`, `{path}` and `{url}` are filled in.
struct StockClient {
  std::string name;
  std::string program;
  std::vector<std::string> arguments;
  bool half_closes = false;
};

const std::vector<StockClient>& stockClients() {
  static const std::vector<StockClient> clients{
      {"python", "/usr/bin/python3", {kFolder + "leaving_client.py", "{scheme}", "{port}", "{mode}", "{path}"}, true},
      {"node", "/usr/bin/node", {kFolder + "leaving_client.js", "{scheme}", "{port}", "{mode}", "{path}"}, true},
      {"java_urlconnection", "/usr/bin/java", {kFolder + "LeavingClient.java", "urlconnection", "{url}", "{mode}"}},
      {"java_httpclient", "/usr/bin/java", {kFolder + "LeavingClient.java", "httpclient", "{url}", "{mode}"}},
      {"curl", "/usr/bin/curl", {"-sk", "--max-time", "{patience}", "-w", "%{http_code} \\n", "{url}"}}};
  return clients;
}

class LeavingClients : public testing::TestWithParam<StockClient> {
 protected:
  void SetUp() override {
    if (::access(GetParam().program.c_str(), X_OK) != 0) {
      GTEST_SKIP() << GetParam().program << " is not installed on this machine";
    }
    const Identity identity = selfSigned({.common_name = "127.0.0.1"});
    GatewayConfig config;
    config.origin_url = origin_.url();
    config.origin_more = "timeouts: {response_head: 40s}";
    config.more_listeners =
        fmt::format(", {{address: \"127.0.0.1:0\", tls: {{certificates: [{{certificate: \"{}\", key: \"{}\"}}]}}}}",
                    keys_.write("shop.pem", certificatesPem({&identity})), keys_.write("shop.key", keyPem(identity)));
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }

  std::string run(const std::string& scheme, const std::string& mode) {
    const std::string& listener = gateway_->daemon().listeners()[scheme == "https" ? 1 : 0];
    const std::string path = "/" + mode + "/" + scheme;
    const std::vector<std::pair<std::string, std::string>> words{{"{scheme}", scheme},
                                                                 {"{port}", listener.substr(listener.rfind(':') + 1)},
                                                                 {"{mode}", mode},
                                                                 {"{path}", path},
                                                                 {"{url}", scheme + "://" + listener + path},
                                                                 {"{patience}", mode == "leave" ? "0.3" : "30"}};
    ChildOptions options;
    options.arguments = {GetParam().program};
    for (std::string argument : GetParam().arguments) {
      for (const auto& [word, value] : words) {
        argument = argument == word ? value : argument;
      }
      options.arguments.push_back(argument);
    }
    std::string output;
    auto child = ChildProcess::start(options, [&](const std::string& line) { output += line; });
    if (child) {
      (*child)->wait();
      output += (*child)->standardError();
    }
    return output;
  }

  std::optional<json> eventOf(const std::string& path) {
    return gateway_->daemon().waitFor(
        [&](const json& event) { return event.value("/url/path"_json_pointer, "") == path; });
  }

  void serve(Socket& connection) {
    while (const auto request = readRequest(connection)) {
      const std::string target = request->target();
      if (target.starts_with("/leave")) {
        while (connection.receive()) {
        }
        cancelled_ += connection.end() == Socket::End::Late ? 0 : 1;
        return;
      }
      if (target.starts_with("/stay")) {
        connection.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));  // the probe is out by then
      }
      connection.send(okResponse("done"));
    }
  }

  PemDirectory keys_;
  std::atomic<int> cancelled_ = 0;
  OriginServer origin_{[this](Socket& connection) { serve(connection); }};
  std::unique_ptr<Gateway> gateway_;
};

TEST_P(LeavingClients, StayWhenTheyGetAnInterim100) {
  for (const std::string scheme : {"http", "https"}) {
    const std::string output = run(scheme, "stay");
    EXPECT_TRUE(output == "200 done" || output == "done200 ") << scheme << ": " << output;
  }
}

TEST_P(LeavingClients, AreAnsweredWhenTheyOnlyHalfClose) {
  if (!GetParam().half_closes) {
    GTEST_SKIP() << "this client cannot half-close";
  }
  for (const std::string scheme : {"http", "https"}) {
    EXPECT_EQ(run(scheme, "half"), "200 done") << scheme;
    const auto event = eventOf("/half/" + scheme);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->value("outcome", ""), "success") << event->dump();
  }
}

// Over TLS nobody who ends so can be answered, and the event says which end it was.
TEST_P(LeavingClients, WhoBreaksAnUploadOffIsToldByHow) {
  if (GetParam().name != "python") {
    GTEST_SKIP() << "one client that ends in the middle of a body is enough";
  }
  for (const auto& [scheme, cause, how] :
       {std::tuple{"http", "client_length_mismatch", "fin"}, {"https", "client_aborted_upload", "tls_truncated"}}) {
    run(scheme, "upload");
    const auto event = eventOf(std::string("/upload/") + scheme);
    ASSERT_TRUE(event) << scheme;
    EXPECT_EQ(causeOf(*event), cause) << event->dump();
    EXPECT_EQ(event->value("/diagnosis/evidence/end"_json_pointer, ""), how) << event->dump();
  }
  gateway_->expectCleanStop();
}

TEST_P(LeavingClients, AreNoticedWhenTheyLeave) {
  for (const std::string scheme : {"http", "https"}) {
    run(scheme, "leave");
    const auto event = eventOf("/leave/" + scheme);
    ASSERT_TRUE(event) << scheme;
    EXPECT_EQ(causeOf(*event), "client_closed_request") << event->dump();
    EXPECT_EQ(event->value("outcome", ""), "aborted");
  }
  gateway_->expectCleanStop();
  origin_.stop();
  EXPECT_EQ(cancelled_, 2) << "the origin was not told";
}

INSTANTIATE_TEST_SUITE_P(Stock, LeavingClients, testing::ValuesIn(stockClients()),
                         [](const auto& leaving) { return leaving.param.name; });

}  // namespace
}  // namespace gatewhy::test
