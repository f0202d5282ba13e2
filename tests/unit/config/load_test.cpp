// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <gmock/gmock.h>

#include "config_testing.h"

namespace gatewhy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::load;
using ::testing::Pair;
using testing::problems;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::withBase;
using testing::withOrigin;

TEST(Load, MinimalFileHasDefaults) {
  const LoadedConfig loaded = load(testing::kBase);
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(testing::lines(loaded));
  const Config& config = *loaded.config;
  EXPECT_GE(config.workers, 1U);
  EXPECT_EQ(config.source, "t.yaml");
  ASSERT_THAT(config.routes, SizeIs(1));
  EXPECT_EQ(config.routes[0].name, "*");
  EXPECT_EQ(config.routes[0].origin, 0U);
  EXPECT_TRUE(config.routes[0].preserve_host);
  EXPECT_EQ(config.origins[0].endpoints[0].host, "10.0.0.7");
  EXPECT_EQ(config.origins[0].timeouts.connect, Millis{5000});
  EXPECT_EQ(config.origins[0].eject, EjectConfig{});
  EXPECT_FALSE(config.origins[0].health);
}

constexpr std::string_view kEverything = R"(
workers: 3
listeners:
  - address: "[::]:8443"
    proxy_protocol: true
    tls:
      certificates: [{certificate: site.pem, key: /etc/site.key}, {certificate: b.pem, key: b.key}]
      min_version: 1.3
      client_ca: clients.pem
      client_crl_file: revoked.pem
      client_certificate: optional
    http2: false
  - {address: "systemd:plain"}
origins:
  shop:
    endpoints:
      - https://shop-1.internal:8443
      - {url: "unix:/run/app.sock", weight: 7, backup: true}
    balance: random_two
    timeouts: {resolve: 1s, connect: 2s, tls_handshake: 3s, send: 4s, response_head: 5s, response_idle: 6s, tunnel: 7s, exchange: 1m}
    tls: {verify: false, ca_file: ca.pem, crl_file: lists.pem, server_name: shop.example, min_version: "1.3", certificate: c, key: k}
    limits: {response_head: 16KiB, connections: 5, pending: 0}
    keep_alive: {idle: 0, timeout: 9s}
    retry: {attempts: 2, budget: 50%}
    strictness: report
    send_proxy_protocol: v2
    eject: {failures: 2, for: 3s}
    slow_start: 20s
    panic: 30%
    health: {path: "/healthz?x=1", interval: 7s, timeout: 3s, healthy: 4, unhealthy: 5, expect: [204, 300-302], method: HEAD, host: "well.example:81", port: 8081, headers: {X-Check: a, Accept: b}}
  other:
    endpoints: ["http://other"]
    eject: false
    health: {}
  calls:
    endpoints: ["h2c://calls", "https://calls"]
    health: {grpc: "", headers: {Authorization: a}}
routes:
  - host: Shop.Example
    path: /api/
    origin: other
    strip_prefix: true
    preserve_host: false
    request_headers: {set: {X-Env: prod, X-Num: 5}, remove: [X-Debug]}
    response_headers: {set: {Strict-Transport-Security: "max-age=1"}, remove: [Server]}
  - {host: "*.example", respond: {status: 444}}
  - {path: /gone, respond: {status: 410, retry_after: 2m}}
  - {path: /gone, respond: {}}
  - {origin: shop}
limits: {request_head: 8KiB, request_body: 1MiB, connections: 7, client_head_timeout: 1s, client_body_timeout: 2s, client_idle_timeout: 3s, client_keepalive_requests: 8, client_keepalive_time: 5m, client_minimum_rate: 4KiB, client_abort: cancel, fields: 99}
trusted_proxies: [10.0.0.0/8, "::1"]
dns: {servers: ["192.0.2.1:5353", "[2001:db8::1]:53", "2001:db8::2"], hosts_file: false}
diagnostics: {profile: standard, statuses: {connection_refused: 503}, disclose: evidence, name: edge-1, lint: false}
log: {destination: logs/events.json, exchanges: failures, level: debug}
admin: {address: "off", allow_public: true, hosts: [Gateway.internal]}
drain: {delay: 1s, timeout: 2s}
)";

TEST(Load, EveryKeyIsRead) {
  const LoadedConfig loaded =
      loadConfig(kEverything, "/etc/gatewhy/gatewhy.yaml", [](const auto&) { return std::nullopt; });
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(testing::lines(loaded));
  EXPECT_THAT(loaded.problems, IsEmpty());
  const Config& config = *loaded.config;
  EXPECT_EQ(config.workers, 3U);

  ASSERT_THAT(config.listeners, SizeIs(2));
  const ListenerConfig& listener = config.listeners[0];
  EXPECT_EQ(listener.address, "[::]:8443");
  EXPECT_TRUE(listener.proxy_protocol);
  ASSERT_TRUE(listener.tls);
  ASSERT_THAT(listener.tls->certificates, SizeIs(2));
  EXPECT_EQ(listener.tls->certificates[0].certificate, "/etc/gatewhy/site.pem");
  EXPECT_EQ(listener.tls->certificates[0].key, "/etc/site.key");
  EXPECT_EQ(listener.tls->min_version, "1.3");
  EXPECT_EQ(listener.tls->client_ca, "/etc/gatewhy/clients.pem");
  EXPECT_EQ(listener.tls->client_crl_file, "/etc/gatewhy/revoked.pem");
  EXPECT_FALSE(listener.tls->client_certificate_required);
  EXPECT_FALSE(config.listeners[1].tls);

  ASSERT_THAT(config.origins, SizeIs(3));
  const OriginConfig& origin = config.origins[0];
  EXPECT_EQ(origin.name, "shop");
  ASSERT_THAT(origin.endpoints, SizeIs(2));
  EXPECT_EQ(origin.endpoints[0].scheme, EndpointScheme::Https);
  EXPECT_EQ(origin.endpoints[1].unix_path, "/run/app.sock");
  EXPECT_EQ(origin.endpoints[1].weight, 7U);
  EXPECT_TRUE(origin.endpoints[1].backup);
  EXPECT_EQ(origin.balance, Balance::RandomTwo);
  EXPECT_EQ(origin.timeouts.resolve, Millis{1000});
  EXPECT_EQ(origin.timeouts.connect, Millis{2000});
  EXPECT_EQ(origin.timeouts.tls_handshake, Millis{3000});
  EXPECT_EQ(origin.timeouts.send, Millis{4000});
  EXPECT_EQ(origin.timeouts.response_head, Millis{5000});
  EXPECT_EQ(origin.timeouts.response_idle, Millis{6000});
  EXPECT_EQ(origin.timeouts.tunnel, Millis{7000});
  EXPECT_EQ(origin.timeouts.exchange, Millis{60000});
  EXPECT_FALSE(origin.tls.verify);
  EXPECT_EQ(origin.tls.ca_file, "/etc/gatewhy/ca.pem");
  EXPECT_EQ(origin.tls.crl_file, "/etc/gatewhy/lists.pem");
  EXPECT_EQ(origin.tls.server_name, "shop.example");
  EXPECT_EQ(origin.tls.min_version, "1.3");
  EXPECT_EQ(origin.tls.certificate, "/etc/gatewhy/c");
  EXPECT_EQ(origin.tls.key, "/etc/gatewhy/k");
  EXPECT_EQ(origin.limits.response_head, 16384U);
  EXPECT_EQ(origin.limits.connections, 5U);
  EXPECT_EQ(origin.limits.pending, 0U);
  EXPECT_EQ(origin.keep_alive.idle, 0U);
  EXPECT_EQ(origin.keep_alive.timeout, Millis{9000});
  EXPECT_EQ(origin.retry.attempts, 2U);
  EXPECT_EQ(origin.retry.budget_percent, 50U);
  EXPECT_EQ(origin.strictness, Strictness::Report);
  EXPECT_EQ(origin.send_proxy_protocol, SendProxyProtocol::V2);
  ASSERT_TRUE(origin.eject);
  EXPECT_EQ(origin.eject->failures, 2U);
  EXPECT_EQ(origin.eject->duration, Millis{3000});
  EXPECT_EQ(origin.slow_start, Millis{20000});
  EXPECT_EQ(origin.panic_percent, 30U);
  HealthConfig health;
  health.path = "/healthz?x=1";
  health.interval = Millis{7000};
  health.timeout = Millis{3000};
  health.healthy = 4;
  health.unhealthy = 5;
  health.expect = {{.first = 204, .last = 204}, {.first = 300, .last = 302}};
  health.method = "HEAD";
  health.host = "well.example:81";
  health.port = 8081;
  health.headers = {{"X-Check", "a"}, {"Accept", "b"}};
  EXPECT_EQ(origin.health, health);
  EXPECT_FALSE(config.origins[1].eject);
  EXPECT_EQ(config.origins[1].health, HealthConfig{});
  HealthConfig call;
  call.grpc = "";
  call.headers = {{"Authorization", "a"}};
  EXPECT_EQ(config.origins[2].health, call);

  ASSERT_THAT(config.routes, SizeIs(5));
  const RouteConfig& route = config.routes[0];
  EXPECT_EQ(route.name, "shop.example/api/");
  EXPECT_EQ(route.host, "shop.example");
  EXPECT_EQ(route.origin, 1U);
  EXPECT_TRUE(route.strip_prefix);
  EXPECT_FALSE(route.preserve_host);
  EXPECT_THAT(route.request_headers.set, ElementsAre(Pair("X-Env", "prod"), Pair("X-Num", "5")));
  EXPECT_THAT(route.request_headers.remove, ElementsAre("X-Debug"));
  EXPECT_THAT(route.response_headers.set, SizeIs(1));
  EXPECT_THAT(route.response_headers.remove, ElementsAre("Server"));
  EXPECT_EQ(config.routes[1].name, "*.example");
  EXPECT_EQ(config.routes[1].respond->status, 444);
  EXPECT_EQ(config.routes[2].name, "*/gone");
  EXPECT_EQ(config.routes[2].respond->retry_after, std::chrono::seconds{120});
  EXPECT_EQ(config.routes[3].name, "*/gone#2");
  EXPECT_EQ(config.routes[3].respond->retry_after, std::nullopt);
  EXPECT_EQ(config.routes[4].name, "*");

  EXPECT_EQ(config.limits.request_head, 8192U);
  EXPECT_EQ(config.limits.request_body, 1048576U);
  EXPECT_EQ(config.limits.connections, 7U);
  EXPECT_EQ(config.limits.client_head_timeout, Millis{1000});
  EXPECT_EQ(config.limits.client_body_timeout, Millis{2000});
  EXPECT_EQ(config.limits.client_minimum_rate, 4096U);
  EXPECT_EQ(config.limits.client_abort, ClientAbort::Cancel);
  EXPECT_EQ(config.limits.fields, 99U);
  EXPECT_EQ(config.limits.client_idle_timeout, Millis{3000});
  EXPECT_EQ(config.limits.client_keepalive_requests, 8U);
  EXPECT_EQ(config.limits.client_keepalive_time, Millis{300000});
  EXPECT_THAT(config.trusted_proxies, SizeIs(2));
  EXPECT_THAT(config.dns.servers, ElementsAre("192.0.2.1:5353", "[2001:db8::1]:53", "2001:db8::2"));
  EXPECT_FALSE(config.dns.hosts_file);
  EXPECT_EQ(config.diagnostics.policy.profile, Profile::Standard);
  EXPECT_THAT(config.diagnostics.policy.overrides, ElementsAre(Pair(Cause::ConnectionRefused, 503)));
  EXPECT_EQ(config.diagnostics.disclose, Disclose::Evidence);
  EXPECT_EQ(config.diagnostics.name, "edge-1");
  EXPECT_FALSE(config.diagnostics.lint);
  EXPECT_EQ(config.log.targets.at(0).to, "/etc/gatewhy/logs/events.json");
  EXPECT_TRUE(config.log.failures_only);
  EXPECT_EQ(config.log.level, LogLevel::Debug);
  EXPECT_EQ(config.admin.address, "");
  EXPECT_TRUE(config.admin.configured);
  EXPECT_TRUE(config.admin.allow_public);
  EXPECT_THAT(config.admin.hosts, ElementsAre("gateway.internal"));
  EXPECT_EQ(config.drain.delay, Millis{1000});
  EXPECT_EQ(config.drain.timeout, Millis{2000});
}

TEST(Load, AllProblemsAtOnceInFileOrder) {
  EXPECT_THAT(problems("listenres: []\n"
                       "origins:\n"
                       "  shop:\n"
                       "    endpoints: []\n"
                       "    timeouts: {connect: 5, conect: 1s}\n"
                       "    balance: round-robin\n"
                       "workers: 0\n"
                       "workers: 1\n"),
              ElementsAre("t.yaml:1:1: error: unknown key 'listenres'; did you mean 'listeners'?",
                          "t.yaml:1:1: error: missing required key 'listeners'",
                          "t.yaml:4:16: error: 'endpoints' is empty; it needs at least one entry",
                          StartsWith("t.yaml:5:25: error: 'timeouts.connect': '5' has no unit"),
                          "t.yaml:5:28: error: unknown key 'conect'; did you mean 'connect'?",
                          "t.yaml:6:14: error: 'balance' cannot be 'round-robin'; did you mean 'round_robin'?",
                          "t.yaml:7:10: error: 'workers' must be between 1 and 1024, not 0",
                          "t.yaml:8:1: error: duplicate key 'workers' (first on line 7)"));
}

TEST(Load, AProblemMeansNoConfiguration) {
  EXPECT_FALSE(load(withBase("wrong: 1\n")).config);
}

TEST(Load, MissingKeysHaveTheParentsPlace) {
  EXPECT_THAT(problems("listeners:\n  - proxy_protocol: true\norigins:\n  a: {}\n"),
              ElementsAre("t.yaml:2:5: error: missing required key 'address'",
                          "t.yaml:4:6: error: missing required key 'endpoints'"));
  EXPECT_THAT(problems("[]"), ElementsAre(StartsWith("t.yaml:1:1: error: the configuration must be a map")));
  EXPECT_THAT(problems(""), ElementsAre("t.yaml:1:1: error: the file is empty"));
}

TEST(Load, AKeyInTheWrongPlaceIsShownItsOwn) {
  EXPECT_THAT(
      problems(withBase("resolve: 1s\n")),
      ElementsAre(EndsWith("unknown key 'resolve'; it belongs in 'origins.*.timeouts' or 'routes[].timeouts'")));
}

struct Case {
  std::string yaml;
  std::string message;  // a part of the only problem
};

void expectEach(const std::vector<Case>& cases) {
  for (const Case& item : cases) {
    EXPECT_THAT(problems(item.yaml), ElementsAre(HasSubstr(item.message))) << item.yaml;
  }
}

TEST(Load, WrongTypesAndValues) {
  expectEach({
      {withBase("workers: many"), "t.yaml:6:10: error: 'workers': 'many' is not a whole number"},
      {withBase("workers: \"4\""), "'workers' must be a whole number, without quotes"},
      {withBase("workers: 010"), "'workers': '010' has a leading zero"},
      {withBase("workers: -1"), "'-1' is negative"},
      {withBase("workers: 1025"), "must be between 1 and 1024, not 1025"},
      {withBase("workers: [1]"), "'workers' must be a whole number, not a list"},
      {withBase("workers:"), "t.yaml:6:1: error: 'workers' has no value"},
      {withBase("limits: 5"), "'limits' must be a map of keys and values, not a single value"},
      {withBase("limits: {request_head: 16}"), "'limits.request_head': '16' has no unit"},
      {withBase("limits: {request_head: 10B}"), "must be between 256B and 1GiB, or 0 for no limit, not 10B"},
      {withBase("limits: {connections: 0}"), "must be between 1 and"},
      {withBase("drain: {delay: 25h}"), "must be between 0 and 24h, not 25h"},
      {withBase("trusted_proxies: 10.0.0.0/8"), "'trusted_proxies' must be a list"},
      {withBase("trusted_proxies: [10.0.0.1/8]"), "has bits after it"},
      {withBase("trusted_proxies: [proxy]"), "is not an address or a block"},
      {withBase("dns: {servers: [resolver]}"), "'resolver' is not an IP address"},
      {withBase("dns: {servers: [\"1.1.1.1:0\"]}"), "'0' is not a port"},
      {withBase("diagnostics: {name: \"a b\"}"), "'a b' is not a token"},
      {withBase("diagnostics: {statuses: {connection_refuse: 503}}"),
       "unknown cause 'connection_refuse'; did you mean 'connection_refused'?"},
      {withBase("diagnostics: {statuses: {connection_refused: 200}}"), "must be between 400 and 599, not 200"},
      {withBase("diagnostics: {statuses: {connection_refused: x}}"), "is not a whole number"},
      {withBase("log: {destination: stder}"), "did you mean 'stderr'?"},
      {withBase("log: {destination: events.log}"), "a path contains a '/'"},
      {withBase("log: {level: loud}"), "possible: debug, info, warn, error"},
      {withBase("log: {level: warning}"), "'log.level' cannot be 'warning'"},
      {withOrigin("retry: {budget: 20}"), "write it like 20%"},
      {withOrigin("retry: {budget: 101%}"), "must be between 0% and 100%"},
      {withOrigin("eject: {for: 0}"), "must be between 1ms and 24h"},
      {withOrigin("eject: off"), "must be true or false, not 'off'; write false"},
      {withOrigin("panic: 101%"), "must be between 0% and 100%"},
      {withOrigin("health: {path: healthz}"), "does not begin with '/'; leave 'path' out"},
      {withOrigin("health: {path: \"/a b\"}"), "a character that a request target cannot have"},
      {withOrigin("health: {interval: 10ms}"), "must be between 100ms and 24h"},
      {withOrigin("health: {expect: [100-399]}"), "'100-399' is not a status from 200 to 599, or a range"},
      {withOrigin("health: {expect: [399-200]}"), "or a range such as 200-399"},
      {withOrigin("health: {expect: 2xx}"), "a list"},
      {withOrigin("health: {method: CONNECT}"), "a check cannot use CONNECT"},
      {withOrigin("health: {host: \"a b\"}"), "is not a host"},
      {withOrigin("health: {port: 0}"), "must be between 1 and 65535"},
      {withOrigin("health: {headers: {Host: a}}"), "write 'host' instead of a header"},
      {withOrigin("health: {headers: {Transfer-Encoding: a}}"), "cannot be changed"},
      {withOrigin("health: {grpc: \"a\\tb\"}"), "a service's name has no control characters"},
      {withOrigin("health: {grpc: " + std::string(256, 'a') + "}"), "a service's name can have 255 bytes at most"},
      {withOrigin("health: {grpc: a, headers: {content-type: b}}"), "'health.grpc' sets Content-Type itself"},
      {withOrigin("tls: {certificate: a.pem}"), "'tls.certificate' needs 'tls.key'"},
      {withOrigin("tls: {key: a.pem}"), "'tls.key' needs 'tls.certificate'"},
      {withOrigin("tls: {server_name: \"a b\"}"), "is not a host"},
      {withOrigin("tls: {min_version: 1.1}"), "possible: 1.2, 1.3"},
  });
}

TEST(Load, OnlyTrueAndFalseAreBooleans) {
  expectEach({
      {withOrigin("tls: {verify: yes}"), "'tls.verify' must be true or false, not 'yes'; write true"},
      {withOrigin("tls: {verify: on}"), "write true"},
      {withOrigin("tls: {verify: off}"), "write false"},
      {withOrigin("tls: {verify: True}"), "write true"},
      {withOrigin("tls: {verify: n}"), "write false"},
      {withOrigin("tls: {verify: 1}"), "must be true or false, not '1'"},
      {withOrigin("tls: {verify: \"true\"}"), "without quotes"},
      {"listeners: [{address: \"127.0.0.1:0\"}]\norigins:\n  on: {endpoints: [\"http://a\"]}\n",
       "boolean word to other YAML tools"},
  });
}

TEST(Load, Listeners) {
  const std::string rest = "origins: {a: {endpoints: [\"http://a\"]}}\n";
  expectEach({
      {"listeners: []\n" + rest, "'listeners' is empty"},
      {"listeners: [{address: 8080}]\n" + rest, "write 0.0.0.0:8080 (or [::]:8080 for both families)"},
      {"listeners: [{address: \"1.2.3.4:65536\"}]\n" + rest, "is not a port (0 to 65535)"},
      {"listeners: [{address: \"localhost:80\"}]\n" + rest, "write 127.0.0.1:80"},
      {"listeners:\n  - address: \"[::]:80\"\n  - address: \"[0::0]:80\"\n" + rest,
       "t.yaml:3:14: error: another listener has the address '[0::0]:80' (line 2)"},
      {"listeners: [{address: \"1.2.3.4:1\", tls: {}}]\n" + rest, "missing required key 'certificates'"},
      {"listeners: [{address: \"1.2.3.4:1\", tls: {certificates: [{certificate: \"\", key: k}]}}]\n" + rest,
       "must name a file"},
      {"listeners: [{address: \"1.2.3.4:1\", tls: {certificates: [{certificate: c}]}}]\n" + rest,
       "missing required key 'key'"},
  });
  EXPECT_THAT(problems("listeners: [{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:0\"}]\n" + rest), IsEmpty());
}

TEST(Load, Endpoints) {
  const auto with = [](const std::string& endpoint) {
    return "listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [" + endpoint + "]}}\n";
  };
  expectEach({
      {with("\"http://a b\""), "t.yaml:2:27: error: 'endpoints': 'a b' is not a host"},
      {with("{url: \"http://a\", weight: 0}"), "must be between 1 and 10000, not 0"},
      {with("{weight: 1}"), "missing required key 'url'"},
      {with("{url: \"http://a/x\"}"), "remove the path"},
      {with("[x]"), "must be a map"},
      {with("{url: \"http://a\", wieght: 1}"), "did you mean 'weight'?"},
  });
  expectEach({{"listeners: [{address: \"127.0.0.1:0\"}]\norigins: {}\n", "'origins' is empty"},
              {"listeners: [{address: \"127.0.0.1:0\"}]\norigins: {\"a b\": {endpoints: [\"http://a\"]}}\n",
               "is not a name for an origin"}});
}

TEST(Load, Routes) {
  const auto with = [](const std::string& route) { return withBase("routes:\n  - " + route + "\n"); };
  expectEach({
      {with("{origin: shp}"), "t.yaml:7:14: error: unknown origin 'shp'; did you mean 'shop'?"},
      {with("{origin: elsewhere}"), "unknown origin 'elsewhere'"},
      {with("{path: /a}"), "t.yaml:7:5: error: the route needs 'origin', 'origins', 'respond' or 'redirect'"},
      {with("{origin: shop, respond: {status: 503}}"), "'respond' and 'origin' exclude each other"},
      {with("{respond: {status: 99}}"), "must be between 200 and 599, not 99"},
      {with("{respond: {status: 700}}"), "must be between 200 and 599, not 700"},
      {with("{respond: {retry_after: 1500ms}}"), "whole seconds"},
      {with("{origin: shop, path: api}"), "'api' does not begin with '/'"},
      {with("{origin: shop, path: \"/a b\"}"), "percent-encoded"},
      {with("{origin: shop, path: \"/a?b\"}"), "percent-encoded"},
      {with("{origin: shop, host: \"*\"}"), "leave the key out"},
      {with("{origin: shop, host: \"a b\"}"), "is not a host"},
      {with("{origin: shop, host: \"a:80\"}"), "has a port"},
      {with("{origin: shop, host: \"a.*\"}"), "is not a host"},
      {with("{origin: shop, host: \"\"}"), "host is missing"},
      {withBase("routes: []"), "'routes' is empty"},
      {withBase("  two: {endpoints: [\"http://b\"]}\n"), "with more than one origin, 'routes' must say"},
  });
  EXPECT_THAT(problems(with("{origin: shop, host: \"[::1]\"}")), IsEmpty());
}

TEST(Load, HeaderEditsCannotInjectOrReframe) {
  const auto set = [](const std::string& edit) {
    return withBase("routes:\n  - {origin: shop, request_headers: {set: {" + edit + "}}}\n");
  };
  expectEach({
      {set("X-A: \"a\\r\\nEvil: 1\""), "'X-A' contains a line break"},
      {set("X-A: \"a\\0b\""), "control character (U+0000)"},
      {set("X-A: \" a\""), "begin or end with a blank"},
      {set("\"X A\": a"), "'X A' is not a header name"},
      {set("\"X-A:\": a"), "is not a header name"},
      {set("\"\": a"), "is not a header name"},
      {set("X-A: [a]"), "'X-A' must be a text, not a list"},
      {set("X-A: a, x-a: b"), "the header 'x-a' is set twice"},
      {set("CDN-Loop: a"), "loops go unnoticed"},
      {set("host: a"), "see preserve_host"},
      {withBase("routes:\n  - {origin: shop, response_headers: {remove: [Content-Length]}}\n"), "cannot be changed"},
      {withBase("routes:\n  - {origin: shop, response_headers: {set: {Upgrade: h2c}}}\n"), "cannot be changed"},
  });
  for (const char* name : {"Content-Length", "transfer-encoding", "Connection", "Keep-Alive", "TE", "Trailer",
                           "Upgrade", "Proxy-Connection"}) {
    EXPECT_THAT(problems(set(std::string(name) + ": a")), ElementsAre(HasSubstr("cannot be changed"))) << name;
  }
}

TEST(Load, WhatIsNotThereYetIsRefused) {
  const std::string origins = "origins: {a: {endpoints: [\"http://a\"]}}\n";
  expectEach({
      {"listeners: [{address: \"127.0.0.1:0\", http2: yes}]\n" + origins, "'http2' must be true or false, not 'yes'"},
      {withOrigin("strictness: lax"), "possible: enforce, report"},
      {withOrigin("send_proxy_protocol: maybe"), "possible: off, v1, v2"},
  });
}

TEST(Load, Http2IsOnWithTlsAndOffWithout) {
  const auto http2 = [](const std::string& more) {
    const LoadedConfig loaded =
        load("listeners: [{address: \"127.0.0.1:0\"" + more + "}]\norigins: {a: {endpoints: [\"http://a\"]}}\n");
    EXPECT_TRUE(loaded.config) << more;
    return loaded.config ? loaded.config->listeners.front().http2 : Http2Config{};
  };
  const std::string tls = ", tls: {certificates: [{certificate: a.pem, key: a.key}]}";
  EXPECT_FALSE(http2("").enabled);
  EXPECT_TRUE(http2(", http2: true").enabled);
  EXPECT_TRUE(http2(tls).enabled);
  EXPECT_FALSE(http2(tls + ", http2: false").enabled);
  const Http2Config limits = http2(", http2: {streams: 5, window: 128KiB, header_list: 8KiB}");
  EXPECT_TRUE(limits.enabled);
  EXPECT_EQ(limits.streams, 5U);
  EXPECT_EQ(limits.window, 128U * 1024);
  EXPECT_EQ(limits.header_list, 8U * 1024);
}

TEST(Load, AdminAddressIsNotPublicByAccident) {
  expectEach({
      {withBase("admin: {address: \"0.0.0.0:9180\"}"), "can be reached from other machines"},
      {withBase("admin: {address: \"[::]:9180\"}"), "can be reached from other machines"},
      {withBase("admin: {address: \"192.0.2.1:9180\"}"), "allow_public: true"},
      {withBase("admin: {address: \"9180\"}"), "write 127.0.0.1:9180"},
      {withBase("admin: {hosts: [\"192.0.2.1\"]}"), "list names only"},
      {"listeners: [{address: \"127.0.0.1:8080\"}]\norigins: {a: {endpoints: [\"http://a\"]}}\n"
       "admin: {address: \"127.0.0.1:8080\"}\n",
       "a listener already has the address"},
  });
  for (const char* address :
       {"", "off", "127.0.0.1:9180", "127.8.0.1:0", "[::1]:9180", "unix:/run/gatewhy/admin.sock", "systemd:admin"}) {
    EXPECT_THAT(problems(withBase("admin: {address: \"" + std::string(address) + "\"}")), IsEmpty()) << address;
  }
  EXPECT_THAT(problems(withBase("admin: {address: \"0.0.0.0:9180\", allow_public: true}")), IsEmpty());
}

TEST(Load, AdminListenerIsOnByDefault) {
  const LoadedConfig loaded = load(withBase(""), {});
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->admin.address, "127.0.0.1:9180");
  EXPECT_FALSE(loaded.config->admin.configured);
  EXPECT_EQ(configForUrl("http://127.0.0.1:1", "127.0.0.1:0").config->admin.address, "127.0.0.1:9180");
}

TEST(Environment, IsExpandedInValues) {
  const testing::Environment environment{{"PORT", "0"}, {"N", "2"}, {"EMPTY", ""}, {"NESTED", "${N}"}};
  const auto loaded = load(
      "listeners: [{address: \"127.0.0.1:${PORT}\"}]\n"
      "origins: {a: {endpoints: [\"http://${HOST:-fallback}:${EMPTY:-81}\"], tls: {verify: \"${V:-false}\"}}}\n"
      "workers: ${N}\n"
      "diagnostics: {name: \"$N$${N}\"}\n",
      environment);
  EXPECT_THAT(
      testing::lines(loaded),
      ElementsAre(EndsWith("'$N${N}' is not a token (RFC 9110): letters, digits and !#$%&'*+-.^_`|~, at most 64")));
  const auto good = load(
      "listeners: [{address: \"127.0.0.1:${PORT}\"}]\n"
      "origins: {a: {endpoints: [\"http://${HOST:-fallback}:${EMPTY:-81}\"], tls: {verify: \"${V:-false}\"}}}\n"
      "workers: ${N}\n",
      environment);
  ASSERT_TRUE(good.config) << ::testing::PrintToString(testing::lines(good));
  EXPECT_EQ(good.config->listeners[0].address, "127.0.0.1:0");
  EXPECT_EQ(good.config->origins[0].endpoints[0].host, "fallback");
  EXPECT_EQ(good.config->origins[0].endpoints[0].port, 81);
  EXPECT_FALSE(good.config->origins[0].tls.verify);
  EXPECT_EQ(good.config->workers, 2U);
  EXPECT_THAT(problems(withBase("workers: ${NESTED}"), environment),
              ElementsAre(HasSubstr("'${N}' is not a whole number")));
}

TEST(Environment, ProblemsHaveTheirPlace) {
  expectEach({
      {withBase("workers: ${NO}"), "t.yaml:6:10: error: 'workers': the environment variable 'NO' is not set"},
      {withBase("workers: ${1}"), "does not name an environment variable"},
      {withBase("workers: ${}"), "does not name an environment variable"},
      {withBase("workers: ${A"), "never closed"},
      {withBase("workers: ${A:-${B}}"), "cannot hold another variable"},
  });
}

TEST(Environment, CannotInject) {
  const testing::Environment environment{{"V", "a\r\nEvil: 1"}};
  EXPECT_THAT(problems(withBase("routes:\n  - {origin: shop, request_headers: {set: {X-A: \"${V}\"}}}\n"), environment),
              ElementsAre(HasSubstr("contains a line break")));
}

TEST(Environment, CannotGrowWithoutBound) {
  const testing::Environment environment{{"BIG", std::string(1024 * 1024, 'x')}};
  std::string names;
  for (int i = 0; i < 10; ++i) {
    names += "    - \"${BIG}\"\n";
  }
  EXPECT_THAT(problems(withBase("trusted_proxies:\n" + names), environment), Contains(HasSubstr("too large")));
}

TEST(ConfigForUrl, OneListenerOneOrigin) {
  const LoadedConfig loaded = configForUrl("https://shop.example", "");
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->listeners[0].address, "127.0.0.1:8080");
  EXPECT_EQ(loaded.config->origins[0].name, "origin");
  EXPECT_EQ(loaded.config->origins[0].endpoints[0].port, 443);
  EXPECT_EQ(loaded.config->routes[0].name, "*");
  EXPECT_EQ(configForUrl("http://a", "[::1]:0").config->listeners[0].address, "[::1]:0");
}

TEST(ConfigForUrl, ReportsBothArguments) {
  EXPECT_THAT(testing::lines(configForUrl("nonsense", "nowhere")),
              ElementsAre(StartsWith("--from: error: 'nowhere' has no port"),
                          StartsWith("--to: error: 'nonsense' is not a URL")));
}

}  // namespace
}  // namespace gatewhy
