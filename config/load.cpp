// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

#include "config/check.h"
#include "config/foreign_words.h"
#include "config/load_parts.h"
#include "config/section.h"
#include "config/url.h"
#include "config/yaml_source.h"

namespace gatewhy {
namespace {

struct Reading {
  Config config;
  SourceMap sources;
  BrokenParts broken;
  std::vector<ConfigProblem> problems;
};

// One problem says more than a hundred unknown keys.
bool isForeign(const YamlDocument& document) {
  if (!document.root || document.root->kind != YamlNode::Kind::Map) {
    return true;
  }
  const auto& entries = document.root->entries;
  return std::none_of(entries.begin(), entries.end(),
                      [](const YamlEntry& entry) { return entry.key == "listeners" || entry.key == "origins"; });
}

Reading readText(std::string_view yaml, const std::string& file, const EnvLookup& env) {
  Reading reading;
  reading.config.source = file;
  Reader reader(file, env);
  const YamlDocument document = parseYaml(yaml);
  if (const auto product = foreignProduct(yaml); !product.empty() && isForeign(document)) {
    reader.error({1, 1}, fmt::format("this looks like a configuration of {}; docs/migrating.md has gatewhy's words for "
                                     "what stands in it",
                                     product));
    reading.problems = std::move(reader.problems());
    return reading;
  }
  for (const YamlProblem& problem : document.problems) {
    reader.error(problem.at, problem.message);
  }
  if (document.root) {
    if (auto top = Section::open(reader, {&*document.root, "", "", "", document.root->at})) {
      readListeners(reader, *top, reading.config);
      readOrigins(reader, *top, reading.config);
      readRoutes(reader, *top, reading.config);
      readRest(reader, *top, reading.config);
    }
  }
  reading.problems = std::move(reader.problems());
  reading.sources = reader.sources();
  reading.broken = reader.broken();
  return reading;
}

bool hasError(const std::vector<ConfigProblem>& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const ConfigProblem& problem) { return problem.level == ProblemLevel::Error; });
}

LoadedConfig finish(Reading reading) {
  LoadedConfig loaded;
  loaded.problems = std::move(reading.problems);
  std::stable_sort(loaded.problems.begin(), loaded.problems.end(), [](const ConfigProblem& a, const ConfigProblem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  if (!hasError(loaded.problems)) {
    loaded.config = std::make_shared<const Config>(std::move(reading.config));
  }
  return loaded;
}

struct FileCloser {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

// The content, cut after one byte too many (which parsing then refuses), or
// the reason why there is none.
Result<std::string, std::string> readFile(const std::string& path) {
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rbe"));
  if (!file) {
    return Failure{std::generic_category().message(errno)};
  }
  std::string content(kMaxYamlBytes + 1, '\0');
  errno = 0;
  content.resize(std::fread(content.data(), 1, content.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return Failure{std::generic_category().message(errno)};
  }
  return content;
}

LoadedConfig onlyProblem(const std::string& file, std::string message) {
  LoadedConfig loaded;
  loaded.problems.push_back({ProblemLevel::Error, file, 0, 0, std::move(message)});
  return loaded;
}

}  // namespace

std::string format(const ConfigProblem& problem) {
  const std::string_view level = problem.level == ProblemLevel::Error ? "error" : "warning";
  if (problem.line == 0) {
    return fmt::format("{}: {}: {}", problem.file, level, problem.message);
  }
  return fmt::format("{}:{}:{}: {}: {}", problem.file, problem.line, problem.column, level, problem.message);
}

LoadedConfig loadConfig(std::string_view yaml, const std::string& file, const EnvLookup& env) {
  return finish(readText(yaml, file, env));
}

LoadedConfig loadConfigFile(const std::string& path) {
  const auto content = readFile(path);
  if (!content) {
    return onlyProblem(path, fmt::format("cannot be read: {}", content.error()));
  }
  const EnvLookup environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  Reading reading = readText(*content, path, environment);
  CheckReport report(path, reading.sources, reading.broken, reading.problems);
  checkConsistency(reading.config, report);
  checkFiles(reading.config, report);
  return finish(std::move(reading));
}

LoadedConfig configForUrl(std::string_view url, std::string_view from) {
  constexpr std::string_view kDefaultFrom = "127.0.0.1:8080";
  Reading reading;
  Config& config = reading.config;
  config.source = "--to";

  ListenerConfig listener;
  listener.address = from.empty() ? kDefaultFrom : from;
  if (const auto address = canonicalListenerAddress(listener.address); !address) {
    reading.problems.push_back({ProblemLevel::Error, "--from", 0, 0, address.error()});
  }
  config.listeners.push_back(std::move(listener));

  OriginConfig origin;
  origin.name = "origin";
  auto endpoint = parseEndpoint(url);
  if (endpoint) {
    origin.endpoints.push_back(*std::move(endpoint));
  } else {
    reading.problems.push_back({ProblemLevel::Error, "--to", 0, 0, endpoint.error()});
  }
  config.origins.push_back(std::move(origin));

  config.routes.emplace_back();
  nameRoutes(config);
  config.workers = automaticWorkers();
  return finish(std::move(reading));
}

}  // namespace gatewhy
