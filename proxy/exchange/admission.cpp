// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/admission.h"

#include <string>
#include <utility>

#include "proxy/exchange/forward_head.h"

namespace gatewhy {
namespace {

DecisionFault refuse(Cause cause, std::string detail = {}) {
  return DecisionFault{.cause = cause, .detail = std::move(detail), .size = {}, .limit = {}};
}

std::optional<DecisionFault> judgeClient(const RequestHead& request, const ClientSide& side, const Config& config) {
  const ClientFacts& client = side.facts();
  if (client.overloaded) {
    auto fault = refuse(Cause::ProxyOverloaded, "limits.connections");
    fault.limit = config.limits.connections;
    return fault;
  }
  if (!client.wants_certificate) {
    return std::nullopt;
  }
  if (!client.certificate.presented && client.requires_certificate) {
    return refuse(Cause::ClientCertificateMissing);
  }
  if (!client.certificate.problems.empty()) {
    const X509Problem& problem = client.certificate.problems.front();
    return refuse(Cause::ClientCertificateInvalid, problem.name + ", subject " + problem.subject);
  }
  if (!request.host.empty() && !side.certificateCovers(request.host)) {
    return refuse(Cause::ClientMisdirected, request.host);
  }
  return std::nullopt;
}

std::optional<DecisionFault> judgeMessage(const RequestHead& request, const Config& config) {
  if (request.method == Method::Connect || request.method == Method::Trace) {
    return refuse(Cause::ClientMethodUnsupported, std::string(request.methodToken()));
  }
  if (config.limits.request_body != 0 && request.body == BodyKind::Length &&
      request.content_length > config.limits.request_body) {
    auto fault = refuse(Cause::ClientBodyTooLarge);
    fault.size = request.content_length;
    fault.limit = config.limits.request_body;
    return fault;
  }
  if (passedHereBefore(request, config.diagnostics.name)) {
    return refuse(Cause::ProxyLoop, "this hop's name is in CDN-Loop or Via");
  }
  return std::nullopt;
}

}  // namespace

Admission admit(const RequestHead& request, const ClientSide& client, const Generation& generation) {
  const Config& config = *generation.config;
  Admission admission;
  admission.refusal = judgeClient(request, client, config);
  if (!admission.refusal) {
    admission.refusal = judgeMessage(request, config);
  }
  if (admission.refusal) {
    return admission;
  }
  admission.route = generation.router.match(request.host, request.path());
  if (admission.route == nullptr) {
    admission.refusal = refuse(Cause::NoRoute);
  }
  return admission;
}

}  // namespace gatewhy
