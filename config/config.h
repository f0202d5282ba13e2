// SPDX-License-Identifier: Apache-2.0
// The configuration as an immutable snapshot: plain structs, a default in
// place and the effect in prose. config/load.cpp makes one from YAML; every
// exchange holds the one it began with through a shared_ptr<const Config>.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/cidr.h"
#include "config/pages.h"
#include "config/text_template.h"
#include "diagnostics/diagnosis.h"
#include "diagnostics/redaction.h"

namespace re2 {
class RE2;
}

namespace gatewhy {

using Millis = std::chrono::milliseconds;  // 0 = off, everywhere below

inline constexpr std::uint64_t kKiB = 1024;

struct CertificateConfig {
  std::string certificate;  // PEM file, leaf first, then its chain
  std::string key;          // PEM file
};

struct ListenerTls {
  std::vector<CertificateConfig> certificates;  // chosen by SNI; the first is the default
  std::string min_version = "1.2";              // "1.2" | "1.3"
  std::string ciphers;                          // OpenSSL's words, TLS 1.3 suites among them; empty = ours
  std::string groups;                           // likewise; empty = ours
  std::string client_ca;                        // empty = no client certificate is asked for
  std::string client_crl_file;                  // empty = revocation lists are not asked
  bool client_certificate_required = true;
  bool http2 = true;  // offered by ALPN
};

// HTTP/2 with clients of a listener. Sizes in bytes.
struct Http2Config {
  bool enabled = false;  // by ALPN with TLS, by prior knowledge without
  std::uint32_t streams = 128;
  std::uint32_t window = 1024 * 1024;  // of a stream; a connection has eight
  std::uint32_t header_list = 32 * 1024;
};

struct ListenerConfig {
  std::string address;                // "0.0.0.0:8080", "[::]:8443", "unix:/path", "systemd:NAME"
  bool ipv6_only = false;             // of "[::]:PORT": no IPv4 even where no other listener has the port for it
  std::optional<std::uint32_t> mode;  // of the file of a unix socket; absent = as the umask has it
  std::string group;                  // and its group; empty = the daemon's
  bool proxy_protocol = false;
  bool redirect_to_https = false;
  std::vector<Cidr> proxy_protocol_from;  // only these may send the header; empty = anybody
  std::optional<ListenerTls> tls;
  Http2Config http2;
};

enum class EndpointScheme : std::uint8_t { Http, Https, Unix };

// Which versions of HTTP an endpoint is spoken to in.
enum class EndpointHttp : std::uint8_t {
  Http1,
  Negotiated,  // https://: HTTP/2 or HTTP/1.1, as the endpoint chooses by ALPN
  Http2,       // h2://, h2c://: nothing else will do
};

struct EndpointConfig {
  std::string url;                               // as written
  EndpointScheme scheme = EndpointScheme::Http;  // Https: over TLS, h2:// too
  EndpointHttp http = EndpointHttp::Http1;
  std::string host;       // name without a final dot, or IP literal without brackets; empty for unix
  bool absolute = false;  // the name was written with a final dot: no search list
  std::uint16_t port = 0;
  std::string unix_path;
  std::uint32_t weight = 1;
  bool backup = false;
  friend bool operator==(const EndpointConfig&, const EndpointConfig&) = default;
};

enum class Balance : std::uint8_t { RoundRobin, LeastRequests, RandomTwo, Hash };

struct OriginTimeouts {
  Millis resolve{2000};
  Millis connect{5000};
  Millis tls_handshake{5000};
  Millis send{30000};
  Millis response_head{60000};
  Millis response_idle{60000};
  Millis tunnel{3600000};
  Millis exchange{0};
  friend bool operator==(const OriginTimeouts&, const OriginTimeouts&) = default;
};

struct OriginTls {
  bool verify = true;
  std::string ca_file;      // empty = the system's roots
  std::string crl_file;     // empty = revocation lists are not asked
  std::string server_name;  // SNI and name to verify; empty = the endpoint's host
  std::string min_version = "1.2";
  std::string certificate, key;  // ours, for origins that ask for one
  friend bool operator==(const OriginTls&, const OriginTls&) = default;
};

struct OriginLimits {
  std::uint64_t response_head = 64 * kKiB;  // bytes; 0 = no limit
  std::uint32_t connections = 1024;         // per endpoint, over all workers; 0 = no limit
  std::uint32_t pending = 1024;             // exchanges waiting for one
  friend bool operator==(const OriginLimits&, const OriginLimits&) = default;
};

struct KeepAliveConfig {
  std::uint32_t idle = 256;  // parked connections per endpoint and worker; 0 = no reuse
  Millis timeout{60000};
  bool learn = false;  // `timeout: auto`: from when the origin closes them
  friend bool operator==(const KeepAliveConfig&, const KeepAliveConfig&) = default;
};

struct RetryConfig {
  std::uint32_t attempts = 1;         // extra tries
  std::uint32_t budget_percent = 20;  // of recent exchanges; 100 = no budget
  friend bool operator==(const RetryConfig&, const RetryConfig&) = default;
};

struct StatusRange {
  std::uint16_t first = 200, last = 399;
  friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

struct HealthConfig {
  std::string path;                 // and query; "" = not asked for
  std::optional<std::string> grpc;  // a service, asked for over the gRPC health protocol; "" = the server as a whole
  Millis interval{5000}, timeout{2000};
  std::uint32_t healthy = 2, unhealthy = 3;  // in a row
  std::vector<StatusRange> expect{StatusRange{}};
  std::string method = "GET";
  std::string host;        // of the Host field; empty = the endpoint's
  std::uint16_t port = 0;  // 0 = the endpoint's
  std::vector<std::pair<std::string, std::string>> headers;
  // A connection is all that is asked for; over TLS, a session.
  [[nodiscard]] bool connectionOnly() const { return path.empty() && !grpc; }
  friend bool operator==(const HealthConfig&, const HealthConfig&) = default;
};

struct EjectConfig {
  std::uint32_t failures = 5;  // in a row
  Millis duration{10000};      // YAML key `for`
  friend bool operator==(const EjectConfig&, const EjectConfig&) = default;
};

// A cookie of ours that names the endpoint which a client stays with.
struct StickyConfig {
  std::string cookie;  // its name
  friend bool operator==(const StickyConfig&, const StickyConfig&) = default;
};

enum class Strictness : std::uint8_t { Enforce, Report };

// The header that tells an origin whose connection it is (HAProxy's
// proxy-protocol.txt).
enum class SendProxyProtocol : std::uint8_t { Off, V1, V2 };

struct OriginConfig {
  std::string name;
  bool implied = false;  // stands in no `origins`: the place of an auth.forward.url, and named by it
  std::vector<EndpointConfig> endpoints;
  Balance balance = Balance::RoundRobin;
  std::optional<TextTemplate> hash_key;  // Balance::Hash: of what; absent = of the client's address
  std::optional<StickyConfig> sticky;
  OriginTimeouts timeouts;
  OriginTls tls;
  OriginLimits limits;
  KeepAliveConfig keep_alive;
  RetryConfig retry;
  Strictness strictness = Strictness::Enforce;
  SendProxyProtocol send_proxy_protocol = SendProxyProtocol::Off;
  bool http2 = true;                   // https:// endpoints are offered HTTP/2; applied to `endpoints`
  std::optional<HealthConfig> health;  // active checks
  std::optional<EjectConfig> eject = EjectConfig{};
  Millis slow_start{0};              // until an endpoint that has come back gets its full share
  std::uint32_t panic_percent = 50;  // fewer endpoints than that left by ejections: these are ignored
  friend bool operator==(const OriginConfig&, const OriginConfig&) = default;
};

struct HeaderEdits {
  std::vector<std::pair<std::string, std::string>> set;  // replaces every field of that name
  std::vector<std::string> remove;
  std::vector<TextTemplate> templates;  // of `set`, by index; empty where none has variables
  std::vector<std::string> keep;        // of requests: names that pass although strangers' are dropped
  [[nodiscard]] bool empty() const { return set.empty() && remove.empty(); }
};

struct FixedResponse {
  std::uint16_t status = 503;  // 444 = close without a byte
  std::optional<std::chrono::seconds> retry_after;
  std::string upgrade;                   // with 426: the protocols to change to
  std::optional<TextTemplate> location;  // of a `redirect`
  std::optional<TextTemplate> body;      // what is said, instead of the built-in text
  std::string page;                      // or: a page of diagnostics.pages, by name, for who takes HTML; empty = none
};

// Who may use a route, by name and password (RFC 7617).
struct BasicAuth {
  std::string users_file;  // htpasswd, of bcrypt and SHA-512 crypt
  std::string realm = "restricted";
  bool forward = false;  // request_headers.keep names Authorization: the origin gets it too
};

// Who may use a route, by what a login service says of each request.
struct ForwardAuthConfig {
  std::string url;          // as written
  EndpointConfig endpoint;  // its place
  std::string target;       // path and query
  std::size_t origin = 0;   // index into Config::origins: by whose settings it is asked
  std::vector<std::string> request_headers{"Accept", "Authorization", "Cookie"};  // of the client's, told to it
  std::vector<std::string> response_headers;                                      // of its answer, told to the origin
};

// Whom a route serves, by the client's address; `deny` goes before `allow`.
struct ClientRules {
  std::vector<Cidr> allow;  // empty = all
  std::vector<Cidr> deny;
};

// What a route demands of a request's protocol (YAML key `requires`).
struct RouteRequirements {
  bool tls = false;
  std::uint8_t http_minor = 0;  // of HTTP/1.x: 1 refuses HTTP/1.0
  bool content_length = false;  // no body of unknown length
};

enum class RateLimitKey : std::uint8_t { ClientAddress, Route };

// A token bucket: `burst` requests at once, `requests` per `per` in the long run.
struct RateLimitConfig {
  std::uint32_t requests = 1;
  Millis per{1000};
  std::uint32_t burst = 0;  // 0 = as `requests`
  RateLimitKey key = RateLimitKey::ClientAddress;
  std::uint32_t max_keys = 16384;  // remembered at once, 16 bytes each
  bool operator==(const RateLimitConfig&) const = default;
};

// How a route's `path` is held against a path.
enum class PathMatch : std::uint8_t { Prefix, Exact, Regex };

using Pattern = std::shared_ptr<const re2::RE2>;  // octets, not characters

// What a request must have beside host and path for a route to be its own; "*"
// stands for any value.
struct RouteMatch {
  std::vector<std::string> methods;
  std::vector<std::pair<std::string, std::string>> headers, query, cookies;
  [[nodiscard]] bool empty() const { return methods.empty() && headers.empty() && query.empty() && cookies.empty(); }
};

struct PathRewrite {
  std::string prefix;                    // in the place of the route's `path`
  Pattern regex;                         // or: its first match is replaced
  std::string to;                        // by this, where \1 is the first group
  std::optional<TextTemplate> variable;  // of `prefix` or `to`, where it has variables
};

struct WeightedOrigin {
  std::size_t origin = 0;  // index into Config::origins
  std::uint32_t weight = 1;
};

// What becomes of a path that servers read differently.
enum class PathPolicy : std::uint8_t { Refuse, Normalize };

struct RouteConfig {
  std::string name;                // "shop.example/api/": what the event's `route` says; bounded by configuration
  std::string host;                // lower case; empty = any; "*.example" = one or more labels below
  std::vector<std::string> hosts;  // several instead of `host`
  std::string path;                // by path_match; a prefix is one of segments; empty = any
  PathMatch path_match = PathMatch::Prefix;
  Pattern regex;  // PathMatch::Regex
  RouteMatch match;
  std::size_t origin = 0;               // index into Config::origins, where `respond` is absent
  std::vector<WeightedOrigin> origins;  // several instead of `origin`; a client stays with one
  std::optional<PathRewrite> rewrite;
  std::optional<FixedResponse> respond;
  bool strip_prefix = false;
  bool preserve_host = true;
  HeaderEdits request_headers, response_headers;
  std::vector<std::string> methods;  // empty = any
  bool method_decides = false;       // by `methods` here, or by some route's match.methods
  ClientRules clients;
  RouteRequirements requirements;
  std::optional<RateLimitConfig> rate_limit;
  std::optional<BasicAuth> basic_auth;
  std::optional<ForwardAuthConfig> forward_auth;                      // not with basic_auth
  bool upgrade = true;                                                // may become a tunnel (WebSocket)
  std::vector<std::pair<Millis OriginTimeouts::*, Millis>> timeouts;  // instead of the origin's
  std::optional<std::uint64_t> request_body;                          // limits.request_body of this route
  std::optional<PathPolicy> paths;  // limits.paths of this route; absent = the general one
};

// What a client's FIN means while it waits for its response.
enum class ClientAbort : std::uint8_t { Probe, Cancel, Finish };

// What becomes of field names with "_".
enum class Underscores : std::uint8_t { Shadows, Drop, Pass, Refuse };

// The patterns of the hosts that a route is for; empty = any.
[[nodiscard]] inline std::span<const std::string> hostPatterns(const RouteConfig& route) {
  return route.host.empty() ? std::span<const std::string>(route.hosts) : std::span<const std::string>(&route.host, 1);
}

struct ClientLimits {
  std::uint64_t request_head = 32 * kKiB;
  std::uint64_t request_body = 0;  // 0 = no limit
  std::uint32_t fields = 256;      // of a head, the origin's too; 0 = no limit
  std::uint32_t connections = 10000;
  std::uint32_t connections_per_client = 1000;  // by address, IPv6 by /64; 0 = no limit
  std::uint32_t handshakes = 256;               // TLS handshakes at once, over all workers; 0 = no limit
  std::uint32_t handshakes_per_client = 32;     // likewise of one address; 0 = no limit
  std::uint64_t memory = 0;                     // bytes; 0 = the process's own limit, where it has one
  PathPolicy paths = PathPolicy::Refuse;
  Underscores underscores = Underscores::Shadows;
  Millis client_head_timeout{10000};
  Millis client_body_timeout{30000};       // without a byte of the request body, or an acknowledged one of the response
  std::uint64_t client_minimum_rate = 16;  // bytes a second over client_body_timeout; 0 = off
  Millis client_idle_timeout{75000};
  std::uint32_t client_keepalive_requests = 0;  // on one connection; 0 = no limit
  Millis client_keepalive_time{3600000};        // of one connection; 0 = no limit
  ClientAbort client_abort = ClientAbort::Probe;
};

struct DnsConfig {
  std::vector<std::string> servers;  // "192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53"; empty = the system's
  bool hosts_file = true;
  bool search = true;     // resolv.conf's search list and ndots
  Millis stale{3600000};  // how long addresses that connected outlive their TTL while DNS is out of order
  friend bool operator==(const DnsConfig&, const DnsConfig&) = default;
};

struct DiagnosticsConfig {
  StatusPolicy policy;
  Disclose disclose = Disclose::Cause;
  // This hop in Proxy-Status, Via and CDN-Loop (a token), and the instance in
  // its events; never empty after load (config/instance_name.h).
  std::string name;
  bool lint = true;
  PagesConfig pages;
};

enum class LogLevel : std::uint8_t { Debug, Info, Warn, Error };

// Auto: Text where somebody watches (standard error is a terminal, and there is
// no configuration file), else Json.
enum class LogFormat : std::uint8_t { Auto, Json, Combined, Text };

// The side of a log destination's TLS that is ours.
struct LogTls {
  std::string ca_file;           // PEM; empty = the system's roots
  std::string certificate, key;  // ours, for servers that ask for one; both or neither
  friend bool operator==(const LogTls&, const LogTls&) = default;
};

// Where events wait while their destination is away.
struct LogSpool {
  std::string directory;   // empty = in memory
  std::uint64_t size = 0;  // bytes; 0 = 8 MiB in memory, 1 GiB on disk
  friend bool operator==(const LogSpool&, const LogSpool&) = default;
};

// One destination of the log.
struct LogTarget {
  std::string to =
      "stderr";  // as config/log_place.h reads it; a path is absolute, or relative to the working directory
  LogFormat format = LogFormat::Auto;
  std::string credentials;    // a file; what it holds depends on the kind of destination
  std::optional<LogTls> tls;  // of nats:// and otlp+https://
  LogSpool spool;
  Millis stop_timeout{0};               // 0 = 5 s in the network, 1 s here or where a spool on disk keeps the rest
  std::uint32_t success_percent = 100;  // of exchanges with nothing to say that it is given
  friend bool operator==(const LogTarget&, const LogTarget&) = default;
};

struct LogConfig {
  std::vector<LogTarget> targets{LogTarget{}};  // YAML key `destination`; never empty
  bool failures_only = false;                   // exchanges: failures
  LogLevel level = LogLevel::Info;
  Redaction redaction;  // YAML key `redact`: what values are never shown, here or anywhere
};

inline constexpr const char* kDefaultAdminAddress = "127.0.0.1:9180";

struct AdminConfig {
  std::string address = kDefaultAdminAddress;  // as a listener's; empty = no admin listener
  bool configured = false;                     // named in the file: a start without it is no start
  bool allow_public = false;                   // an address that other machines can reach is accepted
  std::vector<std::string> hosts;              // names (lower case) accepted in Host, beside localhost and addresses
  friend bool operator==(const AdminConfig&, const AdminConfig&) = default;
};

struct DrainConfig {
  Millis delay{0};
  Millis timeout{30000};
};

struct SecretsConfig {
  std::string file;  // keys, one a line: the first signs, all verify; empty = one that is made in the state directory
};

struct Config {
  std::string source;              // file name, for messages
  std::vector<std::string> files;  // that one, what it includes; empty where it was not read from a file
  std::string hash;  // 12 hexadecimal digits of the SHA-256 of these files as they were read; may be empty
  std::vector<std::string> includes;  // patterns of `include`, as looked up: a file that is new to one is a change
  bool watch = false;                 // load changed files without being told to
  std::uint32_t workers = 1;          // `auto` is resolved at load
  std::string user, group;            // what a daemon started as root becomes; empty = stays
  std::vector<ListenerConfig> listeners;
  std::vector<OriginConfig> origins;
  std::vector<RouteConfig> routes;  // never empty after load: absent routes become one that matches all
  ClientLimits limits;
  std::vector<Cidr> trusted_proxies;
  DnsConfig dns;
  DiagnosticsConfig diagnostics;
  LogConfig log;
  AdminConfig admin;
  DrainConfig drain;
  SecretsConfig secrets;
};

using ConfigPtr = std::shared_ptr<const Config>;

}  // namespace gatewhy
