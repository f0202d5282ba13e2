// SPDX-License-Identifier: Apache-2.0
// Reading a fleet's events from JetStream, as few of them as are asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/log/nats_link.h"
#include "diagnostics/result.h"

namespace gatewhy {

inline constexpr const char* kFleetStream = "gatewhy";

// What `--from` and its like name.
struct FleetSource {
  std::string nats;  // "nats://HOST:4222", or several, separated by commas
  std::string credentials, ca_file;
  std::string stream = kFleetStream;
};
// The error says what is wrong with the address.
[[nodiscard]] Result<NatsServer, std::string> fleetServer(const FleetSource& source);

class FleetReader {
 public:
  using Time = std::chrono::system_clock::time_point;
  // Valid during the call. `stored`: by the stream's clock.
  using OnEvent = std::function<void(std::string_view line, Time stored)>;

  // Errors are sentences here and below.
  [[nodiscard]] static Result<std::unique_ptr<FleetReader>, std::string> open(const FleetSource& source);

  // What the stream holds now under `filter` (daemon/log/event_subject.h), from
  // `since` on, oldest first: how many.
  [[nodiscard]] Result<std::uint64_t, std::string> readAll(const std::string& filter, std::optional<Time> since,
                                                           const OnEvent& on_event);
  // Only the last of them, if there is one.
  [[nodiscard]] Result<std::uint64_t, std::string> readLast(const std::string& filter, const OnEvent& on_event);
  // The same as readAll(), and then what comes: begin() once, next() again and again, which
  // waits at most `timeout` and says whether there was an event.
  [[nodiscard]] Result<bool, std::string> begin(const std::string& filter, std::optional<Time> since);
  [[nodiscard]] Result<bool, std::string> next(std::chrono::milliseconds timeout, const OnEvent& on_event);
  // Whether some of what was there at begin() is still to come.
  [[nodiscard]] bool behind() const { return at_ < end_; }

 private:
  [[nodiscard]] Result<NatsPtr<natsMsg>, std::string> lastOf(const std::string& filter);
  [[nodiscard]] Result<bool, std::string> findEnd();
  FleetReader(NatsLink link, std::string stream) : link_(std::move(link)), stream_(std::move(stream)) {}

  NatsLink link_;
  std::string stream_;
  NatsPtr<natsSubscription> subscription_;
  std::string filter_;
  std::optional<Time> since_;
  std::uint64_t at_ = 0, end_ = 0;  // sequence numbers in the stream, of the last event and of the last that counts
};

}  // namespace gatewhy
