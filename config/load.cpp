// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <tuple>
#include <utility>

#include "config/check.h"
#include "config/config_hash.h"
#include "config/config_tree.h"
#include "config/cpu_count.h"
#include "config/file_text.h"
#include "config/foreign_words.h"
#include "config/instance_name.h"
#include "config/load_parts.h"
#include "config/load_unchecked.h"
#include "config/section.h"
#include "config/url.h"
#include "config/yaml_source.h"

namespace gatewhy {
namespace {

struct Reading {
  Config config;
  std::vector<std::string> files;  // the main one first
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
  return std::none_of(entries.begin(), entries.end(), [](const YamlEntry& entry) {
    return entry.key == "listeners" || entry.key == "origins" || entry.key == "include";
  });
}

// What is read beside the text: nothing, included files, own pages as far as
// they can be, or all that belongs to the configuration.
enum class Files : std::uint8_t { None, Included, Shown, All };

// On another machine pages may be missing; nothing else depends on them.
void showPages(Reader& reader, Config& config, const FileAccess& access) {
  const auto before = static_cast<std::ptrdiff_t>(reader.problems().size());
  loadPages(reader, config, access);
  std::for_each(reader.problems().begin() + before, reader.problems().end(),
                [](ConfigProblem& problem) { problem.level = ProblemLevel::Warning; });
}

// `access`, remembering what was looked up and read.
FileAccess noting(const FileAccess& access, std::vector<std::string>& patterns, ConfigHash& hash) {
  return {.list =
              [&access, &patterns](const std::string& pattern) {
                patterns.push_back(pattern);
                return access.list(pattern);
              },
          .read =
              [&access, &hash](const std::string& path) {
                auto content = access.read(path);
                if (content) {
                  hash.add(*content);
                }
                return content;
              }};
}

// `access`: null with Files::None.
Reading readText(std::string_view yaml, const std::string& file, const EnvLookup& env, const FileAccess* access,
                 Files files) {
  Reading reading;
  reading.config.source = file;
  ConfigHash hash;
  hash.add(yaml);
  Reader reader(file, env);
  YamlDocument document = parseYaml(yaml);
  if (const auto product = foreignProduct(yaml); !product.empty() && isForeign(document)) {
    reader.error({1, 1}, fmt::format("this looks like a configuration of {}; docs/migrating.md has gatewhy's names for "
                                     "its settings",
                                     product));
    reading.problems = std::move(reader.problems());
    reading.files = reader.files();
    return reading;
  }
  for (const YamlProblem& problem : document.problems) {
    reader.error(problem.at, problem.message);
  }
  if (document.root) {
    if (access != nullptr) {
      const FileAccess noted = noting(*access, reading.config.includes, hash);
      takeIncludes(reader, *document.root, noted);
    }
    takeDefaults(reader, *document.root);
    if (auto top = Section::open(reader, {&*document.root, "", "", "", document.root->at})) {
      [[maybe_unused]] const auto included = top->list("include");  // taken above; what is wrong with it is told here
      readListeners(reader, *top, reading.config);
      readOrigins(reader, *top, reading.config);
      readRoutes(reader, *top, reading.config);
      placeLoginServices(reader, *document.root, reading.config);
      readRest(reader, *top, reading.config);
      if (files == Files::All) {
        loadPages(reader, reading.config, *access);
      } else if (files == Files::Shown) {
        showPages(reader, reading.config, *access);
      }
    }
  }
  reading.problems = std::move(reader.problems());
  reading.sources = reader.sources();
  reading.files = reader.files();
  reading.config.hash = hash.digits();
  if (access != nullptr) {
    reading.config.files = reading.files;
  }
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
  loaded.hash = reading.config.hash;
  loaded.includes = reading.config.includes;
  const auto rank = [&](const ConfigProblem& problem) {
    return std::find(reading.files.begin(), reading.files.end(), problem.file) - reading.files.begin();
  };
  std::stable_sort(loaded.problems.begin(), loaded.problems.end(), [&](const ConfigProblem& a, const ConfigProblem& b) {
    return std::tuple(rank(a), a.line, a.column) < std::tuple(rank(b), b.line, b.column);
  });
  // What is wrong with a default is wrong wherever it was put in.
  const auto same = [](const ConfigProblem& a, const ConfigProblem& b) {
    return a.file == b.file && a.line == b.line && a.column == b.column && a.message == b.message;
  };
  loaded.problems.erase(std::unique(loaded.problems.begin(), loaded.problems.end(), same), loaded.problems.end());
  if (!hasError(loaded.problems)) {
    if (reading.config.diagnostics.name.empty()) {
      reading.config.diagnostics.name = defaultInstanceName(reading.config);
    }
    loaded.config = std::make_shared<const Config>(std::move(reading.config));
  }
  return loaded;
}

// The files that a pattern (glob(7)) stands for, in name order. A directory that
// is there and cannot be read is an error: what it holds must not be left out.
Result<std::vector<std::string>, std::string> filesLike(const std::string& pattern) {
  static thread_local std::string unreadable;  // glob() hands its callback no context
  unreadable.clear();
  const auto on_error = [](const char* path, int error) {
    if (error == ENOENT || error == ENOTDIR) {
      return 0;
    }
    unreadable = fmt::format("the directory '{}' cannot be read: {}", path, std::generic_category().message(error));
    return 1;
  };
  glob_t found{};
  const int outcome = ::glob(pattern.c_str(), 0, on_error, &found);
  std::vector<std::string> paths;
  if (outcome == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  if (outcome != 0 && outcome != GLOB_NOMATCH) {
    return Failure{unreadable.empty() ? fmt::format("'{}' cannot be looked up: out of memory", pattern) : unreadable};
  }
  return paths;
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
  return finish(readText(yaml, file, env, nullptr, Files::None));
}

namespace {

// The file with what it includes, or the reason why there is none.
Result<Reading, LoadedConfig> readFileTree(const std::string& path, Pipes pipes, Files files) {
  const auto content = readTextFile(path, kMaxYamlBytes, pipes);
  if (!content) {
    return Failure{onlyProblem(path, fmt::format("cannot be read: {}", content.error()))};
  }
  const EnvLookup environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  const FileAccess access{.list = filesLike,
                          .read = [](const std::string& file) { return readTextFile(file, kMaxYamlBytes); }};
  return readText(*content, path, environment, &access, files);
}

}  // namespace

LoadedConfig loadConfigFile(const std::string& path, Pipes pipes) {
  auto reading = readFileTree(path, pipes, Files::All);
  if (!reading) {
    return std::move(reading).error();
  }
  CheckReport report(reading->files, reading->sources, reading->broken, reading->problems);
  checkConsistency(reading->config, report);
  checkFiles(reading->config, report);
  return finish(std::move(reading).value());
}

LoadedConfig loadUnchecked(const std::string& path) {
  auto reading = readFileTree(path, Pipes::Accepted, Files::Included);
  return reading ? finish(std::move(reading).value()) : std::move(reading).error();
}

LoadedConfig loadShown(const std::string& path) {
  auto reading = readFileTree(path, Pipes::Accepted, Files::Shown);
  return reading ? finish(std::move(reading).value()) : std::move(reading).error();
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
  config.workers = usableCpus();
  return finish(std::move(reading));
}

}  // namespace gatewhy
