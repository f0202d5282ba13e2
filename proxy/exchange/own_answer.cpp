// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/own_answer.h"

#include "diagnostics/peer_name.h"
#include "proxy/exchange/admission.h"
#include "proxy/exchange/credentials.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kUnauthorized = 401;
constexpr int kRetryAfterSoon = 1;  // overload and full queues pass quickly

}  // namespace

int retryAfterSeconds(const Diagnosis& diagnosis) {
  const auto* decision = std::get_if<DecisionFault>(&diagnosis.observation.fault);
  if (decision != nullptr && decision->retry_after_s != 0) {
    return static_cast<int>(decision->retry_after_s);
  }
  return asksToComeBack(diagnosis) ? kRetryAfterSoon : 0;
}

SynthesizedResponse answerToFailure(const Diagnosis& diagnosis, const DiagnosticsConfig& config,
                                    const RouteConfig* route, const VariableSource& source,
                                    std::uint16_t origin_status) {
  FailureFields fields;
  if (diagnosis.cause == Cause::ClientMethodUnsupported) {
    fields.allow = allowedMethods(route);
  } else if (diagnosis.cause == Cause::ClientUpgradeRequired && route != nullptr) {
    fields.upgrade = demandedProtocols(*route, source.request, source.client);
  }
  if (diagnosis.sent_status == kUnauthorized && route != nullptr && route->basic_auth) {
    fields.challenge = basicChallenge(route->basic_auth->realm);
  }
  fields.retry_after_s = retryAfterSeconds(diagnosis);
  return synthesizeFailure(diagnosis, config, route, source, origin_status, fields);
}

void warnBehindCloudflare(WorkerContext& worker, const Diagnosis& diagnosis, const VariableSource& source) {
  if (!looksLikeCloudflares(diagnosis.sent_status) || source.request.find(FieldId::CfRay) == nullptr ||
      worker.counters.told_of_cloudflare.exchange(true, std::memory_order_relaxed)) {
    return;
  }
  LifecycleEvent event;
  event.event = "message";
  event.severity = "WARN";
  event.message =
      "requests come through Cloudflare (CF-Ray), whose own 520 to 526 look the same as ours; set "
      "diagnostics.profile: standard";
  event.facts = {{.key = "request_id", .text = std::string(source.request_id), .number = {}, .list = {}},
                 {.key = "cause", .text = std::string(name(diagnosis.cause)), .number = {}, .list = {}},
                 {.key = "status", .text = {}, .number = static_cast<double>(diagnosis.sent_status), .list = {}}};
  worker.sink.onLifecycle(event);
}

FindingSet tellUnsolicited(EventSink& sink, OriginPool& pool) {
  FindingSet finding;
  const auto news = pool.takeUnsolicited();
  if (!news) {
    return finding;
  }
  finding.add(Finding::UnsolicitedBytes);
  if (!news->first) {
    return finding;
  }
  LifecycleEvent event;
  event.event = "message";
  event.severity = "WARN";
  event.message =
      "an origin sent bytes on an idle connection that no request had asked for; the connection was closed, and "
      "further cases are only counted";
  event.facts = {{.key = "cause", .text = std::string(name(Cause::ResponseUnsolicited)), .number = {}, .list = {}},
                 {.key = "origin", .text = pool.config().name, .number = {}, .list = {}},
                 {.key = "endpoint", .text = news->endpoint, .number = {}, .list = {}},
                 {.key = "excerpt", .text = news->excerpt, .number = {}, .list = {}},
                 {.key = "peer_speaks", .text = std::string(identifyPeer(news->excerpt)), .number = {}, .list = {}}};
  sink.onLifecycle(event);
  return finding;
}

}  // namespace gatewhy
