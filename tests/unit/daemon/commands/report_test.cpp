// SPDX-License-Identifier: Apache-2.0
// Small logs with known sums.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "daemon/commands/report/log_source.h"
#include "daemon/commands/report/log_time.h"
#include "daemon/commands/report/logged_event.h"
#include "daemon/commands/report/report_model.h"
#include "daemon/commands/report/report_view.h"
#include "diagnostics/event.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// What the daemon itself would write.
struct Entry {
  std::int64_t second = 0;
  std::string id = "r";
  std::string origin = "shop";
  std::optional<Cause> cause;
  double wait_ms = 5;
  std::uint32_t attempts = 1;
  Outcome outcome = Outcome::Success;
  FindingSet findings;
};

std::string lineOf(const Entry& entry) {
  ExchangeEvent event;
  event.timestamp = std::chrono::sys_seconds(std::chrono::seconds(entry.second));
  event.request_id = entry.id;
  event.method = "GET";
  event.path = "/";
  event.origin = entry.origin;
  event.status = 200;
  event.attempts = entry.attempts;
  event.outcome = entry.outcome;
  event.timings.wait = entry.wait_ms;
  event.timings.total = entry.wait_ms + 1;
  event.told_findings = entry.findings;
  Diagnosis diagnosis;
  if (entry.cause) {
    diagnosis =
        diagnose(Observation{.phase = info(*entry.cause).phase,
                             .fault = DecisionFault{.cause = *entry.cause, .detail = {}, .size = {}, .limit = {}}},
                 StatusPolicy{});
    event.diagnosis = &diagnosis;
  }
  std::string line;
  appendJson(line, event);
  return line;
}

FindingSet oneFinding() {
  FindingSet set;
  set.add(allFindings()[0].finding);
  return set;
}
FindingSet bothFindings() {
  FindingSet set = oneFinding();
  set.add(allFindings()[1].finding);
  return set;
}

constexpr std::int64_t kNoon = 1767268800;  // 2026-01-01T12:00:00Z

class LogFile {
 public:
  explicit LogFile(const std::string& content, bool compressed = false) {
    path_ = std::filesystem::temp_directory_path() /
            ("gatewhy-report-" + std::to_string(::getpid()) + "-" + std::to_string(++count_));
    if (compressed) {
      gzFile file = gzopen(path_.c_str(), "wb");
      gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
      gzclose(file);
    } else {
      std::ofstream(path_, std::ios::binary) << content;
    }
  }
  ~LogFile() { std::filesystem::remove(path_); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  static inline int count_ = 0;
  std::filesystem::path path_;
};

struct Counted {
  ReportModel model;
  std::size_t good = 0, bad = 0, cut = 0;
  std::string problem;
};

Counted readAll(const std::string& path, ReportFilter filter = {}) {
  Counted out{.model = ReportModel(std::move(filter))};
  auto source = LogSource::open(path);
  EXPECT_TRUE(source) << source.error();
  EventReader reader;
  out.problem = source->forEachLine(
      [&](const LogSource::Line& line) {
        if (const LoggedEvent* event = reader.read(line)) {
          out.model.add(*event);
          ++out.good;
        } else {
          ++(line.complete ? out.bad : out.cut);
        }
      },
      [](std::uint64_t) {});
  return out;
}

TEST(ReportTest, CountsWhatIsThere) {
  const LogFile log(
      lineOf({.second = kNoon, .attempts = 2}) +
      lineOf({.second = kNoon + 1, .id = "first", .cause = Cause::ConnectionRefused, .outcome = Outcome::Failure}) +
      lineOf({.second = kNoon + 9,
              .id = "last",
              .cause = Cause::ConnectionRefused,
              .attempts = 2,
              .outcome = Outcome::Failure}) +
      lineOf({.second = kNoon + 4, .cause = Cause::ClientClosedRequest, .outcome = Outcome::Aborted}) +
      lineOf({.second = kNoon + 2, .origin = "blog", .findings = bothFindings()}) +
      lineOf({.second = kNoon + 3, .origin = "blog", .findings = oneFinding()}) +
      lineOf({.second = kNoon + 3, .origin = "", .cause = Cause::NoRoute, .attempts = 0, .outcome = Outcome::Failure}));
  const Counted counted = readAll(log.path());
  EXPECT_EQ(counted.good, 7U);
  EXPECT_EQ(counted.bad + counted.cut, 0U);
  const ReportModel& model = counted.model;
  EXPECT_EQ(model.exchanges(), 7U);
  EXPECT_EQ(model.failures(), 3U);
  EXPECT_EQ(model.aborted(), 1U);
  EXPECT_EQ(model.retried(), 2U);
  EXPECT_EQ(model.saved(), 1U);
  ASSERT_EQ(model.origins().size(), 3U);
  const OriginSummary& shop = *model.origins().find("shop")->second;
  EXPECT_EQ(shop.exchanges, 4U);
  EXPECT_EQ(shop.failures, 2U);
  const CauseSummary& refused = shop.causes.find("connection_refused")->second;
  EXPECT_EQ(refused.count, 2U);
  EXPECT_EQ(refused.first, kNoon + 1);
  EXPECT_EQ(refused.last, kNoon + 9);
  EXPECT_EQ(refused.request_id, "last");
  EXPECT_EQ(refused.status, 521U);
  EXPECT_EQ(refused.blame, "origin");
  EXPECT_EQ(model.findings().find(allFindings()[0].id)->second, 2U);
  EXPECT_EQ(model.findings().find(allFindings()[1].id)->second, 1U);
  const auto failures = model.axis().columns(model.failuresOverTime(), kTimeSlots);
  EXPECT_THAT(failures, ElementsAre(0, 1, 0, 1, 0, 0, 0, 0, 0, 1));
}

TEST(ReportTest, LeavesOutWhatIsNoEvent) {
  const std::string good = lineOf({.second = kNoon});
  const LogFile log(good + "garbage\n" + "{\"event\":\"exchange\"}\n" + "[1]\n" + "\n" + "{\"timestamp\":5}\n" +
                    good.substr(0, good.size() / 2) + "\n" + good.substr(0, good.size() - 1) + "}\n" + "\xff\xfe\n" +
                    good);
  const Counted counted = readAll(log.path());
  EXPECT_EQ(counted.good, 2U);
  EXPECT_EQ(counted.bad, 7U);
  EXPECT_EQ(counted.cut, 0U);
}

TEST(ReportTest, ACutLastLineIsToldApart) {
  const std::string good = lineOf({.second = kNoon});
  const LogFile log(good + good.substr(0, good.size() / 2));
  const Counted counted = readAll(log.path());
  EXPECT_EQ(counted.good, 1U);
  EXPECT_EQ(counted.bad, 0U);
  EXPECT_EQ(counted.cut, 1U);
  const LogFile whole(good + good.substr(0, good.size() - 1));  // only the newline is missing
  EXPECT_EQ(readAll(whole.path()).good, 2U);
}

TEST(ReportTest, LinesCrossReads) {
  std::string content;
  const std::string line = lineOf({.second = kNoon, .cause = Cause::ConnectionRefused, .outcome = Outcome::Failure});
  while (content.size() < (5U << 20U)) {
    content += line;
  }
  const std::size_t lines = content.size() / line.size();
  const LogFile log(content);
  EXPECT_EQ(readAll(log.path()).model.failures(), lines);
  const LogFile compressed(content, true);
  EXPECT_EQ(readAll(compressed.path()).model.failures(), lines);
}

TEST(ReportTest, AnEndlessLineIsOneBadLine) {
  const LogFile log(std::string(LogSource::kMostLine * 2 + 12345, 'x') + "\n" + lineOf({.second = kNoon}));
  const Counted counted = readAll(log.path());
  EXPECT_EQ(counted.good, 1U);
  EXPECT_EQ(counted.bad, 1U);
}

TEST(ReportTest, CutCompressedDataIsSaid) {
  std::string content;
  for (int i = 0; i < 20000; ++i) {
    content += lineOf({.second = kNoon + i, .id = std::to_string(i * 7919)});
  }
  const LogFile log(content, true);
  std::filesystem::resize_file(log.path(), std::filesystem::file_size(log.path()) / 2);
  const Counted counted = readAll(log.path());
  EXPECT_NE(counted.problem, "");
  EXPECT_GT(counted.good, 0U);
  EXPECT_LT(counted.good, 20000U);
}

TEST(ReportTest, FiltersByTimeAndOrigin) {
  std::string content;
  for (int i = 0; i < 10; ++i) {
    content += lineOf({.second = kNoon + i, .origin = i % 2 == 0 ? "shop" : "blog"});
  }
  const LogFile log(content);
  EXPECT_EQ(readAll(log.path(), {.since = kNoon + 2, .until = kNoon + 5}).model.exchanges(), 3U);
  const Counted shop = readAll(log.path(), {.since = {}, .until = {}, .origin = "shop"});
  EXPECT_EQ(shop.model.exchanges(), 5U);
  EXPECT_EQ(shop.model.filteredOut(), 5U);
}

TEST(ReportTest, KeepsTheDaemonsWords) {
  std::string content = lineOf({.second = kNoon});
  LifecycleEvent event;
  event.event = "eject";
  event.severity = "WARN";
  event.message = "it failed";
  event.facts = {{.key = "origin", .text = "shop", .number = {}, .list = {}}};
  appendJson(content, event, std::chrono::sys_seconds(std::chrono::seconds(kNoon + 1)));
  const LogFile log(content);
  const Counted counted = readAll(log.path());
  EXPECT_EQ(counted.model.exchanges(), 1U);
  EXPECT_EQ(counted.model.words().find("eject")->second, 1U);
  ASSERT_EQ(counted.model.lastWords().size(), 1U);
  EXPECT_EQ(counted.model.lastWords().front().origin, "shop");
  EXPECT_EQ(counted.model.lastWords().front().message, "it failed");
}

TEST(ReportTest, NamesAreBounded) {
  ReportModel model;
  LoggedEvent event;
  event.event = "exchange";
  std::string name;
  for (std::size_t i = 0; i < ReportModel::kMostOrigins + 500; ++i) {
    name = "origin" + std::to_string(i);
    event.origin = name;
    event.second = kNoon;
    model.add(event);
  }
  EXPECT_EQ(model.origins().size(), ReportModel::kMostOrigins + 1);
  EXPECT_EQ(model.origins().find(ReportModel::kOther)->second->exchanges, 500U);
  EXPECT_EQ(model.exchanges(), ReportModel::kMostOrigins + 500);
}

TEST(TimeSeriesTest, WidensInBothDirectionsAndLosesNothing) {
  ReportModel model;
  LoggedEvent event;
  event.event = "exchange";
  event.outcome = LoggedEvent::Outcome::Failure;
  const std::array<std::int64_t, 6> times = {kNoon, kNoon + 100, kNoon - 50, kNoon + 864000, kNoon - 3000000, 0};
  for (const std::int64_t time : times) {
    event.second = time;
    model.add(event);
  }
  const TimeAxis& axis = model.axis();
  EXPECT_EQ(axis.first(), 0);
  EXPECT_EQ(axis.last(), kNoon + 864000);
  const auto columns = axis.columns(model.failuresOverTime(), 40);
  EXPECT_LE(columns.size(), 40U);
  std::uint64_t sum = 0;
  for (const std::uint64_t count : columns) {
    sum += count;
  }
  EXPECT_EQ(sum, times.size());
  EXPECT_EQ(columns.front(), 1U);
}

TEST(LogTimeTest, ReadsWhatTheLogWrites) {
  EXPECT_EQ(parseLogTime("2026-01-01T12:00:00.123456Z"), kNoon);
  EXPECT_EQ(parseLogTime("2026-01-01T12:00:00Z"), kNoon);
  EXPECT_EQ(logTimeText(kNoon), "2026-01-01T12:00:00Z");
  for (const char* wrong :
       {"", "2026-01-01", "2026-13-01T12:00:00Z", "2026-02-30T12:00:00Z", "2026-01-01T25:00:00Z",
        "2026-01-01T12:00:00+01:00", "2026-01-01T12:00:00.Z", "2026-01-01T12:00:00.5xZ", "20x6-01-01T12:00:00Z"}) {
    EXPECT_EQ(parseLogTime(wrong), std::nullopt) << wrong;
  }
}

TEST(LogTimeTest, MomentsAreTimesDatesOrAgo) {
  EXPECT_EQ(*parseMoment("2026-01-01T12:00:00Z", 0), kNoon);
  EXPECT_EQ(*parseMoment("2026-01-01", 0), kNoon - 12 * 3600);
  EXPECT_EQ(*parseMoment("90m", kNoon), kNoon - 5400);
  EXPECT_THAT(parseMoment("yesterday", 0).error(), HasSubstr("cannot read 'yesterday' as a time"));
}

// ---- the three forms ----------------------------------------------------

ReportModel hostileModel() {
  const LogFile log(lineOf({.second = kNoon,
                            .id = "<script>alert(1)</script>",
                            .origin = "a<b>\x1b[31m",
                            .cause = Cause::ConnectionRefused,
                            .outcome = Outcome::Failure}) +
                    lineOf({.second = kNoon + 60, .origin = "shop"}));
  return readAll(log.path()).model;
}

TEST(ReportViewTest, TextNamesCauseAndWhatToCheck) {
  const ReadingSummary reading{
      .sources = {"x.log"}, .lines = 3, .bad_lines = 1, .first_bad = "x.log:2", .cut = {"x.log"}};
  const std::string text = reportText(hostileModel(), reading, {.width = 80});
  EXPECT_THAT(text, AllOf(HasSubstr("connection_refused"), HasSubstr("check first"), HasSubstr("x.log:2"),
                          HasSubstr("the last line is incomplete"), HasSubstr("50.0%")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(columnsOf(line), 80U) << line;
  }
}

TEST(ReportViewTest, EmptyLogsSaySo) {
  EXPECT_THAT(reportText(ReportModel(), {.lines = 0}, {}), HasSubstr("no exchange in 0 lines"));
  EXPECT_THAT(reportHtml(ReportModel(), {}), HasSubstr("No exchange was found"));
  EXPECT_EQ(json::parse(reportJson(ReportModel(), {}))["exchanges"], 0);
}

TEST(ReportViewTest, JsonHasTheSums) {
  const json report = json::parse(reportJson(hostileModel(), {.sources = {"x.log"}, .lines = 2}));
  EXPECT_EQ(report["exchanges"], 2);
  EXPECT_EQ(report["failures"], 1);
  ASSERT_EQ(report["origins"].size(), 2U);
  EXPECT_EQ(report["origins"][0]["causes"][0]["cause"], "connection_refused");
  EXPECT_EQ(report["origins"][0]["causes"][0]["request_id"], "<script>alert(1)</script>");
  EXPECT_EQ(report["origins"][1]["phases_ms"]["wait"]["count"], 1);
}

TEST(ReportViewTest, HtmlIsEscapedAndNeedsNothingElse) {
  const std::string page = reportHtml(hostileModel(), {.sources = {"<x>.log"}, .lines = 2});
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)"));
  EXPECT_THAT(page, HasSubstr("a&lt;b&gt;\\x1B[31m"));
  EXPECT_THAT(page, HasSubstr("&lt;x&gt;.log"));
  for (const char* outside : {"http:", "https:", "url(", "@import", "src=", "href="}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
}

}  // namespace
}  // namespace gatewhy
