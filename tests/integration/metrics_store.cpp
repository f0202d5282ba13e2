// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/metrics_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/integration/http_wire.h"
#include "tests/integration/socket.h"

namespace gatewhy::test {

using nlohmann::json;

json MetricsStore::answer(const std::string& target) const {
  return json::parse(bodyAt(address_, target), nullptr, false);
}

json MetricsStore::ask(const std::string& target) const {
  const json said = answer(target);
  return said.is_object() && said.value("status", "") == "success" ? said["data"] : json();
}

json MetricsStore::query(std::string_view expression) const {
  return ask("/api/v1/query?query=" + percentEncoded(expression))["result"];
}

std::optional<std::string> MetricsStore::value(std::string_view expression) const {
  const json result = query(expression);
  return result.size() == 1 ? std::optional(result[0]["value"][1].get<std::string>()) : std::nullopt;
}

void MetricsStore::launch(std::vector<std::string> arguments) {
  ChildOptions options;
  options.arguments = std::move(arguments);
  auto child = ChildProcess::start(options, [](const std::string&) {});
  if (!child) {
    ADD_FAILURE() << child.error();
    return;
  }
  child_ = std::move(child).value();
}

Prometheus::Prometheus(const std::string& config_file, const std::string& directory) {
  launch({kProgram, "--config.file=" + config_file, "--storage.tsdb.path=" + directory,
          "--web.listen-address=127.0.0.1:0", "--enable-feature=exemplar-storage", "--log.format=json"});
  EXPECT_TRUE(child_ != nullptr && eventually([&] {
                address_ = logged("Listening on", "address");
                return !address_.empty() && !logged("Server is ready to receive web requests.", "level").empty();
              }))
      << (child_ ? child_->standardError() : "");
}

void Prometheus::expectCleanStop() {
  std::istringstream lines(child_->standardError());
  child_->signal(SIGTERM);
  EXPECT_EQ(child_->wait(), std::optional(0)) << child_->standardError();
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line, nullptr, false);
    EXPECT_THAT(entry.value("level", ""), testing::AnyOf("info", "debug")) << line;
  }
}

std::string Prometheus::logged(std::string_view message, const char* key) const {
  std::istringstream lines(child_->standardError());
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line, nullptr, false);
    if (entry.is_object() && entry.value("msg", "") == message) {
      return entry.value(key, "");
    }
  }
  return {};
}

VictoriaMetrics::VictoriaMetrics(const std::string& directory) {
  const std::string free = fmt::format("127.0.0.1:{}", ListeningSocket().port());
  // It answers for the moment that is asked for, not for half a minute before.
  launch({kProgram, "-storageDataPath=" + directory, "-httpListenAddr=" + free, "-retentionPeriod=1d",
          "-search.latencyOffset=0s", "-search.disableCache"});
  EXPECT_TRUE(child_ != nullptr && eventually([&] {
                return child_->standardError().find("started server at") != std::string::npos ||
                       child_->standardError().find("started VictoriaMetrics") != std::string::npos;
              }))
      << (child_ ? child_->standardError() : "");
  address_ = free;
}

void VictoriaMetrics::expectCleanStop() {
  child_->signal(SIGTERM);
  EXPECT_EQ(child_->wait(), std::optional(0)) << child_->standardError();
}

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

std::string bodyAt(const std::string& address, const std::string& target) {
  Socket socket = Socket::connectTo(address);
  socket.send(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", target));
  const auto answer = readResponse(socket);
  return answer ? answer->body : "";
}

std::string percentEncoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += std::isalnum(byte) != 0 ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

std::string contentOf(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

void replaceAll(std::string& text, std::string_view from, std::string_view to) {
  std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " is not in\n" << text;
  for (; at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string documentedYaml(const std::string& page, std::string_view heading) {
  const std::string text = contentOf(page);
  const std::string fence = "```yaml\n";
  const std::size_t below = text.find(heading);
  const std::size_t begin = text.find(fence, below);
  const std::size_t end = text.find("```\n", begin + fence.size());
  if (below == std::string::npos || begin == std::string::npos || end == std::string::npos) {
    ADD_FAILURE() << page << " has no configuration below '" << heading << "'";
    return {};
  }
  return text.substr(begin + fence.size(), end - begin - fence.size());
}

}  // namespace gatewhy::test
