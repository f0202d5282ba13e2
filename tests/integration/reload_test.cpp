// SPDX-License-Identifier: Apache-2.0
// `gatewhy reload`: never another daemon, never a success that was none; and
// what a daemon that is told to read its files again does where it cannot.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/support/command.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class ReloadTest : public testing::Test {
 protected:
  struct Running {
    std::unique_ptr<Gateway> gateway;
    GatewayConfig config;
    [[nodiscard]] std::string file() const { return gateway->directory().path() + "/gatewhy.yaml"; }
    [[nodiscard]] std::string pid() const { return std::to_string(gateway->daemon().pid()); }
    [[nodiscard]] std::ptrdiff_t reloads() const {
      const std::vector<json> events = gateway->daemon().events();
      return std::count_if(events.begin(), events.end(),
                           [](const json& event) { return event.value("event", "") == "reload"; });
    }
  };
  static Running start(const std::string& admin) {
    Running running;
    running.config.origin_url = "http://127.0.0.1:9";
    running.config.admin = admin;
    running.gateway = Gateway::start(running.config);
    return running;
  }
  static void breakFile(const Running& running) {
    GatewayConfig broken = running.config;
    broken.more = "routes: [{origin: nowhere}]\n";
    running.gateway->directory().write("gatewhy.yaml", toYaml(broken));
  }
  static CommandResult reload(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {GATEWHY_BINARY, "reload"});
    return runCommand(arguments);
  }
};

constexpr const char* kAdminOn = "{address: \"127.0.0.1:0\"}";
constexpr const char* kAdminOff = "{address: \"off\"}";

TEST_F(ReloadTest, ABrokenFileIsSaidAndNobodyIsAsked) {
  const Running a = start(kAdminOn);
  const Running b = start(kAdminOff);
  ASSERT_TRUE(a.gateway && b.gateway);
  breakFile(b);
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--pid", b.pid()}, {"--admin", a.gateway->daemon().adminAddress()}}) {
    std::vector<std::string> arguments = {"-c", b.file()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CommandResult result = reload(arguments);
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.errors, HasSubstr(b.file() + ":"));
    EXPECT_THAT(result.errors, HasSubstr("error: unknown origin 'nowhere'"));
    EXPECT_EQ(result.output, "");
  }
  EXPECT_EQ(a.reloads(), 0);
  EXPECT_EQ(b.reloads(), 0);
  a.gateway->expectCleanStop();
  b.gateway->expectCleanStop();
}

TEST_F(ReloadTest, AnotherDaemonsListenerIsLeftAlone) {
  const Running a = start(kAdminOn);
  const Running b = start(kAdminOff);
  ASSERT_TRUE(a.gateway && b.gateway);
  const std::string admin = a.gateway->daemon().adminAddress();
  // B's file names the listener that A has: B is found by its file all the same.
  const CommandResult found = reload({"-c", b.file(), "--admin", admin});
  EXPECT_EQ(found.status, 0) << found.errors;
  EXPECT_THAT(found.output, HasSubstr("reloaded\n"));
  EXPECT_EQ(b.reloads(), 1);
  // Of a file that nobody runs with, the listener's owner is named.
  const std::string stranger = b.gateway->directory().write("other.yaml", toYaml(b.config));
  const CommandResult nobody = reload({"-c", stranger, "--admin", admin});
  EXPECT_EQ(nobody.status, 1);
  EXPECT_THAT(nobody.errors, HasSubstr("no gatewhy that can be seen from here runs with " + stranger));
  EXPECT_THAT(nobody.errors, HasSubstr("belongs to process " + a.pid()));
  const CommandResult wrong = reload({"-c", stranger, "--pid", b.pid()});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.errors, HasSubstr("runs with " + b.file()));
  EXPECT_EQ(a.reloads(), 0);
  EXPECT_EQ(b.reloads(), 1);
  a.gateway->expectCleanStop();
  b.gateway->expectCleanStop();
}

// What the unit's ExecReload does where there is no admin listener.
TEST_F(ReloadTest, ASignalledDaemonIsWaitedFor) {
  const Running b = start(kAdminOff);
  ASSERT_TRUE(b.gateway);
  const CommandResult good = reload({"-c", b.file(), "--pid", b.pid()});
  EXPECT_EQ(good.status, 0) << good.errors;
  EXPECT_EQ(good.output, "reloaded\n");
  EXPECT_EQ(b.reloads(), 1);
  // The file is sound, what it asks for cannot be had: only the daemon knows.
  const ListeningSocket taken;
  GatewayConfig unusable = b.config;
  unusable.more_listeners = fmt::format(", {{address: \"{}\"}}", taken.address());
  b.gateway->directory().write("gatewhy.yaml", toYaml(unusable));
  const CommandResult refused = reload({"-c", b.file(), "--pid", b.pid()});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("the old configuration stays in force"));
  EXPECT_EQ(refused.output, "");
  EXPECT_EQ(b.reloads(), 2);
  const CommandResult none = reload({"-c", b.file(), "--pid", std::to_string(::getpid())});
  EXPECT_EQ(none.status, 1) << "that process is no gatewhy";
  EXPECT_THAT(none.errors, HasSubstr("not a gatewhy"));
  b.gateway->expectCleanStop();
}

// Opening it would wait for a writer for good, and with it every signal.
TEST_F(ReloadTest, AFifoInTheFilesPlaceIsRefused) {
  const Running b = start(kAdminOff);
  ASSERT_TRUE(b.gateway);
  ASSERT_EQ(::unlink(b.file().c_str()), 0);
  ASSERT_EQ(::mkfifo(b.file().c_str(), 0600), 0);
  const CommandResult asked = reload({"-c", b.file()});
  EXPECT_EQ(asked.status, 1);
  EXPECT_THAT(asked.errors, HasSubstr("it is a pipe, not a regular file"));
  b.gateway->daemon().signal(SIGHUP);
  const auto refused =
      b.gateway->daemon().waitFor([](const json& event) { return event.value("event", "") == "reload"; });
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->value("outcome", ""), "refused");
  EXPECT_THAT(refused->dump(), HasSubstr("it is a pipe"));
  ASSERT_EQ(::unlink(b.file().c_str()), 0);
  std::filesystem::create_symlink("/dev/zero", b.file());
  EXPECT_THAT(reload({"-c", b.file()}).errors, HasSubstr("it is a device, not a regular file"));
  b.gateway->expectCleanStop();
}

TEST_F(ReloadTest, AFifoAsAKeyIsRefused) {
  const Running b = start(kAdminOff);
  ASSERT_TRUE(b.gateway);
  const std::string fifo = b.gateway->directory().path() + "/key.pem";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  GatewayConfig changed = b.config;
  changed.listener_more = fmt::format(", tls: {{certificates: [{{certificate: {0}, key: {0}}}]}}", fifo);
  b.gateway->directory().write("gatewhy.yaml", toYaml(changed));
  EXPECT_THAT(reload({"-c", b.file()}).errors, HasSubstr("it is a pipe, not a regular file"));
  b.gateway->expectCleanStop();
}

TEST(StartTest, AConfigurationFromAPipeWillDo) {
  GatewayConfig config;
  config.origin_url = "http://127.0.0.1:9";
  const PemDirectory directory;
  const std::string file = directory.write("gatewhy.yaml", toYaml(config));
  const CommandResult checked =
      runCommand({"/bin/sh", "-c", fmt::format("cat {} | {} check -c /dev/stdin", file, GATEWHY_BINARY)});
  EXPECT_EQ(checked.status, 0) << checked.output << checked.errors;
}

// ---- the log ------------------------------------------------------------

class LogTroubleTest : public testing::Test {
 protected:
  [[nodiscard]] static std::string contentOf(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  }
  // Standard error is read by a thread: what the daemon said before it ended is there after its end.
  void run(const std::string& destination) {
    GatewayConfig config;
    config.origin_url = "http://127.0.0.1:9";
    config.log = "{destination: \"" + destination + "\"}";
    ChildOptions options;
    options.arguments = {GATEWHY_BINARY, "run", "-c", directory_.write("gatewhy.yaml", toYaml(config))};
    auto child = ChildProcess::start(options, [](const std::string&) {});
    ASSERT_TRUE(child) << child.error();
    child_ = std::move(child).value();
  }
  // Until `text` stands in the file.
  [[nodiscard]] static bool awaitText(const std::string& path, const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      if (contentOf(path).find(text) != std::string::npos) {
        return true;
      }
      ::usleep(5000);
    }
    return false;
  }

  PemDirectory directory_;
  std::unique_ptr<ChildProcess> child_;
};

TEST_F(LogTroubleTest, AFileThatCannotBeOpenedAgainIsSaid) {
  namespace fs = std::filesystem;
  const std::string logs = directory_.path() + "/logs";
  const std::string moved = directory_.path() + "/moved";
  fs::create_directory(logs);
  run(logs + "/events.json");
  ASSERT_TRUE(awaitText(logs + "/events.json", "\"start\""));
  fs::rename(logs, moved);
  child_->signal(SIGUSR1);
  ASSERT_TRUE(awaitText(moved + "/events.json", "cannot be reopened: ENOENT"));
  EXPECT_THAT(contentOf(moved + "/events.json"), HasSubstr("\"severity\":\"ERROR\""));
  fs::create_directory(logs);
  fs::create_directory(logs + "/events.json");
  child_->signal(SIGUSR1);
  ASSERT_TRUE(awaitText(moved + "/events.json", "cannot be reopened: EISDIR"));
  fs::remove(logs + "/events.json");
  child_->signal(SIGUSR1);
  ASSERT_TRUE(awaitText(logs + "/events.json", "is open again"));
  child_->signal(SIGTERM);
  EXPECT_EQ(child_->wait(), std::optional(0));
  EXPECT_THAT(child_->standardError(), HasSubstr("cannot be reopened: ENOENT"));
  EXPECT_THAT(child_->standardError(), HasSubstr("is open again"));
  EXPECT_THAT(contentOf(logs + "/events.json"), HasSubstr("\"stop\""));
}

TEST_F(LogTroubleTest, AFullDiskIsSaidOnStandardError) {
  run("/dev/full");
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (child_->standardError().find("cannot be written: ENOSPC") == std::string::npos &&
         std::chrono::steady_clock::now() < end) {
    ::usleep(5000);
  }
  EXPECT_THAT(child_->standardError(), HasSubstr("the log (/dev/full) cannot be written: ENOSPC"));
  child_->signal(SIGTERM);
  EXPECT_EQ(child_->wait(), std::optional(0));
}

TEST_F(LogTroubleTest, ALinkIsNotFollowedWhereOthersMayPutOne) {
  namespace fs = std::filesystem;
  const std::string shared = directory_.path() + "/shared";
  fs::create_directory(shared);
  ASSERT_EQ(::chmod(shared.c_str(), 01777), 0);
  const std::string target = directory_.write("precious", "precious\n");
  fs::create_symlink(target, shared + "/events.json");
  run(shared + "/events.json");
  EXPECT_EQ(child_->wait(), std::optional(1));
  EXPECT_THAT(child_->standardError(), HasSubstr("a link is not followed"));
  EXPECT_EQ(contentOf(target), "precious\n");
  // In a directory of our own it is: the operator put it there.
  fs::create_symlink(directory_.path() + "/real.json", directory_.path() + "/events.json");
  run(directory_.path() + "/events.json");
  EXPECT_TRUE(awaitText(directory_.path() + "/real.json", "\"start\""));
  child_->signal(SIGTERM);
  EXPECT_EQ(child_->wait(), std::optional(0));
}

}  // namespace
}  // namespace gatewhy::test
