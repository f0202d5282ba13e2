// SPDX-License-Identifier: Apache-2.0
// Several destinations of one log: forms, shares, numbers, and that one which
// is slow or away is nobody else's matter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "daemon/log/event_log.h"
#include "daemon/log/log_writer.h"
#include "daemon/log/spool.h"
#include "daemon/log/syslog.h"
#include "proxy/loop/fd.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr milliseconds kSinkPatience{20000};  // a test that needs it has failed

class SinkDirectory {
 public:
  SinkDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gatewhy-sinks-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~SinkDirectory() { std::filesystem::remove_all(path_); }
  SinkDirectory(const SinkDirectory&) = delete;
  SinkDirectory& operator=(const SinkDirectory&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] std::vector<std::string> linesOf(const std::string& name) const {
    std::ifstream file(path_ / name);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
      lines.push_back(line);
    }
    return lines;
  }

 private:
  std::filesystem::path path_;
};

// Takes nothing until it is let.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  WriteResult take(std::string_view lines) {
    const std::lock_guard lock(mutex_);
    if (!open_) {
      ++refusals_;
      return {.status = WriteStatus::Failed, .reason = "away"};
    }
    taken_ += lines;
    return {.status = WriteStatus::Ok, .size = lines.size()};
  }
  [[nodiscard]] std::string taken() {
    const std::lock_guard lock(mutex_);
    return taken_;
  }
  [[nodiscard]] std::size_t refusals() {
    const std::lock_guard lock(mutex_);
    return refusals_;
  }

 private:
  std::mutex mutex_;
  bool open_ = false;
  std::string taken_;
  std::size_t refusals_ = 0;
};

class GatedDestination final : public LogDestination {
 public:
  explicit GatedDestination(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
  WriteResult write(std::string_view lines) override { return gate_->take(lines); }
  void awaitRoom(int /*timeout_ms*/) override {}
  [[nodiscard]] std::string name() const override { return "a gate"; }

 private:
  std::shared_ptr<Gate> gate_;
};

// Away for the first tries.
class LateDestination final : public LogDestination {
 public:
  LateDestination(std::string& taken, int failures) : taken_(taken), failures_(failures) {}
  WriteResult write(std::string_view lines) override {
    if (failures_ > 0) {
      --failures_;
      return {.status = WriteStatus::Failed, .reason = "no leader"};
    }
    taken_ += lines;
    return {.status = WriteStatus::Ok, .size = lines.size()};
  }
  void awaitRoom(int /*timeout_ms*/) override {}
  [[nodiscard]] std::string name() const override { return "a cluster without a leader"; }

 private:
  std::string& taken_;
  int failures_;
};

ExchangeEvent aSuccess() {
  ExchangeEvent event;
  event.timestamp = std::chrono::system_clock::time_point(std::chrono::seconds(1));
  event.request_id = "id";
  event.method = "GET";
  event.path = "/";
  event.status = 200;
  return event;
}

std::unique_ptr<LogSink> gatedSink(const std::shared_ptr<Gate>& gate, std::size_t queue_bytes, std::string boot,
                                   std::unique_ptr<Spool> spool = nullptr) {
  return std::make_unique<LogSink>(std::make_unique<GatedDestination>(gate),
                                   LogSink::Options{.format = EventFormat::Json,
                                                    .queue_bytes = queue_bytes,
                                                    .success_percent = 100,
                                                    .boot = std::move(boot),
                                                    .fleet = false,
                                                    .spool = std::move(spool)});
}

std::unique_ptr<Spool> openSpool(const std::string& directory) {
  auto spool = Spool::open(directory, 1 << 24);
  EXPECT_TRUE(spool) << spool.error();
  return std::move(spool).value();
}

// Waits for another thread, which has no other way to say that it got there.
template <typename Holds>
bool comes(Holds holds) {
  const auto end = std::chrono::steady_clock::now() + kSinkPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

TEST(LogSinkTest, AClusterThatChoosesItsLeaderGetsTheLastLines) {
  constexpr int kTries = 15;  // the writer makes ten of them in a second
  constexpr milliseconds kBriefStop{500};
  for (const auto& [stop_time, taken_at_last] : {std::pair{kSinkPatience, "last\n"}, std::pair{kBriefStop, ""}}) {
    std::string taken;
    testing::internal::CaptureStderr();
    {
      LogSink sink(std::make_unique<LateDestination>(taken, kTries),
                   {.queue_bytes = 1000, .boot = {}, .spool = {}, .stop_time = stop_time});
      sink.push("last\n", 1, true);
    }
    const std::string said = testing::internal::GetCapturedStderr();
    constexpr const char* kGivenUp =
        "is closed with 1 lines that it did not take: it took nothing in log.destination[].stop_timeout (500ms)\n";
    EXPECT_EQ(said.find(kGivenUp) != std::string::npos, taken.empty()) << said;
    EXPECT_THAT(taken, StartsWith(taken_at_last));
    EXPECT_EQ(taken.empty(), std::string_view(taken_at_last).empty());
  }
}

TEST(LogSinkTest, InTheNetworkTheLastLinesHaveMoreTime) {
  EXPECT_EQ(stopTime({.to = "stderr"}), 1s);
  EXPECT_EQ(stopTime({.to = "nats://h"}), 5s);
  EXPECT_EQ(stopTime({.to = "otlp+http://h"}), 5s);
  EXPECT_EQ(stopTime({.to = "nats://h", .spool = {.directory = "d"}}), 1s) << "they stay on disk";
  EXPECT_EQ(stopTime({.to = "nats://h", .stop_timeout = 20s}), 20s);
}

TEST(LogSinksTest, EachGetsItsForm) {
  const SinkDirectory dir;
  {
    const auto log = EventLog::open({{.to = dir / "json"},
                                     {.to = dir / "combined", .format = LogFormat::Combined},
                                     {.to = dir / "text", .format = LogFormat::Text},
                                     {.to = dir / "again", .format = LogFormat::Combined}},
                                    /*from_file=*/true);
    ASSERT_TRUE(log) << log.error();
    EventBatch batch(**log);
    batch.append(aSuccess());
    batch.append(LifecycleEvent{.event = "drain", .message = "draining"});
  }
  ASSERT_THAT(dir.linesOf("json"), SizeIs(2));
  EXPECT_EQ(json::parse(dir.linesOf("json")[0])["event"], "exchange");
  EXPECT_EQ(json::parse(dir.linesOf("json")[1])["event"], "drain");
  EXPECT_THAT(dir.linesOf("combined"), ElementsAre(HasSubstr("\"GET /\""), StartsWith("# ")));
  EXPECT_EQ(dir.linesOf("again"), dir.linesOf("combined"));
  EXPECT_THAT(dir.linesOf("text"), ElementsAre(HasSubstr("GET"), HasSubstr("draining")));
}

TEST(LogSinksTest, EachGetsItsShareOfSuccesses) {
  const SinkDirectory dir;
  {
    const auto log = EventLog::open(
        {{.to = dir / "all"}, {.to = dir / "tenth", .success_percent = 10}, {.to = dir / "none", .success_percent = 0}},
        true);
    ASSERT_TRUE(log) << log.error();
    EventBatch batch(**log);
    for (std::uint32_t draw = 0; draw < 100; ++draw) {
      batch.append(aSuccess(), {}, draw);
    }
    batch.append(aSuccess());  // with something to say
  }
  EXPECT_THAT(dir.linesOf("all"), SizeIs(101));
  EXPECT_THAT(dir.linesOf("tenth"), SizeIs(11));
  EXPECT_THAT(dir.linesOf("none"), SizeIs(1));
}

TEST(LogSinksTest, OneThatIsAwayHoldsUpNoOther) {
  const SinkDirectory dir;
  const auto gate = std::make_shared<Gate>();
  std::vector<std::unique_ptr<LogSink>> sinks;
  sinks.push_back(gatedSink(gate, 1 << 20, ""));
  auto file = LogSink::open({.to = dir / "log"}, EventFormat::Json, "");
  ASSERT_TRUE(file) << file.error();
  sinks.push_back(std::move(*file));
  EventLog log(std::move(sinks));
  log.write("one\ntwo\n", true);
  EXPECT_TRUE(log.sinks()[1]->flush(kSinkPatience));
  EXPECT_THAT(dir.linesOf("log"), ElementsAre("one", "two"));
  ASSERT_TRUE(comes([&] { return gate->refusals() > 1; })) << "it is tried again";
  EXPECT_EQ(log.states()[1].errors, 0U);
  EXPECT_GT(log.states()[0].errors, 0U);
  gate->open();
  EXPECT_TRUE(log.flush(kSinkPatience));
  EXPECT_THAT(gate->taken(), StartsWith("one\ntwo\n"));
  EXPECT_EQ(log.dropped(), 0U);
}

// What was dropped is a gap in the numbers, and told by range.
TEST(LogSinksTest, NumbersTellWhatIsMissing) {
  const auto gate = std::make_shared<Gate>();
  std::vector<std::unique_ptr<LogSink>> sinks;
  sinks.push_back(gatedSink(gate, 64, "00c0ffee"));
  EventLog log(std::move(sinks));
  const std::string line = "{\"n\":\"" + std::string(20, 'x') + "\"}\n";
  for (int i = 0; i < 10; ++i) {
    log.write(line, true);
  }
  EXPECT_EQ(log.dropped(), 8U);
  gate->open();
  ASSERT_TRUE(log.flush(kSinkPatience));
  std::istringstream got(gate->taken());
  std::vector<json> events;
  for (std::string each; std::getline(got, each);) {
    events.push_back(json::parse(each));
    EXPECT_EQ(events.back()["boot_id"], "00c0ffee");
  }
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0]["sequence"], 1);
  EXPECT_EQ(events[1]["sequence"], 2);
  EXPECT_EQ(events[2]["sequence"], 11);
  EXPECT_EQ(events[2]["lost_lines"], 8);
  EXPECT_EQ(events[2]["lost_sequences"], json::array({"3-10"}));
}

TEST(LogSinksTest, LinesThatAreNoObjectsAreNotNumbered) {
  EXPECT_EQ(numberedLines("{\"a\":1}\n# x\n{\"b\":2}\n", "0b", 7),
            "{\"boot_id\":\"0b\",\"sequence\":7,\"a\":1}\n# x\n{\"boot_id\":\"0b\",\"sequence\":9,\"b\":2}\n");
}

// ---- the spool

TEST(SpoolTest, GivesWholeLinesInOrderAndForgetsWhatIsDelivered) {
  const SinkDirectory dir;
  const auto spool = Spool::open(dir / "spool", 1 << 20);
  ASSERT_TRUE(spool) << spool.error();
  EXPECT_EQ((*spool)->append("one\ntwo\n").status, WriteStatus::Ok);
  EXPECT_EQ((*spool)->append("three\n").status, WriteStatus::Ok);
  EXPECT_EQ((*spool)->take(6, milliseconds(0)), "one\n");
  EXPECT_EQ((*spool)->take(6, milliseconds(0)), "one\n") << "not delivered yet";
  (*spool)->delivered(4);
  EXPECT_EQ((*spool)->take(100, milliseconds(0)), "two\nthree\n");
  (*spool)->delivered(10);
  EXPECT_EQ((*spool)->size(), 0U);
  EXPECT_EQ((*spool)->take(100, milliseconds(0)), "");
}

TEST(SpoolTest, SegmentsComeAndGo) {
  const SinkDirectory dir;
  const auto spool = Spool::open(dir / "spool", 8000);  // segments of a thousand
  ASSERT_TRUE(spool) << spool.error();
  const std::string line = std::string(499, 'x') + "\n";
  std::size_t taken = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ((*spool)->append(line).status, WriteStatus::Ok) << i;
    if (i % 2 == 1) {
      for (std::string got; !(got = (*spool)->take(600, milliseconds(0))).empty(); taken += got.size()) {
        EXPECT_EQ(got, line);
        (*spool)->delivered(got.size());
      }
    }
  }
  EXPECT_EQ(taken, 100 * line.size());
  const auto files = std::filesystem::directory_iterator(dir / "spool");
  EXPECT_LE(std::count_if(begin(files), end(files), [](const auto& file) { return file.path().extension() == ".log"; }),
            2);
}

TEST(SpoolTest, IsFullAtItsLimit) {
  const SinkDirectory dir;
  const auto spool = Spool::open(dir / "spool", 10);
  ASSERT_TRUE(spool) << spool.error();
  EXPECT_EQ((*spool)->append("12345678\n").status, WriteStatus::Ok);
  EXPECT_EQ((*spool)->append("12345678\n").status, WriteStatus::WouldBlock);
  (*spool)->delivered((*spool)->take(100, milliseconds(0)).size());
  EXPECT_EQ((*spool)->append("12345678\n").status, WriteStatus::Ok);
}

TEST(SpoolTest, IsThereAfterARestart) {
  const SinkDirectory dir;
  {
    const auto spool = Spool::open(dir / "spool", 1 << 20);
    ASSERT_TRUE(spool) << spool.error();
    EXPECT_EQ((*spool)->append("one\ntwo\n").status, WriteStatus::Ok);
    EXPECT_EQ((*spool)->take(4, milliseconds(0)), "one\n");
    (*spool)->delivered(4);
  }
  // A process that was killed leaves half a line.
  for (const auto& file : std::filesystem::directory_iterator(dir / "spool")) {
    if (file.path().extension() == ".log") {
      std::ofstream(file.path(), std::ios::app) << "{\"hal";
    }
  }
  const auto spool = Spool::open(dir / "spool", 1 << 20);
  ASSERT_TRUE(spool) << spool.error();
  EXPECT_EQ((*spool)->append("three\n").status, WriteStatus::Ok);
  std::string all;
  for (std::string got; !(got = (*spool)->take(100, milliseconds(0))).empty(); all += got) {
    (*spool)->delivered(got.size());
  }
  EXPECT_EQ(all, "two\nthree\n");
}

TEST(SpoolTest, TwoProcessesNeverShareIt) {
  const SinkDirectory dir;
  auto first = Spool::open(dir / "spool", 1 << 20);
  ASSERT_TRUE(first) << first.error();
  const auto second = Spool::open(dir / "spool", 1 << 20);
  ASSERT_TRUE(second) << second.error();
  EXPECT_EQ((*second)->append("two\n").status, WriteStatus::WouldBlock);
  EXPECT_EQ((*first)->append("one\n").status, WriteStatus::Ok);
  std::unique_ptr<Spool> ended = std::move(first).value();
  ended.reset();  // with its process
  EXPECT_EQ((*second)->append("two\n").status, WriteStatus::Ok);
  std::string all;
  for (std::string got; !(got = (*second)->take(100, milliseconds(0))).empty(); all += got) {
    (*second)->delivered(got.size());
  }
  EXPECT_EQ(all, "one\ntwo\n");
}

TEST(SpoolTest, SaysWhatCannotBeUsed) {
  const auto spool = Spool::open("/nonexistent/gatewhy/spool", 1 << 20);
  ASSERT_FALSE(spool);
  EXPECT_THAT(spool.error(), StartsWith("cannot use the spool /nonexistent/gatewhy/spool: mkdir: ENOENT"));
}

TEST(LogSinksTest, WithASpoolNothingIsLostWhileTheDestinationIsAway) {
  const SinkDirectory dir;
  const auto gate = std::make_shared<Gate>();
  constexpr int kLines = 2000;
  const std::string line = "{\"x\":\"" + std::string(1000, 'x') + "\"}\n";  // two MB: more than the queue holds
  const auto write = [&](EventLog& log) {
    for (int i = 0; i < kLines; ++i) {
      log.write(line, false);
      if (i % 50 == 0) {
        ASSERT_TRUE(log.flush(kSinkPatience)) << "into the spool";
      }
    }
    ASSERT_TRUE(log.flush(kSinkPatience));
    EXPECT_EQ(log.dropped(), 0U);
  };
  {
    std::vector<std::unique_ptr<LogSink>> sinks;
    sinks.push_back(gatedSink(gate, 256 * 1024, "0001", openSpool(dir / "spool")));
    EventLog log(std::move(sinks));
    write(log);
    EXPECT_GT(log.states()[0].waiting, kLines * 1000U);
  }  // the process ends before the destination is back
  EXPECT_EQ(gate->taken(), "");
  gate->open();
  std::vector<std::unique_ptr<LogSink>> sinks;
  sinks.push_back(gatedSink(gate, 256 * 1024, "0002", openSpool(dir / "spool")));
  EventLog log(std::move(sinks));
  write(log);
  ASSERT_TRUE(comes([&] { return log.states()[0].waiting == 0; }));
  std::istringstream got(gate->taken());
  std::array<std::uint64_t, 2> next{1, 1};
  for (std::string each; std::getline(got, each);) {
    const json event = json::parse(each);
    const std::size_t run = event["boot_id"] == "0001" ? 0 : 1;
    EXPECT_EQ(event["sequence"], next[run]++) << "in order, once";
  }
  EXPECT_THAT(next, ElementsAre(kLines + 1, kLines + 1));
}

// ---- syslog

TEST(SyslogTest, MessagesAreOfRfc5424) {
  const SyslogSender sender{.host = "gw 1", .pid = 42};
  const auto now = std::chrono::system_clock::time_point(std::chrono::microseconds(1'500'000));
  EXPECT_EQ(syslogMessage(R"({"timestamp":"2026-01-31T12:00:00.000001Z","severity":"ERROR","event":"exchange"})",
                          sender, now),
            "<27>1 2026-01-31T12:00:00.000001Z gw_1 gatewhy 42 exchange - "
            R"({"timestamp":"2026-01-31T12:00:00.000001Z","severity":"ERROR","event":"exchange"})");
  EXPECT_EQ(syslogMessage("some text", sender, now), "<30>1 1970-01-01T00:00:01.500000Z gw_1 gatewhy 42 - - some text");
  EXPECT_THAT(syslogMessage(R"({"severity":"WARN","event":"health"})", sender, now),
              StartsWith("<28>1 1970-01-01T00:00:01.500000Z gw_1 gatewhy 42 health - "));
}

// A syslog receiver on a free port of the loopback address.
class Receiver {
 public:
  explicit Receiver(int type, std::uint16_t port = 0) : socket_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(socket_.get(), 1), 0);
    }
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void accept() { socket_ = Fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  // What has come, at least `least` octets of it.
  std::string receive(std::size_t least) {
    std::string text;
    std::array<char, 65536> buffer{};
    while (text.size() < least) {
      pollfd item{.fd = socket_.get(), .events = POLLIN, .revents = 0};
      const ssize_t got = ::poll(&item, 1, static_cast<int>(kSinkPatience.count())) == 1
                              ? ::recv(socket_.get(), buffer.data(), buffer.size(), 0)
                              : 0;
      if (got <= 0) {
        break;
      }
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  Fd socket_;
  std::uint16_t port_ = 0;
};

TEST(SyslogTest, ADatagramEach) {
  Receiver receiver(SOCK_DGRAM);
  const auto log = EventLog::open({{.to = "syslog+udp://127.0.0.1:" + std::to_string(receiver.port())}}, true);
  ASSERT_TRUE(log) << log.error();
  (*log)->write("{\"event\":\"start\"}\n{\"event\":\"stop\"}\n", true);
  EXPECT_THAT(receiver.receive(1), testing::EndsWith(" start - {\"event\":\"start\"}"));
  EXPECT_THAT(receiver.receive(1), testing::EndsWith(" stop - {\"event\":\"stop\"}"));
}

TEST(SyslogTest, CountedOctetsOverTcpAndAReceiverThatComesBack) {
  std::uint16_t port = 0;
  {
    const Receiver unused(SOCK_STREAM);
    port = unused.port();
  }
  const auto log = EventLog::open({{.to = "syslog://127.0.0.1:" + std::to_string(port)}}, true);
  ASSERT_TRUE(log) << log.error();
  (*log)->write("one\n", true);
  ASSERT_TRUE(comes([&] { return (*log)->writeErrors() != 0; })) << "nobody is there";
  Receiver receiver(SOCK_STREAM, port);
  ASSERT_TRUE((*log)->flush(kSinkPatience));
  receiver.accept();
  const std::string got = receiver.receive(1);
  const std::size_t space = got.find(' ');
  EXPECT_THAT(got.substr(space + 1, std::stoul(got)),
              testing::EndsWith(" gatewhy " + std::to_string(::getpid()) + " - - one"));
  EXPECT_EQ((*log)->dropped(), 0U);
}

TEST(SyslogTest, SaysThatNobodyIsThere) {
  const auto destination = openLogDestination({.to = "syslog://127.0.0.1:1"});
  ASSERT_TRUE(destination) << destination.error();
  const WriteResult result = (*destination)->write("x\n");
  EXPECT_EQ(result.status, WriteStatus::Failed);
  EXPECT_EQ(describeFailure(result), "connect: ECONNREFUSED (Connection refused)");
  EXPECT_EQ((*destination)->name(), "syslog://127.0.0.1:1");
}

TEST(JournalTest, SaysThatNoJournalRuns) {
  if (::access("/run/systemd/journal/socket", F_OK) == 0) {
    GTEST_SKIP() << "one runs here";
  }
  const auto destination = openLogDestination({.to = "journald"});
  ASSERT_TRUE(destination) << destination.error();
  const WriteResult result = (*destination)->write("x\n");
  EXPECT_EQ(result.status, WriteStatus::Failed);
  EXPECT_THAT(describeFailure(result), StartsWith("no journal runs on this machine: ENOENT"));
}

}  // namespace
}  // namespace gatewhy
