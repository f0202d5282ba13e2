// SPDX-License-Identifier: Apache-2.0
// The relaying half of Exchange: request body up, response down, tunnels, and
// the end.
#include "proxy/exchange/admission.h"
#include "proxy/exchange/dropped_fields.h"
#include "proxy/exchange/exchange.h"

namespace gatewhy {

// ---- request body -----------------------------------------------------

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
    fail({.phase = Phase::ClientRequest,
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
    body_.wantCopy(
        attempt_->sharesConnection() ||
        (triesLeft() && retries_.mayFollow(request_, *pool_, attempt_->endpointIndex(), attempt_->reused())));
  }
  up_.open();
  up_.resume();
}

// ---- response ---------------------------------------------------------

void Exchange::onInterim(const ResponseHead& head) {
  record_.check.interim(head);
  if (request_.version_minor == 0) {
    return;  // RFC 9110 section 15.2: never to an HTTP/1.0 client
  }
  client_.sendInterim(forwarding_.interim(worker_.scratch, head));
  if (waitsForBody()) {
    up_.resume();  // after a 100 it is the client's turn
  }
}

// A final head, or a 101, as it came but for what is between two hops.
void Exchange::passOn(const ResponseHead& head) {
  record_.status = record_.origin_status = head.status;
  record_.generated_by = GeneratedBy::Origin;
  const AnswerHead answer = forwarding_.answer(worker_.scratch, head, attempt_->endpointIndex());
  length_ = answer.length;
  client_.sendHead(answer);
}

void Exchange::onResponseHead(const ResponseHead& head) {
  state_ = State::Responding;
  if (!body_.copy().empty()) {
    body_.dropCopy();  // from here there is no other try
  }
  record_.check.head(request_, *route_, head, record_.wallClock(worker_.loop.turnTime()));
  record_.quoteProxyStatus(head);
  if (grpc_ && !grpc_->takesAnswer(head)) {
    record_.origin_status = head.status;
    answerForeign(head);
    return;
  }
  pool_->noteKeepAlive(attempt_->endpointIndex(), head.valueOf(FieldId::KeepAlive));
  passOn(head);
  down_.open();
}

void Exchange::onResponseEnd(const std::string& trailers, bool extra_data) {
  record_.check.end(down_.moved(), extra_data);
  if (grpc_) {
    record_.check.note(grpc_->onAnswerEnd(trailers));
  }
  up_.stop();
  down_.takeEnd({}, trailers);
  if (state_ != State::Finished) {
    awaitDelivery();
  }
}

// ---- tunnel -----------------------------------------------------------

// Two relays, without an end but their own.
void Exchange::onTunnelOpen(const ResponseHead& head) {
  state_ = State::Tunnel;
  exchange_timer_.cancel();  // a tunnel lives as long as it is used
  passOn(head);
  client_.flush();
  if (state_ != State::Tunnel) {
    return;
  }
  up_.openTunnel();
  down_.openTunnel();
  client_.openTunnel();
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
  const Diagnosis* diagnosis = record_.diagnosis();
  if (diagnosis != nullptr && diagnosis->cause != Cause::ClientLengthMismatch) {
    record_.noteLater("the client was gone");
    finish(Ending::Silent);
    return;
  }
  Observation gone{.phase = Phase::ClientRequest,
                   .fault = EndFault{.how = EndFault::How::Fin, .reset_after_fin = true}};
  gone.bytes.request_complete = body_.whole();
  gone.bytes.body_received = up_.moved();
  gone.bytes.last_line = request_.method_size != 0 ? std::string(request_.methodToken()) : std::string();
  gone.elapsed_ms = millisBetween(record_.began(), half_close_.at);
  gone.interrupted = InterruptedFacts{.phase = half_close_.phase};
  record_.fail(record_.diagnosed(std::move(gone)));
  finish(Ending::Silent);
}

void Exchange::finish(Ending ending) {
  if (state_ == State::Finished) {
    return;
  }
  state_ = State::Finished;
  exchange_timer_.cancel();
  if (login_) {
    record_.login_ms = login_->elapsedMs();
  }
  const bool passed_on = record_.generated_by == GeneratedBy::Origin;
  if (grpc_) {
    grpc_->stop();
  }
  record_.tell(worker_.sink, attempt_.get(), grpc_.get(), up_.moved(), passed_on ? down_.moved() : own_body_);
  endAttempt();
  client_.finishExchange(ending);  // the last word: we are buried
}

}  // namespace gatewhy
