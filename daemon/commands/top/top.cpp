// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/top/top.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <limits>
#include <optional>

#include "daemon/commands/admin_client.h"
#include "daemon/commands/run.h"
#include "daemon/commands/top/screen.h"
#include "daemon/commands/top/top_view.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kRefresh{1000};
constexpr const char* kEvents = "/api/v1/events?limit=10&of_each=1";

Result<TopSnapshot, std::string> take(const AdminClient& client) {
  TopSnapshot snapshot;
  for (const auto& [target, part] :
       {std::pair("/api/v1/status", &snapshot.status), std::pair("/api/v1/origins", &snapshot.origins),
        std::pair("/api/v1/history", &snapshot.history), std::pair(kEvents, &snapshot.events)}) {
    auto answer = client.get(target);
    if (!answer) {
      return Failure{answer.error()};
    }
    *part = std::move(answer).value();
  }
  snapshot.at_s = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  return snapshot;
}

// Lives on when the daemon restarts: says so, and goes on asking.
void live(const AdminClient& client, TopSnapshot first) {
  Screen screen;
  std::optional<TopSnapshot> before;
  TopSnapshot now = std::move(first);
  std::string trouble;
  while (true) {
    const TextStyle style = styleOf(STDOUT_FILENO);
    const std::size_t height = Screen::height();
    std::string frame = topFrame(now, before ? &*before : nullptr, style, height - 2);
    frame += trouble.empty() ? paint("q quits", Ink::Dim, style)
                             : paint(fitted(trouble, style.width, style), Ink::Red, style);
    screen.draw(frame);
    const Screen::Wake wake = screen.wait(kRefresh);
    if (wake == Screen::Wake::Quit) {
      return;
    }
    if (wake == Screen::Wake::Redraw) {
      continue;
    }
    auto next = take(client);
    trouble = next ? "" : next.error();
    if (next) {
      before = std::move(now);
      now = std::move(next).value();
    }
  }
}

}  // namespace

int runTop(const TopOptions& options) {
  const auto client = adminClient(options.admin, options.config);
  if (!client) {
    fmt::print(stderr, "gatewhy: {}\n", client.error());
    return kExitFailure;
  }
  auto first = take(*client);
  if (!first) {
    fmt::print(stderr, "gatewhy: {}\n", first.error());
    return kExitFailure;
  }
  if (options.once || ::isatty(STDOUT_FILENO) != 1) {
    const std::string frame =
        topFrame(*first, nullptr, styleOf(STDOUT_FILENO), std::numeric_limits<std::size_t>::max());
    std::fwrite(frame.data(), 1, frame.size(), stdout);
    std::fflush(stdout);
    return kExitOk;
  }
  live(*client, std::move(first).value());
  return kExitOk;
}

}  // namespace gatewhy
