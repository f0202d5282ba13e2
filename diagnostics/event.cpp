// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/event.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "diagnostics/evidence.h"
#include "diagnostics/json_writer.h"

namespace gatewhy {
namespace {

void putDigits(char* at, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

// "2026-01-31T23:59:59." and the second it stands for. Most events share
// their second with the one before, and the calendar is the dear part.
struct SecondText {
  std::int64_t second = std::numeric_limits<std::int64_t>::min();
  std::array<char, 20> text = {'0', '0', '0', '0', '-', '0', '0', '-', '0', '0',
                               'T', '0', '0', ':', '0', '0', ':', '0', '0', '.'};

  void set(std::chrono::sys_seconds when) {
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{when - day};
    putDigits(text.data(), static_cast<unsigned>(static_cast<int>(date.year())), 4);
    putDigits(&text[5], static_cast<unsigned>(date.month()), 2);
    putDigits(&text[8], static_cast<unsigned>(date.day()), 2);
    putDigits(&text[11], static_cast<unsigned>(time.hours().count()), 2);
    putDigits(&text[14], static_cast<unsigned>(time.minutes().count()), 2);
    putDigits(&text[17], static_cast<unsigned>(time.seconds().count()), 2);
    second = when.time_since_epoch().count();
  }
};

template <class Text>
void appendTimestamp(Text& out, std::chrono::system_clock::time_point when) {
  thread_local SecondText cached;
  const auto second = std::chrono::floor<std::chrono::seconds>(when);
  if (second.time_since_epoch().count() != cached.second) {
    cached.set(second);
  }
  out.append(cached.text.data(), cached.text.size());
  std::array<char, 7> micros{};
  putDigits(micros.data(), static_cast<unsigned>(std::chrono::floor<std::chrono::microseconds>(when - second).count()),
            6);
  micros[6] = 'Z';
  out.append(micros.data(), micros.size());
}

// Timestamp, severity and event name need no escaping, so that the start of
// a line is plain appending.
template <class Text>
void beginLine(Text& out, std::chrono::system_clock::time_point when, std::string_view severity,
               std::string_view event) {
  out += "{\"timestamp\":\"";
  appendTimestamp(out, when);
  out += "\",\"severity\":\"";
  out += severity;
  out += "\",\"event\":\"";
  out += event;
  out += '"';
}

std::string_view severityOf(const ExchangeEvent& event) {
  if (event.outcome == Outcome::Success) {
    return "INFO";
  }
  if (event.diagnosis == nullptr) {
    return event.outcome == Outcome::Aborted ? "WARN" : "ERROR";
  }
  // Time that ran out over all phases is blamed on the one that took it.
  const CauseInfo& row = info(event.diagnosis->cause);
  const bool clients = event.outcome == Outcome::Aborted || event.diagnosis->blame == Blame::Client;
  return name(clients ? std::min(row.severity, Severity::Warn) : row.severity);
}

std::string_view outcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::Success:
      return "success";
    case Outcome::Failure:
      return "failure";
    case Outcome::Aborted:
      return "aborted";
  }
  return {};
}

std::string_view generatorName(GeneratedBy by) {
  switch (by) {
    case GeneratedBy::Origin:
      return "origin";
    case GeneratedBy::Proxy:
      return "proxy";
    case GeneratedBy::Nobody:
      return {};
  }
  return {};
}

// {"name":{"member":"text"}}, or nothing.
template <class Json>
void writeNested(Json& json, std::string_view object, std::string_view member, std::string_view text) {
  if (!text.empty()) {
    json.beginObject(object);
    json.member(member, text);
    json.endObject();
  }
}

template <class Json>
void writeInstance(Json& json, std::string_view instance) {
  if (!instance.empty()) {
    json.beginObject("service");
    json.beginObject("instance");
    json.member("id", instance);
    json.endObject();
    json.endObject();
  }
}

template <class Json>
void writeTimings(Json& json, const Timings& timings) {
  const std::array<std::pair<std::string_view, const std::optional<double>*>, 8> phases = {{
      {"login", &timings.login},
      {"resolve", &timings.resolve},
      {"connect", &timings.connect},
      {"tls_handshake", &timings.tls_handshake},
      {"send", &timings.send},
      {"wait", &timings.wait},
      {"receive", &timings.receive},
      {"total", &timings.total},
  }};
  bool open = false;
  for (const auto& [phase, ms] : phases) {
    if (!ms->has_value() || !std::isfinite(**ms)) {
      continue;
    }
    if (!open) {
      json.beginObject("timings");
      open = true;
    }
    json.memberNumber(phase, **ms);
  }
  if (open) {
    json.endObject();
  }
}

void writeDiagnosis(JsonWriter& json, const Diagnosis& diagnosis, std::span<const Symptom> later) {
  json.beginObject();
  json.member("cause", name(diagnosis.cause));
  json.member("phase", name(diagnosis.phase));
  json.member("blame", name(diagnosis.blame));
  if (diagnosis.status != 0) {
    json.memberUnsigned("status", diagnosis.status);
  }
  if (diagnosis.standard_status != 0) {
    json.memberUnsigned("standard_status", diagnosis.standard_status);
  }
  json.member("proxy_error", name(diagnosis.proxy_error));
  json.member("retry", name(diagnosis.retry));
  json.member("summary", diagnosis.summary);
  json.key("evidence");
  writeEvidence(json, diagnosis, later);
  json.endObject();
}

template <class Json>
void writePeer(Json& json, std::string_view address, std::string_view protocol_version) {
  if (address.empty() && protocol_version.empty()) {
    return;
  }
  json.beginObject("peer");
  json.member("address", address);
  writeNested(json, "protocol", "version", protocol_version);
  json.endObject();
}

void writeTry(JsonWriter& json, const TryRecord& attempt) {
  json.beginObject();
  json.member("endpoint", attempt.endpoint);
  writePeer(json, attempt.peer_address, attempt.peer_protocol_version);
  json.memberBoolean("connection_reused", attempt.connection_reused);
  if (attempt.retried) {
    json.memberBoolean("retried", true);
  }
  writeTimings(json, attempt.timings);
  if (attempt.diagnosis) {
    json.key("diagnosis");
    writeDiagnosis(json, *attempt.diagnosis, {});
  }
  json.endObject();
}

// How much a line may hold. What strangers send decides how long values are,
// and a log is no place for them to fill: where the line is too long with the
// first row, it is written again with the next.
struct EventRoom {
  std::size_t text;   // octets of one value, escaped
  std::size_t tries;  // octets of all tries; the last of those that do not fit are left out
  std::size_t names;  // of dropped fields, likewise
};
constexpr std::array<EventRoom, 3> kEventRooms = {
    {{2048, std::numeric_limits<std::size_t>::max(), 256}, {256, 4096, 16}, {64, 0, 16}}};

void writeTries(FastJsonWriter& json, const std::vector<TryRecord>& tries, std::size_t room) {
  std::string all = "[";
  for (const TryRecord& attempt : tries) {
    std::string text;
    JsonWriter inner(text);
    inner.limitText(json.textLimit());
    writeTry(inner, attempt);
    if (all.size() + text.size() > room) {
      break;
    }
    all += all.size() == 1 ? "" : ",";
    all += text;
  }
  if (all.size() > 1) {
    json.key("tries");
    json.raw(all + "]");
  }
}

constexpr std::size_t kRoomForDiagnosis = 1024;

// What only failures have is written like any other JSON and put in whole.
template <class Value, class Write>
void memberWritten(FastJsonWriter& json, std::string_view key, const Value& value, Write write) {
  std::string text;
  text.reserve(kRoomForDiagnosis);
  JsonWriter inner(text);
  inner.limitText(json.textLimit());
  write(inner, value);
  json.key(key);
  json.raw(text);
}

void writeHttp(FastJsonWriter& json, const ExchangeEvent& event) {
  const bool request = !event.method.empty() || event.request_body_size.has_value();
  const bool response = event.status != 0 || event.response_body_size.has_value();
  if (!request && !response) {
    return;
  }
  const auto body = [&json](const std::optional<std::uint64_t>& size, const std::optional<std::uint64_t>& announced) {
    if (size) {
      json.beginObject("body");
      json.memberUnsigned("size", *size);
      if (announced) {
        json.memberUnsigned("announced", *announced);
      }
      json.endObject();
    }
  };
  json.beginObject("http");
  if (request) {
    json.beginObject("request");
    json.member("method", event.method);
    body(event.request_body_size, event.request_body_announced);
    json.endObject();
  }
  if (response) {
    json.beginObject("response");
    if (event.status != 0) {
      json.memberUnsigned("status_code", event.status);
    }
    body(event.response_body_size, std::nullopt);
    json.endObject();
  }
  json.endObject();
}

void writeRequestFacts(FastJsonWriter& json, const ExchangeEvent& event) {
  if (!event.path.empty() || !event.query.empty() || !event.scheme.empty()) {
    json.beginObject("url");
    json.member("path", event.path);
    json.member("query", event.query);
    json.member("scheme", event.scheme);
    json.endObject();
  }
  writeNested(json, "server", "address", event.server_address);
  if (!event.protocol_version.empty()) {
    json.beginObject("network");
    writeNested(json, "protocol", "version", event.protocol_version);
    json.endObject();
  }
  if (event.tls != nullptr) {
    json.beginObject("tls");
    writeNested(json, "protocol", "version", event.tls->version);
    json.member("cipher", event.tls->cipher);
    json.memberBoolean("resumed", event.tls->resumed);
    json.member("server_name", event.tls->server_name);
    json.memberNumber("handshake_ms", event.tls->handshake_ms);
    json.endObject();
  }
  if (!event.client_address.empty() || event.client_port != 0) {
    json.beginObject("client");
    json.member("address", event.client_address);
    if (event.client_port != 0) {
      json.memberUnsigned("port", event.client_port);
    }
    json.endObject();
  }
  writeNested(json, "user_agent", "original", event.user_agent);
}

void writeDns(FastJsonWriter& json, const DnsFacts& dns) {
  if (dns.name.empty() && !dns.stale) {
    return;
  }
  json.beginObject("dns");
  json.member("name", dns.name);
  if (dns.stale) {
    json.memberNumber("stale_ms", dns.stale->age_ms);
    json.member("status", name(dns.stale->status));
  }
  json.endObject();
}

void writeProxyStatus(FastJsonWriter& json, const ReceivedProxyStatus& said) {
  json.beginObject("origin_proxy_status");
  json.member("name", said.name);
  json.member("error", said.error);
  if (said.received_status != 0) {
    json.memberUnsigned("received_status", said.received_status);
  }
  json.member("details", said.details);
  json.endObject();
}

void writeGrpc(FastJsonWriter& json, const GrpcFacts& call) {
  json.beginObject("rpc");
  json.memberPlain("system", "grpc");
  if (call.status) {
    json.beginObject("grpc");
    json.memberUnsigned("status_code", *call.status);
    json.member("status_message", call.message);
    json.endObject();
  }
  json.endObject();
}

void writeOriginFacts(FastJsonWriter& json, const ExchangeEvent& event, const EventRoom& room) {
  json.member("route", event.route);
  json.member("origin", event.origin);
  json.member("endpoint", event.endpoint);
  writePeer(json, event.peer_address, event.peer_protocol_version);
  if (event.connection_reused) {
    json.memberBoolean("connection_reused", *event.connection_reused);
  }
  if (event.dns != nullptr) {
    writeDns(json, *event.dns);
  }
  json.memberUnsigned("attempts", event.attempts);
  if (event.tries != nullptr && event.tries->size() > 1) {
    writeTries(json, *event.tries, room.tries);
  }
}

// Of a list as much as leaves the line below its limit, and how many are left out.
void writeList(JsonWriter& json, std::string_view key, const std::vector<std::string>& list, std::size_t room) {
  json.beginArray(key);
  std::size_t used = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    used += std::min(list[i].size(), json.textLimit());
    if (used > room) {
      json.string(fmt::format("… and {} more", list.size() - i));
      break;
    }
    json.string(list[i]);
  }
  json.endArray();
}

void writeFact(JsonWriter& json, const LifecycleEvent::Fact& fact) {
  if (!fact.text.empty()) {
    json.member(fact.key, fact.text);
  } else if (fact.number && std::isfinite(*fact.number)) {
    json.memberNumber(fact.key, *fact.number);
  } else if (!fact.list.empty()) {
    writeList(json, fact.key, fact.list, kMostEvent / 2);
  }
}

void writeExchange(TextBuffer& out, const ExchangeEvent& event, const EventRoom& room) {
  FastJsonWriter json = FastJsonWriter::resume(out);
  json.limitText(room.text);
  beginLine(out, event.timestamp, severityOf(event), "exchange");
  writeInstance(json, event.instance);
  json.member("request_id", event.request_id);
  json.member("trace_id", event.trace_id);
  json.member("span_id", event.span_id);
  json.member("parent_span_id", event.parent_span_id);
  writeHttp(json, event);
  writeRequestFacts(json, event);
  json.memberPlain("generated_by", generatorName(event.generated_by));
  if (event.origin_status != 0) {
    json.memberUnsigned("origin_status", event.origin_status);
  }
  if (event.origin_proxy_status != nullptr) {
    writeProxyStatus(json, *event.origin_proxy_status);
  }
  if (event.grpc != nullptr) {
    writeGrpc(json, *event.grpc);
  }
  json.memberPlain("outcome", outcomeName(event.outcome));
  if (event.diagnosis != nullptr) {
    writeNested(json, "error", "type", name(event.diagnosis->cause));
  }
  writeOriginFacts(json, event, room);
  writeTimings(json, event.timings);
  if (event.diagnosis != nullptr) {
    memberWritten(json, "diagnosis", event, [](JsonWriter& within, const ExchangeEvent& whole) {
      const auto later = whole.later != nullptr ? std::span<const Symptom>(*whole.later) : std::span<const Symptom>();
      writeDiagnosis(within, *whole.diagnosis, later);
    });
  }
  if (!event.told_findings.empty()) {
    json.beginArray("findings");
    for (const Finding finding : event.told_findings) {
      json.string(name(finding));
    }
    json.endArray();
  }
  if (!event.dropped_fields.empty()) {
    json.beginArray("dropped_fields");
    for (const std::string_view field :
         std::span(event.dropped_fields).first(std::min(event.dropped_fields.size(), room.names))) {
      json.string(field);
    }
    json.endArray();
  }
  out += "}\n";
}

}  // namespace

void appendJson(TextBuffer& out, const ExchangeEvent& event) {
  const std::size_t begin = out.size();
  for (const EventRoom& room : kEventRooms) {
    out.cut(begin);
    writeExchange(out, event, room);
    if (out.size() - begin <= kMostEvent) {
      return;
    }
  }
}

void appendJson(std::string& out, const ExchangeEvent& event) {
  TextBuffer line;
  appendJson(line, event);
  out += line.view();
}

void appendJson(std::string& out, const LifecycleEvent& event, std::chrono::system_clock::time_point timestamp) {
  JsonWriter json = JsonWriter::resume(out);
  json.limitText(kEventRooms.front().text);
  beginLine(out, timestamp, event.severity, event.event);
  writeInstance(json, event.instance);
  json.member("message", event.message);
  for (const LifecycleEvent::Fact& fact : event.facts) {
    writeFact(json, fact);
  }
  if (event.diagnosis != nullptr) {
    json.key("diagnosis");
    writeDiagnosis(json, *event.diagnosis, {});
  }
  out += "}\n";
}

}  // namespace gatewhy
