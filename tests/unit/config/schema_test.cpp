// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "config/units.h"
#include "config_testing.h"
#include "diagnostics/nearest.h"

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

bool isKey(const SchemaRow& row) {
  return !row.path.ends_with("[]") && !row.path.ends_with("*");
}

TEST(Schema, EveryRowHasAParentAndAText) {
  std::set<std::string_view> seen{""};
  for (const SchemaRow& row : schemaRows()) {
    EXPECT_TRUE(seen.count(parentPath(row.path)) == 1) << row.path;
    EXPECT_TRUE(seen.insert(row.path).second) << row.path;
    EXPECT_THAT(row.text, Not(IsEmpty())) << row.path;
    EXPECT_EQ(row.type == ValueType::Word || row.type == ValueType::WordOrSection || row.type == ValueType::Partial,
              !row.words.empty())
        << row.path;
    EXPECT_LE(row.min, row.max) << row.path;
    if (row.type == ValueType::List || row.type == ValueType::Map) {
      EXPECT_NE(schemaRow(std::string(row.path) + (row.type == ValueType::List ? "[]" : ".*")), nullptr) << row.path;
    }
  }
}

TEST(Schema, NumbersFitWhatTheyAreReadInto) {
  for (const SchemaRow& row : schemaRows()) {
    if (row.type == ValueType::Integer || row.type == ValueType::IntegerOrAuto || row.type == ValueType::Percent) {
      EXPECT_LE(row.max, kNoMaximum) << row.path;
    }
  }
}

TEST(Schema, LocalNames) {
  EXPECT_EQ(localName("origins.*.tls.verify"), "tls.verify");
  EXPECT_EQ(localName("listeners[].tls.certificates[].key"), "key");
  EXPECT_EQ(localName("trusted_proxies[]"), "trusted_proxies");
  EXPECT_EQ(localName("limits.request_head"), "limits.request_head");
  EXPECT_EQ(localName("origins.*.endpoints[]"), "endpoints");
}

// A default in the table that differs from the one in config.h misleads.
void expectDefault(const SchemaRow& row, const std::string& before, const std::string& indent) {
  const std::string key(lastPart(row.path));
  const LoadedConfig loaded = testing::load(before + indent + key + ": " + std::string(row.fallback) + "\n");
  EXPECT_TRUE(loaded.config) << row.path << ::testing::PrintToString(testing::lines(loaded));
}

TEST(Schema, DefaultsAreAcceptedValues) {
  for (const SchemaRow& row : schemaRows()) {
    const std::string parent(parentPath(row.path));
    if (row.fallback.empty() || row.type == ValueType::List) {
      continue;
    }
    if (parent.empty()) {
      expectDefault(row, testing::withBase(""), "");
    } else if (parent == "origins.*") {
      expectDefault(row, testing::withBase(""), "    ");
    } else if (parent.starts_with("origins.*.") && !parent.ends_with("[]")) {
      expectDefault(row, testing::withBase("    " + parent.substr(10) + ":\n"), "      ");
    } else if (parent.find_first_of(".[") == std::string::npos) {
      expectDefault(row, testing::withBase(parent + ":\n"), "  ");
    }
  }
}

TEST(Schema, DefaultsAreThoseOfTheStructs) {
  const auto duration = [](const char* path) { return *parseDuration(schemaRow(path)->fallback); };
  const auto size = [](const char* path) { return *parseSize(schemaRow(path)->fallback); };
  const auto number = [](const char* path) { return *parseWholeNumber(schemaRow(path)->fallback); };
  const auto flag = [](const char* path) { return schemaRow(path)->fallback == "true"; };
  const auto word = [](const char* path) {
    const auto words = splitWords(schemaRow(path)->words);
    return std::find(words.begin(), words.end(), schemaRow(path)->fallback) - words.begin();
  };
  const OriginConfig origin;
  EXPECT_EQ(duration("origins.*.timeouts.resolve"), origin.timeouts.resolve);
  EXPECT_EQ(duration("origins.*.timeouts.connect"), origin.timeouts.connect);
  EXPECT_EQ(duration("origins.*.timeouts.tls_handshake"), origin.timeouts.tls_handshake);
  EXPECT_EQ(duration("origins.*.timeouts.send"), origin.timeouts.send);
  EXPECT_EQ(duration("origins.*.timeouts.response_head"), origin.timeouts.response_head);
  EXPECT_EQ(duration("origins.*.timeouts.response_idle"), origin.timeouts.response_idle);
  EXPECT_EQ(duration("origins.*.timeouts.exchange"), origin.timeouts.exchange);
  EXPECT_EQ(flag("origins.*.tls.verify"), origin.tls.verify);
  EXPECT_EQ(schemaRow("origins.*.tls.min_version")->fallback, origin.tls.min_version);
  EXPECT_EQ(size("origins.*.limits.response_head"), origin.limits.response_head);
  EXPECT_EQ(number("origins.*.limits.connections"), origin.limits.connections);
  EXPECT_EQ(number("origins.*.limits.pending"), origin.limits.pending);
  EXPECT_EQ(number("origins.*.keep_alive.idle"), origin.keep_alive.idle);
  EXPECT_EQ(duration("origins.*.keep_alive.timeout"), origin.keep_alive.timeout);
  EXPECT_EQ(number("origins.*.retry.attempts"), origin.retry.attempts);
  EXPECT_EQ(*parsePercent(schemaRow("origins.*.retry.budget")->fallback), origin.retry.budget_percent);
  EXPECT_EQ(word("origins.*.balance"), static_cast<long>(origin.balance));
  EXPECT_EQ(number("origins.*.eject.failures"), EjectConfig{}.failures);
  EXPECT_EQ(duration("origins.*.eject.for"), EjectConfig{}.duration);
  EXPECT_EQ(duration("origins.*.health.interval"), HealthConfig{}.interval);
  EXPECT_EQ(duration("origins.*.health.timeout"), HealthConfig{}.timeout);
  EXPECT_EQ(number("origins.*.health.healthy"), HealthConfig{}.healthy);
  EXPECT_EQ(number("origins.*.health.unhealthy"), HealthConfig{}.unhealthy);
  EXPECT_EQ(schemaRow("origins.*.health.method")->fallback, HealthConfig{}.method);
  EXPECT_EQ(duration("origins.*.slow_start"), origin.slow_start);
  EXPECT_EQ(*parsePercent(schemaRow("origins.*.panic")->fallback), origin.panic_percent);
  EXPECT_EQ(number("origins.*.endpoints[].weight"), EndpointConfig{}.weight);
  EXPECT_EQ(flag("origins.*.endpoints[].backup"), EndpointConfig{}.backup);
  EXPECT_EQ(flag("listeners[].proxy_protocol"), ListenerConfig{}.proxy_protocol);
  EXPECT_EQ(schemaRow("listeners[].tls.min_version")->fallback, ListenerTls{}.min_version);
  EXPECT_EQ(schemaRow("listeners[].tls.client_certificate")->fallback == "required",
            ListenerTls{}.client_certificate_required);
  EXPECT_EQ(flag("routes[].strip_prefix"), RouteConfig{}.strip_prefix);
  EXPECT_EQ(flag("routes[].preserve_host"), RouteConfig{}.preserve_host);
  EXPECT_EQ(number("routes[].respond.status"), FixedResponse{}.status);
  EXPECT_EQ(flag("routes[].requires.tls"), RouteRequirements{}.tls);
  EXPECT_EQ(word("routes[].requires.http_version"), RouteRequirements{}.http_minor);
  EXPECT_EQ(flag("routes[].requires.content_length"), RouteRequirements{}.content_length);
  EXPECT_EQ(duration("routes[].rate_limit.per"), RateLimitConfig{}.per);
  EXPECT_EQ(word("routes[].rate_limit.key"), static_cast<long>(RateLimitConfig{}.key));
  EXPECT_EQ(number("routes[].rate_limit.max_keys"), RateLimitConfig{}.max_keys);
  EXPECT_EQ(flag("routes[].upgrade"), RouteConfig{}.upgrade);
  EXPECT_EQ(size("limits.request_head"), ClientLimits{}.request_head);
  EXPECT_EQ(size("limits.request_body"), ClientLimits{}.request_body);
  EXPECT_EQ(number("limits.connections"), ClientLimits{}.connections);
  EXPECT_EQ(duration("limits.client_head_timeout"), ClientLimits{}.client_head_timeout);
  EXPECT_EQ(duration("limits.client_body_timeout"), ClientLimits{}.client_body_timeout);
  EXPECT_EQ(duration("origins.*.timeouts.tunnel"), OriginTimeouts{}.tunnel);
  EXPECT_EQ(size("limits.client_minimum_rate"), ClientLimits{}.client_minimum_rate);
  EXPECT_EQ(word("limits.client_abort"), static_cast<long>(ClientLimits{}.client_abort));
  EXPECT_EQ(number("limits.fields"), ClientLimits{}.fields);
  EXPECT_EQ(duration("limits.client_idle_timeout"), ClientLimits{}.client_idle_timeout);
  EXPECT_EQ(number("limits.client_keepalive_requests"), ClientLimits{}.client_keepalive_requests);
  EXPECT_EQ(duration("limits.client_keepalive_time"), ClientLimits{}.client_keepalive_time);
  EXPECT_EQ(flag("dns.hosts_file"), DnsConfig{}.hosts_file);
  EXPECT_EQ(word("diagnostics.profile"), static_cast<long>(StatusPolicy{}.profile));
  EXPECT_EQ(word("diagnostics.disclose"), static_cast<long>(DiagnosticsConfig{}.disclose));
  EXPECT_EQ(schemaRow("diagnostics.name")->fallback, "\"\"");
  EXPECT_EQ(DiagnosticsConfig{}.name, "");
  EXPECT_EQ(schemaRow("log.destination")->fallback, LogTarget{}.to);
  EXPECT_EQ(word("log.exchanges") == 1, LogConfig{}.failures_only);
  EXPECT_EQ(word("log.level"), static_cast<long>(LogConfig{}.level));
  EXPECT_EQ(duration("drain.delay"), DrainConfig{}.delay);
  EXPECT_EQ(duration("drain.timeout"), DrainConfig{}.timeout);
}

TEST(Nearest, FindsTypingErrorsOnly) {
  EXPECT_EQ(nearestWord("listenres", {"origins", "listeners"}), "listeners");
  EXPECT_EQ(nearestWord("time-outs", {"timeouts", "tls"}), "timeouts");
  EXPECT_EQ(nearestWord("TLS", {"timeouts", "tls"}), "tls");
  EXPECT_EQ(nearestWord("shp", {"shop"}), "shop");
  EXPECT_EQ(nearestWord("cache", {"timeouts", "tls"}), std::nullopt);
  EXPECT_EQ(nearestWord("x", {"y"}), std::nullopt);
  EXPECT_EQ(nearestWord("", {"y"}), std::nullopt);
}

// Every key of the table is in the JSON Schema, at its place, and nothing else is allowed.
void expectSame(const nlohmann::json& schema, std::string_view path) {
  ASSERT_EQ(schema.value("type", ""), "object") << path;
  EXPECT_EQ(schema.at("additionalProperties"), false) << path;
  std::set<std::string> expected;
  std::set<std::string> required;
  for (const SchemaRow& row : schemaRows()) {
    if (!isKey(row) || parentPath(row.path) != path) {
      continue;
    }
    const std::string key(lastPart(row.path));
    expected.insert(key);
    if (row.required) {
      required.insert(key);
    }
    const nlohmann::json& property = schema.at("properties").at(key);
    EXPECT_TRUE(property.contains("description")) << row.path;
    if (row.type == ValueType::Section) {
      expectSame(property, row.path);
    }
  }
  std::set<std::string> actual;
  for (const auto& [key, value] : schema.at("properties").items()) {
    actual.insert(key);
  }
  EXPECT_EQ(actual, expected) << path;
  EXPECT_EQ(schema.at("required").get<std::set<std::string>>(), required) << path;
}

TEST(JsonSchema, HasEveryKey) {
  const auto schema = nlohmann::json::parse(configSchema());
  EXPECT_EQ(schema.at("$schema"), "https://json-schema.org/draft/2020-12/schema");
  expectSame(schema, "");
  const auto& properties = schema.at("properties");
  expectSame(properties.at("listeners").at("items"), "listeners[]");
  expectSame(properties.at("origins").at("additionalProperties"), "origins.*");
  expectSame(properties.at("routes").at("items"), "routes[]");
  EXPECT_EQ(properties.at("listeners").at("minItems"), 1);
  EXPECT_TRUE(properties.at("listeners").at("items").at("properties").at("http2").contains("anyOf"));
}

TEST(JsonSchema, PatternsAgreeWithTheReader) {
  const auto schema = nlohmann::json::parse(configSchema());
  const auto pattern = [&schema](const char* name) {
    return std::regex(schema.at("$defs").at(name).at("anyOf").at(1).at("pattern").get<std::string>(),
                      std::regex::ECMAScript);
  };
  for (const char* text : {"0", "5s", "250ms", "2m", "1h", "05s", "5", "1.5s", "s", "-1s", "5d"}) {
    EXPECT_EQ(std::regex_search(text, pattern("duration")), parseDuration(text).ok()) << text;
  }
  for (const char* text : {"0", "16KiB", "1MiB", "512B", "2GiB", "16", "16KB", "01MiB", "MiB"}) {
    EXPECT_EQ(std::regex_search(text, pattern("size")), parseSize(text).ok()) << text;
  }
}

TEST(Manual, IsWhatTheTableSays) {
  const std::pair<std::string, std::string> documents[] = {{"/docs/configuration.md", configManual()},
                                                           {"/docs/man/gatewhy.yaml.5", configManPage()}};
  for (const auto& [name, text] : documents) {
    const std::string path = GATEWHY_SOURCE_DIR + name;
    if (std::getenv("GATEWHY_UPDATE_DOCS") != nullptr) {
      std::ofstream(path, std::ios::binary) << text;
    }
    std::ifstream file(path, std::ios::binary);
    const std::string written{std::istreambuf_iterator<char>(file), {}};
    EXPECT_TRUE(written == text) << name << " is out of date: run make docs";
  }
}

TEST(Manual, ManPageHasEveryKeyAndIsAscii) {
  const std::string page = configManPage();
  for (const SchemaRow& row : schemaRows()) {
    EXPECT_NE(page.find("\n.TP\n\\fB" + std::string(row.path) + "\\fR\n"), std::string::npos) << row.path;
  }
  for (const char c : page) {
    EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  }
}

}  // namespace
}  // namespace gatewhy
