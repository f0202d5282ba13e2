// SPDX-License-Identifier: Apache-2.0
#include "config/environment.h"

#include <fmt/format.h>

namespace gatewhy {
namespace {

bool isVariableName(std::string_view name) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  if (name.empty() || kLetters.find(name.front()) == std::string_view::npos) {
    return false;
  }
  for (const char c : name) {
    if (kLetters.find(c) == std::string_view::npos && (c < '0' || c > '9')) {
      return false;
    }
  }
  return true;
}

// What stands between the braces.
Result<std::string, std::string> lookUp(std::string_view inside, const EnvLookup& env) {
  const std::size_t dash = inside.find(":-");
  const std::string_view name = inside.substr(0, dash);
  if (!isVariableName(name)) {
    return Failure{
        fmt::format("'${{{}}}' does not name an environment variable; write ${{NAME}} or ${{NAME:-default}}", inside)};
  }
  std::optional<std::string> value = env(std::string(name));
  if (dash != std::string_view::npos && (!value || value->empty())) {
    const std::string_view fallback = inside.substr(dash + 2);
    if (fallback.find("${") != std::string_view::npos) {
      return Failure{fmt::format("the default of '${{{}}}' cannot hold another variable", name)};
    }
    return std::string(fallback);
  }
  if (!value) {
    return Failure{fmt::format("the environment variable '{0}' is not set (a default would be ${{{0}:-value}})", name)};
  }
  return *std::move(value);
}

}  // namespace

Result<std::string, std::string> expandEnvironment(std::string_view text, const EnvLookup& env, std::size_t& budget) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t dollar = text.find('$', i);
    out.append(text.substr(i, dollar - i));
    if (dollar == std::string_view::npos) {
      break;
    }
    const std::string_view rest = text.substr(dollar);
    if (rest.starts_with("$${")) {
      out.append("${");
      i = dollar + 3;
      continue;
    }
    if (!rest.starts_with("${")) {
      out.push_back('$');
      i = dollar + 1;
      continue;
    }
    const std::size_t end = rest.find('}');
    if (end == std::string_view::npos) {
      return Failure{std::string("'${' is never closed by '}'; a literal '${' is written '$${'")};
    }
    auto value = lookUp(rest.substr(2, end - 2), env);
    if (!value) {
      return value;
    }
    if (value->size() > budget) {
      return Failure{std::string("the environment variables make this configuration too large")};
    }
    budget -= value->size();
    out.append(*value);
    i = dollar + end + 1;
  }
  return out;
}

}  // namespace gatewhy
