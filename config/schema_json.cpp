// SPDX-License-Identifier: Apache-2.0
// The JSON Schema (2020-12) of the configuration, for editors and CI.
#include <string>

#include "config/load.h"
#include "config/schema.h"
#include "diagnostics/cause.h"
#include "diagnostics/json_writer.h"

namespace gatewhy {
namespace {

constexpr std::string_view kReference = "#/$defs/";

// `code` in single quotes: descriptions are shown as plain text.
std::string plain(std::string_view markdown) {
  std::string out(markdown);
  for (char& c : out) {
    c = c == '`' ? '\'' : c;
  }
  return out;
}

class SchemaWriter {
 public:
  explicit SchemaWriter(std::string& out) : json_(out) {}

  void document() {
    json_.beginObject();
    json_.member("$schema", "https://json-schema.org/draft/2020-12/schema");
    json_.member("title", "gatewhy configuration");
    sectionBody("");
    definitions();
    json_.endObject();
  }

 private:
  void type(std::string_view name) { json_.member("type", name); }

  void reference(std::string_view definition) {
    json_.member("$ref", std::string(kReference) + std::string(definition));
  }

  void beginAlternatives() { json_.beginArray("anyOf"); }
  void alternative(std::string_view definition) {
    json_.beginObject();
    reference(definition);
    json_.endObject();
  }

  void definition(std::string_view name, std::string_view pattern) {
    json_.beginObject(name);
    beginAlternatives();
    json_.beginObject();
    json_.memberInteger("const", 0);
    json_.endObject();
    json_.beginObject();
    type("string");
    json_.member("pattern", pattern);
    json_.endObject();
    alternative("variable");
    json_.endArray();
    json_.endObject();
  }

  void definitions() {
    json_.beginObject("$defs");
    json_.beginObject("variable");
    json_.member("description", "A value from the environment: ${NAME} or ${NAME:-default}.");
    type("string");
    json_.member("pattern", "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}");
    json_.endObject();
    definition("duration", "^(0|[1-9][0-9]*(ms|s|m|h))$");
    definition("size", "^(0|[1-9][0-9]*(B|KiB|MiB|GiB))$");
    json_.endObject();
  }

  // The members of an object schema for the keys below `path`.
  void sectionBody(std::string_view path, bool complete = true) {
    type("object");
    json_.beginObject("properties");
    for (const SchemaRow& row : schemaRows()) {
      if (isKey(row) && parentPath(row.path) == path) {
        json_.beginObject(lastPart(row.path));
        value(row);
        json_.endObject();
      }
    }
    json_.endObject();
    if (complete) {
      required(path);
    }
    json_.key("additionalProperties");
    json_.boolean(false);
  }

  void required(std::string_view path) {
    json_.beginArray("required");
    for (const SchemaRow& row : schemaRows()) {
      if (isKey(row) && row.required && parentPath(row.path) == path) {
        json_.string(lastPart(row.path));
      }
    }
    json_.endArray();
  }

  static bool isKey(const SchemaRow& row) { return !row.path.ends_with("[]") && !row.path.ends_with("*"); }

  void value(const SchemaRow& row) {
    json_.member("description", plain(row.text));
    switch (row.type) {
      case ValueType::Section:
        sectionBody(row.path);
        break;
      case ValueType::Partial:
        sectionBody(row.words, false);
        break;
      case ValueType::SectionOrText:
        beginAlternatives();
        json_.beginObject();
        text(row);
        json_.endObject();
        json_.beginObject();
        sectionBody(row.path);
        json_.endObject();
        json_.endArray();
        break;
      case ValueType::SectionOrBoolean:
        beginAlternatives();
        json_.beginObject();
        type("boolean");
        json_.endObject();
        alternative("variable");
        json_.beginObject();
        sectionBody(row.path);
        json_.endObject();
        json_.endArray();
        break;
      case ValueType::WordOrSection:
        beginAlternatives();
        words(row);
        alternative("variable");
        json_.beginObject();
        sectionBody(row.path);
        json_.endObject();
        json_.endArray();
        break;
      case ValueType::List:
        list(row);
        break;
      case ValueType::ListOrText:
        beginAlternatives();
        json_.beginObject();
        text(row);
        json_.endObject();
        json_.beginObject();
        list(row);
        json_.endObject();
        json_.endArray();
        break;
      case ValueType::Map:
        map(row);
        break;
      case ValueType::Text:
      case ValueType::File:
        text(row);
        break;
      case ValueType::Word:
      case ValueType::Boolean:
      case ValueType::Integer:
      case ValueType::IntegerOrAuto:
      case ValueType::Percent:
      case ValueType::Duration:
      case ValueType::DurationOrAuto:
      case ValueType::Size:
        scalar(row);
        break;
    }
  }

  void list(const SchemaRow& row) {
    type("array");
    json_.memberUnsigned("minItems", row.min);
    json_.beginObject("items");
    value(*schemaRow(std::string(row.path) + "[]"));
    json_.endObject();
  }

  void map(const SchemaRow& row) {
    type("object");
    json_.memberUnsigned("minProperties", row.min);
    if (row.path == "diagnostics.statuses") {
      json_.beginObject("propertyNames");
      json_.beginArray("enum");
      for (const CauseInfo& cause : allCauses()) {
        json_.string(cause.name);
      }
      json_.endArray();
      json_.endObject();
    }
    json_.beginObject("additionalProperties");
    value(*schemaRow(std::string(row.path) + ".*"));
    json_.endObject();
  }

  void text(const SchemaRow& row) {
    if (row.pattern.empty()) {
      // A plain number is a text too, to gatewhy.
      json_.beginArray("type");
      json_.string("string");
      json_.string("number");
      json_.endArray();
      return;
    }
    beginAlternatives();
    json_.beginObject();
    type("string");
    json_.member("pattern", row.pattern);
    json_.endObject();
    alternative("variable");
    json_.endArray();
  }

  void scalar(const SchemaRow& row) {
    if (row.type == ValueType::Duration) {
      reference("duration");
      return;
    }
    if (row.type == ValueType::DurationOrAuto) {
      beginAlternatives();
      alternative("duration");
      json_.beginObject();
      json_.member("const", "auto");
      json_.endObject();
      json_.endArray();
      return;
    }
    if (row.type == ValueType::Size) {
      reference("size");
      return;
    }
    beginAlternatives();
    if (row.type == ValueType::Word) {
      words(row);
    } else if (row.type == ValueType::Boolean) {
      json_.beginObject();
      type("boolean");
      json_.endObject();
    } else if (row.type == ValueType::Percent) {
      json_.beginObject();
      type("string");
      json_.member("pattern", "^(0|[1-9][0-9]?|100)%$");
      json_.endObject();
    } else {
      integer(row);
    }
    alternative("variable");
    json_.endArray();
  }

  void words(const SchemaRow& row) {
    json_.beginObject();
    json_.beginArray("enum");
    for (const std::string_view word : splitWords(row.words)) {
      json_.string(word);
      if (word.find_first_not_of("0123456789.") == std::string_view::npos) {
        json_.number(std::stod(std::string(word)));  // 1.2 without quotes
      }
    }
    json_.endArray();
    json_.endObject();
  }

  void integer(const SchemaRow& row) {
    json_.beginObject();
    type("integer");
    json_.memberUnsigned("minimum", row.min);
    json_.memberUnsigned("maximum", row.max);
    json_.endObject();
    if (row.type == ValueType::IntegerOrAuto) {
      json_.beginObject();
      json_.member("const", "auto");
      json_.endObject();
    }
  }

  JsonWriter json_;
};

}  // namespace

std::string configSchema() {
  std::string out;
  SchemaWriter(out).document();
  out += '\n';
  return out;
}

}  // namespace gatewhy
