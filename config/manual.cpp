// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md and gatewhy.yaml(5), from the table and a little prose.
#include <fmt/format.h>

#include <array>
#include <iterator>

#include "config/schema.h"
#include "config/units.h"
#include "diagnostics/man_page.h"

namespace gatewhy {
namespace {

constexpr std::string_view kExample = R"(listeners:
  - address: "0.0.0.0:8080"
origins:
  shop:
    endpoints: ["http://10.0.0.7:8080"]
)";

constexpr std::string_view kIntroduction = R"(# Configuration

One YAML file. `gatewhy check -c FILE` reports every problem in it at once, each with line and column; `gatewhy schema`
prints a JSON Schema for editors. This page is made from the same table that reads the file
(`config/schema.cpp`): after a change there, `make docs` regenerates it.
)";

// One paragraph each.
constexpr auto kRules = std::to_array<std::string_view>({
    "**Strict.** Unknown keys, keys given twice, wrong types and impossible values are errors. So are YAML's aliases, "
    "anchors, tags, directives and second documents; the file is UTF-8 without a byte order mark, 1 MiB at most.",
    "**Durations** have a unit: `250ms`, `5s`, `2m`, `1h`. `0` switches the limit off.",
    "**Sizes** have a unit: `512B`, `16KiB`, `1MiB`, `2GiB`. `0` means no limit.",
    "**Yes and no** are `true` and `false`; `yes`, `on` and the like are errors.",
    "**Environment.** `${NAME}` in a value stands for a variable, `${NAME:-default}` for a variable that may be unset "
    "or empty. A missing one is an error. `$${` is a literal `${`. Between `{` and `}` of YAML, put the value in "
    "quotes.",
    "**Files** are taken from the configuration file's directory where their path is relative.",
});

constexpr std::string_view kPaths =
    "A path such as `origins.*.tls` means: under `origins`, under each name, `tls`. `[]` stands for each element of a "
    "list.";

std::string typeName(const SchemaRow& row) {
  switch (row.type) {
    case ValueType::Section:
      return "section";
    case ValueType::Partial:
      return fmt::format("as `{}`", row.words);
    case ValueType::SectionOrText:
      return "text or section";
    case ValueType::SectionOrBoolean:
      return "`true`, `false` or section";
    case ValueType::List:
      return "list";
    case ValueType::ListOrText:
      return "text or list";
    case ValueType::Map:
      return "map by name";
    case ValueType::Text:
      return "text";
    case ValueType::File:
      return "file";
    case ValueType::Boolean:
      return "`true`, `false`";
    case ValueType::Integer:
      return "number";
    case ValueType::IntegerOrAuto:
      return "number or `auto`";
    case ValueType::Duration:
      return "duration";
    case ValueType::DurationOrAuto:
      return "`auto` or duration";
    case ValueType::Size:
      return "size";
    case ValueType::Percent:
      return "percentage";
    case ValueType::Word:
    case ValueType::WordOrSection:
      break;
  }
  std::string out;
  for (const std::string_view word : splitWords(row.words)) {
    fmt::format_to(std::back_inserter(out), "{}`{}`", out.empty() ? "" : ", ", word);
  }
  out += row.type == ValueType::WordOrSection ? " or section" : "";
  return out;
}

std::string range(const SchemaRow& row) {
  if (row.max == kNoMaximum) {
    return "";
  }
  switch (row.type) {
    case ValueType::Integer:
    case ValueType::IntegerOrAuto:
      return fmt::format(" {}–{}", row.min, row.max);
    case ValueType::Percent:
      return fmt::format(" {}%–{}%", row.min, row.max);
    case ValueType::Size:
      return fmt::format(" {}–{}, or 0", formatSize(row.min), formatSize(row.max));
    case ValueType::Duration:
    case ValueType::DurationOrAuto:
      return fmt::format(" up to {}", formatDuration(std::chrono::milliseconds{static_cast<std::int64_t>(row.max)}));
    default:
      return "";
  }
}

std::string fallback(const SchemaRow& row) {
  if (row.required) {
    return "**required**";
  }
  return row.fallback.empty() ? "" : fmt::format("`{}`", row.fallback);
}

// The key of the top level under which a row stands.
std::string_view topKey(std::string_view path) {
  return path.substr(0, path.find_first_of(".["));
}

}  // namespace

std::string configManual() {
  std::string out(kIntroduction);
  const auto end = std::back_inserter(out);
  fmt::format_to(end, "\nThe smallest configuration:\n\n```yaml\n{}```\n\n## Rules for the whole file\n\n", kExample);
  for (const std::string_view rule : kRules) {
    fmt::format_to(end, "- {}\n", rule);
  }
  fmt::format_to(end, "\n{}\n", kPaths);
  std::string_view section;
  for (const SchemaRow& row : schemaRows()) {
    if (topKey(row.path) != section) {
      section = topKey(row.path);
      fmt::format_to(end, "\n## {}\n\n| key | value | default | |\n| --- | --- | --- | --- |\n", section);
    }
    fmt::format_to(end, "| `{}` | {}{} | {} | {} |\n", row.path, typeName(row), range(row), fallback(row), row.text);
  }
  return out;
}

std::string configManPage() {
  ManPage page("gatewhy.yaml", 5, "configuration of gatewhy", "config/schema.cpp");
  page.section("DESCRIPTION");
  page.paragraph(
      "One YAML file. `gatewhy check -c` *FILE* reports every problem in it at once, each with line and column; "
      "`gatewhy schema` prints a JSON Schema for editors.");
  page.section("EXAMPLE");
  page.example(kExample);
  page.section("RULES");
  for (const std::string_view rule : kRules) {
    page.paragraph(rule);
  }
  page.section("KEYS");
  page.paragraph(kPaths);
  std::string_view section;
  for (const SchemaRow& row : schemaRows()) {
    if (topKey(row.path) != section) {
      section = topKey(row.path);
      page.subsection(section);
    }
    page.tagged(row.path, row.text);
    page.detail("Value", typeName(row) + range(row));
    page.detail("Default", fallback(row));
  }
  page.seeAlso("gatewhy(1)");
  page.seeAlso("gatewhy-causes(7)");
  return page.take();
}

}  // namespace gatewhy
