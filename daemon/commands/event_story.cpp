// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/event_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "diagnostics/cause.h"
#include "diagnostics/grpc_status.h"

namespace gatewhy {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kStoryColumn = 16;  // where values begin

constexpr std::array<std::string_view, 7> kPhases = {"login", "resolve", "connect", "tls_handshake",
                                                     "send",  "wait",    "receive"};

const Json* find(const Json& json, std::string_view path) {
  const Json* at = &json;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    if (!at->is_object()) {
      return nullptr;
    }
    const auto member = at->find(std::string(path.substr(0, dot)));
    if (member == at->end()) {
      return nullptr;
    }
    at = &*member;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return at;
}

// Which line of a try's time the failed phase is.
std::string_view timingOf(const Json& diagnosis, const Json& timings) {
  const std::string phase = textAt(diagnosis, "phase");
  if (phase == name(Phase::Dns)) {
    return "resolve";
  }
  if (phase == name(Phase::Connect)) {
    return "connect";
  }
  if (phase == name(Phase::TlsHandshake)) {
    return "tls_handshake";
  }
  if (phase == name(Phase::RequestWrite)) {
    return "send";
  }
  if (phase == name(Phase::ResponseHead)) {
    return timings.contains("receive") ? "receive" : "wait";
  }
  return phase == name(Phase::ResponseBody) || phase == name(Phase::Upgrade) ? "receive" : "";
}

void appendPhases(std::string& out, const Json& attempt, const PhaseNotes& notes, const TextStyle& style) {
  const Json* timings = find(attempt, "timings");
  if (timings == nullptr || !timings->is_object()) {
    return;
  }
  const Json* diagnosis = find(attempt, "diagnosis");
  const std::string_view failed = diagnosis == nullptr ? "" : timingOf(*diagnosis, *timings);
  double sum = 0;
  for (const std::string_view phase : kPhases) {
    sum += std::max(0.0, numberAt(*timings, phase).value_or(0));
  }
  constexpr std::size_t kBarAt = 29;
  const std::size_t cells = std::clamp<std::size_t>(style.width - kBarAt - 4, 10, 60);
  double begin = 0;
  for (const std::string_view phase : kPhases) {
    const auto ms = numberAt(*timings, phase);
    if (!ms) {
      continue;
    }
    const bool at_fault = phase == failed;
    const double end = begin + std::max(0.0, *ms);
    const std::string drawn = sum > 0 && std::isfinite(sum) ? span(begin / sum, end / sum, cells, style) : "";
    fmt::format_to(std::back_inserter(out), "  {:<14}{:>11}  {}{}\n", phase, millisText(*ms),
                   paint(drawn, at_fault ? Ink::Red : Ink::Cyan, style),
                   at_fault ? paint(style.unicode ? " ✗" : " x", Ink::Red, style) : "");
    if (const auto note = notes.find(phase); note != notes.end()) {
      appendWrapped(out, "", note->second, kBarAt, style);
    }
    begin = end;
  }
}

std::string shown(const Json& value) {
  return harmless(value.is_string() ? value.get<std::string>() : value.dump());
}

// The JSON is no deeper than parseEvent() lets through, which bounds this.
void appendEvidence(std::string& out, const Json& evidence, const std::string& prefix, const TextStyle& style) {
  constexpr std::size_t kValueAt = 30;
  for (const auto& [key, value] : evidence.items()) {
    if (prefix.empty() && key == "later") {
      continue;  // told apart
    }
    const std::string label = "  " + harmless(prefix + key) + " ";
    if (value.is_object()) {
      appendEvidence(out, value, prefix + key + ".", style);
    } else if (value.is_array() && !value.empty() && value.front().is_object()) {
      std::size_t n = 0;
      for (const Json& item : value) {
        appendEvidence(out, item.is_object() ? item : Json::object(), fmt::format("{}{}[{}].", prefix, key, n++),
                       style);
      }
    } else if (value.is_array()) {
      std::string list;
      for (const Json& item : value) {
        list += (list.empty() ? "" : ", ") + shown(item);
      }
      appendWrapped(out, label, list, kValueAt, style);
    } else {
      appendWrapped(out, label, shown(value), kValueAt, style);
    }
  }
}

void appendTryTitle(std::string& out, const Json& attempt, std::size_t number, std::size_t of, const TextStyle& style) {
  std::string place = textAt(attempt, "endpoint");
  const std::string peer = textAt(attempt, "peer.address");
  if (!peer.empty() && peer != place) {
    place += " (" + peer + ")";
  }
  const Json* reused = find(attempt, "connection_reused");
  if (reused != nullptr && reused->is_boolean() && reused->get<bool>()) {
    place += ", on a kept connection";
  }
  if (const auto stream = numberAt(attempt, "diagnosis.evidence.stream")) {
    place += fmt::format(", stream {:.0f} of HTTP/2", *stream);
  } else if (const std::string version = textAt(attempt, "peer.protocol.version"); !version.empty()) {
    place += ", by HTTP/" + version;
  }
  const std::string label = of > 1 ? fmt::format("Try {} of {}", number, of) : "To";
  appendWrapped(out, label, place, kStoryColumn, style);
}

void appendCauseLine(std::string& out, const Json& diagnosis, const TextStyle& style) {
  const std::string cause = textAt(diagnosis, "cause");
  if (!cause.empty()) {
    out += "  " + paint(style.unicode ? "✗ " + cause : "x " + cause, Ink::Red, style) + "\n";
    appendWrapped(out, "", textAt(diagnosis, "summary"), 4, style);
  }
}

// "14 UNAVAILABLE"; "" where the event is of no call, or of one without a status.
std::string grpcText(const Json& event) {
  const auto code = numberAt(event, "rpc.grpc.status_code");
  return code ? fmt::format("{:.0f} {}", *code, grpcStatusName(static_cast<std::uint32_t>(*code))) : std::string();
}

std::string headline(const Json& event, const TextStyle& style) {
  const std::string query = textAt(event, "url.query");
  const std::string method = textAt(event, "http.request.method");
  std::string what = (method.empty() ? "a request that was not understood" : method) + " ";
  const std::string scheme = textAt(event, "url.scheme");
  const std::string host = textAt(event, "server.address");
  what += (scheme.empty() || host.empty() ? "" : scheme + "://") + host + textAt(event, "url.path");
  what += query.empty() ? "" : "?" + query;
  const std::string outcome = textAt(event, "outcome");
  const auto status = numberAt(event, "http.response.status_code");
  const std::string by = textAt(event, "generated_by");
  std::string how = status ? fmt::format("{:.0f}", *status) : "no answer";
  how += by.empty() ? "" : " from the " + by;
  if (const std::string call = grpcText(event); !call.empty()) {
    how += ", gRPC " + call;
  }
  how += outcome.empty() ? "" : ", " + outcome;
  std::string out = paint(what, Ink::Bold, style) + "\n";
  const Ink ink = outcome == "success" ? Ink::Green : (outcome == "aborted" ? Ink::Yellow : Ink::Red);
  return out + (style.unicode ? "→ " : "-> ") + paint(how, ink, style) + "\n\n";
}

void appendFact(std::string& out, std::string_view label, const std::string& text, const TextStyle& style) {
  if (!text.empty()) {
    appendWrapped(out, label, text, kStoryColumn, style);
  }
}

// An origin's own failure, of a call of gRPC.
void appendOwnFailure(std::string& out, const Json& event, const TextStyle& style) {
  const auto code = numberAt(event, "rpc.grpc.status_code");
  if (!code || textAt(event, "outcome") != "failure") {
    return;
  }
  const auto number = static_cast<std::uint32_t>(*code);
  out += "\n" + paint(grpcText(event), Ink::Red, style) + "  said by the origin itself\n";
  if (number < kGrpcStatusCount) {
    appendFact(out, "  what", std::string(info(static_cast<GrpcStatus>(number)).meaning), style);
  }
  appendFact(out, "  its message", textAt(event, "rpc.grpc.status_message"), style);
}

}  // namespace

std::optional<Json> parseEvent(std::string_view line) {
  constexpr int kDeepest = 32;  // an event of ours has six levels
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      i += c == '\\' ? 1 : 0;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest) {
        return std::nullopt;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  Json event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  return event.is_object() ? std::optional(std::move(event)) : std::nullopt;
}

std::string textAt(const Json& json, std::string_view path) {
  const Json* at = find(json, path);
  return at != nullptr && at->is_string() ? harmless(at->get<std::string>()) : std::string();
}

std::optional<double> numberAt(const Json& json, std::string_view path) {
  const Json* at = find(json, path);
  return at != nullptr && at->is_number() ? std::optional(at->get<double>()) : std::nullopt;
}

void appendTries(std::string& out, const Json& event, const PhaseNotes& notes, const TextStyle& style) {
  const Json* tries = find(event, "tries");
  if (tries == nullptr || !tries->is_array() || tries->empty()) {
    if (!textAt(event, "endpoint").empty()) {
      appendTryTitle(out, event, 1, 1, style);
      appendPhases(out, event, notes, style);
    }
    return;
  }
  std::size_t number = 0;
  for (const Json& attempt : *tries) {
    ++number;
    appendTryTitle(out, attempt, number, tries->size(), style);
    appendPhases(out, attempt, number == tries->size() ? notes : PhaseNotes{}, style);
    if (const Json* diagnosis = find(attempt, "diagnosis"); diagnosis != nullptr && number != tries->size()) {
      appendCauseLine(out, *diagnosis, style);
    }
    out += number == tries->size() ? "" : "\n";
  }
}

void appendDiagnosis(std::string& out, const Json& event, const TextStyle& style) {
  const Json* diagnosis = find(event, "diagnosis");
  if (diagnosis == nullptr || !diagnosis->is_object()) {
    appendOwnFailure(out, event, style);
    return;
  }
  const std::string cause_name = textAt(*diagnosis, "cause");
  const auto status = numberAt(*diagnosis, "status");
  std::string title = paint(cause_name, Ink::Red, style);
  title += fmt::format("  in {}, blame: {}{}", textAt(*diagnosis, "phase"), textAt(*diagnosis, "blame"),
                       status ? fmt::format(", status {:.0f}", *status) : "");
  out += "\n" + title + "\n";
  appendFact(out, "  what", textAt(*diagnosis, "summary"), style);
  if (const auto cause = causeByName(cause_name)) {
    appendFact(out, "  should act", std::string(info(*cause).who_acts), style);
    appendFact(out, "  check first", std::string(info(*cause).check_first), style);
  }
  const Json* evidence = find(*diagnosis, "evidence");
  if (evidence != nullptr && evidence->is_object() && !evidence->empty()) {
    out += "\n" + paint("Evidence", Ink::Bold, style) + "\n";
    appendEvidence(out, *evidence, "", style);
  }
  const Json* later = find(*diagnosis, "evidence.later");
  if (later != nullptr && later->is_array() && !later->empty()) {
    out += "\n" + paint("Seen later", Ink::Bold, style) + " (symptoms, not the cause)\n";
    for (const Json& symptom : *later) {
      fmt::format_to(std::back_inserter(out), "  {:>11}  {}\n", millisText(numberAt(symptom, "at_ms").value_or(0)),
                     textAt(symptom, "what"));
    }
  }
}

std::string tellStory(const Json& event, const TextStyle& style) {
  std::string out = headline(event, style);
  appendFact(out, "at", textAt(event, "timestamp"), style);
  appendFact(out, "request id", textAt(event, "request_id"), style);
  appendFact(out, "trace id", textAt(event, "trace_id"), style);
  appendFact(out, "client", textAt(event, "client.address"), style);
  appendFact(out, "user agent", textAt(event, "user_agent.original"), style);
  appendFact(out, "route", textAt(event, "route"), style);
  appendFact(out, "origin", textAt(event, "origin"), style);
  const auto origin_status = numberAt(event, "origin_status");
  appendFact(out, "origin said", origin_status ? fmt::format("{:.0f}", *origin_status) : "", style);
  if (const Json* findings = find(event, "findings"); findings != nullptr && findings->is_array()) {
    for (const Json& finding : *findings) {
      appendFact(out, "finding", finding.is_string() ? harmless(finding.get<std::string>()) : "", style);
    }
  }
  const auto total = numberAt(event, "timings.total");
  appendFact(out, "took", total ? millisText(*total) : "", style);
  out += "\n";
  appendTries(out, event, {}, style);
  appendDiagnosis(out, event, style);
  return out;
}

}  // namespace gatewhy
