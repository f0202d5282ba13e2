// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "diagnostics/cause.h"
#include "diagnostics/cause_id.h"
#include "diagnostics/event.h"

namespace gatewhy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

std::string lineOf(Cause cause) {
  Diagnosis diagnosis;
  diagnosis.cause = cause;
  diagnosis.blame = info(cause).blame;
  diagnosis.summary = "It happened.";
  ExchangeEvent event;
  event.request_id = "r-1";
  event.route = "shop.example/";
  event.origin = "shop";
  event.endpoint = "http://10.0.0.7:8080";
  event.outcome = Outcome::Failure;
  event.diagnosis = &diagnosis;
  std::string line;
  appendJson(line, event);
  line.pop_back();
  return line;
}

TEST(JournalTest, ADiagnosisCanBeFilteredByAndExplained) {
  const std::string line = lineOf(Cause::ConnectionRefused);
  EXPECT_THAT(journalFields(line),
              ElementsAre("MESSAGE=" + line, "SYSLOG_IDENTIFIER=gatewhy", "PRIORITY=3",
                          "MESSAGE_ID=" + messageId(Cause::ConnectionRefused), "GATEWHY_EVENT=exchange",
                          "GATEWHY_CAUSE=connection_refused", "GATEWHY_SUMMARY=It happened.", "GATEWHY_BLAME=origin",
                          "GATEWHY_REQUEST_ID=r-1", "GATEWHY_ORIGIN=shop", "GATEWHY_ENDPOINT=http://10.0.0.7:8080",
                          "GATEWHY_ROUTE=shop.example/"));
}

TEST(JournalTest, EveryCauseHasItsMessageId) {
  for (const CauseInfo& row : allCauses()) {
    EXPECT_THAT(journalFields(lineOf(row.cause)), Contains("MESSAGE_ID=" + messageId(row.cause)));
  }
}

TEST(JournalTest, WhatHasNoDiagnosisHasNoMessageId) {
  std::string line;
  appendJson(line, LifecycleEvent{.event = "reload", .severity = "WARN", .message = "refused"}, {});
  line.pop_back();
  const auto fields = journalFields(line);
  EXPECT_THAT(fields, Contains("PRIORITY=4"));
  EXPECT_THAT(fields, Contains("GATEWHY_EVENT=reload"));
  EXPECT_THAT(fields, Not(Contains(StartsWith("MESSAGE_ID="))));
  EXPECT_THAT(fields, Not(Contains(StartsWith("GATEWHY_CAUSE="))));
}

TEST(JournalTest, AnyLineIsSurvived) {
  EXPECT_THAT(journalFields("no JSON"), ElementsAre("MESSAGE=no JSON", "SYSLOG_IDENTIFIER=gatewhy"));
  EXPECT_THAT(journalFields(""), ElementsAre("MESSAGE=", "SYSLOG_IDENTIFIER=gatewhy"));
  EXPECT_THAT(journalFields("[1]"), ElementsAre("MESSAGE=[1]", "SYSLOG_IDENTIFIER=gatewhy"));
  EXPECT_THAT(journalFields(R"({"severity":7,"diagnosis":{"cause":"no_such_cause"},"origin":["x"]})"),
              Not(Contains(StartsWith("MESSAGE_ID="))));
}

// The library's path cannot be chosen: a socket of ours stands there, in a
// mount name space that ends with the child.
constexpr const char* kJournalFolder = "/run/systemd/journal";

int listenInPlaceOfTheJournal() {
  ::mkdir("/run/systemd", 0755);
  ::mkdir(kJournalFolder, 0755);
  if (::mount("none", kJournalFolder, "tmpfs", 0, nullptr) != 0) {
    return -1;
  }
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? fd : -1;
}

// What the journal got, or what failed.
std::string entrySent(const std::string& lines) {
  const int journal = listenInPlaceOfTheJournal();
  if (journal < 0) {
    return "no socket in the journal's place";
  }
  const auto destination = openLogDestination({.to = "journald"});
  const WriteResult result = (*destination)->write(lines);
  if (result.status != WriteStatus::Ok || result.size != lines.find('\n') + 1) {
    return "not taken";
  }
  std::array<char, 65536> buffer{};
  const ssize_t n = ::recv(journal, buffer.data(), buffer.size(), MSG_DONTWAIT);
  return {buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

TEST(JournalTest, TheEntryReachesTheJournalsSocket) {
  std::array<int, 2> answer{};
  ASSERT_EQ(::pipe(answer.data()), 0);
  const std::string line = lineOf(Cause::TlsCertificateExpired);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::string text = "refused";
    if (::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) {
      text = entrySent(line + "\nsecond\n");
    }
    const ssize_t written = ::write(answer[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(answer[1]);
  std::string entry;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(answer[0], buffer.data(), buffer.size())) > 0;) {
    entry.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(answer[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  if (entry == "refused") {
    GTEST_SKIP() << "no right to a mount name space of its own";
  }
  for (const std::string& field : journalFields(line)) {
    EXPECT_THAT('\n' + entry, ::testing::HasSubstr('\n' + field + '\n'));
  }
  EXPECT_THAT(entry, Not(::testing::HasSubstr("second")));
}

}  // namespace
}  // namespace gatewhy
