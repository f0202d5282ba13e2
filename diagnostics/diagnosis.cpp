// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/diagnosis.h"

#include <algorithm>
#include <array>
#include <utility>

#include "diagnostics/classify.h"
#include "diagnostics/classify_rules.h"
#include "diagnostics/summary.h"

namespace gatewhy {
namespace {

// Causes that can strike in any phase say where they did; for all others the
// row knows better than the observer: a TLS 1.3 refusal is read while waiting
// for the response, and still belongs to the handshake.
bool isOfAnyPhase(Cause cause) noexcept {
  constexpr std::array kOfAnyPhase{Cause::ClientClosedRequest,  Cause::DestinationIpProhibited, Cause::ProxyFdExhausted,
                                   Cause::ProxyMemoryExhausted, Cause::H2GoawayError,           Cause::H2StreamReset,
                                   Cause::H2ProtocolError,      Cause::OriginKeepaliveFailed,   Cause::ExchangeTimeout,
                                   Cause::EndpointRemoved,      Cause::ProxyInternalError};
  return std::ranges::find(kOfAnyPhase, cause) != kOfAnyPhase.end();
}

// Who spent the budget of an exchange.
Blame blameOfPhase(Phase longest) noexcept {
  switch (longest) {
    case Phase::ClientRequest:
      return Blame::Client;
    case Phase::Dns:
      return Blame::Dns;
    case Phase::Connect:
      return Blame::Network;
    case Phase::Routing:  // the queue for a connection: the origin is slow
    case Phase::TlsHandshake:
    case Phase::RequestWrite:
    case Phase::ResponseHead:
    case Phase::ResponseBody:
    case Phase::Upgrade:
    case Phase::Internal:
      return Blame::Origin;
  }
  return Blame::Origin;
}

// Some rows stand for several stories, of which not all are the same one's to
// act on.
Blame blameOf(const CauseInfo& row, const Observation& seen) noexcept {
  if (const auto* timer = std::get_if<TimerFault>(&seen.fault);
      timer != nullptr && row.cause == Cause::ExchangeTimeout) {
    return blameOfPhase(timer->longest_phase);
  }
  return pingWasRead(seen) ? Blame::Origin : row.blame;
}

// What the peer itself says of the request counts more than the row.
Retry retryOf(const CauseInfo& row, const Observation& seen) noexcept {
  const auto* stream = std::get_if<StreamFault>(&seen.fault);
  if (stream == nullptr || seen.phase == Phase::ClientRequest) {
    return row.retry;
  }
  if (row.cause == Cause::H2GoawayError && seen.phase != Phase::ResponseBody && aboveGoAway(*stream, seen.connection)) {
    return Retry::BeforeAnyByte;
  }
  return row.cause == Cause::H2RefusedStream && asksForCalm(*stream) ? Retry::Never : row.retry;
}

// RFC 9209 tells an alert that came from an error that we found ourselves;
// these causes have both kinds.
ProxyError proxyErrorOf(const CauseInfo& row, const Fault& fault) noexcept {
  const auto* tls = std::get_if<TlsFault>(&fault);
  if (tls == nullptr) {
    return row.proxy_error;
  }
  const bool either =
      row.proxy_error == ProxyError::TlsAlertReceived || row.proxy_error == ProxyError::TlsProtocolError;
  if (!either) {
    return row.proxy_error;
  }
  return tls->failure == TlsFailure::AlertReceived ? ProxyError::TlsAlertReceived : ProxyError::TlsProtocolError;
}

void applyPolicy(Diagnosis& diagnosis, const CauseInfo& row, const StatusPolicy& policy) {
  diagnosis.standard_status = row.standard_status;
  switch (policy.profile) {
    case Profile::Extended:
      diagnosis.sent_status = row.sent_status;
      diagnosis.status = row.log_status;
      break;
    case Profile::Standard:
      diagnosis.sent_status = row.sent_status == 0 ? 0 : row.standard_status;
      diagnosis.status = row.standard_status;
      break;
  }
  // Where nothing can be sent there is nothing to override.
  const auto override_status = policy.overrides.find(row.cause);
  if (row.sent_status != 0 && override_status != policy.overrides.end()) {
    diagnosis.sent_status = override_status->second;
    diagnosis.status = override_status->second;
  }
}

// What was about to be said of the origin when the client left.
std::optional<Cause> wouldBe(const Observation& seen) noexcept {
  if (!seen.interrupted || seen.interrupted->limit_ms == 0) {
    return std::nullopt;
  }
  const bool soon = seen.interrupted->waited_ms > seen.interrupted->limit_ms / 2.0;
  return soon ? std::optional(Cause::ResponseTimeout) : std::nullopt;
}

// Where the exchange stood. Of a client that went away that is what it did
// not wait for.
Phase phaseOf(const CauseInfo& row, const Observation& seen) noexcept {
  if (row.cause == Cause::ClientClosedRequest && seen.interrupted) {
    return seen.interrupted->phase;
  }
  return isOfAnyPhase(row.cause) ? seen.phase : row.phase;
}

}  // namespace

std::uint16_t reportedStatus(Cause cause, const StatusPolicy& policy) {
  Diagnosis diagnosis;
  applyPolicy(diagnosis, info(cause), policy);
  return diagnosis.status;
}

Diagnosis diagnose(Observation observation, const StatusPolicy& policy) {
  const CauseInfo& row = info(classify(observation));
  Diagnosis diagnosis;
  diagnosis.cause = row.cause;
  diagnosis.phase = phaseOf(row, observation);
  diagnosis.would_be = wouldBe(observation);
  diagnosis.blame = blameOf(row, observation);
  diagnosis.proxy_error = proxyErrorOf(row, observation.fault);
  diagnosis.retry = retryOf(row, observation);
  diagnosis.summary = summarize(row.cause, observation);
  applyPolicy(diagnosis, row, policy);
  if (row.cause == Cause::LoginServiceDenied && observation.login.status != 0) {
    // The login service's own answer is passed on, whatever the profile.
    diagnosis.sent_status = diagnosis.status = diagnosis.standard_status = observation.login.status;
  }
  diagnosis.observation = std::move(observation);
  return diagnosis;
}

}  // namespace gatewhy
