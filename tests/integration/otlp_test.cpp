// SPDX-License-Identifier: Apache-2.0
// The log as OpenTelemetry: what a receiver gets, and that nothing is lost
// while it is out of order.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

std::string unpacked(const std::string& packed) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  if (::inflateInit2(&stream, kGzip) != Z_OK) {
    return {};
  }
  std::string in = packed;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  std::string out;
  std::array<char, 65536> buffer{};
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = ::inflate(&stream, Z_NO_FLUSH);
    out.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  ::inflateEnd(&stream);
  return status == Z_STREAM_END ? out : std::string();
}

// A collector: keeps what it accepts, after refusing some requests of each path.
class Collector {
 public:
  explicit Collector(int refusals) : refusals_(refusals), server_([this](Socket& socket) { serve(socket); }) {}
  [[nodiscard]] std::string address() const { return server_.address(); }

  // The first record or span for which it holds, past or to come.
  std::optional<json> waitFor(const std::string& path, const std::function<bool(const json&)>& holds) {
    std::unique_lock lock(mutex_);
    std::optional<json> found;
    const auto look = [&] {
      for (const json& each : accepted_[path]) {
        if (holds(each)) {
          found = each;
          return true;
        }
      }
      return false;
    };
    changed_.wait_for(lock, kPatience, look);
    return found;
  }
  [[nodiscard]] std::vector<json> all(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return accepted_[path];
  }
  // Who has sent something that was accepted.
  [[nodiscard]] std::set<std::string> instances() {
    const std::lock_guard lock(mutex_);
    return instances_;
  }
  [[nodiscard]] std::string lastHead() {
    const std::lock_guard lock(mutex_);
    return last_authorization_;
  }

 private:
  void serve(Socket& socket) {
    while (const auto request = readRequest(socket)) {
      const std::lock_guard lock(mutex_);
      last_authorization_ = request->field("Authorization");
      if (refused_[request->target()]++ < refusals_) {
        socket.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        continue;
      }
      EXPECT_EQ(request->field("Content-Type"), "application/json");
      const json body = json::parse(unpacked(request->body), nullptr, false);
      const bool logs = request->target() == "/v1/logs";
      for (const json& each : body.value(logs ? "/resourceLogs/0/scopeLogs/0/logRecords"_json_pointer
                                              : "/resourceSpans/0/scopeSpans/0/spans"_json_pointer,
                                         json::array())) {
        accepted_[request->target()].push_back(each);
      }
      noteInstance(body);
      socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
      changed_.notify_all();
    }
  }

  void noteInstance(const json& body) {
    for (const json& attribute : body.value("/resourceLogs/0/resource/attributes"_json_pointer, json::array())) {
      if (attribute["key"] == "service.instance.id") {
        instances_.insert(attribute["value"]["stringValue"]);
      }
    }
  }

  const int refusals_;
  std::mutex mutex_;
  std::set<std::string> instances_;
  std::condition_variable changed_;
  std::map<std::string, int> refused_;
  std::map<std::string, std::vector<json>> accepted_;
  std::string last_authorization_;
  OriginServer server_;
};

TEST(OtlpReceiverTest, LogsAndTracesArriveOnceAlthoughTheCollectorWasOutOfOrder) {
  Collector collector(/*refusals=*/2);
  const PemDirectory directory;
  GatewayConfig config;
  config.origin_url = "http://127.0.0.1:9";
  config.log = fmt::format("{{destination: [stdout, {{to: \"otlp+http://{}\", credentials: \"{}\"}}]}}",
                           collector.address(), directory.write("headers", "Authorization: Bearer abc\n"));
  config.diagnostics = "{name: gatewhy, profile: standard}";
  config.more = "trusted_proxies: [127.0.0.1]\n";
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  Socket socket = Socket::connectTo(gateway->address());
  socket.send(
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
      "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
  const auto answer = readResponse(socket);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status(), 502U);

  const auto failed = [](const json& each) { return each.value("traceId", "") == "4bf92f3577b34da6a3ce929d0e0e4736"; };
  const auto record = collector.waitFor("/v1/logs", failed);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->at("severityText"), "ERROR");
  const auto root = collector.waitFor("/v1/traces", [](const json& span) { return span.value("kind", 0) == 2; });
  ASSERT_TRUE(root);
  EXPECT_EQ(root->value("parentSpanId", ""), "00f067aa0ba902b7") << "the caller's span is continued";
  EXPECT_EQ(root->value("spanId", ""), record->value("spanId", "?"));
  EXPECT_TRUE(collector.waitFor("/v1/traces", [](const json& span) { return span.value("name", "") == "connect"; }));
  EXPECT_EQ(collector.lastHead(), "Bearer abc");
  gateway->expectCleanStop();
  EXPECT_TRUE(collector.waitFor("/v1/logs",
                                [](const json& each) { return each.dump().find("\"stop\"") != std::string::npos; }));
  const std::vector<json> records = collector.all("/v1/logs");
  EXPECT_EQ(std::count_if(records.begin(), records.end(), failed), 1);
}

// gatewhy itself ends the TLS in front of the collector.
TEST(OtlpReceiverTest, OverTlsOnlyToACollectorThatIsTrusted) {
  Collector collector(/*refusals=*/0);
  const PemDirectory directory;
  const Identity root = selfSigned(authority("collectors"));
  const Identity leaf = signedBy(root, {.common_name = "collector", .addresses = {"127.0.0.1"}});
  GatewayConfig front;
  front.origin_url = "http://" + collector.address();
  front.listener_more = fmt::format(", tls: {{certificates: [{{certificate: \"{}\", key: \"{}\"}}]}}",
                                    directory.certificates("leaf.pem", {&leaf}), directory.key("leaf.key", leaf));
  const auto terminator = Gateway::start(front);
  ASSERT_NE(terminator, nullptr);
  const auto sender = [&](const std::string& name, const std::string& ca_file) {
    GatewayConfig config;
    config.origin_url = "http://127.0.0.1:9";
    config.diagnostics = fmt::format("{{name: {}}}", name);
    config.log = fmt::format("{{destination: [stdout, {{to: \"otlp+https://{}\", tls: {{ca_file: \"{}\"}}}}]}}",
                             terminator->address(), ca_file);
    return Gateway::start(config);
  };
  const Identity other = selfSigned(authority("somebody else"));
  const auto distrusting = sender("distrusting", directory.certificates("other.pem", {&other}));
  ASSERT_NE(distrusting, nullptr);
  // The other end says so too, as an event.
  EXPECT_TRUE(terminator->daemon().waitFor([](const json& event) { return causeOf(event).starts_with("client_tls"); }));
  const auto trusting = sender("trusting", directory.certificates("root.pem", {&root}));
  ASSERT_NE(trusting, nullptr);
  EXPECT_TRUE(collector.waitFor("/v1/logs",
                                [](const json& each) { return each.dump().find("is ready") != std::string::npos; }));
  EXPECT_EQ(collector.instances(), std::set<std::string>{"trusting"});
  EXPECT_THAT(distrusting->daemon().standardError(), testing::HasSubstr("certificate"));
  trusting->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
