// SPDX-License-Identifier: Apache-2.0
// diagnostics.pages: the keys, and the files that they name.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>
#include <utility>

#include "config/load_parts.h"
#include "config/page_template.h"

namespace gatewhy {
namespace {

constexpr std::size_t kLargestPage = 64UL * 1024;  // each client that reads it holds a copy
constexpr std::size_t kMostPages = 200;
constexpr std::size_t kLongestWords = 200;
constexpr std::string_view kSuffix = ".html";
constexpr std::string_view kDirectoryKey = "diagnostics.pages.directory";

std::string wordsComplaint(const std::string& text) {
  return text.size() <= kLongestWords ? std::string() : fmt::format("is longer than {} octets", kLongestWords);
}

Position placeOf(const Reader& reader, const std::string& path) {
  const auto found = reader.sources().find(path);
  return found == reader.sources().end() ? Position{} : found->second;
}

std::string directoryComplaint(const std::string& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) {
    return fmt::format("the directory '{}' cannot be read: {}", directory, std::generic_category().message(errno));
  }
  return S_ISDIR(status.st_mode) ? std::string() : fmt::format("'{}' is not a directory", directory);
}

// A directory is named, not a pattern.
std::string patternFor(const std::string& directory) {
  std::string pattern;
  for (const char c : directory) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) {
      pattern.push_back('\\');
    }
    pattern.push_back(c);
  }
  return pattern + "/*" + std::string(kSuffix);
}

// "page.html" → "page".
std::string pageName(std::string_view file) {
  file.remove_prefix(file.rfind('/') + 1);  // npos + 1 = 0
  file.remove_suffix(kSuffix.size());
  return std::string(file);
}

void loadPage(Reader& reader, const std::string& file, PagesConfig& pages, const FileAccess& files) {
  const std::string name = pageName(file);
  const Position place = placeOf(reader, std::string(kDirectoryKey));
  if (const std::string complaint = pageNameComplaint(name); !complaint.empty()) {
    reader.warning(place, fmt::format("the page '{}' is not read: {}", file, complaint));
    return;
  }
  const auto content = files.read(file);
  if (!content) {
    reader.error(place, fmt::format("the page '{}' cannot be read: {}", file, content.error()));
    return;
  }
  if (content->size() > kLargestPage) {
    reader.error(place, fmt::format("the page '{}' is larger than {} KiB", file, kLargestPage / kKiB));
    return;
  }
  ParsedPage parsed = parsePage(*content);
  if (!parsed.problems.empty()) {
    const int number = reader.addFile(file);
    for (const PageProblem& problem : parsed.problems) {
      const Position at{.line = problem.line, .column = problem.column, .file = number};
      problem.warning ? reader.warning(at, problem.message) : reader.error(at, problem.message);
    }
  }
  pages.pages.insert_or_assign(name, OwnPage{.file = file, .html = std::move(parsed.html)});
}

// Every page that a route names, each of which must be one.
std::set<std::string, std::less<>> namedPages(Reader& reader, const Config& config) {
  const PagesConfig& pages = config.diagnostics.pages;
  std::set<std::string, std::less<>> names;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const auto& respond = config.routes[i].respond;
    if (!respond || respond->page.empty()) {
      continue;
    }
    names.insert(respond->page);
    if (pages.named(respond->page) != nullptr) {
      continue;
    }
    std::vector<std::string_view> known;
    for (const auto& [name, page] : pages.pages) {
      known.emplace_back(name);
    }
    reader.error(placeOf(reader, fmt::format("routes[{}].respond.page", i)),
                 pages.directory.empty()
                     ? fmt::format("there is no page '{}': 'diagnostics.pages.directory' is not set", respond->page)
                     : fmt::format("there is no '{}.html' in '{}'{}", respond->page, pages.directory,
                                   reader.suggestion(respond->page, known)));
  }
  return names;
}

}  // namespace

std::string pageNameComplaint(const std::string& name) {
  constexpr std::size_t kLongestName = 64;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (name.ends_with(kSuffix)) {
    return fmt::format("'{}': write '{}'; the file's '.html' is added", name,
                       name.substr(0, name.size() - kSuffix.size()));
  }
  return !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), plain)
             ? std::string()
             : fmt::format("'{}' is not a page's name: letters, digits, '_' and '-'", name);
}

void readPages(Section& section, PagesConfig& pages) {
  section.read("directory", pages.directory);
  section.read("name", pages.name, wordsComplaint);
  section.read("contact", pages.contact, wordsComplaint);
}

void loadPages(Reader& reader, Config& config, const FileAccess& files) {
  PagesConfig& pages = config.diagnostics.pages;
  if (!pages.directory.empty()) {
    const Position place = placeOf(reader, std::string(kDirectoryKey));
    if (const std::string complaint = directoryComplaint(pages.directory); !complaint.empty()) {
      reader.error(place, complaint);
      return;
    }
    const auto listed = files.list(patternFor(pages.directory));
    if (!listed) {
      reader.error(place, listed.error());
      return;
    }
    const std::vector<std::string>& found = listed.value();
    if (found.size() > kMostPages) {
      reader.error(place, fmt::format("'{}' has more than {} pages", pages.directory, kMostPages));
      return;
    }
    if (found.empty()) {
      reader.warning(place,
                     fmt::format("'{}' has no pages: name them 404.html, 5xx.html, maintenance.html", pages.directory));
    }
    for (const std::string& file : found) {
      loadPage(reader, file, pages, files);
    }
  }
  const auto names = namedPages(reader, config);
  for (const auto& [name, page] : pages.pages) {
    if (!isStatusPage(name) && name != "maintenance" && names.count(name) == 0) {
      reader.warning(placeOf(reader, std::string(kDirectoryKey)),
                     fmt::format("the page '{}' is never shown: it is named after no status (404) or class (5xx), and "
                                 "no route's 'respond.page' is '{}'",
                                 page.file, name));
    }
  }
}

}  // namespace gatewhy
