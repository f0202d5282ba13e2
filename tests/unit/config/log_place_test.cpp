// SPDX-License-Identifier: Apache-2.0
#include "config/log_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/config_testing.h"

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

LogPlace placeOf(std::string_view text) {
  auto place = parseLogPlace(text);
  EXPECT_TRUE(place) << text << ": " << (place ? "" : place.error());
  return place ? *place : LogPlace{};
}

std::string complaintOf(std::string_view text) {
  const auto place = parseLogPlace(text);
  return place ? std::string() : place.error();
}

TEST(LogPlaceTest, Kinds) {
  EXPECT_EQ(placeOf("stderr").kind, LogKind::Stderr);
  EXPECT_EQ(placeOf("journald").kind, LogKind::Journald);
  EXPECT_EQ(placeOf("syslog").kind, LogKind::Syslog);
  EXPECT_EQ(placeOf("/var/log/gatewhy.json").kind, LogKind::File);
  const LogPlace syslog = placeOf("syslog://logs.example");
  EXPECT_EQ(syslog.kind, LogKind::SyslogTcp);
  EXPECT_EQ(syslog.host, "logs.example");
  EXPECT_EQ(syslog.port, 514);
  EXPECT_EQ(placeOf("syslog+udp://[2001:db8::1]:5514").host, "2001:db8::1");
  EXPECT_EQ(placeOf("syslog+udp://[2001:db8::1]:5514").name, "syslog+udp://[2001:db8::1]:5514");
}

TEST(LogPlaceTest, NatsServers) {
  const LogPlace place = placeOf("nats://user:secret@a,tls://b:5222");
  EXPECT_EQ(place.kind, LogKind::Nats);
  EXPECT_EQ(place.url, "nats://user:secret@a:4222,tls://b:5222");
  EXPECT_EQ(place.name, "nats://a:4222,tls://b:5222") << "no password";
  EXPECT_THAT(complaintOf("nats://a/stream"), HasSubstr("has no path"));
  EXPECT_THAT(complaintOf("nats://a,http://b"), HasSubstr("not the address of a NATS server"));
}

TEST(LogPlaceTest, Otlp) {
  const LogPlace place = placeOf("otlp+https://token@otel.example/prefix");
  EXPECT_EQ(place.kind, LogKind::Otlp);
  EXPECT_EQ(place.url, "https://token@otel.example:4318/prefix");
  EXPECT_EQ(place.name, "otlp+https://otel.example:4318/prefix");
  EXPECT_EQ(placeOf("otlp+http://h/").url, "http://h:4318");
}

TEST(LogPlaceTest, Complaints) {
  EXPECT_THAT(complaintOf("kafka://h"), HasSubstr("'kafka://' is not a destination; possible: syslog://"));
  EXPECT_THAT(complaintOf("stder"), HasSubstr("did you mean 'stderr'?"));
  EXPECT_THAT(complaintOf("syslog://h/path"), HasSubstr("write syslog://HOST:514"));
  EXPECT_THAT(complaintOf("nats://a:0"), HasSubstr("'0' is not a port"));
  EXPECT_THAT(complaintOf("nats://"), Not(IsEmpty()));
}

TEST(LogTargetsTest, AListWithWhatEachSaysItself) {
  const auto loaded = testing::load(testing::withBase(R"(log:
  format: json
  sample: {success: 50%}
  destination:
    - stderr
    - {to: /tmp/access.log, format: combined, sample: {success: 100%}}
    - to: nats://n1,nats://n2
      credentials: gw.creds
      tls: {ca_file: ca.pem}
      spool: {directory: spool, size: 2GiB}
      stop_timeout: 30s
)"));
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(testing::lines(loaded));
  const auto& targets = loaded.config->log.targets;
  ASSERT_EQ(targets.size(), 3U);
  EXPECT_EQ(targets[0], (LogTarget{.to = "stderr", .format = LogFormat::Json, .success_percent = 50}));
  EXPECT_EQ(targets[1], (LogTarget{.to = "/tmp/access.log", .format = LogFormat::Combined}));
  EXPECT_EQ(targets[2].to, "nats://n1,nats://n2");
  EXPECT_EQ(targets[2].credentials, "gw.creds");
  EXPECT_EQ(targets[2].tls->ca_file, "ca.pem");
  EXPECT_EQ(targets[2].spool.directory, "spool");
  EXPECT_EQ(targets[2].spool.size, 2ULL << 30U);
  EXPECT_EQ(targets[2].stop_timeout, std::chrono::seconds(30));
}

TEST(LogTargetsTest, WhatADestinationHasNoUseForIsAnError) {
  const auto problems = [](const std::string& target) {
    return testing::lines(testing::load(testing::withBase("log: {destination: [" + target + "]}\n")));
  };
  EXPECT_THAT(problems("{to: nats://h, format: combined}"), ElementsAre(HasSubstr("takes events as json only")));
  EXPECT_THAT(problems("{to: stderr, credentials: a}"), ElementsAre(HasSubstr("'credentials' are for nats://")));
  EXPECT_THAT(problems("{to: /tmp/x, tls: {}}"), ElementsAre(HasSubstr("'tls' is for nats://")));
  EXPECT_THAT(problems("{to: stdout, spool: {directory: /tmp/x}}"), ElementsAre(HasSubstr("in the network")));
  EXPECT_THAT(problems("stderr, stderr"), ElementsAre(HasSubstr("the same place")));
  EXPECT_THAT(problems("{to: nats://h, tls: {certificate: a}}"), ElementsAre(HasSubstr("need each other")));
  EXPECT_THAT(problems("{format: json}"), ElementsAre(HasSubstr("missing required key 'to'")));
}

}  // namespace
}  // namespace gatewhy
