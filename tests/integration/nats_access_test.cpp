// SPDX-License-Identifier: Apache-2.0
// Each way to log in to a NATS server, for the daemon that writes and for the
// commands that read, with and without TLS.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/nats_cluster.h"
#include "tests/integration/nats_users.h"
#include "tests/support/command.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// What an operator has: the access of the daemon, and that of whoever asks.
struct Login {
  std::string name;
  NatsAccess daemon, reader;
};

class NatsAccessTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/sbin/nats-server", X_OK) != 0) {
      GTEST_SKIP() << "nats-server is not installed";
    }
  }

  // The servers' certificate, signed by an authority of its own.
  [[nodiscard]] std::string tlsConfig() const {
    const Identity leaf = signedBy(authority_, {.common_name = "nats", .addresses = {"127.0.0.1"}});
    return fmt::format("tls {{ cert_file: \"{}\", key_file: \"{}\" }}\n", directory_.certificates("nats.pem", {&leaf}),
                       directory_.key("nats.key", leaf));
  }
  [[nodiscard]] std::string caFile() const { return directory_.certificates("ca.pem", {&authority_}); }

  [[nodiscard]] std::vector<Login> logins() const {
    // The daemon may do what docs/fleet.md says that it needs, and nothing else.
    const std::string users =
        "authorization { users: [ {user: gw, password: \"s3cret\", permissions: {publish: [\"gatewhy.gw-1.>\"], "
        "subscribe: [\"_INBOX.>\"]}}, {user: ops, password: \"w0rd\"} ] }\n";
    const Nkey key(Nkey::Kind::User);
    const std::string seed = directory_.write("user.nk", key.seed() + "\n");
    const std::string nkeys = fmt::format("authorization {{ users: [ {{nkey: {}}} ] }}\n", key.publicKey());
    const NatsTokens tokens = makeNatsTokens();
    const std::string creds = directory_.write("gw.creds", tokens.credentials);
    const std::string ca = caFile();
    const NatsAccess by_token{.config = "authorization { token: \"t0ken\" }\n", .login = "t0ken@"};
    const NatsAccess by_nkey{.config = nkeys, .login = {}, .credentials = seed};
    const NatsAccess by_credentials{
        .config = tokens.server_config + tlsConfig(), .login = {}, .credentials = creds, .ca_file = ca};
    return {{"a name and a password, with TLS",
             {.config = users + tlsConfig(), .login = "gw:s3cret@", .ca_file = ca},
             {.config = {}, .login = "ops:w0rd@", .ca_file = ca}},
            {"a token", by_token, by_token},
            {"an nkey", by_nkey, by_nkey},
            {"a credentials file, with TLS", by_credentials, by_credentials}};
  }

  static std::string destination(const std::string& url, const NatsAccess& access) {
    std::string text = fmt::format("{{to: \"{}\"", url);
    if (!access.credentials.empty()) {
      text += fmt::format(", credentials: \"{}\"", access.credentials);
    }
    if (!access.ca_file.empty()) {
      text += fmt::format(", tls: {{ca_file: \"{}\"}}", access.ca_file);
    }
    return text + "}";
  }
  static GatewayConfig gateway(const std::string& log) {
    GatewayConfig config;
    config.origin_url = "http://127.0.0.1:9";
    config.diagnostics = "{name: gw-1, profile: standard}";
    config.log = fmt::format("{{destination: [stdout, {}]}}", log);
    return config;
  }
  // The id of a request that failed.
  static std::string fail(Gateway& running) {
    Socket socket = Socket::connectTo(running.address());
    socket.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(readResponse(socket));
    const auto event = running.daemon().waitFor([](const json& each) { return !causeOf(each).empty(); });
    return event ? event->value("request_id", "") : "";
  }

  PemDirectory directory_;
  Identity authority_ = selfSigned(authority("fleet"));
};

std::vector<std::string> command(std::vector<std::string> words, const FleetSource& source) {
  words.insert(words.begin(), GATEWHY_BINARY);
  if (!source.credentials.empty()) {
    words.insert(words.end(), {"--credentials", source.credentials});
  }
  if (!source.ca_file.empty()) {
    words.insert(words.end(), {"--nats-ca", source.ca_file});
  }
  return words;
}

TEST_F(NatsAccessTest, EachWayToLogInWritesAndReads) {
  for (const Login& login : logins()) {
    SCOPED_TRACE(login.name);
    NatsAccess reading = login.reader;
    reading.config = login.daemon.config;
    const NatsCluster cluster(1, /*started=*/true, reading);
    const FleetSource source = cluster.source();
    const CommandResult made = runCommand(command({"fleet", "init", "--nats", source.nats}, source));
    EXPECT_EQ(made.status, 0) << made.errors;
    const auto running = Gateway::start(gateway(destination(cluster.urlFor(login.daemon), login.daemon)));
    ASSERT_NE(running, nullptr);
    const std::string id = fail(*running);
    CommandResult why;
    EXPECT_TRUE(comesTrue([&] {
      why = runCommand(command({"why", id, "--from", source.nats, "--json"}, source));
      return why.status == 0;
    })) << why.errors
        << running->daemon().standardError();
    EXPECT_EQ(json::parse(why.output, nullptr, false).value("request_id", ""), id);
    running->expectCleanStop();
  }
}

TEST_F(NatsAccessTest, NothingIsSentToAServerThatIsNotTrusted) {
  const NatsCluster cluster(1, /*started=*/true,
                            {.config = tlsConfig(), .login = {}, .credentials = {}, .ca_file = caFile()});
  const Identity other = selfSigned(authority("somebody else"));
  const std::string other_file = directory_.certificates("other.pem", {&other});
  const auto running =
      Gateway::start(gateway(fmt::format("{{to: \"{}\", tls: {{ca_file: \"{}\"}}}}", cluster.url(), other_file)));
  ASSERT_NE(running, nullptr);
  EXPECT_TRUE(comesTrue([&] {
    return running->daemon().standardError().find("unable to get local issuer certificate") != std::string::npos;
  })) << running->daemon().standardError();
  FleetSource distrusting = cluster.source();
  distrusting.ca_file = other_file;
  const CommandResult refused = runCommand(command({"top", "--once", "--from", distrusting.nats}, distrusting));
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("unable to get local issuer certificate"));
}

TEST_F(NatsAccessTest, AWrongPasswordIsSaid) {
  const NatsCluster cluster(
      1, /*started=*/true,
      {.config = "authorization { users: [ {user: gw, password: \"s3cret\"} ] }\n", .login = "gw:s3cret@"});
  const std::string url = cluster.urlFor({.config = {}, .login = "gw:guess@"});
  const CommandResult refused = runCommand(command({"top", "--once", "--from", url}, {}));
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("Authorization"));
  EXPECT_THAT(refused.errors, testing::Not(HasSubstr("guess"))) << "no secret in messages";
}

}  // namespace
}  // namespace gatewhy::test
