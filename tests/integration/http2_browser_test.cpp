// SPDX-License-Identifier: Apache-2.0
// A browser that leaves a page cancels all that it waits for: nobody may take
// that for a flood of resets.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/support/child_process.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

constexpr int kImages = 100;
constexpr const char* kPixel =  // GIF, 1 × 1
    "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,"
    "\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02"
    "D\x01\x00;";
constexpr std::size_t kPixelSize = 43;

std::string pageOf(const std::string& images) {
  std::string body = "<!doctype html><title>images</title>";
  for (int number = 0; number < kImages; ++number) {
    body += fmt::format("<img alt='' src='/{}/{}'>", images, number);
  }
  return body;
}

TEST(Http2BrowserTest, LeavingAPageFullOfImagesIsNoFlood) {
  const std::string modules = std::string(GATEWHY_SOURCE_DIR) + "/tests/npm/node_modules";
  for (const std::string& needed :
       {std::string("/usr/bin/chromium"), std::string("/usr/bin/node"), modules + "/playwright-core"}) {
    if (!std::filesystem::exists(needed)) {
      GTEST_SKIP() << needed << " is not installed";
    }
  }
  std::atomic<int> hanging = 0;
  OriginServer origin([&hanging](Socket& connection) {
    while (const auto request = readRequest(connection)) {
      const std::string target = request->target();
      if (target.starts_with("/hangs/")) {
        ++hanging;
        connection.receiveToEnd();
        return;
      }
      if (target == "/hanging") {
        connection.send(okResponse(std::to_string(hanging)));
      } else if (target.starts_with("/image/")) {
        connection.send(okResponse({kPixel, kPixelSize}, "Content-Type: image/gif\r\n"));
      } else {
        connection.send(okResponse(pageOf(target == "/images" ? "image" : "hangs"), "Content-Type: text/html\r\n"));
      }
    }
  });
  PemDirectory keys;
  const Identity identity = selfSigned({.common_name = "localhost", .dns_names = {"localhost"}});
  GatewayConfig config;
  config.origin_url = origin.url();
  config.listener_more =
      fmt::format(", tls: {{certificates: [{{certificate: \"{}\", key: \"{}\"}}]}}",
                  keys.write("site.pem", certificatesPem({&identity})), keys.write("site.key", keyPem(identity)));
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);

  ChildOptions options;
  options.environment = {{"NODE_PATH", modules}};
  const std::string port = gateway->address().substr(gateway->address().rfind(':'));
  options.arguments = {"/usr/bin/node", std::string(GATEWHY_SOURCE_DIR) + "/tests/integration/http2_browser.js",
                       "/usr/bin/chromium", "https://localhost" + port};
  std::string output;
  auto child = ChildProcess::start(options, [&](const std::string& line) { output += line; });
  ASSERT_TRUE(child) << child.error();
  (*child)->wait();
  const json told = json::parse(output, nullptr, false);
  ASSERT_TRUE(told.is_object()) << output << (*child)->standardError();
  EXPECT_EQ(told.value("protocol", ""), "h2") << told;
  EXPECT_EQ(told.value("loaded", 0), kImages) << told;

  gateway->expectCleanStop();
  int cancelled = 0;
  for (const json& event : gateway->exchanges()) {
    EXPECT_NE(causeOf(event), "client_h2_error") << event.dump();
    cancelled += causeOf(event) == "client_closed_request" ? 1 : 0;
  }
  EXPECT_EQ(cancelled, kImages);
}

}  // namespace
}  // namespace gatewhy::test
