// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet/fleet_command.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>

#include "config/units.h"
#include "daemon/fleet/fleet_page.h"
#include "daemon/fleet/fleet_text.h"
#include "daemon/fleet/fleet_view.h"
#include "daemon/log/event_subject.h"

namespace gatewhy {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 64;
constexpr std::chrono::milliseconds kRedraw{2000};
constexpr std::chrono::milliseconds kStep{250};

std::atomic<bool> fleet_stop{false};

void stopOnSignals() {
  struct sigaction action {};
  action.sa_handler = [](int) { fleet_stop = true; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

int failed(const std::string& problem) {
  fmt::print(stderr, "gatewhy: {}\n", problem);
  return kFailed;
}

// A view that reads on. The lock is held for one event at a time.
class FollowedFleet {
 public:
  explicit FollowedFleet(std::unique_ptr<FleetReader> reader) : reader_(std::move(reader)) {}

  [[nodiscard]] Result<bool, std::string> begin(std::chrono::milliseconds back) {
    return reader_->begin(std::string(kAllSubjects), std::chrono::system_clock::now() - back);
  }
  // Everything that is there, or the first event for a while. A consumer dies
  // with the server that it was on: after a silence that no heartbeat broke, a
  // new one reads the last minutes again, and the view takes what it has not.
  [[nodiscard]] Result<bool, std::string> follow(std::chrono::milliseconds wait) {
    constexpr std::chrono::seconds kSilent{15};
    constexpr std::chrono::minutes kReadAgain{5};
    if (std::chrono::steady_clock::now() - heard_ > kSilent) {
      heard_ = std::chrono::steady_clock::now();
      if (auto begun = begin(kReadAgain); !begun) {
        return begun;
      }
    }
    const auto take = [this](std::string_view line, FleetReader::Time stored) {
      heard_ = std::chrono::steady_clock::now();
      const std::lock_guard lock(mutex_);
      view_.add(line, stored);
    };
    constexpr int kMostInTurn = 10'000;
    constexpr std::chrono::milliseconds kThere{1};
    const auto came = reader_->next(wait, take);
    auto more = came;
    for (int i = 0; i < kMostInTurn && more && *more && !fleet_stop; ++i) {
      more = reader_->next(kThere, take);
    }
    return more ? came : more;
  }
  [[nodiscard]] bool behind() const { return reader_->behind(); }
  [[nodiscard]] std::string text() {
    const std::lock_guard lock(mutex_);
    return fleetText(view_, std::chrono::system_clock::now());
  }
  [[nodiscard]] std::string json() {
    const std::lock_guard lock(mutex_);
    return fleetJson(view_, std::chrono::system_clock::now());
  }

 private:
  std::unique_ptr<FleetReader> reader_;
  std::chrono::steady_clock::time_point heard_ = std::chrono::steady_clock::now();
  std::mutex mutex_;  // of the view
  FleetView view_;
};

// Null, and said, where it cannot be read.
std::unique_ptr<FollowedFleet> openFleet(const FleetOptions& options, int& status) {
  const auto back = parseDuration(options.since);
  if (!back) {
    fmt::print(stderr, "gatewhy: --since: {}\n", back.error());
    status = kWrongUsage;
    return nullptr;
  }
  auto reader = FleetReader::open(options.source);
  if (!reader) {
    status = failed(reader.error());
    return nullptr;
  }
  auto fleet = std::make_unique<FollowedFleet>(std::move(reader).value());
  if (const auto begun = fleet->begin(*back); !begun) {
    status = failed(begun.error());
    return nullptr;
  }
  return fleet;
}

int printOnce(FollowedFleet& fleet, bool json) {
  constexpr std::chrono::milliseconds kEachEvent{10'000};
  while (fleet.behind()) {
    const auto came = fleet.follow(kEachEvent);
    if (!came) {
      return failed(came.error());
    }
    if (!*came) {
      return failed("the stream fell silent before its end");
    }
  }
  fmt::print("{}{}", json ? fleet.json() : fleet.text(), json ? "\n" : "");
  return kDone;
}

}  // namespace

int runFleetInit(const FleetStreamOptions& options) {
  const auto made = initFleetStream(options);
  if (!made) {
    return failed(made.error());
  }
  fmt::print("{}\n", *made);
  return kDone;
}

int runFleet(const FleetOptions& options) {
  int status = kDone;
  const auto fleet = openFleet(options, status);
  if (!fleet) {
    return status;
  }
  if (options.once) {
    return printOnce(*fleet, options.json);
  }
  const auto page = openFleetPage(options.listen);
  if (!page) {
    return failed(page.error());
  }
  stopOnSignals();
  fmt::print("the fleet is shown at http://{}/\n", fleetPageAddress(page->get()));
  std::fflush(stdout);
  std::thread server([&] {
    serveFleetPage(
        page->get(), [&] { return fleet->json(); }, fleet_stop);
  });
  std::string problem;
  while (!fleet_stop) {
    const auto came = fleet->follow(kStep);
    if (!came && came.error() != problem) {
      problem = came.error();
      fmt::print(stderr, "gatewhy: {}\n", problem);
    }
    if (!came) {
      std::this_thread::sleep_for(kStep);
    }
  }
  server.join();
  return kDone;
}

int runFleetTop(const FleetOptions& options) {
  int status = kDone;
  const auto fleet = openFleet(options, status);
  if (!fleet) {
    return status;
  }
  if (options.once || ::isatty(STDOUT_FILENO) != 1) {
    return printOnce(*fleet, options.json);
  }
  stopOnSignals();
  auto next = std::chrono::steady_clock::now();
  while (!fleet_stop) {
    if (const auto came = fleet->follow(kStep); !came) {
      return failed(came.error());
    }
    if (std::chrono::steady_clock::now() >= next) {
      fmt::print("\x1b[H\x1b[2J{}", fleet->text());
      std::fflush(stdout);
      next = std::chrono::steady_clock::now() + kRedraw;
    }
  }
  return kDone;
}

Result<std::string, std::string> lastOfFleet(const FleetSource& source, const std::string& filter) {
  auto reader = FleetReader::open(source);
  if (!reader) {
    return Failure{reader.error()};
  }
  std::string last;
  const auto read =
      (*reader)->readLast(filter, [&](std::string_view line, FleetReader::Time /*stored*/) { last = line; });
  if (!read) {
    return Failure{read.error()};
  }
  return last;
}

std::string vantageWords(const FleetSource& source, const std::string& origin, const std::string& cause,
                         const std::string& timestamp) {
  constexpr std::chrono::seconds kAround{150};
  constexpr std::chrono::milliseconds kEachBeat{5'000};
  const auto when = fleetTime(timestamp);
  auto reader = FleetReader::open(source);
  if (!when || !reader || !(*reader)->begin(subjectFilter({.event = "heartbeat"}), *when - kAround)) {
    return {};
  }
  FleetView view;
  bool over = false;
  while (!over && (*reader)->behind()) {
    const auto came = (*reader)->next(kEachBeat, [&](std::string_view line, FleetReader::Time stored) {
      view.add(line, stored);
      over = stored > *when + kAround;
    });
    if (!came || !*came) {
      break;
    }
  }
  const VantageVerdict verdict = view.vantageByHeartbeats(origin, cause);
  return verdict.vantage == Vantage::Nobody ? std::string() : verdict.words;
}

Result<std::uint64_t, std::string> readFleet(const FleetSource& source, const std::string& filter,
                                             std::optional<FleetReader::Time> since,
                                             const std::function<void(std::string_view line)>& on_line) {
  auto reader = FleetReader::open(source);
  if (!reader) {
    return Failure{reader.error()};
  }
  return (*reader)->readAll(filter, since, [&](std::string_view line, FleetReader::Time /*stored*/) { on_line(line); });
}

}  // namespace gatewhy
