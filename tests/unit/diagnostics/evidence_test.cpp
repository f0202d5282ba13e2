// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>

#include "diagnostics/event_keys.h"
#include "tests/unit/diagnostics/evidence_samples.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using testing::ElementsAre;

json evidenceOf(const Diagnosis& diagnosis, std::span<const Symptom> later = {}) {
  std::string out;
  JsonWriter writer(out);
  writeEvidence(writer, diagnosis, later);
  return json::parse(out);
}

// "tcp.rtt_us", "x509_problems.code": list positions do not count.
void collectPaths(const json& value, const std::string& prefix, std::set<std::string>& paths) {
  for (const auto& [key, member] : value.items()) {
    const std::string path = prefix + key;
    paths.insert(path);
    if (member.is_object()) {
      collectPaths(member, path + ".", paths);
    } else if (member.is_array()) {
      for (const json& item : member) {
        if (item.is_object()) {
          collectPaths(item, path + ".", paths);
        }
      }
    }
  }
}

TEST(EvidenceTest, WritesEveryKeyOfTheTableAndNoOther) {
  std::set<std::string> written;
  for (const Diagnosis& diagnosis : test::allSamples()) {
    collectPaths(evidenceOf(diagnosis, test::laterSample()), "", written);
  }
  std::set<std::string> documented;
  for (const KeyRow& row : eventKeys(KeySection::Evidence)) {
    EXPECT_TRUE(documented.insert(std::string(row.path)).second) << "twice in the table: " << row.path;
    EXPECT_FALSE(row.text.empty()) << row.path;
  }
  EXPECT_EQ(written, documented);
}

TEST(EvidenceTest, FreshObservationHasNoFacts) {
  EXPECT_EQ(evidenceOf(Diagnosis{}), json::object());
}

TEST(EvidenceTest, RefusedConnection) {
  const json evidence = evidenceOf(test::sample(Phase::Connect, ConnectFault{.error = 111, .elapsed_ms = 0.25}));
  EXPECT_EQ(evidence, json::parse(R"({"call":"SO_ERROR","errno":111,"errno_name":"ECONNREFUSED","elapsed_ms":0.25})"));
}

TEST(EvidenceTest, DecisiveCertificateProblemIsTheOneThatMadeTheCause) {
  const Diagnosis diagnosis = test::sample(Phase::TlsHandshake, test::certificateFault());
  const X509Problem* decisive = decisiveProblem(diagnosis);
  ASSERT_NE(decisive, nullptr);

  TlsFault alone = test::certificateFault();
  alone.problems = {*decisive};
  EXPECT_EQ(test::sample(Phase::TlsHandshake, alone).cause, diagnosis.cause);

  const json evidence = evidenceOf(diagnosis);
  EXPECT_EQ(evidence["x509_code"], decisive->code);
  EXPECT_EQ(evidence["x509_subject"], decisive->subject);
  EXPECT_EQ(evidence["x509_problems"].size(), 2U);
}

TEST(EvidenceTest, SingleCertificateProblemIsNotRepeatedAsAList) {
  TlsFault fault = test::certificateFault();
  fault.problems.resize(1);
  const json evidence = evidenceOf(test::sample(Phase::TlsHandshake, fault));
  EXPECT_EQ(evidence["x509_code"], 19);
  EXPECT_FALSE(evidence.contains("x509_problems"));
}

TEST(EvidenceTest, AlertDirection) {
  EXPECT_EQ(evidenceOf(test::alertSample())["tls_alert_direction"], "received");
  EXPECT_EQ(evidenceOf(test::sample(Phase::TlsHandshake, test::certificateFault()))["tls_alert_direction"], "sent");
}

TEST(EvidenceTest, NonHttpBytesAreShownAndNamed) {
  const json evidence = evidenceOf(test::parseSample());
  EXPECT_EQ(evidence["excerpt"], "SSH-2.0-OpenSSH_9.2\\r\\n");
  EXPECT_EQ(evidence["peer_speaks"], "SSH");
}

TEST(EvidenceTest, NoBytesReceivedIsAFactWhileWaitingForAResponse) {
  const json evidence = evidenceOf(test::sample(Phase::ResponseHead, EndFault{}));
  EXPECT_EQ(evidence["end"], "fin");
  EXPECT_EQ(evidence["bytes_received"], 0);
  EXPECT_FALSE(evidence.contains("bytes_expected"));
}

Observation sending(bool tls, bool reused, std::uint32_t unacked) {
  Observation observation;
  observation.phase = Phase::ResponseHead;
  observation.fault = TimerFault{Timer::ResponseHead, 100, 100};
  observation.connection.tls = tls;
  observation.connection.reused = reused;
  observation.bytes.request_written = 500;
  observation.tcp = TcpSnapshot{.state = 1, .unacked = unacked, .bytes_acked = 200};
  return observation;
}

TEST(EvidenceTest, AcknowledgedRequestBytesOnlyWhereTcpCanTell) {
  const auto acked = [](bool tls, bool reused, std::uint32_t unacked) {
    return evidenceOf(diagnose(sending(tls, reused, unacked), StatusPolicy{})).value("request_bytes_acked", -1);
  };
  EXPECT_EQ(acked(false, false, 1), 200);
  EXPECT_EQ(acked(true, false, 0), 500);
  EXPECT_EQ(acked(false, true, 0), 500);
  EXPECT_EQ(acked(true, false, 1), -1);
  EXPECT_EQ(acked(false, true, 1), -1);
}

TEST(EvidenceTest, ArbitraryBytesInEveryTextStayReadable) {
  std::string noise;
  for (int byte = 0; byte < 256; ++byte) {
    noise += static_cast<char>(byte);
  }
  TlsFault fault = test::certificateFault();
  fault.reason = fault.first_bytes = fault.chain_last_issuer = fault.wanted_name = fault.detail = noise;
  fault.names = {noise};
  fault.problems[0].subject = fault.problems[1].issuer = noise;
  EXPECT_NO_THROW(evidenceOf(test::sample(Phase::TlsHandshake, fault)));
}

}  // namespace
}  // namespace gatewhy
