// SPDX-License-Identifier: Apache-2.0
// What becomes of a story that was written for an HTTP/1.1 origin when the
// origin speaks HTTP/2: tests/scenario/over_h2.yaml, which says it or why it
// cannot be told.
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/scenario.h"

namespace gatewhy::test {

// Why it is not told; "" where it is.
[[nodiscard]] std::string notOverHttp2(const std::filesystem::path& file);

// The story with the cause and the expectations that it has then.
[[nodiscard]] YAML::Node storyOverHttp2(const YAML::Node& story, const std::filesystem::path& file);
// Its origins speak HTTP/2, at the URLs that say so. Throws YAML::Exception
// where a script cannot.
void playOverHttp2(Scenario& scenario);
// ${ORIGIN_URL} and the like aside, what the configuration names.
void endpointsOverHttp2(const YAML::Node& config);

// Rows of the table that stand for no story, or give no reason. Reads all stories.
[[nodiscard]] std::vector<std::string> problemsOfOverHttp2(const std::vector<std::filesystem::path>& files);

}  // namespace gatewhy::test
