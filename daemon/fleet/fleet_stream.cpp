// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet/fleet_stream.h"

#include <fmt/format.h>

#include <array>

#include "daemon/log/event_subject.h"

namespace gatewhy {
namespace {

constexpr std::int64_t kNanos = 1'000'000'000;
// What a gatewhy sends again after an outage of its server is stored once when
// that was shorter.
constexpr std::int64_t kRememberIds = 600 * kNanos;

bool sameStream(const jsStreamConfig& is, const jsStreamConfig& wanted) {
  const auto bytes = [](std::int64_t size) { return size <= 0 ? -1 : size; };
  return is.SubjectsLen == 1 && is.Subjects[0] == std::string_view(wanted.Subjects[0]) &&
         is.Replicas == wanted.Replicas && is.MaxAge == wanted.MaxAge && bytes(is.MaxBytes) == bytes(wanted.MaxBytes) &&
         is.Duplicates == wanted.Duplicates;
}

std::string describeStream(const jsStreamConfig& config) {
  return fmt::format("subjects {}, {} replica{}, events kept {}, {}", kAllSubjects, config.Replicas,
                     config.Replicas == 1 ? "" : "s",
                     config.MaxAge == 0 ? "for ever" : fmt::format("for {} h", config.MaxAge / kNanos / 3600),
                     config.MaxBytes <= 0 ? "any size" : fmt::format("at most {} bytes", config.MaxBytes));
}

}  // namespace

Result<std::string, std::string> initFleetStream(const FleetStreamOptions& options) {
  const auto server = fleetServer(options.source);
  if (!server) {
    return Failure{server.error()};
  }
  auto link = connectNats(*server);
  if (!link) {
    return Failure{link.error()};
  }
  const std::string subjects(kAllSubjects);
  std::array<const char*, 1> list{subjects.c_str()};
  jsStreamConfig wanted;
  jsStreamConfig_Init(&wanted);
  wanted.Name = options.source.stream.c_str();
  wanted.Description = "events of gatewhy";
  wanted.Subjects = list.data();
  wanted.SubjectsLen = 1;
  wanted.Retention = js_LimitsPolicy;
  wanted.Storage = js_FileStorage;
  wanted.Discard = js_DiscardOld;
  wanted.Replicas = options.replicas;
  wanted.MaxAge = options.max_age_s * kNanos;
  wanted.MaxBytes = options.max_bytes == 0 ? -1 : options.max_bytes;
  wanted.Duplicates = wanted.MaxAge == 0 ? kRememberIds : std::min(kRememberIds, wanted.MaxAge);

  jsCtx* const context = link->context.get();
  jsStreamInfo* found = nullptr;
  jsErrCode code{};
  natsStatus status = js_GetStreamInfo(&found, context, wanted.Name, nullptr, &code);
  const NatsPtr<jsStreamInfo> before(found);
  const bool there = status == NATS_OK;
  if (there && sameStream(*found->Config, wanted)) {
    return fmt::format("stream '{}' is as it should be: {}", wanted.Name, describeStream(wanted));
  }
  if (!there && status != NATS_NOT_FOUND) {
    return Failure{fmt::format("JetStream does not answer: {}", natsProblem(status, code))};
  }
  jsStreamInfo* made = nullptr;
  status = there ? js_UpdateStream(&made, context, &wanted, nullptr, &code)
                 : js_AddStream(&made, context, &wanted, nullptr, &code);
  const NatsPtr<jsStreamInfo> after(made);
  if (status != NATS_OK) {
    return Failure{fmt::format("the stream '{}' cannot be {}: {}", wanted.Name, there ? "changed" : "made",
                               natsProblem(status, code))};
  }
  return fmt::format("stream '{}' {}: {}", wanted.Name, there ? "changed" : "made", describeStream(wanted));
}

}  // namespace gatewhy
