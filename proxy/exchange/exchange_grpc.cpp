// SPDX-License-Identifier: Apache-2.0
// Where an exchange is a gRPC call: its deadline and its silences, and answers
// that a client of gRPC understands.
#include <fmt/format.h>

#include "diagnostics/proxy_status.h"
#include "diagnostics/reason_phrase.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/grpc_answer.h"
#include "proxy/exchange/own_answer.h"

namespace gatewhy {

void Exchange::onCallLate(TimerFault fault) {
  if (state_ == State::Finished || record_.diagnosis() != nullptr) {
    if (state_ == State::Draining) {
      finish(Ending::Abandoned);
    }
    return;
  }
  fault.longest_phase = attempt_ ? attempt_->longestPhase() : Phase::Routing;
  fail(attempt_ ? attempt_->observe(attempt_->phase(), fault) : Observation{.phase = Phase::Internal, .fault = fault});
}

// A client gives a call up when its own deadline is over, which is a little
// before ours: then the time is the story and not the cancel.
bool Exchange::callOverdue(const Observation& fault) {
  const auto* reset = std::get_if<StreamFault>(&fault.fault);
  if (!grpc_ || record_.diagnosis() != nullptr || reset == nullptr || reset->how != StreamFault::How::Reset) {
    return false;
  }
  const auto overdue = grpc_->overdue();
  if (overdue) {
    onCallLate(*overdue);
  }
  return overdue.has_value();
}

SynthesizedResponse Exchange::grpcFailure() {
  const DiagnosticsConfig& config = generation_->shared->config->diagnostics;
  VariableSource source = forwarding_.variables();
  source.status = record_.diagnosis()->sent_status;
  source.cause = config.disclose == Disclose::None ? std::string_view() : name(record_.diagnosis()->cause);
  const GrpcStatus status = grpcStatusOf(*record_.diagnosis());
  const std::string proxy_status =
      proxyStatus(*record_.diagnosis(), config.name, config.disclose, record_.origin_status);
  return synthesizeGrpc({.status = status,
                         .message = grpcMessageOf(*record_.diagnosis(), config.disclose),
                         .content_type = grpc_->contentType(),
                         .proxy_status = proxy_status,
                         .retry_after_s = retryAfterSeconds(*record_.diagnosis())},
                        route_, source);
}

// Not gRPC's way of answering, whoever answers: what clients would make of
// `status` themselves.
void Exchange::answerGrpcFor(std::uint16_t status, std::string message) {
  const GrpcStatus meaning = grpcStatusOfHttp(status);
  VariableSource source = forwarding_.variables();
  source.status = status;
  const SynthesizedResponse made = synthesizeGrpc(
      {.status = meaning, .message = std::move(message), .content_type = grpc_->contentType(), .proxy_status = {}},
      route_, source);
  record_.generated_by = GeneratedBy::Proxy;
  record_.status = made.status;
  sendOwn(made);
}

void Exchange::answerForeign(const ResponseHead& head) {
  FindingSet foreign;
  foreign.add(Finding::GrpcAnswerForeign);
  record_.check.note(foreign);
  const std::uint16_t status = head.status;
  giveUpAttempt();
  answerGrpcFor(status, fmt::format("the origin answered {} {}, which is no gRPC", status, reasonPhrase(status)));
}

// A call whose answer has begun ends with a status too: nobody takes it for
// whole, and the client is told why.
bool Exchange::endCall() {
  const bool told = grpc_ && grpc_->native() && state_ == State::Responding && request_.version_major != 1 &&
                    length_ == AnswerLength::Unknown && record_.diagnosis()->blame != Blame::Client &&
                    client_.takesAnswer();
  if (!told) {
    return false;
  }
  giveUpAttempt();
  const Disclose disclose = generation_->shared->config->diagnostics.disclose;
  client_.sendEnd({}, grpcTrailers(grpcStatusOf(*record_.diagnosis()), grpcMessageOf(*record_.diagnosis(), disclose)));
  if (state_ != State::Finished) {
    awaitDelivery();
  }
  return true;
}

}  // namespace gatewhy
