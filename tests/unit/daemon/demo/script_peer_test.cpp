// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/script_peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>

#include "daemon/demo/demo_certificates.h"

namespace gatewhy {
namespace {

class ScriptPeerTest : public testing::Test {
 protected:
  static Script script(std::string_view text) {
    Result<Script, ScriptError> parsed = parseScript(text);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
    return parsed ? parsed.value() : Script{};
  }

  void start(std::vector<std::string_view> scripts, ScriptPeerOptions options = {}) {
    for (const std::string_view text : scripts) {
      options.scripts.push_back(script(text));
    }
    options.signals = &signals_;
    Result<std::unique_ptr<ScriptPeer>, std::string> peer = ScriptPeer::start(std::move(options));
    ASSERT_TRUE(peer) << peer.error();
    peer_ = std::move(peer).value();
  }

  SessionRecord talk(std::string_view text, const TlsFiles* files = nullptr) {
    SessionRecord record;
    Fd socket(::socket(peer_->address().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), peer_->address().get(), peer_->address().size), 0);
    const SessionEnvironment environment{nullptr, &signals_, {}, nullptr, files};
    ScriptSession(std::move(socket), ScriptSession::Role::Client, environment, record).run(script(text));
    return record;
  }

  SignalBoard signals_;
  std::unique_ptr<ScriptPeer> peer_;
};

constexpr std::string_view kGet = R"(send "GET / HTTP/1.1\r\n\r\n", read_response)";

TEST_F(ScriptPeerTest, ServesRequestAfterRequest) {
  start({"read_head, read_body, respond 200 hello, again"});
  const SessionRecord seen = talk(
      R"(send "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", read_response, send "HEAD / HTTP/1.1\r\n\r\n", read_response)");
  EXPECT_EQ(seen.end, SessionEnd::Finished) << seen.error;
  peer_->stop();
  EXPECT_EQ(peer_->connections(), 1U);
  EXPECT_EQ(peer_->requests(), 2U);
  // Stopped, where stop() came before the peer's FIN had been read.
  EXPECT_THAT(peer_->records().front().end, testing::AnyOf(SessionEnd::PeerClosed, SessionEnd::Stopped));
}

TEST_F(ScriptPeerTest, TheLastScriptRepeats) {
  start({"read_head, respond 200 first", "read_head, respond 200 more"});
  EXPECT_NE(talk(kGet).received.find("first"), std::string::npos);
  EXPECT_NE(talk(kGet).received.find("more"), std::string::npos);
  EXPECT_NE(talk(kGet).received.find("more"), std::string::npos);
}

TEST_F(ScriptPeerTest, EndsTheWayItIsTold) {
  start({"read_head, reset", "read_head, fin, hold", "read_head, close"});
  const std::string ask = R"(send "GET / HTTP/1.1\r\n\r\n", wait_close)";
  EXPECT_EQ(talk(ask).end, SessionEnd::PeerReset);
  EXPECT_EQ(talk(ask).end, SessionEnd::PeerClosed);
  EXPECT_EQ(talk(ask).end, SessionEnd::PeerClosed);
}

TEST_F(ScriptPeerTest, ReadsChunksWithTrailers) {
  start(
      {R"(read_head, read_body, send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", repeat 2 "3\r\nabc\r\n", send "0\r\nA: b\r\n\r\n", wait_close)"});
  const SessionRecord seen =
      talk(R"(send "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", read_response)");
  EXPECT_EQ(seen.end, SessionEnd::Finished) << seen.error;
  EXPECT_NE(seen.received.find("A: b"), std::string::npos);
}

TEST_F(ScriptPeerTest, PicksTheLongestPath) {
  ScriptPeerOptions options;
  options.by_path["/"] = script("respond 200 root");
  options.by_path["/deep"] = script("respond 200 deep");
  start({"by_path, again"}, std::move(options));
  EXPECT_NE(talk(R"(send "GET /deep/er HTTP/1.1\r\n\r\n", read_response)").received.find("deep"), std::string::npos);
  EXPECT_NE(talk(R"(send "GET /x HTTP/1.1\r\n\r\n", read_response)").received.find("root"), std::string::npos);
}

TEST_F(ScriptPeerTest, SignalsOrderTwoScripts) {
  start({"read_head, signal asked, wait go, respond 200 ok"});
  EXPECT_EQ(talk(R"(send "GET / HTTP/1.1\r\n\r\n", wait asked, signal go, read_response)").end, SessionEnd::Finished);
}

TEST_F(ScriptPeerTest, StopEndsSessionsThatHold) {
  start({"read_head, signal asked, hold"});
  SessionRecord record;
  std::thread client([&] { record = talk(R"(send "GET / HTTP/1.1\r\n\r\n", wait asked, signal told, wait_close)"); });
  ASSERT_TRUE(signals_.wait("told"));
  peer_->stop();
  client.join();
  EXPECT_EQ(record.end, SessionEnd::PeerClosed);
  EXPECT_EQ(peer_->records().front().end, SessionEnd::Stopped);
}

TEST_F(ScriptPeerTest, SpeaksTlsAndBreaksIt) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto certificates = DemoCertificates::create("demo.test");
  ASSERT_TRUE(certificates) << certificates.error();
  const TlsFiles& files = (*certificates)->files();
  ScriptPeerOptions options;
  options.tls_files = files;
  start({"tls alpn=http/1.1, read_head, respond 200 secret, close", "tls, read_head, fin, hold", "tls max=1.2, hold",
         "tls cert=nobody, hold"},
        std::move(options));
  const SessionRecord good = talk(std::string("tls alpn=http/1.1, ") + std::string(kGet) + ", wait_close", &files);
  EXPECT_TRUE(good.tls_established);
  EXPECT_EQ(good.alpn, "http/1.1");
  EXPECT_EQ(good.end, SessionEnd::PeerClosed) << good.error;
  const SessionRecord cut = talk(R"(tls, send "GET / HTTP/1.1\r\n\r\n", wait_close)", &files);
  EXPECT_EQ(cut.end, SessionEnd::TlsFailed) << "a FIN without close_notify";
  EXPECT_EQ(talk("tls min=1.3, wait_close", &files).end, SessionEnd::TlsFailed);
  talk("tls, wait_close", &files);
  peer_->stop();
  EXPECT_EQ(peer_->records().back().end, SessionEnd::Error);
}

TEST_F(ScriptPeerTest, RefusesWhatItCannotDo) {
  ScriptPeerOptions nothing;
  EXPECT_FALSE(ScriptPeer::start(std::move(nothing)));
  ScriptPeerOptions nowhere;
  nowhere.address = "nowhere";
  nowhere.scripts = {script("close")};
  EXPECT_FALSE(ScriptPeer::start(std::move(nowhere)));
}

}  // namespace
}  // namespace gatewhy
