// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/event_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "daemon/log/log_destination.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr milliseconds kPatience{20000};  // a test that needs it has failed

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gatewhy-log-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> found;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    found.push_back(line);
  }
  return found;
}

std::unique_ptr<EventLog> openLog(const std::string& destination, std::size_t queue_bytes = 1 << 20) {
  auto log = EventLog::open({.destination = destination, .queue_bytes = queue_bytes});
  EXPECT_TRUE(log) << log.error();
  return std::move(*log);
}

TEST(EventLogTest, WritesLinesInOrder) {
  const TempDir dir;
  const auto log = openLog(dir.file("log"));
  log->write("one\n", false);
  log->write("two\nthree\n", true);
  ASSERT_TRUE(log->flush(kPatience));
  EXPECT_EQ(contents(dir.file("log")), "one\ntwo\nthree\n");
  EXPECT_EQ(log->dropped(), 0U);
}

TEST(EventLogTest, AppendsToWhatIsThere) {
  const TempDir dir;
  std::ofstream(dir.file("log")) << "before\n";
  openLog(dir.file("log"))->write("after\n", false);
  EXPECT_EQ(contents(dir.file("log")), "before\nafter\n") << "the destructor flushes";
}

TEST(EventLogTest, SaysWhatCannotBeOpened) {
  const auto log = EventLog::open({.destination = "/nonexistent/gatewhy.log"});
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error(), "cannot open /nonexistent/gatewhy.log for logging: ENOENT");
}

TEST(EventLogTest, ReopenFollowsARename) {
  const TempDir dir;
  const auto log = openLog(dir.file("log"));
  log->write("old\n", true);
  ASSERT_TRUE(log->flush(kPatience));
  std::filesystem::rename(dir.file("log"), dir.file("log.1"));
  log->write("still old\n", true);
  ASSERT_TRUE(log->flush(kPatience));
  log->reopen();
  log->write("new\n", true);
  ASSERT_TRUE(log->flush(kPatience));
  EXPECT_EQ(contents(dir.file("log.1")), "old\nstill old\n");
  EXPECT_EQ(contents(dir.file("log")), "new\n");
}

TEST(EventLogTest, FailedReopenKeepsTheOldFile) {
  const TempDir dir;
  std::filesystem::create_directory(dir.file("sub"));
  const auto log = openLog(dir.file("sub/log"));
  std::filesystem::rename(dir.file("sub"), dir.file("gone"));
  log->reopen();
  log->write("line\n", true);
  ASSERT_TRUE(log->flush(kPatience));
  const auto written = lines(contents(dir.file("gone/log")));
  ASSERT_EQ(written.size(), 2U);
  EXPECT_THAT(written[0], HasSubstr("cannot be reopened: ENOENT"));
  EXPECT_EQ(written[1], "line");
}

// A pipe that the log writes to through its path.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(fds_.data(), O_CLOEXEC | O_NONBLOCK), 0); }
  ~Pipe() {
    ::close(fds_[0]);
    ::close(fds_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fds_[1]); }
  std::string drain() {
    std::string text;
    std::array<char, 65536> buffer{};
    for (ssize_t n = 0; (n = ::read(fds_[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

 private:
  std::array<int, 2> fds_{};
};

TEST(EventLogTest, StalledReaderBlocksNobodyAndLossIsCountedAndSaid) {
  Pipe pipe;
  constexpr std::size_t kQueueBytes = 256 * 1024;
  const auto log = openLog(pipe.path(), kQueueBytes);
  const std::string line = std::string(1023, 'x') + '\n';
  constexpr std::uint64_t kLines = 2000;  // far more than pipe and queue hold
  for (std::uint64_t i = 0; i < kLines; ++i) {
    log->write(line, i % 2 == 0);
  }
  EXPECT_GT(log->dropped(), 0U);
  EXPECT_FALSE(log->flush(milliseconds{1}));

  std::string text;
  while (!log->flush(milliseconds{1})) {
    text += pipe.drain();
  }
  text += pipe.drain();
  const std::vector<std::string> got = lines(text);
  ASSERT_FALSE(got.empty());
  std::uint64_t said_lost = 0;
  std::uint64_t whole = 0;
  for (const std::string& each : got) {
    if (each[0] == '{') {
      said_lost += json::parse(each)["lost_lines"].get<std::uint64_t>();
    } else {
      EXPECT_EQ(each.size(), 1023U) << "no line is torn";
      ++whole;
    }
  }
  EXPECT_EQ(said_lost, log->dropped());
  EXPECT_EQ(whole + log->dropped(), kLines);
}

TEST(EventLogTest, StopIsBoundedWhileNobodyReads) {
  Pipe pipe;
  auto log = openLog(pipe.path());
  log->write(std::string(512 * 1024, 'x') + '\n', true);
  log.reset();  // returns at all: the test's own limit is the assertion
}

// Has room for a hundred octets each time the writer has waited as long as it will.
class SlowDestination final : public LogDestination {
 public:
  explicit SlowDestination(std::string& taken) : taken_(taken) {}
  WriteResult write(std::string_view bytes) override {
    if (!room_) {
      return {.status = WriteStatus::WouldBlock};
    }
    room_ = false;
    const std::string_view part = bytes.substr(0, 100);
    taken_ += part;
    return {.status = WriteStatus::Ok, .size = part.size()};
  }
  void awaitRoom(int timeout_ms) override {
    std::this_thread::sleep_for(milliseconds{timeout_ms});
    room_ = true;
  }
  [[nodiscard]] std::string name() const override { return "a slow reader"; }

 private:
  std::string& taken_;
  bool room_ = false;
};

TEST(EventLogTest, SlowReaderGetsAllBeforeTheStop) {
  std::string taken;
  auto log = std::make_unique<EventLog>(std::make_unique<SlowDestination>(taken), 1 << 20, EventFormat::Json);
  const std::string text = std::string(1799, 'x') + '\n';  // two seconds of reading
  log->write(text, true);
  log.reset();
  EXPECT_EQ(taken, text);
}

TEST(EventLogTest, FullDiskIsSurvivedAndSaidOnRecovery) {
  const TempDir dir;
  std::filesystem::create_symlink("/dev/full", dir.file("log"));
  const auto log = openLog(dir.file("log"), 4096);
  log->write("kept\n", true);
  while (log->writeErrors() == 0) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(log->flush(milliseconds{1}));
  const std::string half(2048, 'x');
  log->write(half + "\n", false);
  log->write(half + "\n", false);  // does not fit any more
  EXPECT_EQ(log->dropped(), 1U);

  std::filesystem::remove(dir.file("log"));
  ASSERT_TRUE(log->flush(kPatience));
  const std::vector<std::string> got = lines(contents(dir.file("log")));
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0], "kept");
  EXPECT_EQ(got[2], half);
  const json said = json::parse(got[1]);
  EXPECT_EQ(said["event"], "message");
  EXPECT_EQ(said["severity"], "WARN");
  EXPECT_EQ(said["errno_name"], "ENOSPC");
  EXPECT_EQ(said["lost_lines"], 1);
}

TEST(EventLogTest, ReaderThatLeavesDoesNotEndTheProcess) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo(dir.file("fifo").c_str(), 0600), 0);
  const int reader = ::open(dir.file("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const auto log = openLog(dir.file("fifo"));
  ::close(reader);
  log->write("lost reader\n", true);
  while (log->writeErrors() == 0) {
    std::this_thread::yield();
  }
  const int next = ::open(dir.file("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  EXPECT_TRUE(log->flush(kPatience));
  std::array<char, 64> buffer{};
  const ssize_t n = ::read(next, buffer.data(), buffer.size());
  EXPECT_EQ(std::string(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0).substr(0, 12), "lost reader\n");
  ::close(next);
}

// Takes a few bytes at a time and fails in between; another file after that.
class FlakyDestination : public LogDestination {
 public:
  explicit FlakyDestination(std::string& old_file, std::string& new_file) : old_(old_file), new_(new_file) {}
  WriteResult write(std::string_view lines) override {
    if (!moved_ && old_.size() >= 10) {
      return {WriteStatus::Failed, 0, EIO};
    }
    const std::string_view part = lines.substr(0, 10);
    (moved_ ? new_ : old_) += part;
    return {WriteStatus::Ok, part.size(), 0};
  }
  void awaitRoom(int /*timeout_ms*/) override {}
  ReopenResult reopen() override {
    moved_ = true;
    return {.how = Reopened::Different};
  }
  [[nodiscard]] std::string name() const override { return "a flaky disk"; }

 private:
  std::string& old_;
  std::string& new_;
  bool moved_ = false;
};

TEST(EventLogTest, CutLineIsBegunAgainInTheNewFile) {
  std::string old_file;
  std::string new_file;
  {
    EventLog log(std::make_unique<FlakyDestination>(old_file, new_file), 4096);
    log.write("first\nsecond line\n", true);
    EXPECT_TRUE(log.flush(kPatience));
  }
  EXPECT_EQ(old_file, "first\nseco");
  EXPECT_EQ(new_file.substr(0, 12), "second line\n");
}

TEST(EventLogTest, ManyProducersLoseNothing) {
  const TempDir dir;
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  {
    const auto log = openLog(dir.file("log"), 64UL << 20);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&log, t] {
        for (int i = 0; i < kEach; ++i) {
          log->write(std::to_string(t) + ' ' + std::to_string(i) + '\n', i % 97 == 0);
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    ASSERT_TRUE(log->flush(kPatience));
  }
  std::array<int, kThreads> next{};
  std::istringstream in(contents(dir.file("log")));
  int thread = 0;
  int number = 0;
  while (in >> thread >> number) {
    ASSERT_EQ(number, next.at(static_cast<std::size_t>(thread))++);
  }
  EXPECT_THAT(next, testing::Each(kEach));
}

ExchangeEvent exchange(Outcome outcome) {
  ExchangeEvent event;
  event.path = "/";
  event.outcome = outcome;
  return event;
}

TEST(EventBatchTest, HoldsSuccessesUntilTheTick) {
  const TempDir dir;
  const auto log = openLog(dir.file("log"));
  EventBatch batch(*log);
  batch.append(exchange(Outcome::Success));
  ASSERT_TRUE(log->flush(kPatience));
  EXPECT_EQ(contents(dir.file("log")), "");
  batch.tick();
  ASSERT_TRUE(log->flush(kPatience));
  EXPECT_EQ(lines(contents(dir.file("log"))).size(), 1U);
}

TEST(EventBatchTest, FailureIsUrgentAndIsHandedOverWithWhatCameBefore) {
  const TempDir dir;
  const auto log = openLog(dir.file("log"));
  EventBatch batch(*log);
  batch.append(exchange(Outcome::Success));
  EXPECT_FALSE(batch.urgent());
  batch.append(exchange(Outcome::Failure));
  EXPECT_TRUE(batch.urgent());
  batch.tick();
  EXPECT_FALSE(batch.urgent());
  ASSERT_TRUE(log->flush(kPatience));
  const std::vector<std::string> got = lines(contents(dir.file("log")));
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(json::parse(got[0])["outcome"], "success");
  EXPECT_EQ(json::parse(got[1])["outcome"], "failure");
}

TEST(EventBatchTest, HandsOverWhenFull) {
  const TempDir dir;
  const auto log = openLog(dir.file("log"));
  EventBatch batch(*log);
  const std::string line = std::string(32 * 1024 - 1, 'x') + '\n';
  batch.append(exchange(Outcome::Success), line);
  batch.append(exchange(Outcome::Success), line);
  batch.append(exchange(Outcome::Success), "left\n");
  ASSERT_TRUE(log->flush(kPatience));
  EXPECT_EQ(lines(contents(dir.file("log"))).size(), 2U);
}

TEST(MessageLoggerTest, MessagesAreLinesOfTheSameStream) {
  const TempDir dir;
  const auto log = openLog(dir.file("log"));
  const auto logger = makeMessageLogger(*log, LogLevel::Info);
  logger->debug("not this");
  logger->info("worker {} is up", 1);
  logger->error("a \"quote\"\nand a line");
  log->write(LifecycleEvent{.event = "start", .message = "up"});
  ASSERT_TRUE(log->flush(kPatience));
  const std::vector<std::string> got = lines(contents(dir.file("log")));
  ASSERT_EQ(got.size(), 3U);
  const json info = json::parse(got[0]);
  EXPECT_EQ(info["event"], "message");
  EXPECT_EQ(info["severity"], "INFO");
  EXPECT_EQ(info["message"], "worker 1 is up");
  EXPECT_EQ(json::parse(got[1])["severity"], "ERROR");
  EXPECT_EQ(json::parse(got[1])["message"], "a \"quote\"\nand a line");
  EXPECT_EQ(json::parse(got[2])["event"], "start");
}

}  // namespace
}  // namespace gatewhy
