// SPDX-License-Identifier: Apache-2.0
// The file of a unix listener goes with the daemon.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/integration/gateway.h"

namespace gatewhy::test {
namespace {

TEST(SocketFile, IsGoneAfterACleanStop) {
  const PemDirectory directory;
  const std::string config = directory.path() + "/gatewhy.yaml";
  const std::string socket = directory.path() + "/gatewhy.sock";
  std::ofstream(config)
      << "workers: 2\nlisteners: [{address: \"unix:" << socket
      << "\"}]\norigins: {origin: {endpoints: [\"http://127.0.0.1:9\"]}}\nlog: {destination: stdout}\n"
         "admin: {address: \"\"}\n";
  auto started = DaemonProcess::start(config);
  ASSERT_TRUE(started) << started.error();
  EXPECT_TRUE(std::filesystem::is_socket(socket));
  expectCleanEnd(**started, (*started)->stop());
  EXPECT_FALSE(std::filesystem::exists(socket));
}

}  // namespace
}  // namespace gatewhy::test
