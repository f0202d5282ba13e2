// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet/fleet_reader.h"

#include <fmt/format.h>

#include <utility>

#include "config/log_place.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kLook{1000};
constexpr std::chrono::milliseconds kLongestSilence{10'000};

std::string_view textOf(const natsMsg& message) {
  return {natsMsg_GetData(&message), static_cast<std::size_t>(natsMsg_GetDataLength(&message))};
}

FleetReader::Time timeOf(std::int64_t nanoseconds) {
  return FleetReader::Time(
      std::chrono::duration_cast<FleetReader::Time::duration>(std::chrono::nanoseconds(nanoseconds)));
}

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

// Null: there is none.
Result<NatsPtr<natsMsg>, std::string> FleetReader::lastOf(const std::string& filter) {
  natsMsg* got = nullptr;
  jsErrCode code{};
  const natsStatus status = js_GetLastMsg(&got, link_.context.get(), stream_.c_str(), filter.c_str(), nullptr, &code);
  NatsPtr<natsMsg> last(got);
  if (status == NATS_NOT_FOUND && code != JSStreamNotFoundErr) {
    return last;
  }
  if (status != NATS_OK) {
    return Failure{streamProblem(stream_, status, code)};
  }
  return last;
}

// The number of the last event is asked for where its stream is led, since what
// a consumer says of how many are left may be wrong.
Result<bool, std::string> FleetReader::findEnd() {
  const auto last = lastOf(filter_);
  if (!last) {
    return Failure{last.error()};
  }
  const bool counts = *last && (!since_ || timeOf(natsMsg_GetTime(last->get())) >= *since_);
  end_ = counts ? natsMsg_GetSequence(last->get()) : 0;
  return true;
}

Result<bool, std::string> FleetReader::begin(const std::string& filter, std::optional<Time> since) {
  subscription_.reset();
  filter_ = filter;
  since_ = since;
  at_ = 0;
  if (const auto found = findEnd(); !found) {
    return found;
  }
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = stream_.c_str();
  options.Ordered = true;
  options.Config.DeliverPolicy = since ? js_DeliverByStartTime : js_DeliverAll;
  options.Config.OptStartTime =
      since ? std::chrono::duration_cast<std::chrono::nanoseconds>(since->time_since_epoch()).count() : 0;
  natsSubscription* made = nullptr;
  jsErrCode code{};
  const natsStatus status = js_SubscribeSync(&made, link_.context.get(), filter.c_str(), nullptr, &options, &code);
  subscription_.reset(made);
  if (status != NATS_OK) {
    return Failure{streamProblem(stream_, status, code)};
  }
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
  at_ = data->Sequence.Stream;
  on_event(textOf(*got), timeOf(data->Timestamp));
  return true;
}

Result<std::uint64_t, std::string> FleetReader::readAll(const std::string& filter, std::optional<Time> since,
                                                        const OnEvent& on_event) {
  if (const auto begun = begin(filter, since); !begun) {
    return Failure{begun.error()};
  }
  std::uint64_t count = 0;
  std::chrono::milliseconds silent{0};
  while (behind()) {
    const auto came = next(kLook, on_event);
    if (!came) {
      return Failure{came.error()};
    }
    if (*came) {
      ++count;
      silent = silent.zero();
      continue;
    }
    // Events end: the stream keeps so many, or for so long.
    if (const auto found = findEnd(); !found) {
      return Failure{found.error()};
    }
    silent += kLook;
    if (behind() && silent >= kLongestSilence) {
      return Failure{fmt::format("the stream '{}' fell silent after event {} of {}", stream_, at_, end_)};
    }
  }
  subscription_.reset();
  return count;
}

Result<std::uint64_t, std::string> FleetReader::readLast(const std::string& filter, const OnEvent& on_event) {
  const auto last = lastOf(filter);
  if (!last) {
    return Failure{last.error()};
  }
  if (!*last) {
    return std::uint64_t{0};
  }
  on_event(textOf(**last), timeOf(natsMsg_GetTime(last->get())));
  return std::uint64_t{1};
}

}  // namespace gatewhy
