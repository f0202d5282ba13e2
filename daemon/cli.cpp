// SPDX-License-Identifier: Apache-2.0
#include "daemon/cli.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "daemon/commands/check.h"
#include "daemon/commands/demo.h"
#include "daemon/commands/explain.h"
#include "daemon/commands/run.h"
#include "daemon/commands/schema.h"

namespace gatewhy {
namespace {

constexpr const char* kDefaultConfig = "/etc/gatewhy/gatewhy.yaml";

// What the command line said; one struct, so that every option has one home.
struct Options {
  std::string config = kDefaultConfig;
  std::string to, from = "127.0.0.1:8080";
  std::vector<std::string> words;
  bool json = false;
  bool event_schema = false;
};

void addRun(CLI::App& app, Options& options, int& status) {
  auto* run = app.add_subcommand("run", "forward traffic and diagnose origins, in the foreground");
  auto* config = run->add_option("-c,--config", options.config, "configuration file")->capture_default_str();
  auto* to = run->add_option("--to", options.to, "origin URL: run without a file")->excludes(config);
  run->add_option("--from", options.from, "listener of --to")->needs(to)->capture_default_str();
  run->callback([&options, &status] {
    status = options.to.empty() ? runFromFile(options.config) : runToUrl(options.to, options.from);
  });
}

void addOthers(CLI::App& app, Options& options, int& status) {
  auto* check = app.add_subcommand("check", "validate a configuration; every problem at once");
  check->add_option("-c,--config", options.config, "configuration file")->capture_default_str();
  check->add_flag("--json", options.json, "problems as JSON");
  check->callback([&] { status = runCheck(options.config, options.json); });

  auto* schema = app.add_subcommand("schema", "print the JSON Schema of the configuration");
  schema->add_flag("--event", options.event_schema, "of the log event instead");
  schema->callback([&] { status = runSchema(options.event_schema); });

  auto* explain = app.add_subcommand("explain", "what a status code, cause or finding means, what to check first");
  explain->add_option("WORD", options.words, "such as 525, 5xx, 'bad gateway', connection_refused; none lists all");
  explain->add_flag("--json", options.json, "as JSON");
  explain->callback([&] { status = runExplain(CLI::detail::join(options.words, " "), options.json); });

  auto* demo = app.add_subcommand("demo", "proxy on 127.0.0.1:8080 in front of an origin that fails on demand");
  demo->callback([&] { status = runDemo(); });
}

}  // namespace

int runCommandLine(int argc, char** argv) {
  CLI::App app{"gatewhy: a reverse proxy that says why an origin failed", "gatewhy"};
  app.set_version_flag("--version", "gatewhy " GATEWHY_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  Options options;
  int status = kExitOk;
  addRun(app, options, status);
  addOthers(app, options, status);
  CLI11_PARSE(app, argc, argv);
  return status;
}

}  // namespace gatewhy
