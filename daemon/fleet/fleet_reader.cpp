// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet/fleet_reader.h"

#include <fmt/format.h>

#include <utility>

#include "config/log_place.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kNextEvent{10'000};

std::string streamProblem(const std::string& stream, natsStatus status, jsErrCode code) {
  return code == JSStreamNotFoundErr || status == NATS_NOT_FOUND
             ? fmt::format("there is no stream '{}'; `gatewhy fleet init` makes it", stream)
             : fmt::format("the stream '{}' cannot be read: {}", stream, natsProblem(status, code));
}

}  // namespace

Result<NatsServer, std::string> fleetServer(const FleetSource& source) {
  const auto place = parseLogPlace(source.nats);
  if (!place) {
    return Failure{place.error()};
  }
  if (place->kind != LogKind::Nats) {
    return Failure{fmt::format("'{}' is not the address of a NATS server: nats://HOST:4222", source.nats)};
  }
  NatsServer server{.url = place->url, .credentials = source.credentials, .tls = {}};
  if (!source.ca_file.empty()) {
    server.tls = LogTls{.ca_file = source.ca_file, .certificate = {}, .key = {}};
  }
  return server;
}

Result<std::unique_ptr<FleetReader>, std::string> FleetReader::open(const FleetSource& source) {
  const auto server = fleetServer(source);
  if (!server) {
    return Failure{server.error()};
  }
  auto link = connectNats(*server);
  if (!link) {
    return Failure{fmt::format("{}: {}", parseLogPlace(source.nats)->name, link.error())};
  }
  return std::unique_ptr<FleetReader>(new FleetReader(std::move(link).value(), source.stream));
}

Result<bool, std::string> FleetReader::begin(const std::string& filter, std::optional<Time> since) {
  return since ? subscribe(filter, js_DeliverByStartTime,
                           std::chrono::duration_cast<std::chrono::nanoseconds>(since->time_since_epoch()).count())
               : subscribe(filter, js_DeliverAll, 0);
}

Result<bool, std::string> FleetReader::subscribe(const std::string& filter, jsDeliverPolicy policy,
                                                 std::int64_t since_ns) {
  subscription_.reset();
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = stream_.c_str();
  options.Ordered = true;
  options.Config.DeliverPolicy = policy;
  options.Config.OptStartTime = since_ns;
  natsSubscription* made = nullptr;
  jsErrCode code{};
  natsStatus status = js_SubscribeSync(&made, link_.context.get(), filter.c_str(), nullptr, &options, &code);
  subscription_.reset(made);
  if (status != NATS_OK) {
    return Failure{streamProblem(stream_, status, code)};
  }
  jsConsumerInfo* info = nullptr;
  status = natsSubscription_GetConsumerInfo(&info, made, nullptr, &code);
  const NatsPtr<jsConsumerInfo> owned(info);
  if (status != NATS_OK) {
    return Failure{streamProblem(stream_, status, code)};
  }
  pending_ = info->NumPending + info->Delivered.Consumer;
  return true;
}

Result<bool, std::string> FleetReader::next(std::chrono::milliseconds timeout, const OnEvent& on_event) {
  natsMsg* got = nullptr;
  const natsStatus status = natsSubscription_NextMsg(&got, subscription_.get(), timeout.count());
  const NatsPtr<natsMsg> message(got);
  if (status == NATS_TIMEOUT) {
    return false;
  }
  if (status != NATS_OK) {
    return Failure{streamProblem(stream_, status, {})};
  }
  jsMsgMetaData* made = nullptr;
  if (natsMsg_GetMetaData(&made, got) != NATS_OK) {
    return true;  // a word of the server's
  }
  const NatsPtr<jsMsgMetaData> data(made);
  pending_ = data->NumPending;
  on_event({natsMsg_GetData(got), static_cast<std::size_t>(natsMsg_GetDataLength(got))},
           Time(std::chrono::duration_cast<Time::duration>(std::chrono::nanoseconds(data->Timestamp))));
  return true;
}

Result<std::uint64_t, std::string> FleetReader::readAll(const std::string& filter, std::optional<Time> since,
                                                        const OnEvent& on_event) {
  if (const auto begun = begin(filter, since); !begun) {
    return Failure{begun.error()};
  }
  return drain(on_event);
}

Result<std::uint64_t, std::string> FleetReader::readLast(const std::string& filter, const OnEvent& on_event) {
  if (const auto begun = subscribe(filter, js_DeliverLast, 0); !begun) {
    return Failure{begun.error()};
  }
  return drain(on_event);
}

Result<std::uint64_t, std::string> FleetReader::drain(const OnEvent& on_event) {
  std::uint64_t count = 0;
  while (pending_ != 0) {
    const auto came = next(kNextEvent, on_event);
    if (!came) {
      return Failure{came.error()};
    }
    if (!*came) {
      return Failure{fmt::format("the stream '{}' fell silent with {} events to come", stream_, pending_)};
    }
    ++count;
  }
  subscription_.reset();
  return count;
}

}  // namespace gatewhy
