// SPDX-License-Identifier: Apache-2.0
// Under which subject of NATS an event stands, and as which message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatewhy {

// What a stream of events holds, and what asks for all of it.
inline constexpr std::string_view kSubjectRoot = "gatewhy";
inline constexpr std::string_view kAllSubjects = "gatewhy.>";

// Every exchange that has a cause.
inline constexpr std::string_view kFailureSubjects = "gatewhy.*.exchange.*.*.*";

// What a subject says of its event; empty = the event does not have it.
struct SubjectFacts {
  std::string instance, event, origin, cause, request_id;
};

// One token of a subject: letters, digits, "-" and "_" as they are, every other
// octet as "%HH"; "-" for nothing, "%2D" for a lone "-". At most 200 octets: a longer value
// is cut, so that whoever asks by it compares the events that come.
[[nodiscard]] std::string subjectToken(std::string_view value);
// The value again, where it was not cut.
[[nodiscard]] std::string subjectValue(std::string_view token);

// "gatewhy.INSTANCE.EVENT.ORIGIN.CAUSE", and ".REQUESTID" where there is a cause.
[[nodiscard]] std::string eventSubject(const SubjectFacts& facts);
// The same as a filter: what is empty matches anything.
[[nodiscard]] std::string subjectFilter(const SubjectFacts& facts);

// An event of a fleet, as far as its subject and its message id are concerned.
struct FleetEvent {
  SubjectFacts subject;
  std::string boot_id;
  std::uint64_t sequence = 0;
  // For deduplication: "INSTANCE/BOOT/SEQUENCE".
  [[nodiscard]] std::string messageId() const;
};
// Of a numbered line; what is no event has an empty `subject.event`.
[[nodiscard]] FleetEvent fleetEvent(std::string_view line);

}  // namespace gatewhy
