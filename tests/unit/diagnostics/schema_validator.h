// SPDX-License-Identifier: Apache-2.0
// Just enough of JSON Schema (2020-12) to validate log events: the keywords
// that eventSchema() uses. An unknown keyword is a failure, so that a growing
// schema cannot be half checked.
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

namespace gatewhy::test {

class SchemaValidator {
 public:
  explicit SchemaValidator(const std::string& schema) : root_(nlohmann::json::parse(schema)) {}

  // Every violation, as "/path: what"; empty = valid.
  [[nodiscard]] std::vector<std::string> problems(const nlohmann::json& value) const {
    std::vector<std::string> found;
    check(root_, value, "", found);
    return found;
  }

 private:
  using Json = nlohmann::json;
  using Problems = std::vector<std::string>;

  void check(const Json& schema, const Json& value, const std::string& path, Problems& found) const {
    for (const auto& [keyword, rule] : schema.items()) {
      if (keyword == "$ref") {
        check(root_.at(Json::json_pointer(rule.get<std::string>().substr(1))), value, path, found);
      } else if (keyword == "type") {
        if (!hasType(value, rule.get<std::string>())) {
          found.push_back(path + ": is no " + rule.get<std::string>());
        }
      } else if (keyword == "enum") {
        if (std::find(rule.begin(), rule.end(), value) == rule.end()) {
          found.push_back(path + ": not one of the words: " + value.dump());
        }
      } else if (keyword == "pattern") {
        if (value.is_string() && !std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()))) {
          found.push_back(path + ": does not match the pattern");
        }
      } else if (keyword == "minLength") {
        if (value.is_string() && value.get_ref<const std::string&>().size() < rule.get<std::size_t>()) {
          found.push_back(path + ": too short");
        }
      } else if (keyword == "minItems") {
        if (value.is_array() && value.size() < rule.get<std::size_t>()) {
          found.push_back(path + ": too few items");
        }
      } else if (keyword == "minimum") {
        if (value.is_number() && value.get<double>() < rule.get<double>()) {
          found.push_back(path + ": too small");
        }
      } else if (keyword == "items") {
        checkItems(rule, value, path, found);
      } else if (keyword == "properties") {
        checkMembers(schema, value, path, found);
      } else if (keyword == "required") {
        checkRequired(rule, value, path, found);
      } else if (keyword == "oneOf" || keyword == "anyOf") {
        checkChoice(rule, value, path, keyword == "oneOf", found);
      } else if (!isAnnotation(keyword)) {
        found.push_back(path + ": the validator does not know " + keyword);
      }
    }
  }

  void checkItems(const Json& rule, const Json& value, const std::string& path, Problems& found) const {
    for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
      check(rule, value[i], path + "/" + std::to_string(i), found);
    }
  }

  void checkMembers(const Json& schema, const Json& value, const std::string& path, Problems& found) const {
    if (!value.is_object()) {
      return;
    }
    for (const auto& [name, member] : value.items()) {
      if (schema["properties"].contains(name)) {
        check(schema["properties"][name], member, path + "/" + name, found);
      } else if (const Json extra = schema.value("additionalProperties", Json(true)); extra == false) {
        found.push_back(path + "/" + name + ": no such key");
      } else if (extra.is_object()) {
        check(extra, member, path + "/" + name, found);
      }
    }
  }

  static void checkRequired(const Json& rule, const Json& value, const std::string& path, Problems& found) {
    for (const Json& name : rule) {
      if (value.is_object() && !value.contains(name.get<std::string>())) {
        found.push_back(path + "/" + name.get<std::string>() + ": is missing");
      }
    }
  }

  // On failure the problems of the alternative that comes nearest are shown.
  void checkChoice(const Json& rule, const Json& value, const std::string& path, bool exactly_one,
                   Problems& found) const {
    std::size_t matches = 0;
    Problems nearest;
    for (const Json& alternative : rule) {
      Problems inner;
      check(alternative, value, path, inner);
      matches += inner.empty() ? 1 : 0;
      if (nearest.empty() || inner.size() < nearest.size()) {
        nearest = inner;
      }
    }
    if (matches == 0) {
      found.insert(found.end(), nearest.begin(), nearest.end());
    } else if (exactly_one && matches > 1) {
      found.push_back(path + ": matches more than one alternative");
    }
  }

  static bool hasType(const Json& value, const std::string& type) {
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
           (type == "integer" && value.is_number_integer()) || (type == "number" && value.is_number());
  }

  static bool isAnnotation(const std::string& keyword) {
    return keyword == "$schema" || keyword == "$defs" || keyword == "title" || keyword == "description" ||
           keyword == "format" || keyword == "additionalProperties";
  }

  Json root_;
};

}  // namespace gatewhy::test
