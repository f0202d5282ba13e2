// SPDX-License-Identifier: Apache-2.0
#include "tests/support/json_schema.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <regex>

namespace gatewhy::test {
namespace {

using nlohmann::json;

bool isType(const json& value, const std::string& type) {
  if (type == "integer") {
    return value.is_number_integer() ||
           (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
  }
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "number" && value.is_number()) ||
         (type == "boolean" && value.is_boolean()) || (type == "null" && value.is_null());
}

class Validator {
 public:
  explicit Validator(const json& root) : root_(root) {}

  void check(const json& schema, const json& value, const std::string& at) {
    if (schema.is_boolean()) {
      if (!schema.get<bool>()) {
        report(at, "is not allowed");
      }
      return;
    }
    for (const auto& [keyword, rule] : schema.items()) {
      if (!isAnnotation(keyword) && !checkKeyword(keyword, rule, schema, value, at)) {
        report(at, fmt::format("the schema uses the keyword '{}', which this validator does not know", keyword));
      }
    }
  }
  std::vector<std::string> problems;

 private:
  void report(const std::string& at, const std::string& what) {
    problems.push_back(fmt::format("{}: {}", at.empty() ? "/" : at, what));
  }
  bool holds(const json& schema, const json& value) const {
    Validator inner(root_);
    inner.check(schema, value, "");
    return inner.problems.empty();
  }
  static bool isAnnotation(const std::string& keyword) {
    constexpr std::array<std::string_view, 12> kNames = {
        "$schema", "$id",      "$defs", "$comment", "title",       "format",
        "default", "examples", "then",  "else",     "description", "additionalProperties"};  // with "properties"
    return std::find(kNames.begin(), kNames.end(), keyword) != kNames.end();
  }

  bool checkKeyword(const std::string& keyword, const json& rule, const json& schema, const json& value,
                    const std::string& at) {
    return checkValue(keyword, rule, value, at) || checkParts(keyword, rule, schema, value, at) ||
           checkCombination(keyword, rule, schema, value, at);
  }

  bool checkValue(const std::string& keyword, const json& rule, const json& value, const std::string& at) {
    if (keyword == "type") {
      const json types = rule.is_array() ? rule : json::array({rule});
      if (std::none_of(types.begin(), types.end(), [&](const json& type) { return isType(value, type); })) {
        report(at, fmt::format("is not of type {}", rule.dump()));
      }
    } else if (keyword == "enum") {
      if (std::find(rule.begin(), rule.end(), value) == rule.end()) {
        report(at, fmt::format("{} is none of {}", value.dump(), rule.dump()));
      }
    } else if (keyword == "const") {
      if (value != rule) {
        report(at, fmt::format("{} is not {}", value.dump(), rule.dump()));
      }
    } else if (keyword == "minimum" || keyword == "maximum") {
      if (value.is_number() && (keyword == "minimum" ? value < rule : value > rule)) {
        report(at, fmt::format("{} is beyond the {} {}", value.dump(), keyword, rule.dump()));
      }
    } else if (keyword == "minLength" || keyword == "minItems" || keyword == "minProperties") {
      const std::size_t size = value.is_string() ? value.get_ref<const std::string&>().size() : value.size();
      if (size < rule.get<std::size_t>()) {
        report(at, fmt::format("is shorter than {}", rule.dump()));
      }
    } else if (keyword == "pattern") {
      if (value.is_string() && !std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()))) {
        report(at, fmt::format("{} does not match {}", value.dump(), rule.dump()));
      }
    } else {
      return false;
    }
    return true;
  }

  bool checkParts(const std::string& keyword, const json& rule, const json& schema, const json& value,
                  const std::string& at) {
    if (keyword == "properties") {
      checkMembers(rule, schema, value, at);
    } else if (keyword == "required") {
      for (const json& name : rule) {
        if (value.is_object() && !value.contains(name.get<std::string>())) {
          report(at, fmt::format("lacks {}", name.dump()));
        }
      }
    } else if (keyword == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
        check(rule, value[i], fmt::format("{}/{}", at, i));
      }
    } else {
      return false;
    }
    return true;
  }

  void checkMembers(const json& rule, const json& schema, const json& value, const std::string& at) {
    if (!value.is_object()) {
      return;
    }
    const json others = schema.value("additionalProperties", json(true));
    for (const auto& [name, member] : value.items()) {
      const auto known = rule.find(name);
      check(known != rule.end() ? *known : others, member, fmt::format("{}/{}", at, name));
    }
  }

  bool checkCombination(const std::string& keyword, const json& rule, const json& schema, const json& value,
                        const std::string& at) {
    if (keyword == "$ref") {
      check(root_.at(json::json_pointer(rule.get<std::string>().substr(1))), value, at);
    } else if (keyword == "allOf") {
      for (const json& part : rule) {
        check(part, value, at);
      }
    } else if (keyword == "anyOf" || keyword == "oneOf") {
      const auto fits = std::count_if(rule.begin(), rule.end(), [&](const json& part) { return holds(part, value); });
      if (fits == 0 || (keyword == "oneOf" && fits != 1)) {
        report(at, fmt::format("fits {} of the alternatives", fits));
      }
    } else if (keyword == "not") {
      if (holds(rule, value)) {
        report(at, "fits what it must not");
      }
    } else if (keyword == "if") {
      const char* const branch = holds(rule, value) ? "then" : "else";
      if (schema.contains(branch)) {
        check(schema[branch], value, at);
      }
    } else {
      return false;
    }
    return true;
  }

  const json& root_;
};

}  // namespace

std::vector<std::string> schemaProblems(const json& schema, const json& instance) {
  Validator validator(schema);
  validator.check(schema, instance, "");
  return validator.problems;
}

}  // namespace gatewhy::test
