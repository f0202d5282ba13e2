// SPDX-License-Identifier: Apache-2.0
// A daemon that is started as root and does not stay it.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "proxy/net/address.h"
#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/support/command.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kUser = "nobody";
constexpr const char* kGroup = "www-data";

// Socket::connectTo() knows 127.0.0.1 alone.
bool connects(const std::string& to) {
  const auto address = Address::parse(to);
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), address->get(), address->size) == 0;
}

class PrivilegesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "only root can give root up";
    }
    ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
    for (const char* pem : {"site.pem", "site.key"}) {
      ASSERT_EQ(::chmod((directory_.path() + "/" + pem).c_str(), 0644), 0);
    }
  }
  // What is open to all, so that the reload can read it.
  std::string write(const std::string& name, const std::string& content) const {
    const std::string path = directory_.write(name, content);
    EXPECT_EQ(::chmod(path.c_str(), 0644), 0);
    return path;
  }
  [[nodiscard]] GatewayConfig config() const {
    GatewayConfig config;
    config.origin_url = "http://127.0.0.1:9";
    config.workers = 2;
    config.listener_more = fmt::format(", tls: {{certificates: [{{certificate: {}, key: {}}}]}}", pem_, key_);
    config.more = fmt::format("user: {}\ngroup: {}\nroutes: [{{respond: {{status: 204}}}}]\n", kUser, kGroup);
    return config;
  }
  void start(const GatewayConfig& config) {
    auto daemon = DaemonProcess::start(write("gatewhy.yaml", toYaml(config)));
    ASSERT_TRUE(daemon) << daemon.error();
    daemon_ = std::move(daemon).value();
  }
  // "nobody nobody …", of every thread.
  [[nodiscard]] std::vector<std::string> linesOfThreads(const std::string& name) const {
    std::vector<std::string> found;
    for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", daemon_->pid()))) {
      std::ifstream status(thread.path() / "status");
      for (std::string line; std::getline(status, line);) {
        if (line.starts_with(name)) {
          found.push_back(line.substr(name.size()));
        }
      }
    }
    return found;
  }
  std::optional<json> reload(int wanted) {
    daemon_->signal(SIGHUP);
    return daemon_->waitFor(
        [n = wanted](const json& event) mutable { return event.value("event", "") == "reload" && --n == 0; });
  }

  PemDirectory directory_;
  Identity identity_ = selfSigned({.common_name = "site.test"});
  std::string pem_ = directory_.certificates("site.pem", {&identity_});
  std::string key_ = directory_.key("site.key", identity_);
  std::unique_ptr<DaemonProcess> daemon_;
};

TEST_F(PrivilegesTest, NoThreadStaysRoot) {
  start(config());
  const auto uids = linesOfThreads("Uid:");
  ASSERT_GE(uids.size(), 3U);
  for (const std::string& line : uids) {
    EXPECT_EQ(line, "\t65534\t65534\t65534\t65534");
  }
  const struct group* const group = ::getgrnam(kGroup);
  ASSERT_NE(group, nullptr);
  for (const std::string& line : linesOfThreads("Gid:")) {
    EXPECT_THAT(line, testing::StartsWith(fmt::format("\t{}\t{}", group->gr_gid, group->gr_gid)));
  }
  for (const std::string& line : linesOfThreads("CapPrm:")) {
    EXPECT_THAT(line, testing::AnyOf("\t0000000000000000", "\t0000000000000400")) << "at most CAP_NET_BIND_SERVICE";
  }
  expectCleanEnd(*daemon_, daemon_->stop());
}

// Ports below 1024 are tried where this machine lets root bind one.
TEST_F(PrivilegesTest, AReloadOpensAPortBelow1024AndRenewsAKey) {
  start(config());
  GatewayConfig more = config();
  more.more_listeners = ", {address: \"127.0.0.3:443\"}";
  write("gatewhy.yaml", toYaml(more));
  const auto first = reload(1);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->value("outcome", ""), "applied") << first->dump();
  EXPECT_TRUE(connects("127.0.0.3:443"));
  // A renewal that only root can read: said, and the old one serves.
  directory_.key("site.key", identity_);
  ASSERT_EQ(::chmod(key_.c_str(), 0600), 0);
  const auto second = reload(2);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->value("outcome", ""), "refused");
  EXPECT_THAT(second->dump(), HasSubstr("cannot read '" + key_));
  EXPECT_TRUE(Socket::connectTo(daemon_->listeners().front()).open());
  expectCleanEnd(*daemon_, daemon_->stop());
}

TEST_F(PrivilegesTest, AnUpgradeGoesOnAsThatUser) {
  GatewayConfig low = config();
  low.more_listeners = ", {address: \"127.0.0.4:443\"}";
  start(low);
  daemon_->signal(SIGUSR2);
  const auto handed = daemon_->waitFor([](const json& event) {
    return event.value("message", "").find("the successor has taken over") != std::string::npos;
  });
  ASSERT_TRUE(handed) << daemon_->standardError();
  const int successor = handed->value("pid", 0);
  std::ifstream file(fmt::format("/proc/{}/status", successor));
  const std::string status((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(status, HasSubstr("Uid:\t65534\t65534"));
  EXPECT_THAT(status, HasSubstr("CapEff:\t0000000000000400")) << "it can open port 443 on a reload as well";
  EXPECT_TRUE(connects("127.0.0.4:443"));
  ::kill(successor, SIGTERM);
  expectCleanEnd(*daemon_, daemon_->stop());
}

TEST_F(PrivilegesTest, WhatTheUserCannotReadIsNamed) {
  ASSERT_EQ(::chmod(key_.c_str(), 0600), 0);
  const std::string file = write("gatewhy.yaml", toYaml(config()));
  const CommandResult checked = runCommand({GATEWHY_BINARY, "check", "-c", file});
  EXPECT_EQ(checked.status, 0);
  EXPECT_THAT(checked.output, HasSubstr("warning: user 'nobody' cannot read '" + key_));
  EXPECT_THAT(checked.output, Not(HasSubstr("cannot read '" + pem_)));
  start(config());
  expectCleanEnd(*daemon_, daemon_->stop());
  EXPECT_THAT(daemon_->standardError(), HasSubstr("user 'nobody' cannot read '" + key_));
  GatewayConfig unknown = config();
  unknown.more = "user: no-such-user\n";
  const CommandResult wrong = runCommand({GATEWHY_BINARY, "check", "-c", write("unknown.yaml", toYaml(unknown))});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.output, HasSubstr("error: there is no user 'no-such-user'"));
}

// The log is the user's from the start, so that it can be opened again.
TEST_F(PrivilegesTest, LogAndSocketsAreTheUsers) {
  const std::string logs = directory_.path() + "/logs";
  std::filesystem::create_directory(logs);
  ASSERT_EQ(::chown(logs.c_str(), 65534, 65534), 0);
  const std::string socket = directory_.path() + "/http.sock";
  GatewayConfig log = config();
  log.log = "{destination: \"" + logs + "/events.json\"}";
  log.more_listeners = fmt::format(", {{address: \"unix:{}\", mode: \"0620\", group: {}}}", socket, kGroup);
  ChildOptions options;
  options.arguments = {GATEWHY_BINARY, "run", "-c", write("gatewhy.yaml", toYaml(log))};
  auto child = ChildProcess::start(options, [](const std::string&) {});
  ASSERT_TRUE(child) << child.error();
  const auto content = [&] {
    std::ifstream file(logs + "/events.json");
    return std::string((std::istreambuf_iterator<char>(file)), {});
  };
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (content().find("\"start\"") == std::string::npos && std::chrono::steady_clock::now() < end) {
    ::usleep(5000);
  }
  struct stat status {};
  ASSERT_EQ(::stat((logs + "/events.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 65534U);
  ASSERT_EQ(::stat(socket.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0620U);
  EXPECT_EQ(status.st_gid, ::getgrnam(kGroup)->gr_gid);
  std::filesystem::rename(logs + "/events.json", logs + "/events.json.1");
  (*child)->signal(SIGUSR1);
  (*child)->signal(SIGTERM);
  EXPECT_EQ((*child)->wait(), std::optional(0));
  EXPECT_THAT(content(), HasSubstr("\"stop\"")) << (*child)->standardError();
}

TEST(SocketFileTest, ModeAndGroupAreForUnixListeners) {
  const PemDirectory directory;
  const std::string file = directory.write("a.yaml",
                                           "listeners: [{address: \"127.0.0.1:0\", mode: \"0660\"}, "
                                           "{address: \"unix:/tmp/x.sock\", mode: \"rw\"}]\n"
                                           "origins: {o: {endpoints: [\"http://127.0.0.1:9\"]}}\n");
  const CommandResult checked = runCommand({GATEWHY_BINARY, "check", "-c", file});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.output, HasSubstr("'mode' is only for the file of a unix: listener"));
  EXPECT_THAT(checked.output, HasSubstr("'rw' is not a file mode"));
}

}  // namespace
}  // namespace gatewhy::test
