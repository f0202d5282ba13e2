// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/event_docs.h"

#include <fmt/format.h>
#include <iterator>

#include <string_view>

#include "diagnostics/event.h"
#include "diagnostics/event_keys.h"

namespace gatewhy {
namespace {

constexpr std::string_view kIntroduction = R"(# The event log

<!-- Made from diagnostics/event_keys.def and evidence_keys.def. Do not edit:
     change the tables and run the unit tests with GATEWHY_UPDATE_DOCS=1. -->

gatewhy writes one JSON object per line: one for each finished exchange, and
one whenever the daemon itself changes state or has something to say. Dots in
the tables stand for nesting: `url.path` is `{"url":{"path":"/"}}`. Names are
those of OpenTelemetry's semantic conventions where these have one.

- A fact that is not known has no key. There is no `null`, no empty string and
  no `-1` that stands for "unknown".
- Every line is valid UTF-8. Bytes from the network that are not become U+FFFD;
  control characters, marks that turn the direction of writing and what cannot
  be seen are escaped, here, on the live page and by the commands.
- A line has at most 16 KiB. A long value is cut, and "…[+1234]" says how many
  bytes are missing; of very many tries the last are left out.
- Values of credentials are written as "…" (`log.redact`): hidden parameters of
  a query, and in excerpts the values of Authorization, Cookie and the like.
- On a failure `diagnosis` names the first cause. What happened after it is
  listed in `evidence.later` and never replaces it.
- A response with `generated_by` `origin` was passed on as it came, a 502 or
  520 included. Only `diagnosis` says that gatewhy itself saw a failure.
- Durations are in milliseconds, with at most three decimals.

`gatewhy schema --event` prints the same as JSON Schema.
)";

std::string_view typeName(KeyType type) {
  switch (type) {
    case KeyType::Integer:
      return "integer";
    case KeyType::Number:
      return "number";
    case KeyType::Boolean:
      return "boolean";
    case KeyType::StringList:
    case KeyType::FindingList:
      return "list of strings";
    case KeyType::ObjectList:
    case KeyType::TryList:
      return "list of objects";
    case KeyType::Object:
    case KeyType::Timings:
    case KeyType::Diagnosis:
    case KeyType::Evidence:
      return "object";
    case KeyType::String:
    case KeyType::Timestamp:
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
      return "string";
  }
  return {};
}

// Short closed sets that the row's text does not already spell out.
void appendWords(std::string& out, KeyType type) {
  if (type != KeyType::Phase && type != KeyType::Blame && type != KeyType::Retry) {
    return;
  }
  std::string_view separator = ": ";
  for (const std::string_view word : wordsOf(type)) {
    fmt::format_to(std::back_inserter(out), "{}`{}`", separator, word);
    separator = ", ";
  }
}

void appendTable(std::string& out, std::string_view heading, std::string_view text, KeySection section) {
  fmt::format_to(std::back_inserter(out), "\n## {}\n\n{}\n\n| key | type | | meaning |\n| --- | --- | --- | --- |\n",
                 heading, text);
  for (const KeyRow& row : eventKeys(section)) {
    fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {}", row.path, typeName(row.type),
                   row.presence == KeyPresence::Always ? "always" : "", row.text);
    appendWords(out, row.type);
    out += " |\n";
  }
}

// A failure as it is written, so that the example cannot go stale.
std::string exampleLine() {
  Observation observation;
  observation.phase = Phase::Connect;
  observation.fault = ConnectFault{.call = ConnectCall::SoError, .error = 111, .elapsed_ms = 0.412};
  observation.connection.endpoint = "http://10.0.0.7:8080";
  observation.connection.peer_address = "10.0.0.7:8080";
  const Diagnosis diagnosis = diagnose(std::move(observation), StatusPolicy{});

  ExchangeEvent event;
  event.timestamp = std::chrono::sys_days{std::chrono::January / 31 / 2026} + std::chrono::microseconds{45296789012};
  event.request_id = "9f0c6a4e51d24b7d";
  event.method = "GET";
  event.path = "/basket";
  event.scheme = "https";
  event.server_address = "shop.example";
  event.protocol_version = "2";
  const TlsSession tls{.version = "1.3",
                       .cipher = "TLS_AES_128_GCM_SHA256",
                       .application = "h2",
                       .server_name = "shop.example",
                       .resumed = true,
                       .handshake_ms = 0.713};
  event.tls = &tls;
  event.client_address = "203.0.113.9";
  event.client_port = 50412;
  event.status = diagnosis.sent_status;
  event.response_body_size = 4096;
  event.generated_by = GeneratedBy::Proxy;
  event.outcome = Outcome::Failure;
  event.route = "shop.example/";
  event.origin = "shop";
  event.endpoint = "http://10.0.0.7:8080";
  event.peer_address = "10.0.0.7:8080";
  event.connection_reused = false;
  event.attempts = 1;
  event.timings.connect = 0.412;
  event.timings.total = 0.633;
  event.diagnosis = &diagnosis;
  std::string line;
  appendJson(line, event);
  return line;
}

}  // namespace

std::string eventsMarkdown() {
  std::string out(kIntroduction);
  fmt::format_to(std::back_inserter(out), "\nAn origin that refuses connections, for example:\n\n```json\n{}```\n",
                 exampleLine());
  appendTable(out, "Exchange", "One per finished exchange.", KeySection::Exchange);
  appendTable(out, "Tries", "The members of `tries`.", KeySection::Try);
  appendTable(out, "Timings", "The members of `timings`; a phase that did not happen is absent.", KeySection::Timings);
  appendTable(out, "Diagnosis", "The members of `diagnosis`.", KeySection::Diagnosis);
  appendTable(out, "Evidence", "The members of `diagnosis.evidence`. Which of them are there depends on what was seen.",
              KeySection::Evidence);
  appendTable(out, "The daemon itself",
              "All events that are not about one exchange. Further keys hold what the message is about: strings, "
              "numbers or lists of strings.",
              KeySection::Lifecycle);
  return out;
}

}  // namespace gatewhy
