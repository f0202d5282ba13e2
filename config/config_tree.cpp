// SPDX-License-Identifier: Apache-2.0
#include "config/config_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/schema.h"
#include "config/section.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMostIncludedFiles = 1000;
constexpr std::array<std::string_view, 3> kMayBeIncluded{"listeners", "origins", "routes"};

YamlEntry* entryOf(YamlNode& map, std::string_view key) {
  const auto found =
      std::find_if(map.entries.begin(), map.entries.end(), [key](const YamlEntry& entry) { return entry.key == key; });
  return found == map.entries.end() ? nullptr : &*found;
}

void markFile(YamlNode& node, int file) {
  node.at.file = file;
  for (YamlNode& item : node.items) {
    markFile(item, file);
  }
  for (YamlEntry& entry : node.entries) {
    entry.at.file = file;
    markFile(entry.value, file);
  }
}

// Adds the elements of `from`, of the same kind, to `into`.
void append(Reader& reader, YamlEntry& into, YamlEntry from) {
  YamlNode& node = into.value;
  if (node.kind != from.value.kind) {
    reader.error(from.value.at, wrongKind(from.key, node.kind == YamlNode::Kind::Map ? "a map" : "a list", from.value));
    return;
  }
  std::move(from.value.items.begin(), from.value.items.end(), std::back_inserter(node.items));
  for (YamlEntry& entry : from.value.entries) {
    if (const YamlEntry* first = entryOf(node, entry.key)) {
      reader.error(entry.at, fmt::format("'{}' is already in {}, line {}", entry.key, reader.fileName(first->at.file),
                                         first->at.line));
    } else {
      node.entries.push_back(std::move(entry));
    }
  }
}

void takeFile(Reader& reader, YamlNode& root, const std::string& path, Position named_at, const FileAccess& files) {
  const auto content = files.read(path);
  if (!content) {
    reader.error(named_at, fmt::format("'{}' cannot be read: {}", path, content.error()));
    return;
  }
  const int file = reader.addFile(path);
  YamlDocument document = parseYaml(*content);
  for (const YamlProblem& problem : document.problems) {
    reader.error({problem.at.line, problem.at.column, file}, problem.message);
  }
  if (!document.root || document.root->kind == YamlNode::Kind::Null) {
    return;
  }
  markFile(*document.root, file);
  if (document.root->kind != YamlNode::Kind::Map) {
    reader.error(document.root->at, wrongKind("the file", "a map of keys and values", *document.root));
    return;
  }
  for (YamlEntry& entry : document.root->entries) {
    if (std::find(kMayBeIncluded.begin(), kMayBeIncluded.end(), entry.key) == kMayBeIncluded.end()) {
      reader.error(entry.at, fmt::format("'{}' belongs in the main file; an included one holds listeners, origins and "
                                         "routes",
                                         entry.key));
    } else if (YamlEntry* known = entryOf(root, entry.key)) {
      append(reader, *known, std::move(entry));
    } else {
      root.entries.push_back(std::move(entry));
    }
  }
}

void markInherited(YamlNode& node) {
  node.at.inherited = true;
  for (YamlNode& item : node.items) {
    markInherited(item);
  }
  for (YamlEntry& entry : node.entries) {
    entry.at.inherited = true;
    markInherited(entry.value);
  }
}

// `own` wins; where both are maps, key by key.
void merge(YamlNode& own, const YamlNode& fallback) {
  if (own.kind != YamlNode::Kind::Map || fallback.kind != YamlNode::Kind::Map) {
    return;
  }
  for (const YamlEntry& entry : fallback.entries) {
    if (YamlEntry* known = entryOf(own, entry.key)) {
      merge(known->value, entry.value);
    } else {
      own.entries.push_back(entry);
      own.entries.back().at.inherited = true;
      markInherited(own.entries.back().value);
    }
  }
}

struct DefaultKind {
  std::string_view key;      // in `defaults`
  std::string_view section;  // whose keys it holds
  std::vector<std::string_view> excluded;
};

// What tells one route or origin from the others is no default.
const std::array<DefaultKind, 2>& defaultKinds() {
  static const std::array<DefaultKind, 2> kKinds{
      {{"origin", "origins.*", {"endpoints"}},
       {"route",
        "routes[]",
        {"host", "hosts", "path", "path_exact", "path_regex", "match", "origin", "origins", "respond", "redirect",
         "rewrite", "strip_prefix"}}}};
  return kKinds;
}

// The map under defaults.KEY, judged; null where there is none.
const YamlNode* defaultsOf(Reader& reader, YamlNode& defaults, const DefaultKind& kind) {
  YamlEntry* entry = entryOf(defaults, kind.key);
  if (entry == nullptr) {
    return nullptr;
  }
  if (entry->value.kind != YamlNode::Kind::Map) {
    reader.error(entry->value.at, wrongKind(kind.key, "a map of keys and values", entry->value));
    return nullptr;
  }
  const auto refused = [&](const YamlEntry& inner) {
    const bool known = schemaRow(fmt::format("{}.{}", kind.section, inner.key)) != nullptr;
    const bool excluded = std::find(kind.excluded.begin(), kind.excluded.end(), inner.key) != kind.excluded.end();
    if (excluded) {
      reader.error(inner.at,
                   fmt::format("'{}' distinguishes one {} from another; it cannot be a default", inner.key, kind.key));
    } else if (!known) {
      reader.error(inner.at, fmt::format("unknown key '{}'{}", inner.key,
                                         reader.suggestion(inner.key, schemaKeys(kind.section))));
    }
    return excluded || !known;
  };
  auto& entries = entry->value.entries;
  entries.erase(std::remove_if(entries.begin(), entries.end(), refused), entries.end());
  return &entry->value;
}

// Without `routes` everything goes to the only origin: that route has defaults too.
void writeOnlyRoute(YamlNode& root, const YamlNode& defaults) {
  const YamlEntry* origins = entryOf(root, "origins");
  if (entryOf(root, "routes") != nullptr || origins == nullptr || origins->value.entries.size() != 1) {
    return;
  }
  const YamlEntry& only = origins->value.entries.front();
  YamlNode name{.kind = YamlNode::Kind::Scalar, .at = defaults.at, .quoted = true, .text = only.key};
  YamlNode route{.kind = YamlNode::Kind::Map, .at = defaults.at};
  route.entries.push_back({.key = "origin", .at = defaults.at, .value = std::move(name)});
  YamlNode routes{.kind = YamlNode::Kind::Sequence, .at = defaults.at};
  routes.items.push_back(std::move(route));
  root.entries.push_back({.key = "routes", .at = defaults.at, .value = std::move(routes)});
}

}  // namespace

void takeIncludes(Reader& reader, YamlNode& root, const FileAccess& files) {
  const YamlEntry* include = root.kind == YamlNode::Kind::Map ? entryOf(root, "include") : nullptr;
  if (include == nullptr || include->value.kind != YamlNode::Kind::Sequence) {
    return;
  }
  const std::vector<YamlNode> patterns = include->value.items;  // `root` grows
  std::size_t left = kMostIncludedFiles;
  for (const YamlNode& node : patterns) {
    const auto pattern = reader.scalar(node, "include", "the path of a file, or a pattern");
    if (!pattern) {
      continue;
    }
    const std::string path = reader.besideFile(pattern->text);
    const auto listed = files.list(path);
    if (!listed) {
      reader.error(node.at, listed.error());  // the routes in there may be the ones that refuse
      continue;
    }
    const std::vector<std::string>& paths = listed.value();
    if (paths.empty() && path.find_first_of("*?[") == std::string::npos) {
      reader.error(node.at, fmt::format("'{}' does not exist", path));
    }
    for (const std::string& one : paths) {
      if (left-- == 0) {
        reader.error(node.at, fmt::format("more than {} files are included", kMostIncludedFiles));
        return;
      }
      takeFile(reader, root, one, node.at, files);
    }
  }
}

void takeDefaults(Reader& reader, YamlNode& root) {
  YamlEntry* entry = root.kind == YamlNode::Kind::Map ? entryOf(root, "defaults") : nullptr;
  if (entry == nullptr) {
    return;
  }
  YamlNode defaults = entry->value;  // `root` grows
  if (!Section::open(reader, {&defaults, "defaults", "defaults", "defaults", entry->at})) {
    return;
  }
  if (const YamlNode* of_origins = defaultsOf(reader, defaults, defaultKinds()[0])) {
    if (YamlEntry* origins = entryOf(root, "origins")) {
      for (YamlEntry& origin : origins->value.entries) {
        merge(origin.value, *of_origins);
      }
    }
  }
  if (const YamlNode* of_routes = defaultsOf(reader, defaults, defaultKinds()[1])) {
    writeOnlyRoute(root, *of_routes);
    if (YamlEntry* routes = entryOf(root, "routes")) {
      for (YamlNode& route : routes->value.items) {
        merge(route, *of_routes);
      }
    }
  }
}

}  // namespace gatewhy
