// SPDX-License-Identifier: Apache-2.0
// The log event as a value, and its JSON. Names are those of docs/events.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/diagnosis.h"
#include "diagnostics/findings.h"
#include "diagnostics/received_proxy_status.h"
#include "diagnostics/text_buffer.h"

namespace gatewhy {

// Milliseconds per phase; a phase that did not happen is absent.
struct Timings {
  std::optional<double> resolve, connect, tls_handshake, send, wait, receive, total;
  std::optional<double> login;  // before all these: what a login service took (auth.forward)
};

// One try at an endpoint (or at one of its addresses).
struct TryRecord {
  std::string endpoint;
  std::string peer_address;
  bool connection_reused = false;
  Timings timings;
  std::optional<Diagnosis> diagnosis;
  bool retried = false;                         // another try of the request followed because of this one
  std::string_view peer_protocol_version = {};  // static: "1.1", "2"; empty where there was no connection
};

enum class Outcome : std::uint8_t { Success, Failure, Aborted };
enum class GeneratedBy : std::uint8_t { Origin, Proxy, Nobody };

// What the TLS handshake with a client settled.
struct TlsSession {
  std::string version;      // "1.3"
  std::string cipher;       // as OpenSSL names it: "TLS_AES_128_GCM_SHA256"
  std::string application;  // by ALPN: "h2"; "" where the client offered nothing
  std::string server_name;  // SNI; "" = none
  bool resumed = false;
  double handshake_ms = 0;
};

// What a gRPC call ended with.
struct GrpcFacts {
  std::optional<std::uint32_t> status;  // absent: nobody has said one, or only in the body (gRPC-Web)
  std::string message;                  // the origin's, decoded and cut; "" = none
};

struct ExchangeEvent {
  std::chrono::system_clock::time_point timestamp;
  std::string_view request_id;
  std::string_view trace_id;        // 32 hex digits, empty = absent
  std::string_view span_id;         // 16: of the exchange, as the origin was told; empty = absent
  std::string_view parent_span_id;  // 16: of whom we were asked by, where that is believed; empty = absent
  std::string_view instance;        // diagnostics.name of who writes it; empty = absent
  std::string_view method;          // empty where no request line was understood
  std::optional<std::uint64_t> request_body_size;
  std::optional<std::uint64_t> request_body_announced;  // where the client ended it short behind its answer's head
  std::string_view path, query, scheme;
  std::string_view server_address;    // Host as received, without port
  std::string_view protocol_version;  // "1.0", "1.1", "2"
  const TlsSession* tls = nullptr;    // with the client; null without TLS
  std::string_view client_address;
  std::uint16_t client_port = 0;  // 0 = unix socket
  std::string_view user_agent;
  std::uint16_t status = 0;  // sent to the client; 0 = nothing was sent
  std::optional<std::uint64_t> response_body_size;
  GeneratedBy generated_by = GeneratedBy::Nobody;
  std::uint16_t origin_status = 0;
  const ReceivedProxyStatus* origin_proxy_status = nullptr;
  const GrpcFacts* grpc = nullptr;  // null: no call of gRPC
  Outcome outcome = Outcome::Success;
  std::string_view route, origin, endpoint, peer_address;
  std::string_view peer_protocol_version;  // spoken to the origin: "1.1", "2"
  std::optional<bool> connection_reused;
  std::uint32_t attempts = 0;
  const DnsFacts* dns = nullptr;                  // of the last try's connection, where there is something to tell
  const std::vector<TryRecord>* tries = nullptr;  // written when it has more than one
  Timings timings;
  const Diagnosis* diagnosis = nullptr;
  std::span<const std::string_view> dropped_fields;  // names of the request's fields that did not reach the origin
  const std::vector<Symptom>* later = nullptr;       // what came after the diagnosis
  FindingSet findings;                               // all of them, to be counted
  FindingSet told_findings;  // those that the log has not told of this route lately: what is written
};

// A line is no longer than that, whatever strangers send: long values are cut,
// with a mark.
inline constexpr std::size_t kMostEvent = 16UL * 1024;

// Appends one line, '\n' included. Any byte in any string is survived: what
// is not UTF-8 becomes U+FFFD, controls are escaped (RFC 8259 section 7).
void appendJson(TextBuffer& out, const ExchangeEvent& event);
void appendJson(std::string& out, const ExchangeEvent& event);

// start, stop, reload, renewal, drain, health, eject, hosts, and the daemon's own messages.
struct LifecycleEvent {
  std::string_view event;  // "start" …
  std::string_view severity = "INFO";
  std::string_view message;
  std::string_view instance = {};  // as above; the log fills it in
  // Extra string or number facts, written in order.
  struct Fact {
    std::string_view key;
    std::string text;
    std::optional<double> number;
    std::vector<std::string> list;  // written as an array where not empty
  };
  std::vector<Fact> facts;
  const Diagnosis* diagnosis = nullptr;  // of what brought it about: health, eject
};
void appendJson(std::string& out, const LifecycleEvent& event, std::chrono::system_clock::time_point timestamp);

// JSON Schema (2020-12) of every event that the two functions above write.
[[nodiscard]] std::string eventSchema();

}  // namespace gatewhy
