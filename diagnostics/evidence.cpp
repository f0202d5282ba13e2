// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/evidence.h"

#include <algorithm>
#include <array>

#include "diagnostics/classify.h"
#include "diagnostics/errno_name.h"
#include "diagnostics/h2_words.h"
#include "diagnostics/peer_name.h"
#include "diagnostics/tls_alert.h"

namespace gatewhy {
namespace {

void writeErrno(JsonWriter& json, int error) {
  if (error != 0) {
    json.memberInteger("errno", error);
    json.member("errno_name", errnoName(error));
  }
}

void writeTrue(JsonWriter& json, std::string_view key, bool value) {
  if (value) {
    json.memberBoolean(key, true);
  }
}

void writeTimer(JsonWriter& json, Timer timer, std::uint32_t limit_ms) {
  json.member("timer", name(timer));
  if (limit_ms > 0) {
    json.memberUnsigned("limit_ms", limit_ms);
  }
}

void writeStrings(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) {
    return;
  }
  json.beginArray(key);
  for (const std::string& text : texts) {
    json.string(text);
  }
  json.endArray();
}

void writeSize(JsonWriter& json, std::optional<std::uint64_t> size, std::optional<std::uint64_t> limit) {
  if (size) {
    json.memberUnsigned("size", *size);
  }
  if (limit) {
    json.memberUnsigned("limit", *limit);
  }
}

// The members of one certificate error, under the given keys.
void writeProblem(JsonWriter& json, const std::array<std::string_view, 7>& keys, const X509Problem& problem) {
  json.memberInteger(keys[0], problem.code);
  json.member(keys[1], problem.name);
  json.memberInteger(keys[2], problem.depth);
  json.member(keys[3], problem.subject);
  json.member(keys[4], problem.issuer);
  json.member(keys[5], problem.not_before);
  json.member(keys[6], problem.not_after);
}

void writeCertificate(JsonWriter& json, const Diagnosis& diagnosis, const TlsFault& fault) {
  if (const X509Problem* decisive = decisiveProblem(diagnosis)) {
    writeProblem(
        json,
        {"x509_code", "x509_name", "x509_depth", "x509_subject", "x509_issuer", "x509_not_before", "x509_not_after"},
        *decisive);
    json.member("x509_serial", decisive->serial);
    json.member("x509_revoked_at", decisive->revoked_at);
    json.member("x509_revocation_reason", decisive->revocation_reason);
    json.member("x509_revocation_source", decisive->revocation_source);
    json.member("x509_crl_next_update", decisive->crl_next_update);
  }
  if (fault.problems.size() > 1) {
    json.beginArray("x509_problems");
    for (const X509Problem& problem : fault.problems) {
      json.beginObject();
      writeProblem(json, {"code", "name", "depth", "subject", "issuer", "not_before", "not_after"}, problem);
      json.endObject();
    }
    json.endArray();
  }
  if (fault.chain_length > 0) {
    json.memberInteger("chain_length", fault.chain_length);
  }
  json.member("chain_last_issuer", fault.chain_last_issuer);
  json.member("wanted_name", fault.wanted_name);
  writeStrings(json, "certificate_names", fault.names);
}

// Writes what is particular to one kind of fault.
struct FaultWriter {
  JsonWriter& json;
  const Diagnosis& diagnosis;

  void operator()(const DnsFault& fault) const {
    json.member("dns_status", name(fault.status));
    json.member("host", fault.host);
    writeStrings(json, "dns_searched", fault.searched);
    if (fault.ares_status != 0) {
      json.memberInteger("ares_status", fault.ares_status);
    }
    if (fault.rcode) {
      json.memberInteger("rcode", *fault.rcode);
    }
    if (fault.ede_code) {
      json.memberUnsigned("ede_code", *fault.ede_code);
    }
    json.member("ede_text", fault.ede_text);
    writeStrings(json, "cname_chain", fault.cname_chain);
    writeTrue(json, "cname_loop", fault.cname_loop);
    if (!fault.servers.empty()) {
      json.beginArray("dns_servers");
      for (const DnsServerAnswer& answer : fault.servers) {
        json.beginObject();
        json.member("server", answer.server);
        json.member("type", answer.type);
        json.member("status", name(answer.status));
        json.memberNumber("elapsed_ms", answer.elapsed_ms);
        json.endObject();
      }
      json.endArray();
    }
    if (fault.limit_ms) {
      writeTimer(json, Timer::Resolve, *fault.limit_ms);
    }
  }

  void operator()(const ConnectFault& fault) const {
    json.member("call", name(fault.call));
    writeErrno(json, fault.error);
    if (fault.icmp) {
      json.beginObject("icmp");
      json.member("family", fault.icmp->v6 ? "ipv6" : "ipv4");
      json.memberUnsigned("type", fault.icmp->type);
      json.memberUnsigned("code", fault.icmp->code);
      json.member("sender", fault.icmp->sender);
      json.endObject();
    }
    writeTrue(json, "unix_socket", fault.unix_socket);
    if (fault.call == ConnectCall::Timer) {
      writeTimer(json, Timer::Connect, fault.limit_ms);
    }
    json.member("detail", fault.detail);
  }

  void operator()(const TlsFault& fault) const {
    json.member("tls_failure", name(fault.failure));
    if (fault.alert >= 0) {
      json.memberInteger("tls_alert", fault.alert);
      json.member("tls_alert_name", tlsAlertName(fault.alert));
      json.member("tls_alert_direction", fault.failure == TlsFailure::AlertReceived ? "received" : "sent");
    }
    json.member("tls_reason", fault.reason);
    if (fault.reason_code != 0) {
      json.memberUnsigned("tls_reason_code", fault.reason_code);
    }
    writeErrno(json, fault.error);
    json.member("tls_version", fault.version);
    writeHandshake(fault);
    json.memberExcerpt("first_bytes", fault.first_bytes);
    json.member("peer_speaks", identifyPeer(fault.first_bytes));
    writeCertificate(json, diagnosis, fault);
    if (!fault.alpn_offered.empty()) {
      json.member("alpn_offered", fault.alpn_offered);
      json.member("alpn_chosen", fault.alpn_chosen);
    }
    if (fault.failure == TlsFailure::Timeout) {
      const bool client_side = diagnosis.observation.phase == Phase::ClientRequest;
      writeTimer(json, client_side ? Timer::ClientTls : Timer::TlsHandshake, fault.limit_ms);
      json.memberBoolean("hello_acknowledged", fault.hello_acknowledged);
    }
    json.member("detail", fault.detail);
  }

  void operator()(const ParseFault& fault) const {
    json.member("parse_error", name(fault.error));
    json.memberUnsigned("parse_offset", fault.offset);
    json.memberExcerpt("excerpt", fault.excerpt);
    // An excerpt from the middle of a head says nothing about the protocol.
    if (fault.error == ParseError::NotHttp) {
      json.member("peer_speaks", identifyPeer(fault.excerpt));
    }
    json.member("header_name", fault.header_name);
    json.member("token", fault.token);
    if (fault.limit > 0) {
      writeSize(json, fault.size, fault.limit);
    }
  }

  void operator()(const TimerFault& fault) const {
    writeTimer(json, fault.timer, fault.limit_ms);
    if (fault.timer == Timer::ClientRate) {
      writeSize(json, fault.moved, fault.due);
    }
    if (fault.timer == Timer::Exchange || fault.timer == Timer::GrpcTimeout) {
      json.member("longest_phase", name(fault.longest_phase));
    }
  }

  void operator()(const EndFault& fault) const {
    json.member("end", name(fault.how));
    writeErrno(json, fault.error);
    writeTrue(json, "on_write", fault.on_write);
    writeTrue(json, "reset_after_fin", fault.reset_after_fin);
  }

  void operator()(const UpgradeFault& fault) const {
    json.member("upgrade_rule", name(fault.rule));
    json.member("upgrade_given", fault.given);
  }

  void operator()(const StreamFault& fault) const {
    json.member("h2_failure", name(fault.how));
    const bool received = fault.how == StreamFault::How::Reset || fault.how == StreamFault::How::GoAway;
    if (fault.how != StreamFault::How::Misdirected && fault.how != StreamFault::How::NoRoom) {
      json.memberUnsigned("h2_code", fault.code);
      json.member("h2_code_name", h2CodeName(fault.code));
      json.member("h2_code_direction", received ? "received" : "sent");
    }
    json.memberInteger("h2_stream", fault.how == StreamFault::How::GoAway ? 0 : fault.stream);
    if (fault.how == StreamFault::How::GoAway) {
      json.memberInteger("h2_last_stream", fault.last_stream);
    }
    json.member("h2_frame", fault.frame);
    if (!fault.frame.empty()) {
      json.memberUnsigned("h2_frame_offset", fault.offset);
    }
    json.member("h2_flood", fault.flood);
    json.member("detail", fault.detail);
    if (fault.limit > 0) {
      writeSize(json, fault.size, fault.limit);
    }
    json.memberExcerpt("first_bytes", fault.excerpt);
    json.member("peer_speaks", identifyPeer(fault.excerpt));
    if (fault.how == StreamFault::How::Stalled && fault.limit_ms > 0) {
      writeTimer(json, Timer::Send, fault.limit_ms);
    } else if (fault.limit_ms > 0) {
      json.memberUnsigned("limit_ms", fault.limit_ms);
    }
  }

  void operator()(const DecisionFault& fault) const {
    json.member("detail", fault.detail);
    writeSize(json, fault.size, fault.limit);
    if (fault.retry_after_s != 0) {
      json.memberUnsigned("retry_after_s", fault.retry_after_s);
    }
    if (!fault.endpoints.empty()) {
      constexpr std::size_t kMostEndpoints = 32;
      json.beginArray("endpoints");
      for (std::size_t i = 0; i < std::min(fault.endpoints.size(), kMostEndpoints); ++i) {
        json.string(fault.endpoints[i]);
      }
      json.endArray();
    }
  }

 private:
  void writeHandshake(const TlsFault& fault) const {
    json.member("last_handshake_message", fault.last_message);
    const bool ours = diagnosis.observation.phase != Phase::ClientRequest;  // we are the client
    if (ours && fault.failure != TlsFailure::Setup && fault.failure != TlsFailure::Memory) {
      json.memberBoolean("server_hello_seen", fault.server_hello_seen);
      json.memberBoolean("certificate_requested", fault.certificate_requested);
      json.memberBoolean("certificate_presented", fault.certificate_presented);
    }
    writeTrue(json, "no_shared_parameters", fault.no_shared_parameters);
    writeTrue(json, "version_unsupported", fault.version_unsupported);
    writeTrue(json, "late", fault.late);
  }
};

// The fault's own clock where it has one, else the phase's.
double elapsedMs(const Observation& observation) {
  const double own = std::visit(
      [](const auto& fault) {
        if constexpr (requires { fault.elapsed_ms; }) {
          return fault.elapsed_ms;
        } else {
          return 0.0;
        }
      },
      observation.fault);
  return own > 0 ? own : observation.elapsed_ms;
}

// In these phases "nothing came" is itself evidence, so 0 is written.
bool awaitsResponse(Phase phase) {
  return phase == Phase::RequestWrite || phase == Phase::ResponseHead || phase == Phase::Upgrade;
}

void writeBytesReceived(JsonWriter& json, const Observation& observation) {
  const ByteFacts& bytes = observation.bytes;
  const auto* tls = std::get_if<TlsFault>(&observation.fault);
  if (tls != nullptr && observation.phase == Phase::TlsHandshake) {
    json.memberUnsigned("bytes_received", tls->handshake_bytes_received);
    return;
  }
  const bool of_body = bytes.body_expected || bytes.body_received > 0 || observation.phase == Phase::ResponseBody;
  if (of_body) {
    json.memberUnsigned("bytes_received", bytes.body_received);
    if (bytes.body_expected) {
      json.memberUnsigned("bytes_expected", *bytes.body_expected);
    }
    if (bytes.response_received > 0) {
      json.memberUnsigned("response_bytes_received", bytes.response_received);
    }
  } else if (awaitsResponse(observation.phase) || bytes.response_received > 0) {
    json.memberUnsigned("bytes_received", bytes.response_received);
  }
}

// TCP counts acknowledged bytes per connection and, under TLS, of ciphertext:
// they say how much of this request arrived only on a fresh plain connection of HTTP/1.1,
// or when nothing at all is outstanding.
std::optional<std::uint64_t> requestBytesAcked(const Observation& observation) {
  if (!observation.tcp || observation.bytes.request_written == 0) {
    return std::nullopt;
  }
  const TcpSnapshot& tcp = *observation.tcp;
  const std::uint64_t written = observation.bytes.request_written;
  if (!observation.connection.tls && !observation.connection.reused && observation.connection.stream == 0) {
    return std::min(tcp.bytes_acked, written);
  }
  if (tcp.unacked == 0 && tcp.notsent_bytes == 0) {
    return written;
  }
  return std::nullopt;
}

// How far a head came that is not complete: interim responses alone, a piece
// of the final head, and whether it was still coming.
void writeHeadProgress(JsonWriter& json, const Observation& observation) {
  const ByteFacts& bytes = observation.bytes;
  if (!bytes.interims.empty()) {
    json.beginArray("interim_statuses");
    for (const std::uint16_t status : bytes.interims) {
      json.string(std::to_string(status));
    }
    json.endArray();
    json.memberUnsigned("head_bytes_received", bytes.head_received);
  }
  // An octet at fault ended the wait as soon as it came.
  const bool waited =
      std::holds_alternative<TimerFault>(observation.fault) || std::holds_alternative<EndFault>(observation.fault);
  if (bytes.silent_ms && waited) {
    json.memberNumber("silent_ms", *bytes.silent_ms);
  }
  writeTrue(json, "head_dripped", headDripped(observation));
}

void writeBytes(JsonWriter& json, const Observation& observation) {
  const ByteFacts& bytes = observation.bytes;
  writeBytesReceived(json, observation);
  writeHeadProgress(json, observation);
  json.member("last_line", bytes.last_line);
  if (bytes.request_written > 0) {
    json.memberUnsigned("request_bytes_written", bytes.request_written);
    json.memberBoolean("request_complete", bytes.request_complete);
  }
  if (const auto acked = requestBytesAcked(observation)) {
    json.memberUnsigned("request_bytes_acked", *acked);
  }
  if (bytes.tls_plain_written > 0) {
    json.memberUnsigned("transport_bytes_written", bytes.tls_plain_written);
  }
}

void writeAnswerBegun(JsonWriter& json, const Diagnosis& diagnosis) {
  writeTrue(json, "answer_begun", diagnosis.cause == Cause::ClientLengthMismatch && diagnosis.observation.answer_begun);
}

void writeRequest(JsonWriter& json, const RequestFacts& request) {
  json.member("upgrade_requested", request.upgrade);
  writeTrue(json, "awaits_continue", request.awaits_continue);
}

void writeConnection(JsonWriter& json, const ConnectionFacts& connection) {
  writeTrue(json, "tls", connection.tls);
  json.member("protocol", connection.protocol);
  if (connection.stream != 0) {
    json.memberInteger("stream", connection.stream);
  }
  if (connection.reused) {
    json.memberNumber("idle_ms", connection.idle_ms);
  }
  if (connection.requests_on_connection > 0) {
    json.memberUnsigned("requests_on_connection", connection.requests_on_connection);
  }
  json.member("dns_name", connection.dns.name);
  if (const auto& stale = connection.dns.stale) {
    json.memberNumber("dns_stale_ms", stale->age_ms);
    json.member("dns_stale_status", name(stale->status));
  }
}

// The kernel's numbering (include/net/tcp_states.h).
std::string_view tcpStateName(std::uint8_t state) {
  constexpr std::array<std::string_view, 13> kNames = {
      "",      "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",   "TIME_WAIT",
      "CLOSE", "CLOSE_WAIT",  "LAST_ACK", "LISTEN",   "CLOSING",   "NEW_SYN_RECV"};
  return state < kNames.size() ? kNames[state] : std::string_view();
}

void writeTcp(JsonWriter& json, const TcpSnapshot& tcp) {
  json.beginObject("tcp");
  json.member("state", tcpStateName(tcp.state));
  if (tcp.rtt_us > 0) {
    json.memberUnsigned("rtt_us", tcp.rtt_us);
  }
  json.memberUnsigned("retransmits", tcp.retransmits);
  json.memberUnsigned("unacked", tcp.unacked);
  json.memberUnsigned("notsent_bytes", tcp.notsent_bytes);
  json.memberUnsigned("bytes_acked", tcp.bytes_acked);
  json.memberUnsigned("bytes_received", tcp.bytes_received);
  if (tcp.snd_wnd_known) {
    json.memberUnsigned("snd_wnd", tcp.snd_wnd);
  }
  if (tcp.rtt_us != 0) {  // before a first acknowledgement the kernel's number is the time since boot
    json.memberUnsigned("last_ack_recv_ms", tcp.last_ack_recv_ms);
  }
  json.endObject();
}

void writeClientWindow(JsonWriter& json, const ClosedWindow& window) {
  json.beginObject("client_window");
  json.member("of", name(window.of));
  json.memberNumber("closed_ms", window.closed_ms);
  json.memberUnsigned("waiting_bytes", window.waiting);
  json.endObject();
}

void writeHistory(JsonWriter& json, const Diagnosis& diagnosis, std::span<const Symptom> later) {
  if (diagnosis.would_be) {
    json.member("would_be", name(*diagnosis.would_be));
  }
  if (later.empty()) {
    return;
  }
  json.beginArray("later");
  for (const Symptom& symptom : later) {
    json.beginObject();
    json.member("what", symptom.what);
    json.memberNumber("at_ms", symptom.at_ms);
    json.endObject();
  }
  json.endArray();
}

// classify() itself says whether a problem alone would have led to the cause,
// so that its table of X.509 codes is not repeated here.
bool decides(const Diagnosis& diagnosis, const TlsFault& fault, const X509Problem& problem) {
  Observation alone = diagnosis.observation;
  TlsFault with_one = fault;
  with_one.problems = {problem};
  alone.fault = std::move(with_one);
  return classifyFault(alone) == classifyFault(diagnosis.observation);
}

void writeLogin(JsonWriter& json, const Observation& observation) {
  const LoginFacts& login = observation.login;
  if (login.service.empty()) {
    return;
  }
  json.member("login_service", login.service);
  if (login.status != 0) {
    json.memberUnsigned("login_status", login.status);
  }
  if (const Cause why = classifyFault(observation);
      why != Cause::LoginServiceDenied && why != Cause::LoginServiceFailed) {
    json.member("login_cause", name(why));
  }
  json.member("login_peer", observation.connection.peer_address);
}

}  // namespace

const X509Problem* decisiveProblem(const Diagnosis& diagnosis) {
  const auto* fault = std::get_if<TlsFault>(&diagnosis.observation.fault);
  if (fault == nullptr || fault->problems.empty()) {
    return nullptr;
  }
  if (fault->problems.size() > 1) {
    for (const X509Problem& problem : fault->problems) {
      if (decides(diagnosis, *fault, problem)) {
        return &problem;
      }
    }
  }
  return &fault->problems.front();
}

void writeEvidence(JsonWriter& json, const Diagnosis& diagnosis, std::span<const Symptom> later) {
  const Observation& observation = diagnosis.observation;
  json.beginObject();
  writeLogin(json, observation);
  std::visit(FaultWriter{json, diagnosis}, observation.fault);
  if (const double elapsed_ms = elapsedMs(observation); elapsed_ms > 0) {
    json.memberNumber("elapsed_ms", elapsed_ms);
  }
  writeBytes(json, observation);
  writeAnswerBegun(json, diagnosis);
  writeRequest(json, observation.request);
  writeConnection(json, observation.connection);
  if (observation.client_window) {
    writeClientWindow(json, *observation.client_window);
  }
  if (observation.tcp) {
    writeTcp(json, *observation.tcp);
  }
  writeHistory(json, diagnosis, later);
  json.endObject();
}

}  // namespace gatewhy
