// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/own_answers.h"

#include <fmt/format.h>

#include <utility>

#include "diagnostics/proxy_status.h"
#include "diagnostics/reason_phrase.h"
#include "proxy/exchange/admission.h"
#include "proxy/exchange/grpc_answer.h"
#include "proxy/exchange/login_answer.h"
#include "proxy/exchange/own_answer.h"

namespace gatewhy {

SynthesizedResponse OwnAnswers::noted(SynthesizedResponse made) {
  record_.generated_by = GeneratedBy::Proxy;
  record_.status = made.status;
  body_size_ = made.body.size();
  return made;
}

std::optional<SynthesizedResponse> OwnAnswers::fixed() {
  const std::uint16_t status = record_.route->respond->status;
  record_.generated_by = GeneratedBy::Proxy;
  record_.status = status;
  if (sendsNothing(status)) {
    return std::nullopt;
  }
  if (speaksGrpc()) {
    call_->noteOwn(grpcStatusOfHttp(status));
    return noted(callAnswer(status, std::string(reasonPhrase(status))));
  }
  return noted(synthesizeFixed(*record_.route, config(), forwarding_.variables()));
}

SynthesizedResponse OwnAnswers::options() {
  return noted(synthesizeOptions(record_.route, allowedMethods(record_.route), forwarding_.variables()));
}

SynthesizedResponse OwnAnswers::failure() {
  record_.generated_by = GeneratedBy::Proxy;
  if (call_ != nullptr) {
    return noted(callFailure());
  }
  warnBehindCloudflare(worker_, *record_.diagnosis(), forwarding_.variables());
  return noted(
      answerToFailure(*record_.diagnosis(), config(), record_.route, forwarding_.variables(), record_.origin_status));
}

SynthesizedResponse OwnAnswers::loginDenied(const LoginAnswer& answer) {
  if (speaksGrpc()) {
    return failure();
  }
  record_.generated_by = GeneratedBy::Proxy;
  record_.status = answer.head.status;
  return noted(passOnLoginAnswer(answer, *record_.diagnosis(), config(), *record_.route, forwarding_.variables()));
}

SynthesizedResponse OwnAnswers::foreign(std::uint16_t origins_status) {
  return noted(callAnswer(origins_status, fmt::format("the origin answered {} {}, which is no gRPC", origins_status,
                                                      reasonPhrase(origins_status))));
}

std::string OwnAnswers::callsEnd() const {
  return grpcTrailers(grpcStatusOf(*record_.diagnosis()), grpcMessageOf(*record_.diagnosis(), config().disclose));
}

SynthesizedResponse OwnAnswers::callFailure() const {
  const Diagnosis& diagnosis = *record_.diagnosis();
  VariableSource source = forwarding_.variables();
  source.status = diagnosis.sent_status;
  source.cause = config().disclose == Disclose::None ? std::string_view() : name(diagnosis.cause);
  const std::string proxy_status = proxyStatus(diagnosis, config().name, config().disclose, record_.origin_status);
  return synthesizeGrpc({.status = grpcStatusOf(diagnosis),
                         .message = grpcMessageOf(diagnosis, config().disclose),
                         .content_type = call_->contentType(),
                         .proxy_status = proxy_status,
                         .retry_after_s = retryAfterSeconds(diagnosis)},
                        record_.route, source);
}

SynthesizedResponse OwnAnswers::callAnswer(std::uint16_t status, std::string message) const {
  VariableSource source = forwarding_.variables();
  source.status = status;
  return synthesizeGrpc({.status = grpcStatusOfHttp(status),
                         .message = std::move(message),
                         .content_type = call_->contentType(),
                         .proxy_status = {}},
                        record_.route, source);
}

}  // namespace gatewhy
