// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/demo_origin.h"

#include <gtest/gtest.h>

#include "config/load.h"

namespace gatewhy {
namespace {

TEST(DemoOrigin, EveryScriptParses) {
  for (const char* const text : {
#define DEMO_FAULT(protocol, path, script, description) script,
#include "daemon/demo/demo_faults.def"
#undef DEMO_FAULT
       }) {
    const Result<Script, ScriptError> script = parseScript(std::string_view(text));
    EXPECT_TRUE(script) << text << ": " << (script ? "" : script.error().message);
  }
}

TEST(DemoOrigin, ItsConfigurationIsGood) {
  const Result<std::unique_ptr<DemoOrigin>, std::string> demo = DemoOrigin::start();
  ASSERT_TRUE(demo) << demo.error();
  const std::string yaml = (*demo)->configYaml("127.0.0.1:8080");
  const LoadedConfig loaded = loadConfig(yaml, "demo", [](const std::string&) { return std::nullopt; });
  for (const ConfigProblem& problem : loaded.problems) {
    ADD_FAILURE() << format(problem) << "\n" << yaml;
  }
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_EQ(loaded.config->routes.size(), 14U);
}

}  // namespace
}  // namespace gatewhy
