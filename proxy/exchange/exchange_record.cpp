// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/exchange_record.h"

#include <algorithm>
#include <utility>

#include "diagnostics/proxy_status.h"
#include "proxy/exchange/finding_ledger.h"

namespace gatewhy {

ExchangeRecord::ExchangeRecord(const RequestHead& request, const ClientFacts& client, const Generation& generation,
                               TimePoint began)
    : check(generation.config->diagnostics.lint),
      request_(request),
      client_(client),
      generation_(generation),
      began_(began),
      timestamp_(std::chrono::system_clock::now()) {}

// ---- tries --------------------------------------------------------------

void ExchangeRecord::addAddresses(std::string_view endpoint, std::vector<AddressFailure> addresses) {
  for (AddressFailure& address : addresses) {
    tries_.push_back(TryRecord{.endpoint = std::string(endpoint),
                               .peer_address = std::move(address.peer_address),
                               .connection_reused = false,
                               .timings = address.timings,
                               .diagnosis = diagnosed(std::move(address.observation))});
  }
}

bool ExchangeRecord::endTry(Attempt& attempt, std::vector<AddressFailure> addresses, const Diagnosis& diagnosis) {
  open_try_ = false;
  addAddresses(attempt.endpointUrl(), std::move(addresses));
  if (!attempt.endpointChosen()) {
    return false;
  }
  TryRecord ended = attempt.record();
  ended.peer_address = diagnosis.observation.connection.peer_address;
  ended.diagnosis = diagnosis;
  tries_.push_back(std::move(ended));
  return true;
}

void ExchangeRecord::closeTry(Attempt& attempt) {
  if (!open_try_ || !attempt.endpointChosen()) {
    return;
  }
  open_try_ = false;
  addAddresses(attempt.endpointUrl(), attempt.takeAddressFailures());
  tries_.push_back(attempt.record());
  // A try that was given up because of the client has no fault of its own.
  if (diagnosis_ && diagnosis_->blame != Blame::Client) {
    tries_.back().diagnosis = *diagnosis_;
  }
}

// ---- failing ------------------------------------------------------------

Diagnosis ExchangeRecord::diagnosed(Observation observation) const {
  redactEvidence(observation, generation_.config->log.redaction);
  return diagnose(std::move(observation), generation_.config->diagnostics.policy);
}

void ExchangeRecord::noteLater(std::string_view what) {
  later_.push_back(Symptom{.what = std::string(what), .at_ms = elapsedMs()});
}

Observation ExchangeRecord::clientGone(bool body_whole, std::uint64_t body_received) const {
  Observation gone{.phase = Phase::ClientRequest,
                   .fault = EndFault{.how = EndFault::How::Fin, .reset_after_fin = true}};
  gone.bytes.request_complete = body_whole;
  gone.bytes.body_received = body_received;
  gone.bytes.last_line = request_.method_size != 0 ? std::string(request_.methodToken()) : std::string();
  gone.elapsed_ms = millisBetween(began_, half_close_.at);
  gone.interrupted = InterruptedFacts{.phase = half_close_.phase};
  return gone;
}

void ExchangeRecord::quoteProxyStatus(const ResponseHead& head) {
  if (head.find(FieldId::ProxyStatus) == nullptr) {
    return;
  }
  std::string joined;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::ProxyStatus) {
      joined.append(joined.empty() ? "" : ", ").append(head.value(field));
    }
  }
  if (auto said = readProxyStatus(joined)) {
    said->details = generation_.config->log.redaction.text(said->details);
    origin_proxy_status_ = std::make_unique<ReceivedProxyStatus>(*std::move(said));
  }
}

// ---- the event ----------------------------------------------------------

void ExchangeRecord::describeRequest(ExchangeEvent& event, std::uint64_t body) const {
  event.timestamp = timestamp_;
  event.request_id = identity.requestId();
  event.trace_id = identity.traceId();
  event.span_id = identity.spanId();
  event.parent_span_id = identity.parentSpanId();
  event.instance = generation_.config->diagnostics.name;
  event.scheme = client_.tls ? "https" : "http";
  event.tls = client_.tls && !client_.tls_session.version.empty() ? &client_.tls_session : nullptr;
  event.client_address = clientAddress();
  event.client_port = forwarded_client.empty() ? client_.port : 0;
  if (request_.bytes.empty()) {
    return;  // the connection failed before a request
  }
  event.method = request_.methodToken();
  event.path = request_.target_size != 0 ? request_.path() : std::string_view();
  event.query = request_.query();
  event.server_address = request_.host;
  event.protocol_version = request_.version();
  event.user_agent = request_.valueOf(FieldId::UserAgent);
  if (request_.body != BodyKind::None) {
    event.request_body_size = body;
  }
  if (short_body_) {
    event.request_body_size = short_body_->bytes.body_received;  // not all of it was passed on
    event.request_body_announced = short_body_->bytes.body_expected;
  }
}

void ExchangeRecord::describeTries(ExchangeEvent& event, Attempt* attempt) {
  if (attempt != nullptr && tries_.empty() && attempt->answeredAtOnce()) {
    event.attempts = 1;  // as nearly always: told without a record of it
    event.endpoint = attempt->endpointUrl();
    event.peer_address = attempt->answeredBy();
    event.peer_protocol_version = attempt->httpVersion();
    event.connection_reused = attempt->reused();
    event.timings = attempt->timings();
    return;
  }
  if (attempt != nullptr) {
    closeTry(*attempt);
  }
  event.attempts = static_cast<std::uint32_t>(tries_.size());
  event.tries = &tries_;
  if (!tries_.empty()) {
    const TryRecord& last = tries_.back();
    event.endpoint = last.endpoint;
    event.peer_address = last.peer_address;
    event.peer_protocol_version = last.peer_protocol_version;
    event.connection_reused = last.connection_reused;
    event.timings = last.timings;
  }
}

void ExchangeRecord::describeOutcome(ExchangeEvent& event) const {
  if (!diagnosis_) {
    return;
  }
  event.diagnosis = diagnosis_.get();
  event.later = &later_;
  const bool left = diagnosis_->cause == Cause::ClientClosedRequest ||
                    diagnosis_->cause == Cause::ClientAbortedUpload || diagnosis_->cause == Cause::TunnelResetByClient;
  event.outcome = left ? Outcome::Aborted : Outcome::Failure;
}

void ExchangeRecord::describeCall(ExchangeEvent& event, GrpcCall* call) const {
  if (call == nullptr) {
    return;
  }
  if (diagnosis_) {
    call->noteOwn(event.outcome == Outcome::Aborted ? GrpcStatus::Cancelled : grpcStatusOf(*diagnosis_));
  } else if (call->failed()) {
    event.outcome = Outcome::Failure;
  }
  GrpcFacts& facts = call->facts();
  facts.message = generation_.config->log.redaction.text(facts.message);
  event.grpc = &facts;
}

std::vector<std::string_view> ExchangeRecord::droppedNames() const {
  constexpr std::size_t kMostNames = 16;
  constexpr std::size_t kLongestName = 64;
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < std::min(dropped.size(), kMostNames); ++i) {
    names.push_back(request_.name(request_.fields[dropped[i]]).substr(0, kLongestName));
  }
  return names;
}

void ExchangeRecord::tell(EventSink& sink, Attempt* attempt, GrpcCall* call, std::uint64_t request_body,
                          std::uint64_t response_body) {
  ExchangeEvent event;
  describeRequest(event, request_body);
  const Redaction& redact = generation_.config->log.redaction;
  const auto query = event.query.empty() ? std::nullopt : redact.pairs(event.query);
  event.query = query ? *query : event.query;
  // A path has parameters too (";jsessionid=").
  const bool parameters = event.path.find(';') != std::string_view::npos;
  const auto path = parameters ? redact.pairs(event.path) : std::nullopt;
  event.path = path ? *path : event.path;
  event.status = status;
  if (status != 0 && !sendsNothing(status)) {
    event.response_body_size = response_body;
  }
  event.generated_by = generated_by;
  event.origin_status = origin_status;
  event.origin_proxy_status = origin_proxy_status_.get();
  event.route = route != nullptr ? std::string_view(route->name) : std::string_view();
  event.origin = origin != nullptr ? std::string_view(origin->name) : std::string_view();
  describeTries(event, attempt);
  if (attempt != nullptr) {
    event.dns = &attempt->dns();
    if (event.dns->stale) {
      FindingSet stale;
      stale.add(Finding::DnsStale);
      check.note(stale);
    }
  }
  event.timings.login = login_ms;
  event.timings.total = elapsedMs();
  event.findings = check.found();
  if (!event.findings.empty()) {
    event.told_findings = generation_.findings->news(*route, event.findings, EventLoop::now());
  }
  std::vector<std::string_view> names;
  if (!dropped.empty()) {
    names = droppedNames();
    event.dropped_fields = names;
  }
  describeOutcome(event);
  describeCall(event, call);
  sink.onExchange(event);
}

}  // namespace gatewhy
