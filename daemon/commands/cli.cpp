// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"
#include "daemon/commands/check.h"
#include "daemon/commands/demo.h"
#include "daemon/commands/endpoint.h"
#include "daemon/commands/explain.h"
#include "daemon/commands/health.h"
#include "daemon/commands/probe/probe.h"
#include "daemon/commands/reload.h"
#include "daemon/commands/report/report.h"
#include "daemon/commands/route/route.h"
#include "daemon/commands/run.h"
#include "daemon/commands/schema.h"
#include "daemon/commands/top/top.h"
#include "daemon/commands/why/why.h"
#include "daemon/exit_status.h"
#include "daemon/fleet/fleet_command.h"
#include "diagnostics/nearest.h"

namespace gatewhy {
namespace {

constexpr const char* kDefaultConfig = "/etc/gatewhy/gatewhy.yaml";

// What the command line said: shared options once, the others by command.
struct Options {
  bool watch = false;
  std::string config = kDefaultConfig;
  std::string to, from = "127.0.0.1:8080";
  std::vector<std::string> words;
  bool json = false;
  bool strict = false;
  bool event_schema = false;
  DemoOptions demo;
  EndpointOptions endpoint;
  HealthOptions health;
  ProbeOptions probe;
  RouteOptions route;
  ReportOptions report;
  WhyOptions why;
  TopOptions top;
  FleetOptions fleet, fleet_top;
  FleetStreamOptions stream;
  std::string stream_age = "168h", stream_bytes = "0";
  ReloadOptions reload;
};

std::vector<std::string> commandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

// Null where no command is called that.
const CLI::App* commandNamed(const CLI::App& app, std::string_view name) {
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == name) {
      return command;
    }
  }
  return nullptr;
}

// What to say to a first word that is not a command; `word` is empty where
// there was none.
std::string unknownCommand(const CLI::App& app, std::string_view word) {
  const auto names = commandNames(app);
  if (word.empty()) {
    return fmt::format("which command? {}; `gatewhy help` describes them", fmt::join(names, ", "));
  }
  const auto near = nearestWord(word, {names.begin(), names.end()});
  return fmt::format("'{}' is not a command; {}", word,
                     near ? fmt::format("did you mean '{}'?", *near) : "`gatewhy help` lists them");
}

// `gatewhy check FILE` is what people type; -c is what the other commands take.
std::array<CLI::Option*, 2> addConfig(CLI::App& command, Options& options) {
  auto* named = command.add_option("-c,--config", options.config, "configuration file")->capture_default_str();
  auto* bare = command.add_option("FILE", options.config, "the same, without -c")->excludes(named);
  return {named, bare};
}

void addRun(CLI::App& app, Options& options, int& status) {
  auto* run = app.add_subcommand("run", "forward traffic and diagnose origins, in the foreground");
  const auto config = addConfig(*run, options);
  auto* to = run->add_option("--to", options.to, "origin URL: run without a file");
  for (CLI::Option* file : config) {
    to->excludes(file);
  }
  run->add_option("--from", options.from, "listener of --to")->needs(to)->capture_default_str();
  run->add_flag("--watch", options.watch, "load the file again whenever it changes, as `watch: true` does")
      ->excludes(to);
  run->callback([&options, &status] {
    status = options.to.empty() ? runFromFile(options.config, options.watch) : runToUrl(options.to, options.from);
  });
}

void addOthers(CLI::App& app, Options& options, int& status) {
  auto* check = app.add_subcommand("check", "validate a configuration; reports every problem at once");
  addConfig(*check, options);
  check->add_flag("--strict", options.strict, "treat warnings as errors");
  check->add_flag("--json", options.json, "problems as JSON");
  check->callback([&] { status = runCheck({options.config, options.json, options.strict}); });

  auto* schema = app.add_subcommand("schema", "print the JSON Schema of the configuration");
  schema->add_flag("--event", options.event_schema, "that of the log event instead");
  schema->callback([&] { status = runSchema(options.event_schema); });

  auto* explain = app.add_subcommand("explain", "what a status code, cause or finding means, and what to check first");
  explain->add_option("WORD", options.words, "such as 525, 5xx, 'bad gateway', connection_refused; none lists all");
  explain->add_flag("--json", options.json, "as JSON");
  explain->callback([&] { status = runExplain(CLI::detail::join(options.words, " "), options.json); });

  auto* demo = app.add_subcommand("demo", "proxy in front of an origin that fails on demand");
  demo->add_option("--from", options.demo.from, "address of the proxy")->capture_default_str();
  demo->add_option("--admin", options.demo.admin, "address of the admin listener")->capture_default_str();
  demo->callback([&] { status = runDemo(options.demo); });
}

void addProbe(CLI::App& app, Options& options, int& status) {
  auto* probe =
      app.add_subcommand("probe", "send one request through the daemon's connector and classifier, phase by phase");
  ProbeRequest& request = options.probe.request;
  probe->add_option("URL", request.url, "http://, https://, or unix:/SOCKET:/PATH")->required();
  probe->add_option("--method", request.method, "request method")->capture_default_str();
  probe->add_option("--header", request.headers, "Name: value; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  probe
      ->add_option("--resolve", request.resolve,
                   "HOST:PORT:ADDRESS[,ADDRESS]: use these instead of asking DNS; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  probe->add_option("--ca", request.ca_file, "trust the certificates in this PEM file instead of the system's");
  probe->add_flag("--insecure", request.insecure, "accept any certificate");
  probe->add_option("--timeout", options.probe.timeout,
                    "limit for the whole request, such as 2s; otherwise the daemon's defaults per phase");
  probe->add_flag("--http2", options.probe.request.http2,
                  "HTTP/2 and nothing else: by ALPN over TLS, without asking over plain TCP (h2c)");
  probe->add_flag("--all-addresses", options.probe.all_addresses, "try every address of the name, one row each");
  probe->add_option("--repeat", options.probe.repeat, "the number of requests, one after the other; prints a summary")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  probe->add_flag("--json", options.probe.json, "print the log event instead, one line per request");
  probe->footer("Exit status: 0 answered (with any status), 3 a failure was diagnosed, 64 wrong usage.");
  probe->callback([&] { status = runProbeCommand(options.probe); });
}

void addRoute(CLI::App& app, Options& options, int& status) {
  auto* route = app.add_subcommand("route", "where a request would go, and why not elsewhere; nothing is sent");
  route->add_option("METHOD", options.route.method, "request method")->required();
  route->add_option("URL", options.route.url, "http://HOST/PATH or https://HOST/PATH, as a client would ask")
      ->required();
  route->add_option("-c,--config", options.config, "configuration file")->capture_default_str();
  route->add_option("--client", options.route.client, "address of the client")->capture_default_str();
  route->add_option("--header", options.route.headers, "Name: value; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  route->add_flag("--json", options.route.json, "as JSON");
  route->footer("Exit status: 0 a route was found, 1 none, 64 wrong usage, 78 bad configuration.");
  route->callback([&] {
    options.route.config = options.config;
    status = runRoute(options.route);
  });
}

// `name`: --from where a command has other sources, --nats where it has not.
CLI::Option* addFleetSource(CLI::App& command, const char* name, FleetSource& source) {
  auto* nats = command.add_option(name, source.nats, "the stream of a fleet: nats://HOST:4222");
  command.add_option("--credentials", source.credentials, "for that: a credentials file as nsc writes it");
  command.add_option("--nats-ca", source.ca_file, "for that: trust the certificates in this PEM file");
  command.add_option("--stream", source.stream, "for that: the name of the stream")->capture_default_str();
  return nats;
}

// 0, or what the usage error makes of it, told.
int takeStreamLimits(Options& options) {
  const auto age = parseDuration(options.stream_age);
  const auto bytes = parseSize(options.stream_bytes);
  if (!age || !bytes) {
    fmt::print(stderr, "gatewhy fleet init: {}\n", !age ? age.error() : bytes.error());
    return kExitUsage;
  }
  options.stream.max_age_s = std::chrono::duration_cast<std::chrono::seconds>(*age).count();
  options.stream.max_bytes = static_cast<std::int64_t>(*bytes);
  return kExitOk;
}

void addFleet(CLI::App& app, Options& options, int& status) {
  auto* fleet = app.add_subcommand("fleet", "many gatewhys as one: a live page of what fails where, and who is silent");
  auto* nats = addFleetSource(*fleet, "--nats", options.fleet.source);
  fleet->add_option("--since", options.fleet.since, "how far back it begins")->capture_default_str();
  fleet->add_option("--listen", options.fleet.listen, "address of the page")->capture_default_str();
  fleet->add_flag("--once", options.fleet.once, "print it as text and exit");
  fleet->add_flag("--json", options.fleet.json, "with --once: as JSON");
  auto* init = fleet->add_subcommand("init", "make the stream, or change it to what is asked for");
  addFleetSource(*init, "--nats", options.stream.source)->required();
  init->add_option("--replicas", options.stream.replicas, "on how many servers of the cluster it is kept")
      ->check(CLI::Range(1, 5))
      ->capture_default_str();
  init->add_option("--max-age", options.stream_age, "how long events are kept; 0: for ever")->capture_default_str();
  init->add_option("--max-bytes", options.stream_bytes, "how much of them, such as 100GiB; 0: any")
      ->capture_default_str();
  init->callback([&options, &status] {
    status = takeStreamLimits(options);
    if (status == kExitOk) {
      status = runFleetInit(options.stream);
    }
  });
  fleet->callback([&options, &status, nats, init] {
    if (init->parsed()) {
      return;
    }
    if (nats->count() == 0) {
      throw CLI::RequiredError("--nats");
    }
    status = runFleet(options.fleet);
  });
}

void addReport(CLI::App& app, Options& options, int& status) {
  auto* report = app.add_subcommand("report", "what failed, where, when and why, from event logs");
  report->add_option("LOG", options.report.logs, "event logs, plain or gzip; none or - reads standard input");
  addFleetSource(*report, "--from", options.report.fleet);
  report->add_option("--since", options.report.since,
                     "from this time on: 2026-01-31T12:00:00Z, 2026-01-31, or 90m ago");
  report->add_option("--until", options.report.until, "before this time");
  report->add_option("--origin", options.report.origin, "only this origin");
  report->add_option("--html", options.report.html, "write one self-contained HTML page to this file instead");
  report->add_flag("--json", options.report.json, "as JSON, with every cause");
  report->footer("Exit status: 0, 1 a log could not be read to its end, 64 wrong usage.");
  report->callback([&] { status = runReport(options.report); });
}

// Where the running daemon is to be asked.
CLI::Option* addAdmin(CLI::App& command, Options& options, std::string& admin) {
  command.add_option("--admin", admin, "admin listener of the running daemon: 127.0.0.1:9180 or unix:/PATH");
  return command.add_option("-c,--config", options.config, "configuration file that names it")->capture_default_str();
}

void addWhy(CLI::App& app, Options& options, int& status) {
  auto* why = app.add_subcommand("why", "the story of one request: each try, the evidence, who should act");
  auto* id = why->add_option("REQUEST_ID", options.why.request_id,
                             "as in X-Request-ID, the log and the error page; its first 4 characters are enough");
  auto* last =
      why->add_option("--last", options.why.last_of, "the latest failure instead, or the latest with this cause");
  last->expected(0, 1)->type_name("[CAUSE]")->excludes(id);
  addAdmin(*why, options, options.why.admin);
  why->add_option("--log", options.why.logs, "look in this event log instead, plain or gzip; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  addFleetSource(*why, "--from", options.why.fleet);
  why->add_flag("--json", options.why.json, "the event itself");
  why->footer("Exit status: 0, 1 not found, or no daemon reachable, 64 wrong usage.");
  why->callback([&options, &status, id, last] {
    if (id->count() + last->count() == 0) {
      throw CLI::RequiredError("REQUEST_ID or --last");
    }
    options.why.last = last->count() > 0;
    options.why.config = options.config;
    status = runWhy(options.why);
  });
}

void addReload(CLI::App& app, Options& options, int& status) {
  auto* reload =
      app.add_subcommand("reload", "check the configuration, then reload it in the daemon that runs with it");
  auto* config = addAdmin(*reload, options, options.reload.admin);
  reload->add_option("--pid", options.reload.pid, "which process, if several run with the file")
      ->check(CLI::PositiveNumber);
  reload->footer(
      "Waits for the result. Exit status: 0 the new configuration is in force, 1 it has errors, was refused, or no "
      "daemon runs with it.");
  reload->callback([&options, &status, config] {
    options.reload.config = options.config;
    options.reload.config_given = config->count() > 0;
    status = runReload(options.reload);
  });
}

void addTop(CLI::App& app, Options& options, int& status) {
  auto* top = app.add_subcommand("top", "the running daemon, live: origins, causes, phases, last failures");
  addAdmin(*top, options, options.top.admin);
  auto* from = addFleetSource(*top, "--from", options.fleet_top.source);
  top->add_flag("--once", options.top.once, "print once and exit (the default if output is not a terminal)");
  top->footer("q quits. Exit status: 0, 1 no daemon reachable, 64 wrong usage.");
  top->callback([&options, &status, from] {
    options.top.config = options.config;
    options.fleet_top.once = options.top.once;
    status = from->count() != 0 ? runFleetTop(options.fleet_top) : runTop(options.top);
  });
}

void addHealth(CLI::App& app, Options& options, int& status) {
  auto* health = app.add_subcommand("health", "whether the running daemon is alive, for health checks of containers");
  addAdmin(*health, options, options.health.admin);
  health->add_flag("--ready", options.health.ready,
                   "whether it is ready for traffic (/readyz), not just alive (/healthz)");
  health->footer("Exit status: 0 yes, 1 no or no answer, 64 wrong usage.");
  health->callback([&] {
    options.health.config = options.config;
    status = runHealth(options.health);
  });
}

void addEndpoint(CLI::App& app, Options& options, int& status) {
  auto* endpoint = app.add_subcommand("endpoint", "take an origin's endpoints out of use, or back; list them");
  endpoint
      ->add_option(
          "ACTION", options.endpoint.action,
          "drain: no new requests, until ready or the next start; ready: back in use; list: who gets requests, "
          "and why others do not")
      ->required()
      ->check(CLI::IsMember({"drain", "ready", "list"}));
  auto* origin = endpoint->add_option("ORIGIN", options.endpoint.origin, "as the configuration names it");
  endpoint->add_option("URL", options.endpoint.url, "of one endpoint, as configured; none: all of the origin's");
  addAdmin(*endpoint, options, options.endpoint.admin);
  endpoint->footer("Exit status: 0, 1 no daemon reachable, or no such origin or endpoint, 64 wrong usage.");
  endpoint->callback([&options, &status, origin] {
    if (origin->count() == 0 && options.endpoint.action != "list") {
      throw CLI::RequiredError("ORIGIN");
    }
    options.endpoint.config = options.config;
    status = runEndpoint(options.endpoint);
  });
}

void addHelp(CLI::App& app, Options& options, int& status) {
  auto* help = app.add_subcommand("help", "this page, or the options of a command");
  help->add_option("COMMAND", options.words, "such as probe");
  help->callback([&] {
    const CLI::App* about = options.words.empty() ? nullptr : commandNamed(app, options.words.front());
    if (!options.words.empty() && about == nullptr) {
      fmt::print(stderr, "gatewhy: {}\n", unknownCommand(app, options.words.front()));
      status = kExitUsage;
      return;
    }
    // app.help() would be that of the subcommand that was given: of help itself.
    fmt::print("{}", about == nullptr ? app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal)
                                      : about->help(app.get_name()));
  });
  auto* version = app.add_subcommand("version", "the version of this binary");
  version->callback([] { fmt::print("gatewhy {}\n", GATEWHY_VERSION); });
}

// The options of a command as one may type them.
std::vector<std::string> optionNames(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

// One line: what is wrong, and what was probably meant.
std::string usageProblem(const CLI::App& app, const CLI::ParseError& problem) {
  const auto used = app.get_subcommands();
  const CLI::App& command = used.empty() ? app : *used.back();
  const std::string name = used.empty() ? "gatewhy" : "gatewhy " + command.get_name();
  std::string what = problem.what();
  if (const auto left = command.remaining(); !left.empty()) {
    what = fmt::format("'{}' is not {}", left.front(), left.front().starts_with('-') ? "an option" : "expected here");
    const auto known = optionNames(command);
    if (const auto near = nearestWord(left.front(), {known.begin(), known.end()})) {
      what += fmt::format("; did you mean '{}'?", *near);
    }
  }
  return fmt::format("{}: {} (`{} --help` lists its options)", name, what, name);
}

}  // namespace

int runCommandLine(int argc, char** argv) {
  CLI::App app{"gatewhy: a reverse proxy that says why an origin failed", "gatewhy"};
  app.set_version_flag("--version", "gatewhy " GATEWHY_VERSION);
  app.require_subcommand(1);
  Options options;
  int status = kExitOk;
  addRun(app, options, status);
  addOthers(app, options, status);
  addProbe(app, options, status);
  addRoute(app, options, status);
  addReport(app, options, status);
  addWhy(app, options, status);
  addTop(app, options, status);
  addReload(app, options, status);
  addHealth(app, options, status);
  addEndpoint(app, options, status);
  addFleet(app, options, status);
  addHelp(app, options, status);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    command->group("Commands");
  }
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first.empty() || (!first.starts_with('-') && commandNamed(app, first) == nullptr)) {
    fmt::print(stderr, "gatewhy: {}\n", unknownCommand(app, first));
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) {
      return app.exit(problem);  // --help and --version
    }
    fmt::print(stderr, "{}\n", usageProblem(app, problem));
    return kExitUsage;
  }
  return status;
}

}  // namespace gatewhy
