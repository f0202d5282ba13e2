// SPDX-License-Identifier: Apache-2.0
// One exchange event, as it stands in the log, told to a person: each try
// with its phases on a line of time, the evidence, and who must act. `probe`
// and `why` tell the same story.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/commands/text_style.h"

namespace gatewhy {

// What is known beyond the event, by phase key ("tls_handshake"): a line each.
using PhaseNotes = std::map<std::string, std::string, std::less<>>;

// A line of a log as an event. nullopt: no JSON object, or one that is nested
// deeper than any event, which walking through it would not survive.
[[nodiscard]] std::optional<nlohmann::ordered_json> parseEvent(std::string_view line);

// The whole story, of what parseEvent() gave. Survives any JSON: what is absent or of another type is
// left out. Pure.
[[nodiscard]] std::string tellStory(const nlohmann::ordered_json& event, const TextStyle& style);

// Its parts.
void appendTries(std::string& out, const nlohmann::ordered_json& event, const PhaseNotes& notes,
                 const TextStyle& style);
// Nothing where the event has no diagnosis.
void appendDiagnosis(std::string& out, const nlohmann::ordered_json& event, const TextStyle& style);

// The text at "a.b.c", harmless(); "" where there is none.
[[nodiscard]] std::string textAt(const nlohmann::ordered_json& json, std::string_view path);
[[nodiscard]] std::optional<double> numberAt(const nlohmann::ordered_json& json, std::string_view path);

}  // namespace gatewhy
