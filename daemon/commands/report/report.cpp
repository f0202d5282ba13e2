// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/report/report.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <system_error>

#include "daemon/commands/report/log_source.h"
#include "daemon/commands/report/log_time.h"
#include "daemon/commands/report/logged_event.h"
#include "daemon/commands/report/report_model.h"
#include "daemon/commands/report/report_view.h"
#include "daemon/exit_status.h"
#include "daemon/fleet/fleet_reader.h"
#include "daemon/fleet/fleet_text.h"
#include "daemon/log/event_subject.h"

namespace gatewhy {
namespace {

// A line on standard error where that is a terminal, nothing else.
class Progress {
 public:
  Progress() : style_(styleOf(STDERR_FILENO)), shown_(::isatty(STDERR_FILENO) == 1) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin(const std::string& source, std::uint64_t size) {
    source_ = source;
    size_ = size;
  }
  void at(std::uint64_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(100)) {
      return;
    }
    last_ = now;
    drawn_ = true;
    const double done = size_ == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(size_);
    const std::string what = size_ == 0 ? fmt::format("{} MB", bytes >> 20U) : fmt::format("{:3.0f}%", 100 * done);
    fmt::print(stderr, "\r{} {} {}\x1b[K", fitted(harmless(source_), 24, style_), what, bar(done, 30, style_));
    std::fflush(stderr);
  }
  void clear() {
    if (drawn_) {
      fmt::print(stderr, "\r\x1b[K");
      drawn_ = false;
    }
  }

 private:
  TextStyle style_;
  bool shown_;
  bool drawn_ = false;
  std::string source_;
  std::uint64_t size_ = 0;
  std::chrono::steady_clock::time_point last_{};
};

void readSource(const std::string& path, ReportModel& model, ReadingSummary& reading, Progress& progress) {
  const std::string name = path == "-" ? "standard input" : path;
  reading.sources.push_back(name);
  auto source = LogSource::open(path);
  if (!source) {
    reading.problems.push_back(source.error());
    return;
  }
  progress.begin(name, source->size());
  EventReader reader;
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
  const std::string problem = source->forEachLine(
      [&](const LogSource::Line& line) {
        ++number;
        if (const LoggedEvent* event = reader.read(line)) {
          model.add(*event);
        } else if (!line.complete) {
          reading.cut.push_back(name);
        } else if (reading.bad_lines++ == 0) {
          reading.first_bad = fmt::format("{}:{}", name, number);
        }
      },
      [&](std::uint64_t so_far) {
        bytes = so_far;
        progress.at(so_far);
      });
  reading.lines += number;
  reading.bytes += bytes;
  if (!problem.empty()) {
    reading.problems.push_back(name + ": " + problem);
  }
}

// Each event once, however often it was sent; `view` gets them all.
void readFleetInto(const ReportOptions& options, const ReportFilter& filter, ReportModel& model,
                   ReadingSummary& reading, FleetView& view) {
  reading.sources.push_back(options.fleet.nats);
  auto reader = FleetReader::open(options.fleet);
  if (!reader) {
    reading.problems.push_back(reader.error());
    return;
  }
  EventReader events;
  std::string padded;
  const auto take = [&](std::string_view text, FleetReader::Time stored) {
    constexpr std::size_t kPadding = 64;
    ++reading.lines;
    reading.bytes += text.size();
    if (!view.add(text, stored)) {
      return;
    }
    padded.assign(text);
    padded.append(kPadding, '\0');
    const LogSource::Line line{.text = std::string_view(padded).substr(0, text.size())};
    if (const LoggedEvent* event = events.read(line); event == nullptr) {
      ++reading.bad_lines;
    } else if (event->event != "heartbeat") {
      model.add(*event);
    }
  };
  const std::string subjects = options.origin.empty() ? std::string(kAllSubjects)
                                                      : subjectFilter({.event = "exchange", .origin = options.origin});
  std::optional<FleetReader::Time> since;
  if (filter.since) {
    since = FleetReader::Time(std::chrono::seconds(*filter.since));
  }
  if (const auto read = (*reader)->readAll(subjects, since, take); !read) {
    reading.problems.push_back(read.error());
  }
}

bool fillFilter(const ReportOptions& options, ReportFilter& filter) {
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto read = [now](const char* option, const std::string& text, std::optional<std::int64_t>& to) {
    if (text.empty()) {
      return true;
    }
    const auto moment = parseMoment(text, now);
    if (!moment) {
      fmt::print(stderr, "gatewhy: {}: {}\n", option, moment.error());
      return false;
    }
    to = *moment;
    return true;
  };
  filter.origin = options.origin;
  return read("--since", options.since, filter.since) && read("--until", options.until, filter.until);
}

bool writeFile(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (!file) {
    fmt::print(stderr, "gatewhy: {}: {}\n", path, std::generic_category().message(errno));
    return false;
  }
  fmt::print(stderr, "gatewhy: wrote {}\n", path);
  return true;
}

}  // namespace

int runReport(const ReportOptions& options) {
  ReportFilter filter;
  if (!fillFilter(options, filter)) {
    return kExitUsage;
  }
  const bool of_fleet = !options.fleet.nats.empty();
  if (!of_fleet && options.logs.empty() && ::isatty(STDIN_FILENO) == 1) {
    fmt::print(stderr, "gatewhy: reading events from the terminal; name a log file, or pipe one in\n");
  }
  ReportModel model(filter);
  ReadingSummary reading;
  FleetView view;
  if (of_fleet) {
    readFleetInto(options, filter, model, reading, view);
  } else {
    Progress progress;
    for (const std::string& log : options.logs.empty() ? std::vector<std::string>{"-"} : options.logs) {
      readSource(log, model, reading, progress);
    }
  }
  bool good = reading.problems.empty();
  for (const std::string& problem : reading.problems) {
    fmt::print(stderr, "gatewhy: {}\n", harmless(problem));
  }
  if (!options.html.empty()) {
    good = writeFile(options.html, reportHtml(model, reading)) && good;
  }
  if (options.html.empty() || options.json) {
    std::string text = options.json ? reportJson(model, reading) : reportText(model, reading, styleOf(STDOUT_FILENO));
    if (of_fleet && !options.json) {
      text += "\n" + fleetText(view, std::chrono::system_clock::now());
    }
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  return good ? kExitOk : kExitFailure;
}

}  // namespace gatewhy
