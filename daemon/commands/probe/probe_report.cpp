// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/probe/probe_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/commands/event_story.h"

namespace gatewhy {
namespace {

constexpr std::size_t kHeadersShown = 12;

using PhaseTime = std::optional<double> Timings::*;
constexpr std::array<std::pair<const char*, PhaseTime>, 7> kPhaseTimes = {{{"resolve", &Timings::resolve},
                                                                           {"connect", &Timings::connect},
                                                                           {"tls_handshake", &Timings::tls_handshake},
                                                                           {"send", &Timings::send},
                                                                           {"wait", &Timings::wait},
                                                                           {"receive", &Timings::receive},
                                                                           {"total", &Timings::total}}};

std::string tlsNote(const TlsSessionFacts& tls) {
  std::string note =
      fmt::format("{}, {}, {}", tls.protocol, tls.cipher, tls.alpn.empty() ? "no ALPN" : "ALPN " + harmless(tls.alpn));
  if (!tls.not_after.empty()) {
    note += fmt::format("; certificate of {} by {}, until {}", harmless(tls.subject), harmless(tls.issuer),
                        tls.not_after.substr(0, 10));
  }
  if (tls.days) {
    const std::int64_t days = *tls.days < 0 ? -*tls.days : *tls.days;
    note += fmt::format(" ({}{} day{}{})", *tls.days < 0 ? "expired " : "", days, days == 1 ? "" : "s",
                        *tls.days < 0 ? " ago" : "");
  }
  return note;
}

// RFC 9113 section 6.5.2.
void appendSettings(std::string& out, const H2PeerSettings& settings, const TextStyle& style) {
  constexpr std::uint32_t kNoLimit = std::numeric_limits<std::uint32_t>::max();
  const std::pair<std::string_view, std::uint32_t> rows[] = {
      {"max_concurrent_streams", settings.max_concurrent_streams},
      {"initial_window_size", settings.initial_window_size},
      {"max_frame_size", settings.max_frame_size},
      {"max_header_list_size", settings.max_header_list_size},
      {"header_table_size", settings.header_table_size},
      {"enable_connect_protocol", settings.enable_connect_protocol ? 1 : 0},
  };
  out += "\n" + paint("HTTP/2 SETTINGS", Ink::Bold, style) + " of the server\n";
  for (const auto& [setting, value] : rows) {
    out += value == kNoLimit ? fmt::format("  {:<26}no limit\n", setting) : fmt::format("  {:<26}{}\n", setting, value);
  }
}

std::string answerLine(const ProbeResult& result, const TextStyle& style) {
  // HTTP/2 has no reason.
  std::string line = fmt::format("{}{}{}", result.status, result.reason.empty() ? "" : " ", harmless(result.reason));
  line = paint(line, !result.answered || result.status >= 400 ? Ink::Yellow : Ink::Green, style);
  return fmt::format("{}, {} bytes of body in {}", line, countText(result.body_size),
                     millisText(result.timings.total.value_or(0)));
}

void appendHeaders(std::string& out, const ProbeResult& result, const TextStyle& style) {
  for (const std::uint16_t interim : result.interims) {
    out += fmt::format("\n{} (interim)", interim);
  }
  out += "\n";
  std::size_t shown = 0;
  for (const auto& [name, value] : result.headers) {
    if (shown++ == kHeadersShown) {
      out += paint(fmt::format("and {} more header fields", result.headers.size() - kHeadersShown), Ink::Dim, style);
      out += "\n";
      return;
    }
    const std::string text = harmless(value);
    const std::size_t room = style.width > name.size() + 10 ? style.width - name.size() - 2 : 10;
    out += paint(harmless(name) + ":", Ink::Dim, style) + " " +
           (columnsOf(text) > room ? fitted(text, room, style) : text) + "\n";
  }
}

std::string shortTime(const std::optional<double>& ms) {
  return ms ? millisText(*ms) : "-";
}

double medianOf(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace

std::string probeText(const ProbeResult& result, std::string_view url, const TextStyle& style) {
  const auto event = nlohmann::ordered_json::parse(result.event, nullptr, false);
  std::string out = paint(fmt::format("{} {}", textAt(event, "http.request.method"), harmless(url)), Ink::Bold, style);
  out += "\n";
  if (result.status != 0) {
    out += answerLine(result, style) + "\n";
  }
  if (!result.answered) {
    out += paint(result.status != 0 ? "broke off" : "no answer", Ink::Red, style);
    out += fmt::format(": {}\n", result.cause ? name(*result.cause) : std::string_view());
  }
  out += "\n";
  PhaseNotes notes;
  if (result.tls) {
    notes.emplace("tls_handshake", tlsNote(*result.tls));
  }
  appendTries(out, event, notes, style);
  if (result.http2) {
    appendSettings(out, *result.http2, style);
  }
  if (result.status != 0) {
    appendHeaders(out, result, style);
  }
  if (!result.findings.empty()) {
    out += "\n" + paint("Findings", Ink::Bold, style) + " (gatewhy explain says more)\n";
    for (const Finding finding : result.findings) {
      appendWrapped(out, fmt::format("  {} ", name(finding)),
                    fmt::format("{} ({})", info(finding).seen, info(finding).section), 36, style);
    }
  }
  appendDiagnosis(out, event, style);
  return out;
}

std::string addressTableHead(std::string_view url, std::size_t addresses, const TextStyle& style) {
  std::string out = paint(harmless(url), Ink::Bold, style);
  out += fmt::format("\n{} address{}\n\n", addresses, addresses == 1 ? "" : "es");
  return out +
         paint(fmt::format("{:<24}{:<6}{:>10}{:>10}{:>10}  {}\n", "address", "", "connect", "tls", "wait", "result"),
               Ink::Dim, style);
}

std::string addressRow(std::string_view address, bool v6, const ProbeResult& result, const TextStyle& style) {
  const std::string outcome = result.answered ? fmt::format("{}", result.status)
                                              : std::string(result.cause ? name(*result.cause) : std::string_view());
  std::string out(address);
  // A long IPv6 address gets a line of its own.
  out += out.size() > 23 ? "\n" + std::string(24, ' ') : std::string(24 - out.size(), ' ');
  out += fmt::format("{:<6}{:>10}{:>10}{:>10}  ", v6 ? "IPv6" : "IPv4", shortTime(result.timings.connect),
                     shortTime(result.timings.tls_handshake), shortTime(result.timings.wait));
  const Ink ink = !result.answered ? Ink::Red : (result.status >= 400 ? Ink::Yellow : Ink::Green);
  return out + paint(outcome, ink, style) + "\n";
}

void ProbeSummary::add(const ProbeResult& result) {
  ++probes_;
  failures_ += result.answered ? 0 : 1;
  for (std::size_t i = 0; i < kPhases; ++i) {
    if (const auto& ms = result.timings.*kPhaseTimes[i].second) {
      times_[i].push_back(*ms);
    }
  }
  ++outcomes_[result.answered ? fmt::format("{}", result.status)
                              : std::string(result.cause ? name(*result.cause) : std::string_view())];
}

std::string ProbeSummary::text(const TextStyle& style) const {
  std::string out = fmt::format("{} requests, {} failed\n\n", probes_, failures_);
  out += paint(fmt::format("{:<16}{:>12}{:>12}{:>12}{:>8}\n", "", "minimum", "median", "maximum", "times"), Ink::Dim,
               style);
  for (std::size_t i = 0; i < kPhases; ++i) {
    std::vector<double> sorted = times_[i];
    if (sorted.empty()) {
      continue;
    }
    std::sort(sorted.begin(), sorted.end());
    fmt::format_to(std::back_inserter(out), "{:<16}{:>12}{:>12}{:>12}{:>8}\n", kPhaseTimes[i].first,
                   millisText(sorted.front()), millisText(medianOf(sorted)), millisText(sorted.back()), sorted.size());
  }
  out += "\n";
  for (const auto& [outcome, count] : outcomes_) {
    const double share = static_cast<double>(count) / static_cast<double>(probes_);
    const bool answered = outcome.find_first_not_of("0123456789") == std::string::npos;
    fmt::format_to(std::back_inserter(out), "{}{:>6}  {}\n", fitted(outcome, 40, style), count,
                   paint(bar(share, 24, style), answered ? Ink::Green : Ink::Red, style));
  }
  return out;
}

}  // namespace gatewhy
