// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/exchange.h"

#include "proxy/exchange/admission.h"
#include "proxy/exchange/dropped_fields.h"
#include "proxy/exchange/own_answer.h"

namespace gatewhy {

Exchange::Exchange(WorkerContext& worker, ClientStream& client, const RequestHead& request)
    : worker_(worker),
      client_(client),
      request_(request),
      generation_(worker.generation),
      record_(request, client.facts(), *generation_->shared, worker.loop.turnTime()),
      forwarding_(request, client.facts(), *generation_->shared, record_),
      grpc_(GrpcCall::of(worker.loop, request, *this)),
      own_(worker, *generation_->shared, record_, forwarding_, grpc_.get()),
      reception_(worker, *generation_, request, client.facts(), record_, forwarding_, *this),
      tries_(worker, *this, request, client.facts(), record_),
      exchange_timer_(worker.loop, [this] {
        onLate({.timer = Timer::Exchange,
                .limit_ms = static_cast<std::uint32_t>(tries_.origin().timeouts.exchange.count()),
                .elapsed_ms = record_.elapsedMs()});
      }) {
  worker_.in_flight.add();
  if (grpc_ && grpc_->native()) {
    record_.check.skipLint();
  }
}

Exchange::~Exchange() {
  worker_.in_flight.subtract();
}

// ---- beginning --------------------------------------------------------

void Exchange::begin() {
  state_ = State::Waiting;
  passage_.begin(request_);
  reception_.begin();  // the last word, where it is over at once
}

void Exchange::reject(Observation fault) {
  reception_.identify();
  fail(std::move(fault));
}

void Exchange::onAdmitted(LoginFields fields, bool waited) {
  const RouteConfig* const route = record_.route;
  if (reception_.optionsEndHere() && (route == nullptr || !route->respond)) {
    sendOwn(own_.options());
    return;
  }
  if (route->respond) {
    if (const auto made = own_.fixed()) {
      sendOwn(*made);
    } else {
      finish(Ending::Silent);
    }
    return;
  }
  const OriginConfig& origin = generation_->shared->originFor(*route, reception_.origin());
  tries_.choose(*generation_, reception_.origin(), origin);
  record_.check.note(tellUnsolicited(worker_.sink, tries_.pool()));
  exchange_timer_.arm(origin.timeouts.exchange);
  if (grpc_) {
    grpc_->begin(origin.timeouts, record_.began());
  }
  forwarding_.choose(origin, generation_->shared->origins[reception_.origin()], tries_.pool().health(),
                     std::move(fields));
  startTry();
  if (waited && state_ == State::Waiting) {
    passage_.resumeRequest();
  }
}

void Exchange::onLoginDenied(const LoginAnswer& answer, Observation seen) {
  record_.fail(record_.diagnosed(std::move(seen)));
  sendOwn(own_.loginDenied(answer));
}

// ---- tries --------------------------------------------------------------

void Exchange::startTry() {
  state_ = State::Waiting;
  Attempt& attempt = tries_.next(forwarding_, grpc_ ? &grpc_->timeouts() : nullptr, passage_.requestWhole());
  passage_.join(client_, attempt, tries_.mayFollow());
  tries_.start();  // may fail at once
}

void Exchange::onAttemptFailed(Observation observation, std::vector<AddressFailure> addresses) {
  if (const auto* late = std::get_if<TimerFault>(&observation.fault);
      late != nullptr && late->timer == Timer::ResponseIdle && record_.shortBody() != nullptr) {
    record_.noteLater(name(Cause::ResponseIdleTimeout));
    fail(*record_.shortBody());  // the origin waits for the rest of the body, for all that is known
    return;
  }
  const Diagnosis diagnosis = diagnosed(std::move(observation));
  if (!tries_.followed(diagnosis, std::move(addresses), repeatable())) {
    conclude(diagnosis);
    return;
  }
  passage_.leave();
  tries_.end();
  startTry();
}

// What is under way there, or in a login, has not failed, or not by itself.
void Exchange::leaveOrigin() {
  reception_.cancel();
  passage_.leave();
  tries_.giveUp();
}

// ---- failing ------------------------------------------------------------

Diagnosis Exchange::diagnosed(Observation seen) const {
  seen.client_window = client_.closedWindow();
  return record_.diagnosed(std::move(seen));
}

// The first diagnosis is the exchange's; what comes later is a symptom of it.
void Exchange::conclude(Diagnosis diagnosis) {
  if (state_ == State::Finished) {
    return;
  }
  if (record_.diagnosis() != nullptr) {
    record_.noteLater(name(diagnosis.cause));
    if (state_ == State::Draining) {
      finish(Ending::Abandoned);
    }
    return;
  }
  record_.fail(std::move(diagnosis));
  exchange_timer_.cancel();
  const Diagnosis& failed = *record_.diagnosis();
  if (answerBegun()) {
    if (!endCall()) {
      finish(failed.blame == Blame::Client ? Ending::Abandoned : Ending::Broken);  // what is sent stands
    }
    return;
  }
  const bool silent_call = grpc_ && failed.cause == Cause::TunnelIdleTimeout;
  if ((failed.sent_status == 0 && !silent_call) || !client_.takesAnswer()) {
    finish(Ending::Silent);
    return;
  }
  const SynthesizedResponse made = own_.failure();
  leaveOrigin();
  sendOwn(made);
}

// A call whose answer has begun ends with a status too: nobody takes it for
// whole, and the client is told why.
bool Exchange::endCall() {
  const bool told = grpc_ && grpc_->native() && state_ == State::Responding && length_ == AnswerLength::Unknown &&
                    record_.diagnosis()->blame != Blame::Client && client_.takesAnswer();
  if (!told) {
    return false;
  }
  leaveOrigin();
  client_.sendEnd({}, own_.callsEnd());
  if (state_ != State::Finished) {
    awaitDelivery();
  }
  return true;
}

// timeouts.exchange, or one of a call's.
void Exchange::onLate(TimerFault fault) {
  if (state_ != State::Finished && record_.diagnosis() == nullptr) {
    fail(tries_.late(fault));
  } else if (state_ == State::Draining) {
    finish(Ending::Abandoned);
  }
}

void Exchange::onClientFault(Observation fault) {
  if (record_.diagnosis() == nullptr) {
    if (const auto overdue = grpc_ ? grpc_->overdue(fault) : std::nullopt) {
      onLate(*overdue);
      return;
    }
    if (state_ == State::Responding && client_.hasAnswered()) {
      finish(Ending::Complete);  // only the end of the origin's stream has not come
      return;
    }
    fault.elapsed_ms = record_.elapsedMs();
    fault.answer_begun = answerBegun();
    tries_.describe(fault, state_ == State::Waiting);
  }
  fail(std::move(fault));
}

void Exchange::onDrainDeadline() {
  fail({.phase = Phase::Internal,
        .fault = DecisionFault{.cause = Cause::ProxyDraining, .detail = "drain.timeout", .size = {}, .limit = {}}});
}

// ---- the request's body -------------------------------------------------

void Exchange::onBody(std::string_view data, bool last, std::string_view trailers) {
  const std::string kept = trailers.empty() || record_.route == nullptr
                               ? std::string()
                               : keptTrailers(trailers, request_, *record_.route, client_.facts().trusted,
                                              generation_->shared->config->limits.underscores);
  const std::uint64_t limit = bodyLimit(*generation_->shared->config, record_.route);
  switch (passage_.takeRequest(data, last, kept, limit)) {
    case Passage::Taken::More:
      return;
    case Passage::Taken::Whole:
      tries_.noteBodyHere();  // the last word
      return;
    case Passage::Taken::TooMuch:
      fail({.phase = Phase::ClientRequest,
            .fault = DecisionFault{
                .cause = Cause::ClientBodyTooLarge, .detail = {}, .size = passage_.received(), .limit = limit}});
      return;
    case Passage::Taken::Over:
      awaitDelivery();
      return;
  }
}

// What the origin has of it stays without its end: a reset of its stream, or a
// FIN, would end the answer too.
void Exchange::onShortBody(Observation seen) {
  seen.elapsed_ms = record_.elapsedMs();
  seen.answer_begun = true;
  tries_.describe(seen, false);
  record_.noteShortBody(std::move(seen));
  passage_.cutRequest();
  if (state_ == State::Responding) {
    tries_.noteBodyHere();  // the last word
  }
}

// Another try needs the body again only where another endpoint may get it, or
// the connection turns out to be stale and the request can do no harm twice;
// else no copy is kept.
void Exchange::onUploadReady() {
  if (passage_.asksWhatToKeep()) {
    passage_.keepBody(tries_.mayFollowThis());
  }
  passage_.openRequest();
}

// ---- the answer -----------------------------------------------------------

void Exchange::onInterim(const ResponseHead& head) {
  record_.check.interim(head);
  if (request_.version_minor == 0) {
    return;  // RFC 9110 section 15.2: never to an HTTP/1.0 client
  }
  client_.sendInterim(forwarding_.interim(worker_.scratch, head));
  if (waitsForBody()) {
    passage_.resumeRequest();  // after a 100 it is the client's turn
  }
}

// A final head, or a 101, as it came but for what is between two hops.
void Exchange::passOn(const ResponseHead& head) {
  record_.status = record_.origin_status = head.status;
  record_.generated_by = GeneratedBy::Origin;
  const AnswerHead answer = forwarding_.answer(worker_.scratch, head, tries_.current()->endpointIndex());
  length_ = answer.length;
  client_.sendHead(answer);
}

void Exchange::onResponseHead(const ResponseHead& head) {
  state_ = State::Responding;
  record_.check.head(request_, *record_.route, head, record_.wallClock(worker_.loop.turnTime()));
  record_.quoteProxyStatus(head);
  if (grpc_ && !grpc_->takesAnswer(head)) {
    const std::uint16_t status = record_.origin_status = head.status;
    FindingSet finding;
    finding.add(Finding::GrpcAnswerForeign);
    record_.check.note(finding);
    leaveOrigin();
    sendOwn(own_.foreign(status));
    return;
  }
  tries_.pool().noteKeepAlive(tries_.current()->endpointIndex(), head.valueOf(FieldId::KeepAlive));
  passOn(head);
  passage_.openAnswer();
}

void Exchange::onResponseEnd(const std::string& trailers, bool extra_data) {
  record_.check.end(passage_.answered(), extra_data);
  if (grpc_) {
    record_.check.note(grpc_->onAnswerEnd(trailers));
  }
  passage_.endAnswer(trailers);
  if (state_ != State::Finished) {
    awaitDelivery();
  }
}

void Exchange::sendOwn(const SynthesizedResponse& made) {
  client_.sendHead(made.head(reception_.closes()));
  client_.sendEnd(made.body, {});
  if (state_ != State::Finished) {
    awaitDelivery();
  }
}

// ---- a tunnel -------------------------------------------------------------

void Exchange::onTunnelOpen(const ResponseHead& head) {
  state_ = State::Tunnel;
  exchange_timer_.cancel();  // a tunnel lives as long as it is used
  passOn(head);
  client_.flush();
  if (state_ == State::Tunnel) {
    passage_.openTunnel();
    client_.openTunnel();
  }
}

void Exchange::onTunnelOriginClosed() {
  if (passage_.endOriginHalf()) {
    awaitDelivery();
  }
}

// A call's silence ends with an answer too.
std::uint64_t Exchange::moved() const {
  return passage_.received() + passage_.answered() + (record_.origin_status != 0 ? 1 : 0);
}

// ---- the end --------------------------------------------------------------

void Exchange::onClientDrained() {
  if (state_ == State::Draining) {
    awaitDelivery();
  } else {
    passage_.resumeAnswer();
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
  const Diagnosis* const diagnosis = record_.diagnosis();
  if (diagnosis != nullptr && diagnosis->cause != Cause::ClientLengthMismatch) {
    record_.noteLater("the client was gone");
  } else {
    record_.fail(record_.diagnosed(record_.clientGone(passage_.requestWhole(), passage_.received())));
  }
  finish(Ending::Silent);
}

void Exchange::finish(Ending ending) {
  if (state_ == State::Finished) {
    return;
  }
  state_ = State::Finished;
  exchange_timer_.cancel();
  record_.login_ms = reception_.loginMs();
  reception_.cancel();
  if (grpc_) {
    grpc_->stop();
  }
  const bool passed_on = record_.generated_by == GeneratedBy::Origin;
  record_.tell(worker_.sink, tries_.current(), grpc_.get(), passage_.received(),
               passed_on ? passage_.answered() : own_.bodySize());
  passage_.leave();
  tries_.end();
  client_.finishExchange(ending);  // the last word: we are buried
}

}  // namespace gatewhy
