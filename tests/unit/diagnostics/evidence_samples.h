// SPDX-License-Identifier: Apache-2.0
// Diagnoses that together hold every fact that an observation can hold.
#pragma once

#include <vector>

#include "diagnostics/diagnosis.h"

namespace gatewhy::test {

inline Diagnosis sample(Phase phase, Fault fault) {
  Observation observation;
  observation.phase = phase;
  observation.fault = std::move(fault);
  observation.elapsed_ms = 12.5;
  return diagnose(std::move(observation), StatusPolicy{});
}

inline Diagnosis dnsSample() {
  DnsFault fault{.status = DnsStatus::ServFail, .host = "shop.internal", .ares_status = 3, .rcode = 2, .ede_code = 9};
  fault.searched = {"shop.default.svc", "shop"};
  fault.ede_text = "DNSKEY missing";
  fault.cname_chain = {"a.example", "b.example"};
  fault.cname_loop = true;
  fault.servers = {{"192.0.2.53:53", "A", DnsStatus::ServFail, 3.25}};
  fault.limit_ms = 2000;
  fault.elapsed_ms = 7.5;
  return sample(Phase::Dns, fault);
}

inline Diagnosis connectSample() {
  ConnectFault fault{.call = ConnectCall::SoError, .error = 113, .icmp = IcmpError{false, 3, 1, "198.51.100.1"}};
  fault.elapsed_ms = 0.5;
  return sample(Phase::Connect, fault);
}

inline Diagnosis connectTimerSample() {
  ConnectFault fault{.call = ConnectCall::Timer, .unix_socket = true, .limit_ms = 5000, .elapsed_ms = 5000.25};
  fault.detail = "rule 1";
  return sample(Phase::Connect, fault);
}

// An expired leaf under an unknown root: the problem that decides is not the
// first of the list.
inline TlsFault certificateFault() {
  TlsFault fault{
      .failure = TlsFailure::Certificate, .alert = 45, .reason_code = 134, .reason = "certificate verify failed"};
  fault.problems = {
      {19, "self-signed certificate in certificate chain", 1, "CN=Root", "CN=Root", "2020-01-01T00:00:00Z",
       "2030-01-01T00:00:00Z"},
      {10, "certificate has expired", 0, "CN=shop", "CN=Root", "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"}};
  for (X509Problem& problem : fault.problems) {
    problem.serial = "4F00";
    problem.revoked_at = "2020-06-01T00:00:00Z";
    problem.revocation_reason = "keyCompromise";
    problem.revocation_source = "crl";
    problem.crl_next_update = "2020-07-01T00:00:00Z";
  }
  fault.chain_length = 2;
  fault.chain_last_issuer = "CN=Root";
  fault.wanted_name = "shop.internal";
  fault.names = {"shop.example", "www.shop.example"};
  fault.last_message = "Certificate";
  fault.server_hello_seen = true;
  fault.version = "TLSv1.3";
  fault.handshake_bytes_received = 2210;
  return fault;
}

inline Diagnosis alertSample() {
  TlsFault fault{.failure = TlsFailure::AlertReceived, .alert = 40, .error = 104};
  fault.no_shared_parameters = true;
  fault.version_unsupported = true;
  fault.late = true;
  fault.first_bytes = "SSH-2.0-OpenSSH_9.2\r\n";
  fault.detail = "client.pem";
  fault.alpn_offered = "h2";
  fault.alpn_chosen = "http/1.1";
  return sample(Phase::TlsHandshake, fault);
}

inline Diagnosis tlsTimeoutSample() {
  return sample(Phase::TlsHandshake, TlsFault{.failure = TlsFailure::Timeout, .limit_ms = 5000, .elapsed_ms = 5001});
}

inline Diagnosis parseSample() {
  ParseFault fault{.error = ParseError::NotHttp, .offset = 0, .excerpt = "SSH-2.0-OpenSSH_9.2\r\n"};
  fault.header_name = "X-Big";
  fault.size = 70000;
  fault.limit = 65536;
  fault.token = "snappy";
  return sample(Phase::ResponseHead, fault);
}

inline Diagnosis exchangeTimerSample() {
  return sample(Phase::ResponseHead, TimerFault{Timer::Exchange, 1000, 1000.5, Phase::ResponseHead});
}

// Everything that can surround a fault.
inline Diagnosis bodySample() {
  EndFault fault{.how = EndFault::How::Reset, .error = 104, .reset_after_fin = true, .on_write = true};
  Observation observation;
  observation.phase = Phase::ResponseBody;
  observation.fault = fault;
  observation.connection = {"http://10.0.0.7:80",
                            "10.0.0.7:80",
                            true,
                            true,
                            1500.5,
                            7,
                            "h2",
                            5,
                            {"shop.default.svc", StaleDns{DnsStatus::ServFail, 61000.5}}};
  observation.bytes = {200, true, false, 900, 4196, 4096, 10000, "Content-Length: 10000"};
  observation.client_window = ClosedWindow{.of = ClosedWindow::Of::Connection, .closed_ms = 30.5, .waiting = 4096};
  observation.tcp = TcpSnapshot{1, 350, 2, 0, 0, 900, 5000, 64240, true, 12};
  observation.elapsed_ms = 42;
  observation.interrupted = InterruptedFacts{.phase = Phase::ResponseHead, .waited_ms = 40, .limit_ms = 60};
  return diagnose(std::move(observation), StatusPolicy{});
}

// A head that is not complete, to a request that wanted more than an answer.
inline Diagnosis headSample() {
  Observation observation;
  observation.phase = Phase::ResponseHead;
  observation.fault = TimerFault{.timer = Timer::ResponseHead, .limit_ms = 1000, .elapsed_ms = 1000.5};
  observation.bytes.response_received = 70;
  observation.bytes.interims = {100, 103};
  observation.bytes.head_received = 20;
  observation.bytes.silent_ms = 12.5;
  observation.request = {.upgrade = "websocket", .awaits_continue = true};
  return diagnose(std::move(observation), StatusPolicy{});
}

inline Diagnosis upgradeSample() {
  return sample(Phase::Upgrade, UpgradeFault{.rule = UpgradeRule::OtherProtocol, .given = "chat"});
}

// A client's, with its answer begun.
inline Diagnosis shortBodySample() {
  Observation observation;
  observation.phase = Phase::ClientRequest;
  observation.fault =
      ParseFault{.error = ParseError::BodyLengthDiffers, .header_name = "content-length", .size = 4, .limit = 10};
  observation.bytes.body_received = 4;
  observation.bytes.body_expected = 10;
  observation.answer_begun = true;
  return diagnose(std::move(observation), StatusPolicy{});
}

inline Diagnosis streamSample() {
  return sample(Phase::ClientRequest, StreamFault{.how = StreamFault::How::Flood,
                                                  .code = 11,
                                                  .stream = 3,
                                                  .frame = "RST_STREAM",
                                                  .offset = 4711,
                                                  .flood = "rapid_reset",
                                                  .detail = "requests that are given up before their answer",
                                                  .size = 101,
                                                  .limit = 100});
}

inline Diagnosis goAwaySample() {
  return sample(Phase::ClientRequest,
                StreamFault{.how = StreamFault::How::GoAway, .code = 1, .last_stream = 7, .frame = "GOAWAY"});
}

// Of an origin: its window stays closed, or what it sends is no HTTP/2.
inline Diagnosis stalledSample() {
  return sample(Phase::RequestWrite,
                StreamFault{.how = StreamFault::How::Stalled, .code = 8, .limit_ms = 3000, .elapsed_ms = 3000.5});
}

inline Diagnosis notHttp2Sample() {
  return sample(Phase::ResponseHead,
                StreamFault{.code = 1, .frame = "DATA", .excerpt = "HTTP/1.1 400 Bad Request\r\n"});
}

// Of a request to a login service (auth.forward).
inline Diagnosis loginSample() {
  Observation observation;
  observation.phase = Phase::Connect;
  observation.fault = ConnectFault{.call = ConnectCall::SoError, .error = 111};
  observation.connection.peer_address = "10.0.0.9:9000";
  observation.login = {.service = "http://login.internal:9000/verify", .status = 502};
  return diagnose(std::move(observation), StatusPolicy{});
}

// What comes after a diagnosis.
inline std::vector<Symptom> laterSample() {
  return {{"EPIPE on write", 51.5}};
}

inline Diagnosis decisionSample() {
  return sample(Phase::ResponseBody,
                DecisionFault{Cause::ResponseBodyTooLarge, "policy", 2000, 1000, 3, {"http://shop-1: drained"}});
}

inline std::vector<Diagnosis> allSamples() {
  return {dnsSample(),      connectSample(),    connectTimerSample(), sample(Phase::TlsHandshake, certificateFault()),
          alertSample(),    tlsTimeoutSample(), parseSample(),        exchangeTimerSample(),
          bodySample(),     decisionSample(),   headSample(),         upgradeSample(),
          loginSample(),    streamSample(),     goAwaySample(),       stalledSample(),
          notHttp2Sample(), shortBodySample()};
}

}  // namespace gatewhy::test
