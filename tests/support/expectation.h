// SPDX-License-Identifier: Apache-2.0
// What a scenario expects, compared with what was seen.
#pragma once

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/scenario_world.h"

namespace gatewhy::test {

// Compares a YAML expectation with JSON: a map wants its keys (dots go down),
// a list wants these items, or, of an object, these keys; null wants absence,
// `*` presence, `re:…` a match, anything else equality. Empty = as expected.
[[nodiscard]] std::vector<std::string> mismatches(const YAML::Node& wanted, const nlohmann::json& seen);

[[nodiscard]] std::string endName(SessionEnd end);  // "reset"

// One client's part of `expect`.
[[nodiscard]] std::vector<std::string> clientMismatches(const YAML::Node& wanted, const ClientResult& client);
// `any_case`: what it received may have letters of another case.
[[nodiscard]] std::vector<std::string> originMismatches(const YAML::Node& wanted, const OriginResult& origin,
                                                        bool any_case);

// gatewhy_diagnoses_total and gatewhy_exchanges_total agree with the events:
// nothing is left out of what had been logged when the metrics were read, and
// nothing is counted that was never logged.
[[nodiscard]] std::vector<std::string> metricMismatches(const ScenarioResult& result);

// What must hold for any event: diagnosis and causes table agree.
[[nodiscard]] std::vector<std::string> tableMismatches(const nlohmann::json& event, const YAML::Node& wanted);

}  // namespace gatewhy::test
