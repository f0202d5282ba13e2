// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/top/top.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string_view>

#include "daemon/commands/admin_client.h"
#include "daemon/commands/top/screen.h"
#include "daemon/commands/top/top_view.h"
#include "daemon/exit_status.h"

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

// What a key changes of the view.
void apply(const std::string& typed, std::size_t page, TopView& view) {
  const auto is = [&typed](std::initializer_list<std::string_view> keys) {
    return std::find(keys.begin(), keys.end(), typed) != keys.end();
  };
  if (is({"j", "\x1b[B", "\x1bOB"})) {
    ++view.skip;
  } else if (is({"k", "\x1b[A", "\x1bOA"})) {
    view.skip -= view.skip > 0 ? 1 : 0;
  } else if (is({" ", "\x1b[6~"})) {
    view.skip += page;
  } else if (is({"b", "\x1b[5~"})) {
    view.skip -= std::min(view.skip, page);
  } else if (is({"g", "\x1b[H"})) {
    view.skip = 0;
  } else if (is({"d"})) {
    view.details = !view.details;
  } else if (is({"s"})) {
    view.sort = view.sort == TopSort::Failing    ? TopSort::Requests
                : view.sort == TopSort::Requests ? TopSort::Name
                                                 : TopSort::Failing;
    view.skip = 0;
  }
}

std::string footLine(const TopView& view) {
  const std::string_view sorted = view.sort == TopSort::Failing    ? "failing first"
                                  : view.sort == TopSort::Requests ? "busiest first"
                                                                   : "by name";
  return fmt::format("q quits  s sort ({})  d {} details  arrows, space scroll", sorted,
                     view.details ? "fewer" : "more");
}

// Lives on when the daemon restarts: says so, and goes on asking.
void live(const AdminClient& client, TopSnapshot first) {
  Screen screen;
  std::optional<TopSnapshot> before;
  TopSnapshot now = std::move(first);
  std::string trouble;
  TopView view{.height = 0, .details = false};
  while (true) {
    const TextStyle style = styleOf(STDOUT_FILENO);
    view.height = Screen::height() - 2;
    std::string frame = topFrame(now, before ? &*before : nullptr, style, view);
    const std::string foot = footLine(view);
    frame += trouble.empty()
                 ? paint(fitted(foot, std::min<std::size_t>(foot.size(), style.width), style), Ink::Dim, style)
                 : paint(fitted(trouble, style.width, style), Ink::Red, style);
    screen.draw(frame);
    const Screen::Wake wake = screen.wait(kRefresh);
    if (wake == Screen::Wake::Quit) {
      return;
    }
    if (wake == Screen::Wake::Key) {
      apply(screen.typed(), view.height / 2, view);
    }
    if (wake != Screen::Wake::Time) {
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
        topFrame(*first, nullptr, styleOf(STDOUT_FILENO), {.height = std::numeric_limits<std::size_t>::max()});
    std::fwrite(frame.data(), 1, frame.size(), stdout);
    std::fflush(stdout);
    return kExitOk;
  }
  live(*client, std::move(first).value());
  return kExitOk;
}

}  // namespace gatewhy
