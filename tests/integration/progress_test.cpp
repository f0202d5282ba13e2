// SPDX-License-Identifier: Apache-2.0
// Slow is not dead: whoever moves, be it in small steps with pauses, is served;
// whoever does not is let go. Limits are scaled down from their defaults.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/support/child_process.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t kBody = 24UL * 1024 * 1024;  // more than all buffers on the way together
// A TLS reader takes a record of 16 KB whole: slower, it would not come back to
// its socket within the limit on a busy machine.
constexpr int kTlsPace = 2000;
constexpr std::string_view kPython = "/usr/bin/python3";

void serve(Socket& connection) {
  const auto request = readRequest(connection);
  if (!request) {
    return;
  }
  const std::string piece(64UL * 1024, 'x');
  const bool chunked = request->target() == "/chunked";
  connection.send(chunked ? std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                          : fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", kBody));
  for (std::size_t sent = 0; sent < kBody; sent += piece.size()) {
    if (!connection.send(chunked ? "10000\r\n" + piece + "\r\n" : piece)) {
      return;
    }
  }
  if (chunked) {
    connection.send("0\r\n\r\n");
  }
}

std::vector<std::string> runReaders(double seconds, const std::vector<std::string>& readers) {
  ChildOptions options;
  options.arguments = {std::string(kPython), std::string(GATEWHY_SOURCE_DIR) + "/tests/integration/slow_peers.py",
                       fmt::format("{}", seconds)};
  options.arguments.insert(options.arguments.end(), readers.begin(), readers.end());
  std::vector<std::string> lines;
  auto child = ChildProcess::start(options, [&](const std::string& line) { lines.push_back(line); });
  if (child) {
    (*child)->wait();
    EXPECT_EQ((*child)->standardError(), "");
  }
  return lines;
}

std::string portOf(const std::string& address) {
  return address.substr(address.rfind(':') + 1);
}

// What TCP tells of a reader comes in steps of a sixteenth of its buffer, on
// loopback of 64 KB at least: the paces are such that a step takes less than
// the limit.
TEST(Progress, ReadersOfEveryPaceAreServed) {
  if (::access(kPython.data(), X_OK) != 0) {
    GTEST_SKIP() << "python3 is not installed on this machine";
  }
  OriginServer origin(serve);
  PemDirectory keys;
  const Identity identity = selfSigned({.common_name = "shop.example"});
  GatewayConfig config;
  config.origin_url = origin.url();
  config.limits = "{client_body_timeout: 3s}";
  config.origin_more = "timeouts: {response_idle: 1s}";
  config.more_listeners =
      fmt::format(", {{address: \"127.0.0.1:0\", tls: {{certificates: [{{certificate: \"{}\", key: \"{}\"}}]}}}}",
                  keys.write("shop.pem", certificatesPem({&identity})), keys.write("shop.key", keyPem(identity)));
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  const std::string plain = portOf(gateway->daemon().listeners()[0]);
  const std::string tls = portOf(gateway->daemon().listeners()[1]);
  std::vector<std::string> readers;
  for (const auto& [buffer, steps] :
       std::vector<std::pair<int, std::vector<int>>>{{4096, {800, 2000, 12800}}, {0, {25600}}, {6 << 20, {200000}}}) {
    for (const int step : steps) {
      readers.push_back(fmt::format("{},plain,/spliced,{},{}", plain, buffer, step));
      readers.push_back(fmt::format("{},plain,/chunked,{},{}", plain, buffer, step));
      if (step >= kTlsPace) {
        readers.push_back(fmt::format("{},tls,/length,{},{}", tls, buffer, step));
      }
    }
  }
  std::vector<std::string> expected;
  for (const std::string& reader : readers) {
    expected.push_back(fmt::format("{} {}", reader, kBody));
  }
  EXPECT_THAT(runReaders(6.5, readers), testing::UnorderedElementsAreArray(expected));
  gateway->expectCleanStop();
  for (const json& event : gateway->exchanges()) {
    EXPECT_EQ(event.value("outcome", ""), "success") << event.dump();
  }
}

TEST(Progress, AReaderBelowTheMinimumRateIsLetGo) {
  OriginServer origin(serve);
  GatewayConfig config;
  config.origin_url = origin.url();
  config.limits = "{client_body_timeout: 500ms, client_minimum_rate: 16MiB}";
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  Socket client = Socket::connectTo(gateway->address(), 4096);
  client.send("GET /chunked HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  while (client.receive()) {
    client.buffer().clear();
    std::this_thread::sleep_for(milliseconds(20));  // at 64 KiB a read: 3 MiB a second
  }
  EXPECT_EQ(client.end(), Socket::End::Reset);
  const auto event = gateway->exchangeOf(client.localPort());
  ASSERT_TRUE(event);
  EXPECT_EQ(causeOf(*event), "client_too_slow");
  const json evidence = event->value("/diagnosis/evidence"_json_pointer, json());
  EXPECT_EQ(evidence.value("timer", ""), "client_minimum_rate") << event->dump();
  EXPECT_EQ(evidence.value("limit_ms", 0), 500);
  EXPECT_GT(evidence.value("size", 0), 0);
  EXPECT_GE(evidence.value("limit", 0), 8 << 20);
  gateway->expectCleanStop();
}

// An origin that reads an upload in small steps, without ever pausing for as
// long as `send`; its answer comes only when it has all.
TEST(Progress, AnOriginThatReadsSlowlyGetsTheWholeUpload) {
  constexpr std::size_t kUpload = 6UL * 1024 * 1024;
  OriginServer origin(
      [&](Socket& connection) {
        ASSERT_TRUE(connection.receiveUntil("\r\n\r\n"));
        std::size_t got = connection.buffer().size() - connection.buffer().find("\r\n\r\n") - 4;
        for (int step = 0; got < kUpload; ++step) {
          connection.buffer().clear();
          ASSERT_TRUE(connection.receive());
          got += connection.buffer().size();
          if (step < 20) {
            std::this_thread::sleep_for(milliseconds(100));
          }
        }
        connection.buffer().clear();
        connection.send(okResponse("done"));
      },
      65536);
  GatewayConfig config;
  config.origin_url = origin.url();
  config.origin_more = "timeouts: {send: 1s, response_head: 1s}";
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  Socket client = Socket::connectTo(gateway->address());
  client.send(fmt::format("POST /upload HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\n\r\n", kUpload));
  client.send(std::string(kUpload, 'u'));
  const auto response = readResponse(client);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status(), 200U) << response->body;
  gateway->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
