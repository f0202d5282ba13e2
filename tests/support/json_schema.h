// SPDX-License-Identifier: Apache-2.0
// As much of JSON Schema (2020-12) as the project's own schemas use.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gatewhy::test {

// Every way in which `instance` breaks `schema`, as "/path: what"; empty =
// valid. A keyword that the validator does not know is a problem too.
[[nodiscard]] std::vector<std::string> schemaProblems(const nlohmann::json& schema, const nlohmann::json& instance);

}  // namespace gatewhy::test
