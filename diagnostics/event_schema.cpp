// SPDX-License-Identifier: Apache-2.0
// JSON Schema of the log event, made from the key tables.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/event.h"
#include "diagnostics/event_keys.h"
#include "diagnostics/json_writer.h"

namespace gatewhy {
namespace {

// The dotted paths of a section as a tree.
struct Node {
  std::string_view member;
  const KeyRow* row = nullptr;  // null: an object that only groups others
  std::vector<Node> members;

  [[nodiscard]] bool required() const {
    return (row != nullptr && row->presence == KeyPresence::Always) ||
           (row == nullptr && std::any_of(members.begin(), members.end(), [](const Node& n) { return n.required(); }));
  }
};

void insert(Node& node, std::string_view path, const KeyRow& row) {
  const std::size_t dot = path.find('.');
  const std::string_view head = path.substr(0, dot);
  auto child = std::find_if(node.members.begin(), node.members.end(), [&](const Node& n) { return n.member == head; });
  if (child == node.members.end()) {
    child = node.members.insert(node.members.end(), Node{head, nullptr, {}});
  }
  if (dot == std::string_view::npos) {
    child->row = &row;
  } else {
    insert(*child, path.substr(dot + 1), row);
  }
}

Node treeOf(KeySection section) {
  Node root;
  for (const KeyRow& row : eventKeys(section)) {
    insert(root, row.path, row);
  }
  return root;
}

void writeStringSchema(JsonWriter& json) {
  json.member("type", "string");
  json.memberInteger("minLength", 1);
}

void writeWords(JsonWriter& json, KeyType type) {
  json.member("type", "string");
  json.beginArray("enum");
  for (const std::string_view word : wordsOf(type)) {
    json.string(word);
  }
  json.endArray();
}

// A section can be open: lifecycle events carry facts of their own.
enum class Extra : std::uint8_t { Forbidden, Facts };

void writeNode(JsonWriter& json, const Node& node);

void writeFactSchema(JsonWriter& json) {
  json.beginObject("additionalProperties");
  json.beginArray("anyOf");
  json.beginObject();
  writeStringSchema(json);
  json.endObject();
  json.beginObject();
  json.member("type", "number");
  json.endObject();
  json.beginObject();
  json.member("type", "array");
  json.beginObject("items");
  json.member("type", "string");
  json.endObject();
  json.endObject();
  json.endArray();
  json.endObject();
}

void writeObjectSchema(JsonWriter& json, const Node& node, Extra extra) {
  json.member("type", "object");
  json.beginObject("properties");
  for (const Node& child : node.members) {
    json.beginObject(child.member);
    writeNode(json, child);
    json.endObject();
  }
  json.endObject();
  if (std::any_of(node.members.begin(), node.members.end(), [](const Node& n) { return n.required(); })) {
    json.beginArray("required");
    for (const Node& child : node.members) {
      if (child.required()) {
        json.string(child.member);
      }
    }
    json.endArray();
  }
  if (extra == Extra::Facts) {
    writeFactSchema(json);
  } else {
    json.memberBoolean("additionalProperties", false);
  }
}

void writeReference(JsonWriter& json, std::string_view target) {
  json.member("$ref", target);
}

void writeListOf(JsonWriter& json, const Node& node) {
  json.member("type", "array");
  json.memberInteger("minItems", 1);
  json.beginObject("items");
  if (node.row->type == KeyType::ObjectList) {
    writeObjectSchema(json, node, Extra::Forbidden);
  } else if (node.row->type == KeyType::TryList) {
    writeReference(json, "#/$defs/try");
  } else if (node.row->type == KeyType::FindingList) {
    writeWords(json, node.row->type);
  } else {
    json.member("type", "string");
  }
  json.endObject();
}

void writeTyped(JsonWriter& json, const Node& node) {
  switch (node.row->type) {
    case KeyType::String:
      writeStringSchema(json);
      return;
    case KeyType::Integer:
      json.member("type", "integer");
      json.memberInteger("minimum", 0);
      return;
    case KeyType::Number:
      json.member("type", "number");
      return;
    case KeyType::Boolean:
      json.member("type", "boolean");
      return;
    case KeyType::Object:
      writeObjectSchema(json, node, Extra::Forbidden);
      return;
    case KeyType::StringList:
    case KeyType::ObjectList:
    case KeyType::TryList:
    case KeyType::FindingList:
      writeListOf(json, node);
      return;
    case KeyType::Timestamp:
      json.member("type", "string");
      json.member("format", "date-time");
      json.member("pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$");
      return;
    case KeyType::Timings:
      writeReference(json, "#/$defs/timings");
      return;
    case KeyType::Diagnosis:
      writeReference(json, "#/$defs/diagnosis");
      return;
    case KeyType::Evidence:
      writeReference(json, "#/$defs/evidence");
      return;
    case KeyType::Severity:
    case KeyType::ExchangeName:
    case KeyType::LifecycleName:
    case KeyType::Outcome:
    case KeyType::GeneratedBy:
    case KeyType::Cause:
    case KeyType::Phase:
    case KeyType::Blame:
    case KeyType::ProxyError:
    case KeyType::Retry:
      writeWords(json, node.row->type);
      return;
  }
}

void writeNode(JsonWriter& json, const Node& node) {
  if (node.row == nullptr) {
    writeObjectSchema(json, node, Extra::Forbidden);
    return;
  }
  json.member("description", node.row->text);
  writeTyped(json, node);
}

void writeDefinition(JsonWriter& json, std::string_view name, KeySection section, Extra extra = Extra::Forbidden) {
  json.beginObject(name);
  writeObjectSchema(json, treeOf(section), extra);
  json.endObject();
}

}  // namespace

std::string eventSchema() {
  std::string out;
  JsonWriter json(out);
  json.beginObject();
  json.member("$schema", "https://json-schema.org/draft/2020-12/schema");
  json.member("title", "gatewhy log event");
  json.beginArray("oneOf");
  for (const std::string_view target : {"#/$defs/exchange", "#/$defs/lifecycle"}) {
    json.beginObject();
    writeReference(json, target);
    json.endObject();
  }
  json.endArray();
  json.beginObject("$defs");
  writeDefinition(json, "exchange", KeySection::Exchange);
  writeDefinition(json, "lifecycle", KeySection::Lifecycle, Extra::Facts);
  writeDefinition(json, "try", KeySection::Try);
  writeDefinition(json, "timings", KeySection::Timings);
  writeDefinition(json, "diagnosis", KeySection::Diagnosis);
  writeDefinition(json, "evidence", KeySection::Evidence);
  json.endObject();
  json.endObject();
  out += '\n';
  return out;
}

}  // namespace gatewhy
