// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/event_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

#include "diagnostics/grpc_status.h"

namespace gatewhy {
namespace {

constexpr std::size_t kLongestPath = 200;  // of a line for people
constexpr std::size_t kShortId = 8;        // enough for `gatewhy why`
constexpr std::size_t kCauseColumn = 24;   // most causes are shorter
constexpr std::string_view kGrey = "\x1b[2m", kGreen = "\x1b[32m", kYellow = "\x1b[33m", kRed = "\x1b[31m",
                           kBold = "\x1b[1m", kPlain = "\x1b[0m";

// Seconds of the day or whole dates: most events share them with the one before.
struct ClockText {
  std::int64_t second = std::numeric_limits<std::int64_t>::min();
  std::string combined;    // 28/Nov/2026:21:04:02 +0000
  std::string_view clock;  // 21:04:02, of it
};

const ClockText& clockText(std::chrono::system_clock::time_point when) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  thread_local ClockText cached;
  const auto second = std::chrono::floor<std::chrono::seconds>(when);
  if (second.time_since_epoch().count() != cached.second) {
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{second - day};
    cached.second = second.time_since_epoch().count();
    cached.combined = fmt::format("{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000", static_cast<unsigned>(date.day()),
                                  kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                                  time.hours().count(), time.minutes().count(), time.seconds().count());
    const std::size_t at = cached.combined.find(':');
    cached.clock = std::string_view(cached.combined).substr(at + 1, 8);
  }
  return cached;
}

template <class Text>
void appendQuotable(Text& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet > 0x7E || c == '"' || c == '\\') {
      const std::array<char, 4> escaped = {'\\', 'x', kHex[octet >> 4], kHex[octet & 0xF]};
      out.append(escaped.data(), escaped.size());
    } else {
      out.push_back(c);
    }
  }
}

void appendOrDash(TextBuffer& out, std::string_view text) {
  if (text.empty()) {
    out += '-';
  } else {
    appendQuotable(out, text);
  }
}

void appendRequestLine(TextBuffer& out, const ExchangeEvent& event) {
  if (event.method.empty()) {
    out += '-';
    return;
  }
  appendQuotable(out, event.method);
  out += ' ';
  appendOrDash(out, event.path);
  if (!event.query.empty()) {
    out += '?';
    appendQuotable(out, event.query);
  }
  if (!event.protocol_version.empty()) {
    out += " HTTP/";
    out += event.protocol_version == "2" ? "2.0" : event.protocol_version;  // as nginx has it
  }
}

// host ident user [date] "request" status bytes "referer" "user agent"
void appendCombined(TextBuffer& out, const ExchangeEvent& event) {
  appendOrDash(out, event.client_address);
  out += " - - [";
  out += clockText(event.timestamp).combined;
  out += "] \"";
  appendRequestLine(out, event);
  out += "\" ";
  // What nothing was sent for is nginx's 499, the number for it in such logs.
  constexpr std::uint16_t kNothingSent = 499;
  appendDecimal(out, event.status != 0 ? event.status : kNothingSent);
  out += ' ';
  if (event.response_body_size) {
    appendDecimal(out, *event.response_body_size);
  } else {
    out += '-';
  }
  out += " \"-\" \"";
  appendOrDash(out, event.user_agent);
  out += "\"\n";
}

std::string durationText(double ms) {
  return ms >= 1000 ? fmt::format("{:.2f} s", ms / 1000) : fmt::format("{:.{}f} ms", ms, ms < 10 ? 1 : 0);
}

std::string_view colourOf(const ExchangeEvent& event) {
  const bool clients = event.diagnosis != nullptr && event.diagnosis->blame == Blame::Client;
  if (event.outcome == Outcome::Failure && !clients) {
    return kRed;
  }
  return event.outcome == Outcome::Success ? (event.told_findings.empty() ? kGreen : kYellow) : kYellow;
}

// 21:04:02 521 connection_refused  GET /cart -> shop  0.4 ms  why 4f3a9c12
void appendText(TextBuffer& out, const ExchangeEvent& event, bool coloured) {
  const auto paint = [&out, coloured](std::string_view attribute) { out += coloured ? attribute : std::string_view(); };
  paint(kGrey);
  out += clockText(event.timestamp).clock;
  paint(kPlain);
  out += ' ';
  paint(colourOf(event));
  if (event.status != 0) {
    appendDecimal(out, event.status);
  } else {
    out += "---";
  }
  if (event.grpc != nullptr && event.grpc->status && *event.grpc->status != 0) {
    out += ' ';
    const std::string_view status = grpcStatusName(*event.grpc->status);
    out += status.empty() ? std::string_view("UNKNOWN") : status;
  }
  if (event.diagnosis != nullptr) {
    const std::string_view cause = name(event.diagnosis->cause);
    out += ' ';
    paint(kBold);
    out += cause;
    paint(kPlain);
    for (std::size_t column = cause.size(); column < kCauseColumn; ++column) {
      out += ' ';
    }
  }
  paint(kPlain);
  out += ' ';
  appendOrDash(out, event.method);
  out += ' ';
  appendOrDash(out, event.path.substr(0, kLongestPath));
  if (event.path.size() > kLongestPath) {
    out += "...";
  }
  if (!event.origin.empty()) {
    out += " -> ";
    appendQuotable(out, event.origin);
  }
  if (event.timings.total) {
    out += "  ";
    out += durationText(*event.timings.total);
  }
  if (event.attempts > 1) {
    out += "  ";
    appendDecimal(out, event.attempts);
    out += " tries";
  }
  const char* separator = "  ";
  for (const Finding finding : event.told_findings) {
    out += separator;
    out += name(finding);
    separator = ", ";
  }
  if (event.outcome != Outcome::Success) {
    out += "  ";
    paint(kGrey);
    out += "why ";
    out += event.request_id.substr(0, kShortId);
    paint(kPlain);
  }
  out += '\n';
}

// 21:04:02 WARN  reload: reloaded; changes to workers need a restart  config=gw.yaml
void appendLifecycleText(std::string& out, const LifecycleEvent& event) {
  fmt::format_to(std::back_inserter(out), "{:<5} {}", event.severity, event.event);
  if (!event.message.empty()) {
    out += ": ";
    appendQuotable(out, event.message);
  }
  for (const LifecycleEvent::Fact& fact : event.facts) {
    std::string value = fact.text;
    if (value.empty() && fact.number) {
      value = fmt::format("{:g}", *fact.number);
    }
    for (const std::string& item : fact.list) {
      value += (value.empty() ? "" : ", ") + item;
    }
    if (!value.empty()) {
      fmt::format_to(std::back_inserter(out), "  {}=", fact.key);
      appendQuotable(out, value);
    }
  }
  out += '\n';
}

}  // namespace

void appendLine(TextBuffer& out, const ExchangeEvent& event, EventFormat format) {
  switch (format) {
    case EventFormat::Json:
      appendJson(out, event);
      return;
    case EventFormat::Combined:
      appendCombined(out, event);
      return;
    case EventFormat::Text:
    case EventFormat::ColouredText:
      appendText(out, event, format == EventFormat::ColouredText);
      return;
  }
}

void appendLine(std::string& out, const LifecycleEvent& event, std::chrono::system_clock::time_point timestamp,
                EventFormat format) {
  if (format == EventFormat::Json) {
    appendJson(out, event, timestamp);
    return;
  }
  const ClockText& clock = clockText(timestamp);
  if (format == EventFormat::Combined) {
    fmt::format_to(std::back_inserter(out), "# [{}] ", clock.combined);
  } else {
    fmt::format_to(std::back_inserter(out), "{} ", clock.clock);
  }
  appendLifecycleText(out, event);
}

}  // namespace gatewhy
