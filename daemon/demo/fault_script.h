// SPDX-License-Identifier: Apache-2.0
// A peer's behaviour as a list of steps: what `gatewhy demo` serves, what the
// scenario tests put behind and in front of the daemon, what the benchmark
// talks to. Written as one line
//
//   accept, read_head, send "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", reset
//
// or as a YAML list of the same steps, where `{send: TEXT}` takes TEXT as YAML
// gives it. Parsing is pure; script_session.h runs the steps.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diagnostics/result.h"

namespace YAML {
class Node;
}

namespace gatewhy {

enum class StepKind : std::uint8_t {
#define FAULT_STEP(enumerator, ...) enumerator,
#include "daemon/demo/fault_steps.def"
#undef FAULT_STEP
};

// What follows a step's name.
enum class StepArgument : std::uint8_t {
  None,
  Text,          // "quoted", or one bare word
  Count,         // a number
  CountAndText,  // repeat 3 "x", respond 200 "body"
  Duration,      // 250ms, 2s
  Options,       // key=value, any number of them
};

struct Step {
  StepKind kind = StepKind::Accept;
  std::string text;
  std::uint64_t count = 0;
  std::chrono::milliseconds duration{0};
  std::vector<std::pair<std::string, std::string>> options;

  // "" where the option was not given.
  [[nodiscard]] std::string_view option(std::string_view key) const;
  friend bool operator==(const Step&, const Step&) = default;
};

using Script = std::vector<Step>;

struct ScriptError {
  std::size_t line = 0;    // 0-based; 0 for the one-line form
  std::size_t column = 0;  // 0-based offset of the word at fault
  std::string message;
};

[[nodiscard]] std::string_view name(StepKind kind);  // "read_head"

// "accept, read_head, …". Strings know \r \n \t \0 \\ \" and \xHH.
[[nodiscard]] Result<Script, ScriptError> parseScript(std::string_view text);
// A YAML sequence whose items are a step as text, or a map of one step name to
// its argument; a YAML scalar is taken as the one-line form.
[[nodiscard]] Result<Script, ScriptError> parseScript(const YAML::Node& node);

}  // namespace gatewhy
