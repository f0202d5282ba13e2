// SPDX-License-Identifier: Apache-2.0
// The relaying half of Exchange: request body up, response down, tunnels, and
// the end with its event.
#include <algorithm>

#include "diagnostics/proxy_status.h"
#include "proxy/exchange/current_date.h"
#include "proxy/exchange/dropped_fields.h"
#include "proxy/exchange/exchange.h"

#include "proxy/exchange/admission.h"

namespace gatewhy {
// ---- request body -----------------------------------------------------

bool Exchange::wantsBody() const {
  return up_.wants(attempt_ && attempt_->queued());
}

std::size_t Exchange::bodyRoom() const {
  const std::size_t room = attempt_ && attempt_->queued() ? body_.room(true) : 0;
  return room != 0 ? room : RequestBody::kMostKept;
}

void Exchange::onBody(std::string_view data, bool last, std::string_view trailers) {
  if (state_ == State::Tunnel) {
    if (last) {
      endHalf(up_, down_);
    } else {
      up_.take(data);
    }
    return;
  }
  const std::uint64_t limit = bodyLimit(*generation_->shared->config, route_);
  const std::uint64_t received = up_.moved() + data.size();
  if (limit != 0 && received > limit) {
    up_.stop();
    up_.take(data);
    reject(Observation{
        .phase = Phase::ClientRequest,
        .fault = DecisionFault{.cause = Cause::ClientBodyTooLarge, .detail = {}, .size = received, .limit = limit}});
    return;
  }
  if (!last) {
    up_.take(data);
    return;
  }
  const std::string kept = trailers.empty() || route_ == nullptr
                               ? std::string()
                               : keptTrailers(trailers, request_, *route_, client_.facts().trusted,
                                              generation_->shared->config->limits.underscores);
  up_.takeEnd(data, kept);
  if (attempt_) {
    attempt_->noteBodyHere();  // may begin what waited, and end it: the last word
  }
}

// Now bytes of the request go out. Another try needs the body again only where
// another endpoint may get it, or the connection turns out to be stale and the
// request can do no harm twice; else no copy is kept.
void Exchange::onUploadReady() {
  if (body_.announced() && body_.copyWanted()) {
    std::vector<std::size_t> tried = tried_;
    tried.push_back(attempt_->endpointIndex());
    body_.wantCopy(attempt_->sharesConnection() ||
                   (attempt_->reused() && isIdempotent(request_.method, request_.methodToken())) ||
                   pool_->hasAlternative(tried));
  }
  up_.open();
  up_.resume();
}

// ---- response ---------------------------------------------------------

void Exchange::onInterim(const ResponseHead& head) {
  check_.interim(head);
  if (request_.version_minor == 0) {
    return;  // RFC 9110 section 15.2: never to an HTTP/1.0 client
  }
  worker_.scratch.clear();
  appendInterimFields(worker_.scratch, head);
  client_.sendInterim({.status = head.status, .reason = head.reason(), .fields = worker_.scratch.view()});
  if (waitsForBody()) {
    up_.resume();  // after a 100 it is the client's turn
  }
}

const HeaderEdits& Exchange::responseEdits() {
  if (route_->response_headers.templates.empty()) {
    return route_->response_headers;
  }
  VariableSource source = variables();
  source.status = status_;
  return response_edits_.emplace(expand(route_->response_headers, source));
}

void Exchange::onResponseHead(const ResponseHead& head) {
  state_ = State::Responding;
  if (!body_.copy().empty()) {
    body_.dropCopy();  // from here there is no other try
  }
  status_ = origin_status_ = head.status;
  generated_by_ = GeneratedBy::Origin;
  check_.head(request_, *route_, head, timestamp_ + (worker_.loop.turnTime() - began_));
  quoteProxyStatus(head);
  length_ = answerLength(head, request_);
  const DiagnosticsConfig& diagnostics = generation_->shared->config->diagnostics;
  std::string proxy_status;
  if (diagnostics.disclose == Disclose::Evidence) {
    proxy_status = passedOnProxyStatus(diagnostics.name, head.status);
  }
  pool_->noteKeepAlive(attempt_->endpointIndex(), head.valueOf(FieldId::KeepAlive));
  const std::string set_cookie = sessionCookie();
  worker_.scratch.clear();
  appendResponseFields(worker_.scratch, head,
                       ResponseContext{.hop_name = diagnostics.name,
                                       .request_id = identity_.requestId(),
                                       .proxy_status = proxy_status,
                                       .date = currentDate(),
                                       .set_cookie = set_cookie,
                                       .edits = &responseEdits()},
                       length_);
  client_.sendHead({.status = head.status,
                    .reason = head.reason(),
                    .fields = worker_.scratch.view(),
                    .length = length_,
                    .content_length = head.content_length,
                    .upgrade = {},
                    .close = close_});
  down_.open();
}

// What proxies behind us said passes on as it came; the event quotes it.
void Exchange::quoteProxyStatus(const ResponseHead& head) {
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
    said->details = worker_.redaction().text(said->details);
    origin_proxy_status_ = std::make_unique<ReceivedProxyStatus>(*std::move(said));
  }
}

void Exchange::onResponseEnd(const std::string& trailers, bool extra_data) {
  check_.end(down_.moved(), extra_data);
  up_.stop();
  down_.takeEnd({}, trailers);
  if (state_ != State::Finished) {
    awaitDelivery();
  }
}

// ---- tunnel -----------------------------------------------------------

void Exchange::onTunnelOpen(const ResponseHead& head) {
  state_ = State::Tunnel;
  status_ = origin_status_ = head.status;
  generated_by_ = GeneratedBy::Origin;
  exchange_timer_.cancel();  // a tunnel lives as long as it is used
  const std::string set_cookie = sessionCookie();
  worker_.scratch.clear();
  appendResponseFields(worker_.scratch, head,
                       ResponseContext{.hop_name = generation_->shared->config->diagnostics.name,
                                       .request_id = identity_.requestId(),
                                       .proxy_status = {},
                                       .date = currentDate(),
                                       .set_cookie = set_cookie,
                                       .edits = &responseEdits()},
                       AnswerLength::None);
  client_.sendHead({.status = head.status,
                    .reason = head.reason(),
                    .fields = worker_.scratch.view(),
                    .length = AnswerLength::None,
                    .content_length = 0,
                    .upgrade = head.valueOf(FieldId::Upgrade)});
  client_.flush();
  if (state_ != State::Tunnel) {
    return;
  }
  up_.openTunnel();
  down_.openTunnel();
  client_.openTunnel();
}

void Exchange::onTunnelOriginClosed() {
  endHalf(down_, up_);
}

void Exchange::endHalf(Relay& half, const Relay& other) {
  if (other.ends()) {
    awaitDelivery();
  } else {
    half.takeEnd({}, {});
  }
}

// ---- the end ----------------------------------------------------------

void Exchange::onClientDrained() {
  if (state_ == State::Draining) {
    awaitDelivery();
  } else {
    down_.resume();
  }
}

// A response is over when the client's kernel has it: until then a failure to
// deliver is this exchange's failure.
void Exchange::awaitDelivery() {
  if (state_ == State::Finished) {
    return;
  }
  state_ = State::Draining;
  if (client_.sendBlocked()) {
    return;  // onClientDrained() comes back here
  }
  if (const std::optional<bool> arrived = client_.delivered()) {
    onSettled(*arrived);
  }
}

void Exchange::onSettled(bool arrived) {
  if (state_ != State::Draining) {
    return;
  }
  if (arrived) {
    finish(Ending::Complete);
    return;
  }
  // The client had closed for good, not only its sending side.
  Observation gone{.phase = Phase::ClientRequest,
                   .fault = EndFault{.how = EndFault::How::Fin, .reset_after_fin = true}};
  gone.bytes.request_complete = body_.whole();
  gone.bytes.body_received = up_.moved();
  gone.bytes.last_line = request_.method_size != 0 ? std::string(request_.methodToken()) : std::string();
  const bool short_body = diagnosis_ && diagnosis_->cause == Cause::ClientLengthMismatch;
  if (!diagnosis_ || short_body) {
    gone.elapsed_ms = millisBetween(began_, half_closed_at_);
    gone.interrupted = InterruptedFacts{.phase = half_closed_phase_};
    diagnosis_ = std::make_unique<const Diagnosis>(diagnosed(std::move(gone)));
  } else {
    noteLater("the client was gone");
  }
  finish(Ending::Silent);
}

void Exchange::finish(Ending ending) {
  if (state_ == State::Finished) {
    return;
  }
  state_ = State::Finished;
  exchange_timer_.cancel();
  emitEvent();
  endAttempt();
  client_.finishExchange(ending);  // the last word: we are buried
}

void Exchange::describeRequest(ExchangeEvent& event) const {
  const ClientFacts& client = client_.facts();
  event.timestamp = timestamp_;
  event.request_id = identity_.requestId();
  event.trace_id = identity_.traceId();
  event.span_id = identity_.spanId();
  event.parent_span_id = identity_.parentSpanId();
  event.instance = generation_->shared->config->diagnostics.name;
  event.scheme = client.tls ? "https" : "http";
  event.tls = client.tls && !client.tls_session.version.empty() ? &client.tls_session : nullptr;
  event.client_address = forwarded_client_.empty() ? client.ip : forwarded_client_;
  event.client_port = forwarded_client_.empty() ? client.port : 0;
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
    event.request_body_size = up_.moved();
  }
}

// Puts the attempt that is not in the list yet behind those that failed.
void Exchange::closeTries() {
  if (!attempt_ || attempt_recorded_ || !attempt_->endpointChosen()) {
    return;
  }
  const std::string endpoint(attempt_->endpointUrl());
  for (AddressFailure& address : attempt_->takeAddressFailures()) {
    recordTry(endpoint, std::move(address.peer_address), false, address.timings,
              diagnosed(std::move(address.observation)));
  }
  attempt_recorded_ = true;
  // A try that was given up because of the client has no fault of its own.
  const bool own = diagnosis_ && diagnosis_->blame != Blame::Client;
  recordTry(endpoint, attempt_->peerAddress(), attempt_->reused(), attempt_->timings(),
            own ? std::optional(*diagnosis_) : std::nullopt);
}

void Exchange::describeTries(ExchangeEvent& event) {
  if (attempt_ && tries_.empty() && attempt_->answeredAtOnce()) {
    event.attempts = 1;  // as nearly always: told without a record of it
    event.endpoint = attempt_->endpointUrl();
    event.peer_address = attempt_->answeredBy();
    event.connection_reused = attempt_->reused();
    event.timings = attempt_->timings();
    return;
  }
  closeTries();
  event.attempts = static_cast<std::uint32_t>(tries_.size());
  event.tries = &tries_;
  if (!tries_.empty()) {
    const TryRecord& last = tries_.back();
    event.endpoint = last.endpoint;
    event.peer_address = last.peer_address;
    event.connection_reused = last.connection_reused;
    event.timings = last.timings;
  }
}

std::vector<std::string_view> Exchange::droppedNames() const {
  constexpr std::size_t kMostNames = 16;
  constexpr std::size_t kLongestName = 64;
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < std::min(dropped_.size(), kMostNames); ++i) {
    names.push_back(request_.name(request_.fields[dropped_[i]]).substr(0, kLongestName));
  }
  return names;
}

void Exchange::emitEvent() {
  ExchangeEvent event;
  describeRequest(event);
  const Redaction& redact = generation_->shared->config->log.redaction;
  const auto query = event.query.empty() ? std::nullopt : redact.pairs(event.query);
  event.query = query ? *query : event.query;
  // A path has parameters too (";jsessionid=").
  const bool parameters = event.path.find(';') != std::string_view::npos;
  const auto path = parameters ? redact.pairs(event.path) : std::nullopt;
  event.path = path ? *path : event.path;
  event.status = status_;
  if (status_ != 0 && !sendsNothing(status_)) {
    event.response_body_size = generated_by_ == GeneratedBy::Origin ? down_.moved() : own_body_;
  }
  event.generated_by = generated_by_;
  event.origin_status = origin_status_;
  event.origin_proxy_status = origin_proxy_status_.get();
  if (route_ != nullptr) {
    event.route = route_->name;
  }
  if (pool_ != nullptr) {
    event.origin = pool_->config().name;
  }
  describeTries(event);
  if (attempt_) {
    event.dns = &attempt_->dns();
    if (event.dns->stale) {
      FindingSet stale;
      stale.add(Finding::DnsStale);
      check_.note(stale);
    }
  }
  event.timings.login = login_request_ ? login_request_->elapsedMs() : login_ms_;
  event.timings.total = millisBetween(began_, EventLoop::now());
  event.findings = check_.found();
  if (!event.findings.empty()) {
    event.told_findings = generation_->shared->findings->news(*route_, event.findings, EventLoop::now());
  }
  std::vector<std::string_view> dropped;
  if (!dropped_.empty()) {
    dropped = droppedNames();
    event.dropped_fields = dropped;
  }
  if (diagnosis_) {
    event.diagnosis = diagnosis_.get();
    event.later = &later_;
    const bool left = diagnosis_->cause == Cause::ClientClosedRequest ||
                      diagnosis_->cause == Cause::ClientAbortedUpload ||
                      diagnosis_->cause == Cause::TunnelResetByClient;
    event.outcome = left ? Outcome::Aborted : Outcome::Failure;
  }
  worker_.sink.onExchange(event);
}

}  // namespace gatewhy
