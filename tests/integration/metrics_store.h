// SPDX-License-Identifier: Apache-2.0
// A real Prometheus and a real VictoriaMetrics, on loopback, and what both
// answer.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/child_process.h"

namespace gatewhy::test {

// What answers PromQL over HTTP.
class MetricsStore {
 public:
  MetricsStore() = default;
  virtual ~MetricsStore() = default;
  MetricsStore(const MetricsStore&) = delete;
  MetricsStore& operator=(const MetricsStore&) = delete;

  [[nodiscard]] bool running() const { return !address_.empty(); }
  [[nodiscard]] const std::string& address() const { return address_; }

  // The answer as it came; null where it is no JSON.
  [[nodiscard]] nlohmann::json answer(const std::string& target) const;
  // `data` of the answer; null where it failed.
  [[nodiscard]] nlohmann::json ask(const std::string& target) const;
  [[nodiscard]] nlohmann::json query(std::string_view expression) const;
  // nullopt: not exactly one series.
  [[nodiscard]] std::optional<std::string> value(std::string_view expression) const;

 protected:
  // A failure is noted where it cannot be started.
  void launch(std::vector<std::string> arguments);

  std::unique_ptr<ChildProcess> child_;
  std::string address_;
};

class Prometheus final : public MetricsStore {
 public:
  static constexpr const char* kProgram = "/usr/bin/prometheus";
  // On a free port, with its data in `directory`.
  Prometheus(const std::string& config_file, const std::string& directory);
  // It ends, and had nothing to complain of before.
  void expectCleanStop();

 private:
  [[nodiscard]] std::string logged(std::string_view message, const char* key) const;
};

class VictoriaMetrics final : public MetricsStore {
 public:
  static constexpr const char* kProgram = "/usr/bin/victoria-metrics";
  explicit VictoriaMetrics(const std::string& directory);
  void expectCleanStop();
};

// Asks again until it holds; how often others get the processor decides when.
[[nodiscard]] bool eventually(const std::function<bool()>& holds);

// The body of the answer; "" where there was none.
[[nodiscard]] std::string bodyAt(const std::string& address, const std::string& target);
[[nodiscard]] std::string percentEncoded(std::string_view text);
[[nodiscard]] std::string contentOf(const std::string& path);
// A failure is noted where `from` is not there.
void replaceAll(std::string& text, std::string_view from, std::string_view to);
// The first block of YAML on a page of docs/ below `heading` ("" = from its top).
[[nodiscard]] std::string documentedYaml(const std::string& page, std::string_view heading);

}  // namespace gatewhy::test
