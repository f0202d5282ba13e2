// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "diagnostics/certificate_problem.h"
#include "diagnostics/classify.h"
#include "diagnostics/classify_rules.h"
#include "diagnostics/errno_name.h"
#include "diagnostics/h2_words.h"
#include "diagnostics/octets.h"
#include "diagnostics/peer_name.h"
#include "diagnostics/tls_alert.h"

namespace gatewhy {
namespace {

using Facts = std::vector<std::string>;
using How = EndFault::How;

constexpr std::size_t kLongestQuoted = 200;
constexpr std::size_t kLongestToken = 40;
constexpr std::size_t kMostListed = 3;

// Text that a peer chose: bounded, one line, no control octets.
std::string clean(std::string_view text, std::size_t limit = kLongestQuoted) {
  std::string result(text.substr(0, limit));
  std::ranges::replace_if(result, octets::isControl, '?');
  if (text.size() > limit) {
    result += "...";
  }
  return result;
}

std::string duration(double milliseconds) {
  if (milliseconds < 10) {
    return fmt::format("{:.2g} ms", milliseconds);
  }
  if (milliseconds < 1000) {
    return fmt::format("{:.0f} ms", milliseconds);
  }
  return fmt::format("{:g} s", std::round(milliseconds / 100) / 10);
}

std::string errnoText(int error) {
  const std::string_view name = errnoName(error);
  return name.empty() ? fmt::format("errno {}", error) : std::string(name);
}

std::string alertText(int alert) {
  const std::string_view name = tlsAlertName(alert);
  return name.empty() ? fmt::format("alert {}", alert) : fmt::format("alert {} {}", alert, name);
}

template <typename List, typename Text>
std::string listed(const List& list, Text text) {
  std::string result;
  for (std::size_t i = 0; i < list.size() && i < kMostListed; ++i) {
    result += i == 0 ? "" : ", ";
    result += clean(text(list[i]));
  }
  return list.size() > kMostListed ? result + fmt::format(" and {} more", list.size() - kMostListed) : result;
}

void add(Facts& facts, std::string fact) {
  if (!fact.empty()) {
    facts.push_back(std::move(fact));
  }
}

void addLimit(Facts& facts, std::string_view timer, std::uint32_t limit_ms, double elapsed_ms) {
  if (limit_ms > 0) {
    facts.push_back(fmt::format("{} limit {}", timer, duration(limit_ms)));
  } else if (elapsed_ms > 0) {
    facts.push_back("after " + duration(elapsed_ms));
  }
}

// "shop.internal:8443 at 192.0.2.7:8443", or the half that is known.
std::string where(const ConnectionFacts& connection) {
  const std::string& peer = connection.peer_address;
  if (connection.endpoint.empty() || connection.endpoint.find(peer) != std::string::npos) {
    return clean(connection.endpoint.empty() ? peer : connection.endpoint);
  }
  return fmt::format("{} at {}", clean(connection.endpoint), clean(peer));
}

void addReuse(Facts& facts, const ConnectionFacts& connection) {
  if (connection.reused) {
    facts.push_back(fmt::format("request {} on a connection that was idle for {}",
                                std::max(connection.requests_on_connection, 2U), duration(connection.idle_ms)));
  }
}

void addRequestBytes(Facts& facts, const Observation& seen) {
  if (seen.request.awaits_continue) {
    facts.push_back(fmt::format("request head of {} bytes handed over", seen.bytes.request_written));
  } else if (!seen.bytes.request_complete) {
    facts.push_back(fmt::format("{} bytes of an unfinished request handed over", seen.bytes.request_written));
  } else {
    facts.push_back(fmt::format("request of {} bytes handed over", seen.bytes.request_written));
  }
  if (seen.tcp && !seen.connection.tls && !seen.connection.reused && seen.connection.stream == 0) {
    facts.push_back(
        fmt::format("{} of them acknowledged", std::min(seen.tcp->bytes_acked, seen.bytes.request_written)));
  }
}

std::string joinedStatuses(const std::vector<std::uint16_t>& statuses) {
  return listed(statuses, [](std::uint16_t status) { return std::to_string(status); });
}

void addHeadProgress(Facts& facts, const ByteFacts& bytes) {
  if (!bytes.interims.empty()) {
    facts.push_back("interim responses " + joinedStatuses(bytes.interims));
    facts.push_back(fmt::format("{} bytes of the final head", bytes.head_received));
  }
  if (bytes.silent_ms) {
    facts.push_back(fmt::format("the last byte came {} before", duration(*bytes.silent_ms)));
  }
}

// What the request asked for beyond an answer.
void addRequest(Facts& facts, const RequestFacts& request) {
  if (!request.upgrade.empty()) {
    facts.push_back("the request asked for an upgrade to " + clean(request.upgrade, kLongestToken));
  }
  if (request.awaits_continue) {
    facts.emplace_back("the client waits for 100 (Continue) before it sends its body");
  }
}

void addBodyBytes(Facts& facts, const ByteFacts& bytes) {
  if (bytes.body_expected) {
    facts.push_back(fmt::format("received {} of {} bytes", bytes.body_received, *bytes.body_expected));
  } else {
    facts.push_back(fmt::format("received {} bytes of the body", bytes.body_received));
  }
}

// The bytes that matter depend on how far the exchange had come.
void addBytes(Facts& facts, const Observation& seen) {
  switch (seen.phase) {
    case Phase::RequestWrite:
    case Phase::ResponseHead:
      addRequestBytes(facts, seen);
      facts.push_back(fmt::format("received {} bytes", seen.bytes.response_received));
      addHeadProgress(facts, seen.bytes);
      addRequest(facts, seen.request);
      return;
    case Phase::ResponseBody:
      // Over HTTP/2 END_STREAM may be missing behind them.
      if (seen.bytes.body_expected == seen.bytes.body_received && !std::holds_alternative<ParseFault>(seen.fault)) {
        facts.push_back(
            fmt::format("received all {} bytes of the body, and not the end behind them", seen.bytes.body_received));
      } else {
        addBodyBytes(facts, seen.bytes);
      }
      return;
    case Phase::ClientRequest:
      if (seen.bytes.body_received > 0 || seen.bytes.body_expected) {
        addBodyBytes(facts, seen.bytes);
      }
      return;
    case Phase::Routing:
    case Phase::Dns:
    case Phase::Connect:
    case Phase::TlsHandshake:
    case Phase::Upgrade:
    case Phase::Internal:
      return;
  }
}

void addProblem(Facts& facts, const TlsFault& fault) {
  const X509Problem* problem = decisiveProblem(fault);
  if (problem == nullptr) {
    return;
  }
  facts.push_back(fmt::format("{}: {} (code {}) at depth {}", clean(problem->subject), clean(problem->name),
                              problem->code, problem->depth));
  constexpr int kNotYetValid = 9;
  constexpr int kExpired = 10;
  if (problem->code == kExpired && !problem->not_after.empty()) {
    facts.push_back("not valid after " + clean(problem->not_after));
  }
  if (problem->code == kNotYetValid && !problem->not_before.empty()) {
    facts.push_back("not valid before " + clean(problem->not_before));
  }
  if (!problem->revoked_at.empty()) {
    facts.push_back(fmt::format("serial {}, revoked at {}{}{}", clean(problem->serial), clean(problem->revoked_at),
                                problem->revocation_reason.empty() ? "" : " for ", clean(problem->revocation_reason)));
  }
  if (!problem->crl_next_update.empty()) {
    facts.push_back("the list should have been renewed by " + clean(problem->crl_next_update));
  }
  if (isNameMismatch(*problem)) {
    facts.push_back(
        fmt::format("wanted {}, has {}", clean(fault.wanted_name),
                    fault.names.empty() ? "no names" : listed(fault.names, [](const auto& n) { return n; })));
  } else if (!fault.chain_last_issuer.empty()) {
    facts.push_back(fmt::format("{} sent, the last issued by {}", fault.chain_length, clean(fault.chain_last_issuer)));
  }
}

void addTlsProgress(Facts& facts, const TlsFault& fault) {
  facts.push_back(fmt::format("{} handshake bytes received", fault.handshake_bytes_received));
  if (!fault.last_message.empty()) {
    facts.push_back("the last message was " + clean(fault.last_message, kLongestToken));
  }
}

void addTlsReason(Facts& facts, const TlsFault& fault) {
  if (fault.alert >= 0) {
    const bool received = fault.failure == TlsFailure::AlertReceived;
    facts.push_back(fmt::format("{} {}", alertText(fault.alert), received ? "received" : "sent"));
  }
  if (!fault.reason.empty() && fault.failure != TlsFailure::AlertReceived) {
    facts.push_back("TLS reason: " + clean(fault.reason));
  }
  if (fault.error != 0) {
    facts.push_back(errnoText(fault.error));
  }
}

std::string windowText(const ClosedWindow& window) {
  const std::string_view whose = window.of == ClosedWindow::Of::Stream ? "the client's window of this stream has"
                                 : window.of == ClosedWindow::Of::Connection
                                     ? "the client's window of the connection has"
                                     : "both of the client's windows have";
  return fmt::format("{} been closed for {}, {} bytes waiting", whose, duration(window.closed_ms), window.waiting);
}

// ---- one overload per kind of fault --------------------------------------

struct FactsOf {
  const Observation& seen;
  Facts& facts;

  void operator()(const DnsFault& fault) const {
    add(facts, clean(fault.host));
    if (fault.status != DnsStatus::Timeout) {
      facts.emplace_back(name(fault.status));
    }
    if (fault.ede_code) {
      facts.push_back(fmt::format("extended error {}{}{}", *fault.ede_code, fault.ede_text.empty() ? "" : " ",
                                  clean(fault.ede_text)));
    }
    if (!fault.cname_chain.empty()) {
      facts.push_back(
          fmt::format("{} {}", fault.cname_loop ? "alias loop over" : "an alias of", clean(fault.cname_chain.back())));
    }
    if (fault.searched.size() > 1) {
      facts.push_back("looked for " + listed(fault.searched, [](const std::string& name) { return name; }));
    }
    if (!fault.servers.empty()) {
      facts.push_back("asked " + listed(fault.servers, [](const DnsServerAnswer& s) { return s.server; }));
    }
    addLimit(facts, "resolve", fault.limit_ms.value_or(0), fault.elapsed_ms);
  }

  void operator()(const ConnectFault& fault) const {
    if (fault.error != 0) {
      facts.push_back(fmt::format("{} from {}", errnoText(fault.error), connectCallText(fault.call)));
    }
    if (fault.icmp) {
      facts.push_back(fmt::format("{} {}/{} from {}", fault.icmp->v6 ? "ICMPv6" : "ICMP", fault.icmp->type,
                                  fault.icmp->code, clean(fault.icmp->sender)));
    }
    add(facts, clean(fault.detail));
    addLimit(facts, "connect", fault.limit_ms, fault.elapsed_ms);
  }

  void operator()(const TlsFault& fault) const {
    addProblem(facts, fault);
    if (fault.failure != TlsFailure::Certificate) {
      addTlsReason(facts, fault);
    }
    if (fault.failure == TlsFailure::NotTls) {
      add(facts, firstBytes(fault.first_bytes));
    }
    if (fault.failure == TlsFailure::Timeout || fault.failure == TlsFailure::Eof ||
        fault.failure == TlsFailure::Reset) {
      addTlsProgress(facts, fault);
    }
    if (fault.late && seen.phase != Phase::ClientRequest) {
      facts.emplace_back("after the handshake seemed complete");
    }
    add(facts, clean(fault.detail));
    addLimit(facts, "tls_handshake", fault.limit_ms, fault.elapsed_ms);
  }

  void operator()(const ParseFault& fault) const {
    facts.push_back(fmt::format("{} at offset {}", description(fault.error), fault.offset));
    if (!fault.header_name.empty()) {
      facts.push_back("field " + clean(fault.header_name, kLongestToken));
    }
    const bool token_is_public =
        fault.error == ParseError::CodingUnsupported || fault.error == ParseError::StatusInvalid ||
        fault.error == ParseError::VersionUnsupported || fault.error == ParseError::ContentLengthDiffers;
    if (token_is_public && !fault.token.empty()) {
      facts.push_back("'" + clean(fault.token, kLongestToken) + "'");
    }
    addSizes(fault.size, fault.limit, limitKey(fault.error, seen.phase));
    if (fault.offset == 0 || fault.error == ParseError::NotHttp) {
      add(facts, firstBytes(fault.excerpt));
    }
  }

  void operator()(const TimerFault& fault) const {
    addBytes(facts, seen);
    if (fault.timer == Timer::ClientRate) {
      facts.push_back(fmt::format("{} bytes in {}, {} asks for {}", fault.moved, duration(fault.elapsed_ms),
                                  name(fault.timer), fault.due));
      return;
    }
    addLimit(facts, name(fault.timer), fault.limit_ms, fault.elapsed_ms);
    if (fault.timer == Timer::Exchange || fault.timer == Timer::GrpcTimeout) {
      facts.push_back(fmt::format("most of it went into {}", name(fault.longest_phase)));
    }
  }

  void operator()(const EndFault& fault) const {
    facts.push_back(endText(fault));
    addReuse(facts, seen.connection);
    addBytes(facts, seen);
    addLimit(facts, "", 0, seen.elapsed_ms);
  }

  void operator()(const UpgradeFault& fault) const {
    facts.emplace_back(description(fault.rule));
    if (fault.rule == UpgradeRule::OtherProtocol) {
      facts.push_back(fmt::format("asked for {}, given {}", clean(seen.request.upgrade, kLongestToken),
                                  clean(fault.given, kLongestToken)));
    }
    addLimit(facts, "", 0, seen.elapsed_ms);
  }

  void operator()(const StreamFault& fault) const {
    const bool of_client = seen.phase == Phase::ClientRequest;
    add(facts, clean(fault.detail));
    if (!fault.frame.empty()) {
      const bool of_connection = fault.stream == 0 || fault.how == StreamFault::How::GoAway;
      facts.push_back(of_connection ? clean(fault.frame) : fmt::format("{} of stream {}", fault.frame, fault.stream));
    }
    if (fault.how == StreamFault::How::GoAway && !of_client) {
      facts.push_back(fmt::format("the last stream that it took up is {}", fault.last_stream));
    }
    addCode(fault, of_client ? "client" : "origin");
    addSizes(fault.size, fault.limit);
    add(facts, firstBytes(fault.excerpt));
    if (!of_client) {
      addBytes(facts, seen);
      addLimit(facts, timerOf(fault.how), fault.limit_ms, fault.elapsed_ms > 0 ? fault.elapsed_ms : seen.elapsed_ms);
    }
  }

  void operator()(const DecisionFault& fault) const {
    add(facts, clean(fault.detail));
    addSizes(fault.size.value_or(0), fault.limit.value_or(0));
    addLimit(facts, "", 0, seen.elapsed_ms);
  }

 private:
  void addCode(const StreamFault& fault, std::string_view peer) const {
    switch (fault.how) {
      case StreamFault::How::Reset:
      case StreamFault::How::GoAway:
        facts.push_back(fmt::format("the {}'s code is {}", peer, h2CodeName(fault.code)));
        return;
      case StreamFault::How::Protocol:
      case StreamFault::How::Flood:
        facts.push_back("answered with " + h2CodeName(fault.code));
        return;
      case StreamFault::How::Stalled:
        facts.push_back(peer == "client"    ? "answered with " + h2CodeName(fault.code)
                        : fault.stream == 0 ? "the window of the connection"
                                            : "the window of the stream");
        return;
      case StreamFault::How::NoSettings:
      case StreamFault::How::PingTimeout:
      case StreamFault::How::NoRoom:
      case StreamFault::How::Misdirected:
        return;
    }
  }

  // The key of the configuration that moves a head's limit; "" of others.
  static std::string_view limitKey(ParseError error, Phase phase) {
    const bool head = error == ParseError::StartLineTooLong || error == ParseError::FieldTooLarge ||
                      error == ParseError::HeadTooLarge;
    if (head) {
      return phase == Phase::ClientRequest ? "limits.request_head" : "limits.response_head";
    }
    return error == ParseError::TooManyFields ? "limits.fields" : "";
  }

  void addSizes(std::uint64_t size, std::uint64_t limit, std::string_view key = {}) const {
    if (!key.empty() && limit > 0) {
      facts.push_back(fmt::format("{} seen, {} is {}", size, key, limit));
    } else if (limit > 0 && size > 0) {
      facts.push_back(fmt::format("{} seen, limit {}", size, limit));
    } else if (limit > 0) {
      facts.push_back(fmt::format("limit {}", limit));
    }
  }

  static std::string firstBytes(std::string_view bytes) {
    const std::string_view peer = identifyPeer(bytes);
    return peer.empty() ? std::string() : fmt::format("the first bytes look like {}", peer);
  }

  // What the time is called that ran out; "" where it has no key of its own.
  static std::string_view timerOf(StreamFault::How how) {
    return how == StreamFault::How::Stalled       ? name(Timer::Send)
           : how == StreamFault::How::PingTimeout ? "PING"
                                                  : "SETTINGS";
  }

  static std::string connectCallText(ConnectCall call) {
    switch (call) {
      case ConnectCall::Socket:
      case ConnectCall::Bind:
      case ConnectCall::Connect:
        return fmt::format("{}() on this host", name(call));
      case ConnectCall::SoError:
      case ConnectCall::Timer:
      case ConnectCall::SelfConnect:
        return "the network";
      case ConnectCall::Policy:
        return "a rule of this gateway";
    }
    return {};
  }

  static std::string endText(const EndFault& fault) {
    std::string text;
    switch (fault.how) {
      case How::Fin:
        text = fault.reset_after_fin ? "FIN, then RST" : "FIN";
        break;
      case How::Reset:
        text = fault.error != 0 ? errnoText(fault.error) : "RST";
        break;
      case How::CloseNotify:
        text = "TLS close_notify";
        break;
      case How::TlsTruncated:
        text = "FIN without TLS close_notify";
        break;
      case How::Error:
        text = errnoText(fault.error);
        break;
    }
    return fault.on_write ? text + " on write" : text;
  }
};

std::string_view firstSentence(std::string_view text) {
  const std::size_t end = text.find(". ");
  text = text.substr(0, end);
  if (text.ends_with('.')) {
    text.remove_suffix(1);
  }
  return text;
}

// Why nobody can tell whether the certificate is revoked.
std::string revocationStory(const TlsFault& fault, bool client) {
  const std::string unknown = fmt::format("It cannot be determined whether the {}'s certificate has been revoked: ",
                                          client ? "client" : "origin");
  constexpr int kMissing = 3;
  constexpr int kNotYetValid = 11;
  constexpr int kExpired = 12;
  constexpr int kStapleMissing = 73;
  const X509Problem* problem = decisiveProblem(fault);
  switch (problem == nullptr ? 0 : problem->code) {
    case kMissing:
      return unknown + (client ? "tls.client_crl_file" : "tls.crl_file") + " has no list of its issuer";
    case kNotYetValid:
      return unknown + "the issuer's list is not valid yet";
    case kExpired:
      return unknown + "the issuer's list has expired";
    case kStapleMissing:
      return "The origin's certificate demands an OCSP response, and the origin sent none";
    default:
      return unknown + "the issuer's list is not usable";
  }
}

std::string storyOfStream(Cause cause, const StreamFault& fault, const Observation& seen) {
  if (cause == Cause::H2RefusedStream && asksForCalm(fault)) {
    return "The origin reset the request's stream because it gets too much work from here (ENHANCE_YOUR_CALM)";
  }
  if (fault.how == StreamFault::How::NoRoom && cause == Cause::H2RefusedStream) {
    return "The origin's HTTP/2 connection took no further stream, and nothing of the request was sent";
  }
  if (fault.how == StreamFault::How::Misdirected && cause == Cause::H2Http11Required) {
    return "The origin answered 421 (Misdirected Request) over HTTP/2: it wants this request over another connection";
  }
  if (cause == Cause::H2ProtocolError && fault.how == StreamFault::How::NoSettings) {
    return "The origin did not send SETTINGS, with which HTTP/2 begins, in time";
  }
  if (cause == Cause::H2ProtocolError && !fault.excerpt.empty()) {
    return "What the origin sends is not HTTP/2";
  }
  if (cause == Cause::OriginKeepaliveFailed) {
    return pingWasRead(seen) ? "A PING of HTTP/2 reached the origin's host, and its process did not answer it"
                             : "The origin's host had the connection, and then a PING of HTTP/2 went unanswered";
  }
  return std::string(firstSentence(info(cause).seen));
}

// What was seen, in one sentence: the row's, unless the row stands for
// several stories and this is another one of them.
std::string storyOf(Cause cause, const Observation& seen) {
  if (cause == Cause::ResponseHeadStalled && onlyInterims(seen)) {
    return "Interim responses came, and not a byte of the final one in time";
  }
  if (cause == Cause::ResponseHeadStalled && headDripped(seen)) {
    return "The response head was still coming, too slowly, when its time was over";
  }
  if (cause == Cause::ResponseHeadIncomplete && onlyInterims(seen)) {
    return "The connection ended after interim responses, without a byte of the final one";
  }
  if (cause == Cause::ClientWriteTimeout && seen.client_window) {
    return "Response bytes were waiting, and the client's HTTP/2 window stayed closed for as long as "
           "limits.client_body_timeout allows";
  }
  if (const auto* stream = std::get_if<StreamFault>(&seen.fault)) {
    return storyOfStream(cause, *stream, seen);
  }
  if (const auto* parse = std::get_if<ParseFault>(&seen.fault);
      parse != nullptr && parse->error == ParseError::BodyLengthDiffers && seen.phase != Phase::ClientRequest) {
    return parse->size > parse->limit ? "The origin sent more of the response body than Content-Length announces"
                                      : "The origin ended the response before its body was as long as Content-Length";
  }
  if (const auto* tls = std::get_if<TlsFault>(&seen.fault)) {
    if (cause == Cause::TlsCertificateRevocationUnknown || cause == Cause::ClientCertificateRevocationUnknown) {
      return revocationStory(*tls, cause == Cause::ClientCertificateRevocationUnknown);
    }
    if (cause == Cause::ClientTlsFailed && tls->late) {
      return tls->failure == TlsFailure::AlertReceived
                 ? "The client ended TLS with an alert after the handshake"
                 : "The client sent bytes after the TLS handshake that are no valid record";
    }
  }
  return std::string(firstSentence(info(cause).seen));
}

}  // namespace

std::string summarize(Cause cause, const Observation& observation) {
  Facts facts;
  const LoginFacts& login = observation.login;
  if (!login.service.empty()) {
    facts.push_back(clean(login.service));
    if (login.status != 0) {
      facts.push_back(fmt::format("it answered {}", login.status));
    }
    if (const Cause why = classifyFault(observation); why != cause) {
      facts.emplace_back(name(why));
    }
  }
  if (login.service.empty() || !login.service.starts_with(observation.connection.endpoint)) {
    add(facts, where(observation.connection));
  }
  if (observation.connection.stream != 0) {
    facts.push_back(fmt::format("stream {}", observation.connection.stream));
  }
  std::visit(FactsOf{observation, facts}, observation.fault);
  if (observation.client_window) {
    facts.push_back(windowText(*observation.client_window));
  }
  std::string sentence = storyOf(cause, observation);
  if (!facts.empty()) {
    sentence += fmt::format(" ({})", fmt::join(facts, ", "));
  }
  return sentence + ".";
}

}  // namespace gatewhy
