// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/otlp_json.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace gatewhy {
namespace {

using OtlpJson = nlohmann::json;

constexpr std::int64_t kNanosInSecond = 1'000'000'000;
constexpr double kNanosInMilli = 1e6;

// In the order in which they happen.
constexpr std::array<const char*, 7> kSpanPhases{"login", "resolve", "connect", "tls_handshake",
                                                 "send",  "wait",    "receive"};

// SpanKind and StatusCode of trace.proto.
enum class SpanKind : std::uint8_t { Internal = 1, Server = 2, Client = 3 };
constexpr int kStatusError = 2;

// "2024-01-31T12:00:00.123456Z" in nanoseconds since 1970; 0 where it is none.
std::int64_t nanosOf(const std::string& timestamp) {
  std::tm parts{};
  const char* rest = ::strptime(timestamp.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) {
    return 0;
  }
  std::int64_t fraction = 0;
  std::int64_t digit = kNanosInSecond / 10;
  if (*rest == '.') {
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, digit /= 10) {
      fraction += (*rest - '0') * digit;
    }
  }
  return static_cast<std::int64_t>(::timegm(&parts)) * kNanosInSecond + fraction;
}

std::string textOf(const OtlpJson& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// AnyValue of common.proto; 64-bit numbers are strings in its JSON.
OtlpJson anyValue(const OtlpJson& value) {
  switch (value.type()) {
    case OtlpJson::value_t::boolean:
      return {{"boolValue", value}};
    case OtlpJson::value_t::number_integer:
    case OtlpJson::value_t::number_unsigned:
      return {{"intValue", value.dump()}};
    case OtlpJson::value_t::number_float:
      return {{"doubleValue", value}};
    case OtlpJson::value_t::array: {
      OtlpJson values = OtlpJson::array();
      for (const OtlpJson& each : value) {
        values.push_back(anyValue(each));
      }
      return {{"arrayValue", {{"values", std::move(values)}}}};
    }
    case OtlpJson::value_t::object: {
      OtlpJson values = OtlpJson::array();
      for (const auto& [key, each] : value.items()) {
        values.push_back({{"key", key}, {"value", anyValue(each)}});
      }
      return {{"kvlistValue", {{"values", std::move(values)}}}};
    }
    default:
      return {{"stringValue", value.is_string() ? value : OtlpJson(value.dump())}};
  }
}

void addAttribute(OtlpJson& attributes, const std::string& key, const OtlpJson& value) {
  if (value.is_object()) {
    for (const auto& [inner, each] : value.items()) {
      addAttribute(attributes, fmt::format("{}.{}", key, inner), each);
    }
  } else {
    attributes.push_back({{"key", key}, {"value", anyValue(value)}});
  }
}

OtlpJson attributesOf(const OtlpJson& event, const std::set<std::string>& elsewhere) {
  OtlpJson attributes = OtlpJson::array();
  for (const auto& [key, value] : event.items()) {
    if (elsewhere.count(key) == 0) {
      addAttribute(attributes, key, value);
    }
  }
  return attributes;
}

OtlpJson resourceOf(const OtlpJson& event) {
  OtlpJson attributes = OtlpJson::array();
  addAttribute(attributes, "service.name", "gatewhy");
  addAttribute(attributes, "service.version", GATEWHY_VERSION);
  const OtlpJson::json_pointer instance("/service/instance/id");
  if (event.is_object() && event.contains(instance)) {
    addAttribute(attributes, "service.instance.id", event.at(instance));
  }
  return {{"attributes", std::move(attributes)}};
}

// SeverityNumber of logs.proto.
int severityNumber(const std::string& severity) {
  return severity == "ERROR" ? 17 : severity == "WARN" ? 13 : severity == "DEBUG" ? 5 : 9;
}

std::string bodyOf(const OtlpJson& event) {
  if (auto message = textOf(event, "message"); !message.empty()) {
    return message;
  }
  if (const auto diagnosis = event.find("diagnosis"); diagnosis != event.end() && diagnosis->is_object()) {
    return textOf(*diagnosis, "summary");
  }
  const auto at = [&event](const char* pointer) {
    const OtlpJson::json_pointer path(pointer);
    const OtlpJson value = event.contains(path) ? event.at(path) : OtlpJson();
    return value.is_string() ? value.get<std::string>() : value.is_null() ? std::string() : value.dump();
  };
  return fmt::format("{} {} {}", at("/http/request/method"), at("/url/path"), at("/http/response/status_code"));
}

OtlpJson logRecord(std::string_view line) {
  const OtlpJson event = OtlpJson::parse(line, nullptr, false);
  if (!event.is_object()) {
    return {{"body", {{"stringValue", line}}}};
  }
  const std::string severity = textOf(event, "severity");
  OtlpJson record{{"timeUnixNano", std::to_string(nanosOf(textOf(event, "timestamp")))},
                  {"severityNumber", severityNumber(severity)},
                  {"severityText", severity},
                  {"body", {{"stringValue", bodyOf(event)}}},
                  {"attributes", attributesOf(event, {"timestamp", "severity", "trace_id", "span_id", "message"})}};
  if (auto trace = textOf(event, "trace_id"); !trace.empty()) {
    record["traceId"] = std::move(trace);
    record["spanId"] = textOf(event, "span_id");
  }
  return record;
}

// Ids of the spans below an exchange's, the same each time: what is sent twice
// must be the same span.
class SpanIds {
 public:
  explicit SpanIds(const std::string& of) : state_(std::strtoull(of.c_str(), nullptr, 16)) {}
  std::string next() {
    // SplitMix64.
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return fmt::format("{:016x}", (z ^ (z >> 31U)) | 1U);
  }

 private:
  std::uint64_t state_;
};

std::int64_t nanosOfPhase(const OtlpJson& timings, const char* phase) {
  const auto found = timings.find(phase);
  return found != timings.end() && found->is_number() ? std::llround(found->get<double>() * kNanosInMilli) : 0;
}

class TraceWriter {
 public:
  TraceWriter(const OtlpJson& event, OtlpJson& spans)
      : event_(event), spans_(spans), trace_(textOf(event, "trace_id")), ids_(textOf(event, "span_id")) {}

  void write() {
    const std::int64_t begin = nanosOf(textOf(event_, "timestamp"));
    const OtlpJson timings = event_.value("timings", OtlpJson::object());
    const std::int64_t end = begin + nanosOfPhase(timings, "total");
    const std::string own = textOf(event_, "span_id");
    OtlpJson root = span(own, textOf(event_, "parent_span_id"), SpanKind::Server, exchangeName(), begin, end, event_);
    root["attributes"] = attributesOf(
        event_, {"timestamp", "severity", "trace_id", "span_id", "parent_span_id", "timings", "tries", "diagnosis"});
    spans_.push_back(std::move(root));
    std::int64_t at = begin;
    if (const auto login = nanosOfPhase(timings, "login"); login != 0) {
      spans_.push_back(span(ids_.next(), own, SpanKind::Client, "login", at, at + login, OtlpJson::object()));
      at += login;
    }
    if (const auto tries = event_.find("tries"); tries != event_.end() && tries->is_array()) {
      for (const OtlpJson& each : *tries) {
        at = writeTry(own, each, at);
      }
    } else if (event_.contains("endpoint")) {
      OtlpJson only{{"endpoint", event_.at("endpoint")}, {"timings", timings}};
      for (const char* key : {"peer", "connection_reused", "diagnosis"}) {
        if (event_.contains(key)) {
          only[key] = event_.at(key);
        }
      }
      writeTry(own, only, at);
    }
  }

 private:
  std::string exchangeName() const {
    const OtlpJson::json_pointer method("/http/request/method");
    const std::string route = textOf(event_, "route");
    const std::string asked = event_.contains(method) ? event_.at(method).get<std::string>() : "HTTP";
    return route.empty() ? asked : fmt::format("{} {}", asked, route);
  }

  // Returns when it ended.
  std::int64_t writeTry(const std::string& parent, const OtlpJson& one, std::int64_t begin) {
    const OtlpJson timings = one.value("timings", OtlpJson::object());
    const std::string own = ids_.next();
    std::vector<OtlpJson> phases;
    std::int64_t at = begin;
    for (const char* phase : kSpanPhases) {
      const std::int64_t took = nanosOfPhase(timings, phase);
      if (timings.contains(phase) && std::string_view(phase) != "login") {
        phases.push_back(span(ids_.next(), own, SpanKind::Internal, phase, at, at + took, OtlpJson::object()));
        at += took;
      }
    }
    OtlpJson made = span(own, parent, SpanKind::Client, textOf(one, "endpoint"), begin, at, one);
    made["attributes"] = attributesOf(one, {"timings", "diagnosis"});
    spans_.push_back(std::move(made));
    for (OtlpJson& phase : phases) {
      spans_.push_back(std::move(phase));
    }
    return at;
  }

  // `of`: what may have a diagnosis.
  OtlpJson span(const std::string& id, const std::string& parent, SpanKind kind, const std::string& called,
                std::int64_t begin, std::int64_t end, const OtlpJson& of) const {
    OtlpJson made{{"traceId", trace_},
                  {"spanId", id},
                  {"name", called},
                  {"kind", static_cast<int>(kind)},
                  {"startTimeUnixNano", std::to_string(begin)},
                  {"endTimeUnixNano", std::to_string(end)}};
    if (!parent.empty()) {
      made["parentSpanId"] = parent;
    }
    if (const auto diagnosis = of.find("diagnosis"); diagnosis != of.end() && diagnosis->is_object()) {
      made["status"] = {{"code", kStatusError}, {"message", textOf(*diagnosis, "summary")}};
    }
    return made;
  }

  const OtlpJson& event_;
  OtlpJson& spans_;
  const std::string trace_;
  SpanIds ids_;
};

std::string dumped(const OtlpJson& request) {
  return request.dump(-1, ' ', false, OtlpJson::error_handler_t::replace);
}

OtlpJson parsedFirst(std::span<const std::string_view> lines) {
  return lines.empty() ? OtlpJson() : OtlpJson::parse(lines.front(), nullptr, false);
}

}  // namespace

std::string otlpLogs(std::span<const std::string_view> lines) {
  OtlpJson records = OtlpJson::array();
  for (const std::string_view line : lines) {
    records.push_back(logRecord(line));
  }
  const OtlpJson scope{{"scope", {{"name", "gatewhy"}}}, {"logRecords", std::move(records)}};
  const OtlpJson resource{{"resource", resourceOf(parsedFirst(lines))}, {"scopeLogs", OtlpJson::array({scope})}};
  return dumped({{"resourceLogs", OtlpJson::array({resource})}});
}

std::string otlpTraces(std::span<const std::string_view> lines) {
  OtlpJson spans = OtlpJson::array();
  for (const std::string_view line : lines) {
    const OtlpJson event = OtlpJson::parse(line, nullptr, false);
    if (event.is_object() && textOf(event, "event") == "exchange" && !textOf(event, "trace_id").empty() &&
        !textOf(event, "span_id").empty()) {
      TraceWriter(event, spans).write();
    }
  }
  if (spans.empty()) {
    return {};
  }
  const OtlpJson scope{{"scope", {{"name", "gatewhy"}}}, {"spans", std::move(spans)}};
  const OtlpJson resource{{"resource", resourceOf(parsedFirst(lines))}, {"scopeSpans", OtlpJson::array({scope})}};
  return dumped({{"resourceSpans", OtlpJson::array({resource})}});
}

}  // namespace gatewhy
