// SPDX-License-Identifier: Apache-2.0
// A diagnosis is a cause with its evidence and consequences.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "diagnostics/cause.h"
#include "diagnostics/observation.h"

namespace gatewhy {

enum class Profile : std::uint8_t { Extended, Standard };
enum class Disclose : std::uint8_t { None, Cause, Evidence };

// How statuses are chosen: profile plus per-cause overrides
// (diagnostics.statuses). Immutable after load; shared by all threads.
struct StatusPolicy {
  Profile profile = Profile::Extended;
  std::unordered_map<Cause, std::uint16_t> overrides;
};

// diagnose() makes it, and nobody edits it: what is to be said of a failure
// has to stand in its Observation before.
struct Diagnosis {
  Cause cause = Cause::ProxyInternalError;
  Phase phase = Phase::Internal;
  Blame blame = Blame::Proxy;
  std::uint16_t sent_status = 0;      // to send if nothing is committed; 0 = nothing can be sent
  std::uint16_t status = 0;           // the event's diagnosis.status; 0 = absent
  std::uint16_t standard_status = 0;  // 0 = absent
  ProxyError proxy_error = ProxyError::None;
  Retry retry = Retry::Never;
  std::string summary;  // one sentence, names the facts (errno name, file, seconds)
  Observation observation;
  std::optional<Cause> would_be;  // client left while this was about to happen
};

// Something seen after the first cause; kept beside it, never promoted.
struct Symptom {
  std::string what;  // "ECONNRESET on read"
  double at_ms = 0;  // since the exchange began
};

// True for the status of silent_drop: the connection is closed without a byte.
[[nodiscard]] inline bool sendsNothing(std::uint16_t status) {
  return status == info(Cause::SilentDrop).log_status;
}

// True where the status tells the client to try again later, which
// Retry-After makes useful (RFC 9110 section 15.6.4).
[[nodiscard]] inline bool asksToComeBack(const Diagnosis& diagnosis) {
  return diagnosis.sent_status == 503;
}

// What diagnosis.status says for a cause under a policy; 0 = absent.
[[nodiscard]] std::uint16_t reportedStatus(Cause cause, const StatusPolicy& policy);

// True for 520 to 526: behind a real Cloudflare nobody can tell ours from its own.
[[nodiscard]] inline bool looksLikeCloudflares(std::uint16_t status) {
  return status >= 520 && status <= 526;
}

// Classifies and applies the policy. Pure.
[[nodiscard]] Diagnosis diagnose(Observation observation, const StatusPolicy& policy);

}  // namespace gatewhy
