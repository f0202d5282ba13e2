// SPDX-License-Identifier: Apache-2.0
// `gatewhy demo` keeps what it says of its calls of gRPC: its origins, its
// configuration, the real binary, and a client that reads trailers.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "daemon/demo/demo_origin.h"
#include "tests/integration/gateway.h"
#include "tests/integration/h2_client.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// What the list promises of a call: "grpc-status 13, h2_stream_reset: …",
// "no grpc-status: …", and findings in brackets.
struct Promise {
  std::string status, cause, finding;

  explicit Promise(const std::string& text) {
    std::smatch match;
    if (std::regex_search(text, match, std::regex("^grpc-status ([0-9]+)(, ([a-z0-9_]+):)?"))) {
      status = match[1];
      cause = match[3];
    }
    if (std::regex_search(text, match, std::regex("\\(([a-z_]+)\\)"))) {
      finding = match[1];
    }
  }
};

class DemoTest : public testing::Test {
 protected:
  void SetUp() override {
    auto demo = DemoOrigin::start();
    ASSERT_TRUE(demo) << demo.error();
    demo_ = std::move(demo).value();
    const std::string yaml =
        demo_->configYaml("127.0.0.1:0") + "log: {destination: stdout}\nadmin: {address: \"off\"}\n";
    auto daemon = DaemonProcess::start(directory_.write("demo.yaml", yaml));
    ASSERT_TRUE(daemon) << daemon.error();
    daemon_ = std::move(daemon).value();
  }
  void TearDown() override {
    if (daemon_) {
      expectCleanEnd(*daemon_, daemon_->stop());
    }
  }
  H2ClientAnswer call(const std::string& path) {
    // A deadline for the one that waits for it; the others may take their time.
    const char* const deadline = path == "/grpc/deadline" ? "100m" : "60S";
    H2Client client(Socket::connectTo(daemon_->listeners().front()));
    const std::int32_t stream = client.begin(
        H2Client::post(path, {{"content-type", "application/grpc"}, {"te", "trailers"}, {"grpc-timeout", deadline}}));
    client.data(stream, std::string(5, '\0'), true);  // an empty message
    return client.await(stream);
  }
  json eventOf(const std::string& path) {
    return daemon_->waitFor([&](const json& event) { return event.value("/url/path"_json_pointer, "") == path; })
        .value_or(json::object());
  }

  std::unique_ptr<DemoOrigin> demo_;
  PemDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
};

TEST_F(DemoTest, ACallFailsAsTheListSays) {
  int calls = 0;
  for (const DemoOrigin::Fault& fault : DemoOrigin::faults()) {
    if (!fault.call) {
      continue;
    }
    SCOPED_TRACE(fault.path);
    ++calls;
    const Promise promise(fault.description);
    const H2ClientAnswer answer = call(fault.path);
    const auto told = [&](const char* name) {
      return answer.trailers.empty() ? answer.field(name) : answer.trailer(name);
    };
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(told("grpc-status"), promise.status);
    const json event = eventOf(fault.path);
    EXPECT_EQ(causeOf(event), promise.cause) << event;
    if (!promise.cause.empty()) {
      EXPECT_THAT(told("grpc-message"), StartsWith(promise.cause + ": "));
      EXPECT_NE(answer.field("x-request-id"), "");
    }
    EXPECT_THAT(event.value("findings", json::array()).dump(), HasSubstr(promise.finding));
  }
  EXPECT_EQ(calls, 10);
}

}  // namespace
}  // namespace gatewhy::test
