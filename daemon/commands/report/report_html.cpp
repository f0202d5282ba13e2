// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "daemon/commands/report/log_time.h"
#include "daemon/commands/report/report_view.h"
#include "diagnostics/cause.h"
#include "diagnostics/html_text.h"

namespace gatewhy {
namespace {

constexpr std::size_t kCausesOnPage = 50;
constexpr std::size_t kCellsOfMatrix = 12;  // causes in the matrix of origins and causes

// The colours are those of the error page.
constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--text:#1c2024;--soft:#5a646e;--back:#f6f7f9;--card:#fff;--line:#d5dae0;--ok:#1a7f4b;--bad:#c0262d}
@media (prefers-color-scheme:dark){:root{--text:#e8eaed;--soft:#a3adb8;--back:#14171a;--card:#1d2125;--line:#363d45;--ok:#58c78d;--bad:#ff7b7b}}
*{box-sizing:border-box}
body{margin:0;padding:2rem 1rem;background:var(--back);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{max-width:68rem;margin:0 auto}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .25rem}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
p{margin:.25rem 0}
.soft{color:var(--soft)}
.warn{border-left:.3rem solid var(--bad);padding-left:.6rem}
ul.facts{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;margin:1rem 0;padding:0}
ul.facts li{flex:1 1 9rem;padding:.6rem .8rem;background:var(--card);border:1px solid var(--line);border-radius:.4rem}
ul.facts b{display:block;font-size:1.4rem;font-variant-numeric:tabular-nums}
ul.facts span{color:var(--soft);font-size:.9rem}
figure{margin:0;padding:.75rem;background:var(--card);border:1px solid var(--line);border-radius:.4rem}
figure svg{display:block;width:100%;height:7rem}
figcaption{color:var(--soft);font-size:.9rem;display:flex;justify-content:space-between;gap:1rem;flex-wrap:wrap}
.all{fill:var(--soft);opacity:.5}.bad{fill:var(--bad)}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.4rem}
table{border-collapse:collapse;width:100%;font-size:.95rem}
th,td{padding:.35rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}
th{color:var(--soft);font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td svg{display:block;width:9rem;height:1.5rem}
.bar{display:block;height:.55rem;margin-top:.5rem;background:var(--bad);border-radius:.2rem;min-width:2px}
.matrix th.n{vertical-align:bottom;text-align:center}
.matrix th.n span{display:inline-block;writing-mode:vertical-rl;transform:rotate(180deg);max-height:14rem;text-align:left;white-space:normal}
.matrix th:first-child,.matrix td:first-child{position:sticky;left:0;min-width:9rem;background:var(--card)}
.matrix th:first-child{vertical-align:bottom}
@media (min-width:48rem){.matrix code{white-space:nowrap}}
td.heat{text-align:center;font-variant-numeric:tabular-nums;background:color-mix(in srgb,var(--bad) var(--heat),transparent)}
details{background:var(--card);border:1px solid var(--line);border-radius:.4rem;margin:.4rem 0;padding:.5rem .8rem}
summary{cursor:pointer;display:flex;gap:.8rem;align-items:baseline;flex-wrap:wrap}
summary b{flex:1 1 16rem;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.5rem 0 0}
details svg{display:block;width:100%;height:3rem;margin-top:.6rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
)";

std::string html(std::string_view text) {
  return escapeHtml(harmless(text));
}

// A cause's name may break behind each underscore.
std::string breakable(std::string_view name) {
  std::string out;
  for (const char c : name) {
    out += c;
    out += c == '_' ? "<wbr>" : "";
  }
  return out;
}

std::string originInHtml(std::string_view name) {
  return name.empty() ? "<i>no origin</i>" : html(name);
}

// Bars of two series, each scaled to `most`.
std::string bars(const std::vector<std::uint64_t>& values, std::uint64_t most, std::string_view css) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0) {
      const double height = std::max(1.0, 100.0 * static_cast<double>(values[i]) / static_cast<double>(most));
      fmt::format_to(std::back_inserter(out), R"(<rect class="{}" x="{}" y="{:.2f}" width=".9" height="{:.2f}"/>)", css,
                     i, 100 - height, height);
    }
  }
  return out;
}

std::uint64_t greatest(const std::vector<std::uint64_t>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

std::string chart(const std::vector<std::uint64_t>& values, std::string_view css, std::string_view label) {
  return fmt::format(R"(<svg viewBox="0 0 {} 100" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>)",
                     std::max<std::size_t>(values.size(), 1), html(label),
                     bars(values, std::max<std::uint64_t>(greatest(values), 1), css));
}

std::string factsOf(const ReportModel& model) {
  const auto total = static_cast<double>(model.exchanges());
  const auto fact = [](std::uint64_t count, std::string_view what) {
    return fmt::format("<li><b>{}</b><span>{}</span></li>", countText(count), what);
  };
  std::string out = "<ul class=\"facts\">";
  out += fact(model.exchanges(), "exchanges");
  out += fact(model.failures(),
              fmt::format("failures, {}", html(percentText(static_cast<double>(model.failures()), total))));
  out += fact(model.aborted(), "aborted by the client");
  out += fact(model.retried(), fmt::format("retried, {} recovered", countText(model.saved())));
  return out + "</ul>\n";
}

std::string timeline(const ReportModel& model) {
  const TimeAxis& axis = model.axis();
  const auto all = axis.columns(model.exchangesOverTime(), kTimeSlots);
  const auto failed = axis.columns(model.failuresOverTime(), kTimeSlots);
  const auto caption = [&](std::string_view what, const std::vector<std::uint64_t>& values) {
    return fmt::format("<figcaption><span>{}, at most {} in {}</span><span>{} to {}</span></figcaption>", what,
                       countText(greatest(values)), spanText(axis.secondsPerColumn(kTimeSlots)),
                       logTimeText(axis.first()), logTimeText(axis.last()));
  };
  return "<h2>Over time</h2>\n<figure>" + chart(failed, "bad", "failures over time") + caption("failures", failed) +
         chart(all, "all", "exchanges over time") + caption("exchanges", all) + "</figure>\n";
}

std::string originTable(const ReportModel& model) {
  std::string out =
      "<h2>Origins</h2>\n<div class=\"scroll\"><table><thead><tr><th>origin</th><th class=\"n\">exchanges</th>"
      "<th class=\"n\">failures</th><th class=\"n\">share</th><th>failures over time</th>"
      "<th class=\"n\">total, p50</th><th class=\"n\">p99</th><th>slowest phase, p99</th></tr></thead><tbody>\n";
  for (const auto& [name, origin] : rankedOrigins(model)) {
    std::size_t slowest = 0;
    for (std::size_t i = 1; i + 1 < origin->phases.size(); ++i) {
      slowest = origin->phases[i].quantileMs(0.99) > origin->phases[slowest].quantileMs(0.99) ? i : slowest;
    }
    const DurationHistogram& total = origin->phases.back();
    const std::string slow = origin->phases[slowest].count() == 0
                                 ? ""
                                 : fmt::format("{} {}", LoggedEvent::kPhaseNames[slowest],
                                               millisText(origin->phases[slowest].quantileMs(0.99)));
    fmt::format_to(std::back_inserter(out),
                   "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td>"
                   "<td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
                   originInHtml(name), countText(origin->exchanges), countText(origin->failures),
                   html(percentText(static_cast<double>(origin->failures), static_cast<double>(origin->exchanges))),
                   chart(model.axis().columns(origin->failures_over_time, 48), "bad", "failures over time"),
                   millisText(total.quantileMs(0.5)), millisText(total.quantileMs(0.99)), slow);
  }
  return out + "</tbody></table></div>\n";
}

// Which cause at which origin: the darker, the more.
std::string matrix(const ReportModel& model) {
  std::vector<std::string_view> columns;
  std::uint64_t most = 1;
  for (const RankedCause& cause : rankedCauses(model)) {
    most = std::max(most, cause.summary->count);
    if (columns.size() < kCellsOfMatrix && std::find(columns.begin(), columns.end(), cause.cause) == columns.end()) {
      columns.push_back(cause.cause);
    }
  }
  if (columns.empty()) {
    return "";
  }
  std::string out =
      "<h2>Causes by origin</h2>\n<div class=\"scroll\"><table class=\"matrix\"><thead><tr><th>cause</th>";
  const auto origins = rankedOrigins(model);
  for (const auto& [name, origin] : origins) {
    out += fmt::format("<th class=\"n\"><span>{}</span></th>", originInHtml(name));
  }
  out += "</tr></thead><tbody>\n";
  for (const std::string_view cause : columns) {
    out += fmt::format("<tr><td><code>{}</code></td>", breakable(html(cause)));
    for (const auto& [name, origin] : origins) {
      const auto found = origin->causes.find(cause);
      if (found == origin->causes.end()) {
        out += "<td></td>";
      } else {
        const double share = static_cast<double>(found->second.count) / static_cast<double>(most);
        fmt::format_to(std::back_inserter(out), "<td class=\"heat\" style=\"--heat:{:.0f}%\">{}</td>", 10 + 50 * share,
                       countText(found->second.count));
      }
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string causeSections(const ReportModel& model) {
  const auto causes = rankedCauses(model);
  if (causes.empty()) {
    return "";
  }
  std::string out = "<h2>What to check</h2>\n";
  const auto most = static_cast<double>(causes.front().summary->count);
  for (std::size_t i = 0; i < std::min(causes.size(), kCausesOnPage); ++i) {
    const auto& [origin, name, summary] = causes[i];
    const auto known = causeByName(name);
    fmt::format_to(std::back_inserter(out),
                   "<details{}><summary><b><code>{}</code></b><span>{}</span><span class=\"soft\">{}</span></summary>"
                   "<span class=\"bar\" style=\"width:{:.1f}%\"></span>\n<dl>",
                   i < 3 ? " open" : "", html(name), countText(summary->count), originInHtml(origin),
                   100 * static_cast<double>(summary->count) / most);
    const auto row = [&out](std::string_view label, const std::string& text) {
      out += text.empty() ? "" : fmt::format("<dt>{}</dt><dd>{}</dd>", label, text);
    };
    row("the last one", html(summary->summary));
    if (known) {
      row("who should act", html(info(*known).who_acts));
      row("check first", html(info(*known).check_first));
    }
    row("blame", html(summary->blame));
    row("status", summary->status != 0 ? fmt::format("{}", summary->status) : "");
    row("seen", logTimeText(summary->first) + " to " + logTimeText(summary->last));
    row("request id", summary->request_id.empty() ? "" : "<code>" + html(summary->request_id) + "</code>");
    out += "</dl>\n" + chart(model.axis().columns(summary->over_time, kTimeSlots), "bad", "over time") + "</details>\n";
  }
  return out;
}

// Failures of endpoints that no client saw.
std::string rescueTable(const ReportModel& model) {
  const auto rescues = rankedRescues(model);
  if (rescues.empty()) {
    return "";
  }
  std::string out =
      "<h2>Rescued by a retry</h2>\n<p class=\"soft\">These endpoints failed, another try answered: no client saw "
      "it.</p>\n<div class=\"scroll\"><table><thead><tr><th>endpoint</th><th>origin</th><th>cause</th>"
      "<th class=\"n\">times</th><th>the last</th></tr></thead><tbody>\n";
  for (std::size_t i = 0; i < std::min(rescues.size(), kCausesOnPage); ++i) {
    const auto& [origin, endpoint, cause, summary] = rescues[i];
    fmt::format_to(std::back_inserter(out),
                   "<tr><td>{}</td><td>{}</td><td><code>{}</code></td><td class=\"n\">{}</td><td>{}</td></tr>\n",
                   html(endpoint), originInHtml(origin), breakable(html(cause)), countText(summary->count),
                   logTimeText(summary->last));
  }
  return out + "</tbody></table></div>\n";
}

std::string countTable(std::string_view title, std::string_view column,
                       const std::map<std::string, std::uint64_t, std::less<>>& counts) {
  if (counts.empty()) {
    return "";
  }
  std::string out = fmt::format(
      "<h2>{}</h2>\n<div class=\"scroll\"><table><thead><tr><th>{}</th><th "
      "class=\"n\">times</th></tr></thead><tbody>\n",
      title, column);
  for (const auto& [name, count] : rankedCounts(counts)) {
    fmt::format_to(std::back_inserter(out), "<tr><td><code>{}</code></td><td class=\"n\">{}</td></tr>\n", html(name),
                   countText(count));
  }
  return out + "</tbody></table></div>\n";
}

std::string readingOf(const ReadingSummary& reading) {
  std::string out = fmt::format("<p class=\"soft\">{} lines of {}</p>\n", countText(reading.lines),
                                html(fmt::format("{}", fmt::join(reading.sources, ", "))));
  if (reading.bad_lines != 0) {
    out += fmt::format("<p class=\"warn\">{} lines are not events and were skipped; the first is {}.</p>\n",
                       countText(reading.bad_lines), html(reading.first_bad));
  }
  for (const std::string& source : reading.cut) {
    out += fmt::format("<p class=\"warn\">{}: the last line is incomplete; it was left out.</p>\n", html(source));
  }
  for (const std::string& problem : reading.problems) {
    out += fmt::format("<p class=\"warn\">{}</p>\n", html(problem));
  }
  return out;
}

}  // namespace

std::string reportHtml(const ReportModel& model, const ReadingSummary& reading) {
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
  out += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">";
  out += "<title>gatewhy report</title>\n<style>";
  out += kStyle;
  out += "</style></head>\n<body><main>\n<h1>What failed, and why</h1>\n" + readingOf(reading);
  if (model.exchanges() == 0) {
    out += "<p>No exchange was found.</p>\n";
  } else {
    out += factsOf(model) + timeline(model) + originTable(model) + matrix(model) + causeSections(model);
    out += rescueTable(model);
    out += countTable("Findings in origins' answers", "finding", model.findings());
    out += countTable("Daemon events", "event", model.words());
  }
  return out + "</main></body></html>\n";
}

}  // namespace gatewhy
