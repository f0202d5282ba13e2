// SPDX-License-Identifier: Apache-2.0
// gRPC through a gateway, by clients and servers that are not ours. Silence is no
// failure, deadlines and statuses are told, and what fails is said in gRPC's words.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/gateway.h"
#include "tests/integration/h2_client.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/port_printer.h"
#include "tests/support/child_process.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::int64_t kMiB = 1024L * 1024;

ChildOptions nodeOptions(std::vector<std::string> arguments) {
  ChildOptions options;
  const std::string source(GATEWHY_SOURCE_DIR);
  arguments.front() = source + "/tests/grpc/" + arguments.front();
  options.arguments = std::move(arguments);
  options.arguments.insert(options.arguments.begin(), "/usr/bin/node");
  options.environment = {{"NODE_PATH", source + "/tests/npm/node_modules"}};
  return options;
}

ChildOptions grpcppOptions(std::vector<std::string> arguments) {
  ChildOptions options;
  options.arguments = std::move(arguments);
  options.arguments.insert(options.arguments.begin(), GATEWHY_GRPC_PEER);
  return options;
}

class GrpcTest : public testing::Test {
 protected:
  void start(GatewayConfig config = {}, const ChildOptions& server = nodeOptions({"grpc_server.js"})) {
    if (config.origin_url.empty()) {
      server_ = std::make_unique<PortPrinter>(server);
      config.origin_url = "h2c://127.0.0.1:" + server_->port();
    }
    config.listener_more = ", http2: true";
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }
  void TearDown() override {
    if (gateway_) {
      gateway_->expectCleanStop();
    }
  }
  [[nodiscard]] std::string port() const {
    const std::string& address = gateway_->address();
    return address.substr(address.rfind(':') + 1);
  }
  json play(const std::string& story) { return run(nodeOptions({"grpc_client.js", story, port()})); }
  json playGrpcpp(const std::string& story) { return run(grpcppOptions({"client", story, port()})); }
  static json run(const ChildOptions& options) {
    std::string output;
    auto child = ChildProcess::start(options, [&](const std::string& line) { output += line; });
    if (!child) {
      ADD_FAILURE() << child.error();
      return {};
    }
    (*child)->wait();
    json told = json::parse(output, nullptr, false);
    EXPECT_FALSE(told.is_discarded()) << output << (*child)->standardError();
    return told;
  }
  // Of the only call so far.
  json event() {
    const auto found = gateway_->daemon().waitFor(
        [](const json& event) { return event.value("event", "") == "exchange" && event.contains("rpc"); });
    EXPECT_TRUE(found.has_value());
    return found.value_or(json::object());
  }
  // A call that gRPC's clients would not make.
  H2ClientAnswer call(H2ClientFields fields) {
    H2Client client(Socket::connectTo(gateway_->address()));
    fields.emplace_back("te", "trailers");
    const std::int32_t stream = client.begin(H2Client::post("/gatewhy.test.Calls/Unary", std::move(fields)));
    client.data(stream, std::string("\0\0\0\0\6\12\4hang", 11), true);
    return client.await(stream);
  }
  static int codeOf(const json& event) { return event.value("/rpc/grpc/status_code"_json_pointer, -1); }

  std::unique_ptr<PortPrinter> server_;
  std::unique_ptr<Gateway> gateway_;
};

void expectSuccess(const json& event) {
  EXPECT_EQ(event.value("/rpc/system"_json_pointer, ""), "grpc") << event;
  EXPECT_EQ(event.value("/rpc/grpc/status_code"_json_pointer, -1), 0) << event;
  EXPECT_EQ(event.value("outcome", ""), "success") << event;
  EXPECT_FALSE(event.contains("findings")) << event;
}

TEST_F(GrpcTest, AUnaryCallAndItsStatus) {
  start();
  const json told = play("unary");
  EXPECT_EQ(told["code"], 0) << told;
  EXPECT_EQ(told["payload"], "ping");
  expectSuccess(event());
}

TEST_F(GrpcTest, AStreamOfTheClient) {
  start();
  const json told = play("collect");
  EXPECT_EQ(told["code"], 0) << told;
  EXPECT_EQ(told["number"], 3);
  expectSuccess(event());
}

TEST_F(GrpcTest, AStreamOfTheServer) {
  start();
  const json told = play("expand");
  EXPECT_EQ(told["code"], 0) << told;
  EXPECT_EQ(told["answers"], 5);
  expectSuccess(event());
}

TEST_F(GrpcTest, ADialogueInWhichEachMessageWaitsForTheOneBefore) {
  start({.origin_more = "retry: {attempts: 3, budget: 100%}\n"});
  const json told = play("talk");
  EXPECT_EQ(told["code"], 0) << told;
  EXPECT_EQ(told["answers"], 5);
  EXPECT_EQ(told["head_before_answers"], true);
  expectSuccess(event());
}

TEST_F(GrpcTest, AnOriginsOwnAnswerIsASuccessWhateverItsStatus) {
  start();
  const json told = play("own_5");
  EXPECT_EQ(told["code"], 5) << told;
  EXPECT_EQ(told["details"], "as ordered: 100% ü");
  const json event = this->event();
  EXPECT_EQ(event["outcome"], "success");
  EXPECT_EQ(codeOf(event), 5);
  EXPECT_EQ(event.value("/rpc/grpc/status_message"_json_pointer, ""), "as ordered: 100% ü");
}

TEST_F(GrpcTest, AnOriginsOwnFailureIsOneWithoutADiagnosis) {
  start();
  const json told = play("own_13");
  EXPECT_EQ(told["code"], 13) << told;
  const json event = this->event();
  EXPECT_EQ(event["outcome"], "failure");
  EXPECT_EQ(codeOf(event), 13);
  EXPECT_FALSE(event.contains("diagnosis")) << event;
}

TEST_F(GrpcTest, AStatusBehindMessagesIsRead) {
  start();
  const json told = play("talk_fails");
  EXPECT_EQ(told["code"], 10) << told;
  EXPECT_EQ(told["answers"], 1);
  EXPECT_EQ(codeOf(event()), 10);
}

TEST_F(GrpcTest, AFailureOfOursIsToldInItsWords) {
  start({.origin_url = "h2c://127.0.0.1:1"});
  const json told = play("unary");
  EXPECT_EQ(told["code"], 14) << told;
  EXPECT_THAT(told.value("details", ""), StartsWith("connection_refused: "));
  EXPECT_EQ(told["ended_by"], 1) << "the request id is there";
  const json event = this->event();
  EXPECT_EQ(causeOf(event), "connection_refused");
  EXPECT_EQ(event.value("/http/response/status_code"_json_pointer, 0), 200);
  EXPECT_EQ(event.value("generated_by", ""), "proxy");
  EXPECT_EQ(codeOf(event), 14);
}

TEST_F(GrpcTest, RulesOfTheGatewayHaveStatusesToo) {
  start({.origin_url = "h2c://127.0.0.1:1",
         .more = "routes: [{path: /gatewhy.test.Calls/Unary, respond: {status: 403}}]\n"});
  const H2ClientAnswer fixed = call({{"content-type", "application/grpc"}});
  EXPECT_EQ(fixed.status, 200U);
  EXPECT_EQ(fixed.field("grpc-status"), "7");
  EXPECT_EQ(fixed.field("content-type"), "application/grpc");
  EXPECT_TRUE(fixed.ended);
  EXPECT_EQ(codeOf(event()), 7);
}

TEST_F(GrpcTest, ADeadlineThatTheClientWatches) {
  start();
  const json told = play("deadline");
  EXPECT_EQ(told["code"], 4) << told;
  EXPECT_TRUE(server_->awaitLine("cancelled"));
  const json event = this->event();
  EXPECT_EQ(causeOf(event), "exchange_timeout") << event;
  EXPECT_EQ(event["outcome"], "failure");
  EXPECT_EQ(event.value("/diagnosis/evidence/timer"_json_pointer, ""), "grpc-timeout");
  EXPECT_EQ(codeOf(event), 4);
}

TEST_F(GrpcTest, ADeadlineThatTheClientDoesNotWatch) {
  start();
  const H2ClientAnswer answer = call({{"content-type", "application/grpc"}, {"grpc-timeout", "300m"}});
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.field("grpc-status"), "4");
  EXPECT_THAT(answer.field("grpc-message"), StartsWith("exchange_timeout: "));
  EXPECT_TRUE(server_->awaitLine("cancelled"));
  EXPECT_EQ(event().value("/diagnosis/evidence/limit_ms"_json_pointer, 0), 300);
}

TEST_F(GrpcTest, ACancelReachesTheServer) {
  start();
  const json told = play("cancel");
  EXPECT_EQ(told["code"], 1) << told;
  EXPECT_TRUE(server_->awaitLine("cancelled"));
  const json event = this->event();
  EXPECT_EQ(causeOf(event), "client_closed_request");
  EXPECT_EQ(event["outcome"], "aborted");
  EXPECT_EQ(codeOf(event), 1);
}

TEST_F(GrpcTest, ACancelAmongAnswersReachesTheServer) {
  start();
  const json told = play("cancel_streaming");
  EXPECT_EQ(told["code"], 1) << told;
  EXPECT_TRUE(server_->awaitLine("cancelled"));
  EXPECT_EQ(event()["outcome"], "aborted");
}

TEST_F(GrpcTest, AServerThatDiesAmongAnswersIsToldWithItsCause) {
  start();
  const json told = play("die");
  EXPECT_EQ(told["answers"], 1) << told;
  EXPECT_EQ(told["code"], 14) << told;
  const json event = this->event();
  EXPECT_EQ(event["outcome"], "failure");
  EXPECT_THAT(told.value("details", ""), StartsWith(causeOf(event) + ": "));
  EXPECT_EQ(codeOf(event), 14);
}

// Longer than each of these, before the first message and after it.
class GrpcSilenceTest : public GrpcTest, public testing::WithParamInterface<const char*> {};

TEST_P(GrpcSilenceTest, IsNoFailure) {
  start({.origin_more = "timeouts: {response_head: 400ms, response_idle: 400ms, send: 400ms}\n",
         .limits = "{client_body_timeout: 400ms, client_idle_timeout: 400ms}"});
  const json told = play(GetParam());
  EXPECT_EQ(told["code"], 0) << told;
  expectSuccess(event());
}

INSTANTIATE_TEST_SUITE_P(Kinds, GrpcSilenceTest,
                         testing::Values("silent_before", "silent_between", "silent_collect", "silent_expand",
                                         "silent_unary"),
                         [](const auto& each) { return std::string(each.param); });

TEST_F(GrpcTest, ACallInWhichNobodySpeaksEndsByTimeoutsTunnel) {
  start({.origin_more = "timeouts: {tunnel: 400ms}\n"});
  const json told = play("talk_silent");
  EXPECT_EQ(told["code"], 4) << told;
  EXPECT_THAT(told.value("details", ""), StartsWith("tunnel_idle_timeout: "));
  EXPECT_EQ(causeOf(event()), "tunnel_idle_timeout");
  EXPECT_TRUE(server_->awaitLine("cancelled"));
}

TEST_F(GrpcTest, AHundredMebibytesEachWayAreNoFlood) {
  start({.limits = "{client_body_timeout: 20s}"});
  const json told = play("big");
  EXPECT_EQ(told["code"], 0) << told;
  EXPECT_EQ(told["octets"], 100 * kMiB);
  expectSuccess(event());
}

TEST_F(GrpcTest, AServerThatRenewsItsConnectionsLosesNoCall) {
  start({}, nodeOptions({"grpc_server.js", "200"}));
  const json codes = play("load");
  EXPECT_GT(codes.value("0", 0), 0);
  EXPECT_EQ(codes.size(), 1U) << codes;
}

TEST_F(GrpcTest, GrpcppSpeaksWithGrpcpp) {
  start({}, grpcppOptions({"server"}));
  const json told = playGrpcpp("talk");
  EXPECT_EQ(told["code"], 0) << told;
  EXPECT_EQ(told["answers"], 5);
  expectSuccess(event());
}

TEST_F(GrpcTest, GrpcppMeasuresItsBandwidthOverAHundredMebibytesEachWay) {
  start({.limits = "{client_body_timeout: 20s}"}, grpcppOptions({"server"}));
  const json told = playGrpcpp("big");
  EXPECT_EQ(told["code"], 0) << told;
  EXPECT_EQ(told["octets"], 100 * kMiB);
  expectSuccess(event());
}

TEST_F(GrpcTest, GrpcppIsToldWhyItsServerDied) {
  start({}, grpcppOptions({"server"}));
  const json told = playGrpcpp("die");
  EXPECT_EQ(told["answers"], 1) << told;
  EXPECT_EQ(told["code"], 14) << told;
  EXPECT_THAT(told.value("details", ""), StartsWith(causeOf(event()) + ": "));
}

TEST_F(GrpcTest, GrpcppsDeadlineIsTold) {
  start({}, grpcppOptions({"server"}));
  const json told = playGrpcpp("deadline");
  EXPECT_EQ(told["code"], 4) << told;
  EXPECT_TRUE(server_->awaitLine("cancelled"));
  // grpc++'s server keeps the same deadline: its own word may be faster than the client's and ours.
  const json told_of = event();
  EXPECT_TRUE(causeOf(told_of) == "exchange_timeout" || (causeOf(told_of).empty() && codeOf(told_of) == 4)) << told_of;
}

// What is not gRPC behind a gRPC call, over HTTP/1.1.
class GrpcForeignTest : public GrpcTest {
 protected:
  void serve(Socket& connection) {
    while (const auto request = readHead(connection)) {
      WireMessage whole = *request;
      readRequestBody(connection, whole);
      connection.send(answer_);
    }
  }
  std::string answer_;
  OriginServer origin_{[this](Socket& connection) { serve(connection); }};
};

TEST_F(GrpcForeignTest, AnAnswerThatIsNoGrpcIsMapped) {
  answer_ = "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>no</p>";
  start({.origin_url = origin_.url()});
  const json told = play("unary");
  EXPECT_EQ(told["code"], 12) << told;
  EXPECT_THAT(told.value("details", ""), HasSubstr("404"));
  const json event = this->event();
  EXPECT_EQ(event["origin_status"], 404);
  EXPECT_EQ(event["findings"], json::array({"grpc_answer_foreign"})) << event;
  EXPECT_EQ(event["outcome"], "failure");
  EXPECT_FALSE(event.contains("diagnosis"));
}

TEST_F(GrpcForeignTest, AnAnswerWithoutAStatusIsAFinding) {
  answer_ = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  start({.origin_url = origin_.url()});
  const H2ClientAnswer answer = call({{"content-type", "application/grpc"}});
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.trailer("grpc-status"), "");
  const json event = this->event();
  EXPECT_EQ(event["findings"], json::array({"grpc_status_missing"})) << event;
  EXPECT_EQ(event["outcome"], "failure");
  EXPECT_EQ(codeOf(event), -1);
}

TEST_F(GrpcForeignTest, GrpcWebPassesAsItIs) {
  answer_ = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: 7\r\n\r\n\x80....\r\n";
  start({.origin_url = origin_.url()});
  Socket client = Socket::connectTo(gateway_->address());
  client.send("POST /a/b HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(client.receiveUntil("\x80....\r\n")) << client.buffer();
  const json event = this->event();
  EXPECT_EQ(event["outcome"], "success") << event;
  EXPECT_EQ(codeOf(event), -1);
}

TEST_F(GrpcTest, AFailureBeforeGrpcWebIsInTheHead) {
  start({.origin_url = "http://127.0.0.1:1"});
  Socket client = Socket::connectTo(gateway_->address());
  client.send("POST /a/b HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web-text\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(client.receiveUntil("\r\n\r\n")) << client.buffer();
  EXPECT_THAT(client.buffer(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(client.buffer(), HasSubstr("Content-Type: application/grpc-web-text\r\n"));
  EXPECT_THAT(client.buffer(), HasSubstr("grpc-status: 14\r\n"));
  EXPECT_THAT(client.buffer(), HasSubstr("Content-Length: 0\r\n"));
}

}  // namespace
}  // namespace gatewhy::test
