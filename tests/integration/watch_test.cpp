// SPDX-License-Identifier: Apache-2.0
// `watch: true` and `run --watch`: files that change are loaded by themselves,
// however they are changed; what cannot be used is refused.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class WatchTest : public testing::Test {
 protected:
  // A configuration whose only route answers with `status`.
  static std::string answering(int status, const std::string& more = "watch: true\n") {
    return fmt::format(
        "workers: 1\nlisteners: [{{address: \"127.0.0.1:0\"}}]\norigins: {{o: {{endpoints: "
        "[\"http://127.0.0.1:9\"]}}}}\n"
        "routes: [{{respond: {{status: {}}}}}]\nlog: {{destination: stdout}}\nadmin: {{address: \"off\"}}\n{}",
        status, more);
  }
  void start(const std::string& file) {
    auto started = DaemonProcess::start(file);
    ASSERT_TRUE(started) << started.error();
    daemon_ = std::move(started).value();
  }
  // The next reload event.
  json reload() {
    std::size_t number = ++reloads_;
    const auto event =
        daemon_->waitFor([&](const json& each) { return each.value("event", "") == "reload" && --number == 0; });
    return event.value_or(json::object());
  }
  unsigned status() {
    Socket socket = Socket::connectTo(daemon_->listeners().front());
    socket.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const auto answer = readResponse(socket);
    return answer ? answer->status() : 0;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  void replace(const std::string& name, const std::string& text) const {
    fs::rename(directory_.write("new", text), path(name));
  }

  PemDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::size_t reloads_ = 0;
};

TEST_F(WatchTest, AFileThatIsReplacedIsLoadedAndABadOneRefused) {
  start(directory_.write("gatewhy.yaml", answering(503)));
  EXPECT_EQ(status(), 503U);
  const auto begun = daemon_->waitFor([](const json& event) { return event.value("event", "") == "start"; });
  ASSERT_TRUE(begun);
  const std::string first = begun->value("config_hash", "");
  EXPECT_EQ(first.size(), 12U);

  replace("gatewhy.yaml", answering(404));
  json event = reload();
  EXPECT_EQ(event.value("outcome", ""), "applied") << event;
  EXPECT_EQ(event.value("trigger", ""), "watch");
  EXPECT_NE(event.value("config_hash", first), first);
  EXPECT_EQ(status(), 404U);
  const std::string second = event.value("config_hash", "");

  replace("gatewhy.yaml", answering(404, "watch: true\nbroken: yes\n"));
  event = reload();
  EXPECT_EQ(event.value("outcome", ""), "refused") << event;
  EXPECT_EQ(event.value("config_hash", ""), second) << "that stays in force";
  EXPECT_NE(event.value("refused_hash", second), second);
  EXPECT_EQ(status(), 404U);

  replace("gatewhy.yaml", answering(503));
  event = reload();
  EXPECT_EQ(event.value("outcome", ""), "applied") << event;
  EXPECT_EQ(event.value("config_hash", ""), first) << "the same files, the same hash";
  EXPECT_EQ(status(), 503U);
  EXPECT_EQ(daemon_->stop(), std::optional(0));
}

// As the kubelet does it: the file is a link into ..data, a link that is renamed over.
TEST_F(WatchTest, AConfigMapIsTurnedOver) {
  fs::create_directory(path("..1"));
  fs::create_directory(path("..2"));
  directory_.write("..1/gatewhy.yaml", answering(503, ""));
  directory_.write("..2/gatewhy.yaml", answering(410, ""));
  fs::create_symlink("..1", path("..data"));
  fs::create_symlink("..data/gatewhy.yaml", path("gatewhy.yaml"));
  ChildOptions options;
  auto started = DaemonProcess::start(path("gatewhy.yaml"), options);
  ASSERT_TRUE(started) << started.error();
  daemon_ = std::move(started).value();
  // Without `watch` nothing happens by itself; with SIGHUP it does.
  fs::create_symlink("..2", path("..data_tmp"));
  fs::rename(path("..data_tmp"), path("..data"));
  daemon_->signal(SIGHUP);
  const json event = reload();
  EXPECT_EQ(event.value("outcome", ""), "applied") << event;
  EXPECT_EQ(event.value("trigger", ""), "signal");
  EXPECT_EQ(status(), 410U);
  directory_.write("..1/gatewhy.yaml", answering(503));
  fs::create_symlink("..1", path("..data_tmp"));
  fs::rename(path("..data_tmp"), path("..data"));
  daemon_->signal(SIGHUP);
  EXPECT_EQ(reload().value("outcome", ""), "applied");  // from now on it is watched
  directory_.write("..2/gatewhy.yaml", answering(451));
  fs::create_symlink("..2", path("..data_tmp"));
  fs::rename(path("..data_tmp"), path("..data"));
  EXPECT_EQ(reload().value("trigger", ""), "watch");
  EXPECT_EQ(status(), 451U);
  EXPECT_EQ(daemon_->stop(), std::optional(0));
}

TEST_F(WatchTest, AnIncludedFileCounts) {
  fs::create_directory(path("conf.d"));
  const std::string main =
      "watch: true\ninclude: [conf.d/*.yaml]\nworkers: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\n"
      "origins: {o: {endpoints: [\"http://127.0.0.1:9\"]}}\nlog: {destination: stdout}\nadmin: {address: \"off\"}\n";
  directory_.write("conf.d/20-rest.yaml", "routes: [{respond: {status: 503}}]\n");
  start(directory_.write("gatewhy.yaml", main));
  EXPECT_EQ(status(), 503U);
  directory_.write("conf.d/10-first.yaml", "routes: [{respond: {status: 410}}]\n");
  EXPECT_EQ(reload().value("outcome", ""), "applied");
  EXPECT_EQ(status(), 410U);
  fs::remove(path("conf.d/10-first.yaml"));
  EXPECT_EQ(reload().value("outcome", ""), "applied");
  EXPECT_EQ(status(), 503U);
  EXPECT_EQ(daemon_->stop(), std::optional(0));
}

}  // namespace
}  // namespace gatewhy::test
