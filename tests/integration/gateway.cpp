// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/gateway.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <utility>

#include "diagnostics/event.h"
#include "tests/support/json_schema.h"

namespace gatewhy::test {

using nlohmann::json;

namespace {

std::string indented(std::string_view block, std::string_view indent) {
  std::string out;
  while (!block.empty()) {
    const std::size_t end = std::min(block.find('\n'), block.size());
    out.append(indent).append(block.substr(0, end)).append("\n");
    block.remove_prefix(std::min(end + 1, block.size()));
  }
  return out;
}

}  // namespace

std::string toYaml(const GatewayConfig& config) {
  std::string yaml = fmt::format("workers: {}\nlisteners: [{{address: \"127.0.0.1:0\"{}}}{}]\n", config.workers,
                                 config.listener_more, config.more_listeners);
  yaml += fmt::format("origins:\n  origin:\n    endpoints: [\"{}\"]\n{}", config.origin_url,
                      indented(config.origin_more, "    ")) +
          config.more_origins;
  yaml += fmt::format("limits: {}\ndiagnostics: {}\nlog: {}\ndrain: {}\nadmin: {}\n", config.limits, config.diagnostics,
                      config.log, config.drain, config.admin);
  return yaml + config.more;
}

std::unique_ptr<Gateway> Gateway::start(const GatewayConfig& config) {
  std::unique_ptr<Gateway> gateway(new Gateway);
  gateway->config_file_ = gateway->directory_.write("gatewhy.yaml", toYaml(config));
  ChildOptions options;
  options.arguments = config.wrapper;
  auto daemon = DaemonProcess::start(gateway->config_file_, std::move(options));
  if (!daemon) {
    ADD_FAILURE() << daemon.error();
    return nullptr;
  }
  gateway->daemon_ = std::move(daemon).value();
  if (gateway->daemon_->listeners().empty()) {
    ADD_FAILURE() << "the start event names no listener";
    return nullptr;
  }
  return gateway;
}

void Gateway::reload(const GatewayConfig& config) {
  directory_.write("gatewhy.yaml", toYaml(config));
  const auto is_reload = [](const json& event) { return event.value("event", "") == "reload"; };
  const std::vector<json> before = daemon_->events();
  auto wanted = std::count_if(before.begin(), before.end(), is_reload) + 1;
  daemon_->signal(SIGHUP);
  EXPECT_TRUE(daemon_->waitFor([&](const json& event) { return is_reload(event) && --wanted == 0; })) << "no reload";
}

std::optional<json> Gateway::exchangeOf(std::uint16_t client_port) {
  return daemon_->waitFor([&](const json& event) {
    return event.value("event", "") == "exchange" && event.value("/client/port"_json_pointer, 0U) == client_port;
  });
}

std::optional<json> Gateway::exchangeOf(const std::string& request_id) {
  return daemon_->waitFor([&](const json& event) { return event.value("request_id", "") == request_id; });
}

std::vector<json> Gateway::exchanges() const {
  std::vector<json> events = daemon_->events();
  std::erase_if(events, [](const json& event) { return event.value("event", "") != "exchange"; });
  return events;
}

void Gateway::expectCleanStop() {
  expectCleanEnd(*daemon_, daemon_->stop());
}

void expectCleanEnd(DaemonProcess& daemon, std::optional<int> status) {
  static const json kSchema = json::parse(eventSchema());
  EXPECT_TRUE(status.has_value()) << "gatewhy did not stop";
  EXPECT_EQ(status.value_or(0), 0) << daemon.standardError();
  EXPECT_EQ(daemon.standardError().find("Sanitizer"), std::string::npos) << daemon.standardError();
  EXPECT_EQ(daemon.standardError().find("runtime error"), std::string::npos) << daemon.standardError();
  for (const std::string& line : daemon.strayLines()) {
    ADD_FAILURE() << "not an event: " << line;
  }
  constexpr std::size_t kMostChecked = 200;  // of a kind: a flood's are alike
  std::map<std::pair<std::string, std::string>, std::size_t> checked;
  for (const json& event : daemon.events()) {
    if (++checked[{event.value("event", ""), causeOf(event)}] > kMostChecked) {
      continue;
    }
    for (const std::string& problem : schemaProblems(kSchema, event)) {
      ADD_FAILURE() << "schema: " << problem << " in " << event.dump();
    }
  }
}

std::string causeOf(const json& event) {
  return event.value("/diagnosis/cause"_json_pointer, "");
}

}  // namespace gatewhy::test
