// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include <array>

namespace gatewhy {
namespace {
namespace rows {  // ValueType::Section is not to hide the class of that name from other sources of a unity build

using enum ValueType;

constexpr std::uint64_t kDay = 24 * 3'600'000ULL;  // in milliseconds
constexpr std::uint64_t kKibi = 1024;
constexpr std::uint64_t kMebi = 1024ULL * 1024;
constexpr std::uint64_t kGibi = 1024ULL * 1024 * 1024;
constexpr std::uint64_t kTebi = 1024 * kGibi;

// Order: as in the manual; a section before its keys.
constexpr auto kRows = std::to_array<SchemaRow>({
    {.path = "include",
     .type = List,
     .fallback = "[]",
     .text = "Files to read as well, relative to this one, in name order: paths or patterns such as `conf.d/*.yaml`. "
             "They may contain `listeners`, `origins` and `routes`, which are added after those of this file."},
    {.path = "include[]", .text = "A path or a pattern."},
    {.path = "defaults",
     .type = Section,
     .text = "What every origin and every route starts from; what it says itself takes precedence, key by key."},
    {.path = "defaults.origin",
     .type = Partial,
     .words = "origins.*",
     .text = "The keys of `origins.*`, except `endpoints`."},
    {.path = "defaults.route",
     .type = Partial,
     .words = "routes[]",
     .text = "The keys of `routes[]`, except those that say which requests a route is for and where they go."},
    {.path = "watch",
     .type = Boolean,
     .fallback = "false",
     .text =
         "Load the configuration again, as SIGHUP does, when this file or an included one has changed and then stayed "
         "unchanged for a second: an edit, a rename over it, the link of a Kubernetes ConfigMap. One that cannot "
         "be used is refused, with an event, and the old one stays in force. `run --watch` does the same."},
    {.path = "workers",
     .type = IntegerOrAuto,
     .fallback = "auto",
     .min = 1,
     .max = 1024,
     .text = "Event loops. `auto`: one per core that the process may use; CPU affinity and the control group's CPU "
             "quota (half a core counts as one) are honoured."},
    {.path = "user",
     .fallback = "\"\"",
     .text = "The user that a daemon started as root becomes once its log, sockets, certificates and keys are open; of "
             "root's rights it keeps only that of binding ports below 1024 (CAP_NET_BIND_SERVICE). Whatever is opened "
             "later (by a reload, a renewal, a rotation or an upgrade) is opened as this user: `check`, and the daemon "
             "at its start, list what it cannot read. Empty: no change. Under systemd the unit's `User=` does the "
             "same, and earlier."},
    {.path = "group", .fallback = "\"\"", .text = "With `user`: its group. Empty: the user's own."},

    {.path = "listeners", .type = List, .required = true, .min = 1, .text = "Where clients connect."},
    {.path = "listeners[]", .type = Section, .text = "One listening socket."},
    {.path = "listeners[].address",
     .required = true,
     .text =
         "`192.0.2.1:8080`, `0.0.0.0:8080`, `[::]:8443` (IPv4 too, see `ipv6_only`), `unix:/run/gatewhy/http.sock`, or "
         "`systemd:NAME` for a socket passed by systemd. Port 0 lets the kernel choose."},
    {.path = "listeners[].mode",
     .pattern = "^0?[0-7]{3}$",
     .text = "For a `unix:` listener: the mode of its file, such as `\"0660\"`; whoever may write to it may connect. "
             "Default: what the umask leaves."},
    {.path = "listeners[].group",
     .fallback = "\"\"",
     .text = "For a `unix:` listener: the group of its file. Once root has been given up, it must be one that `user` "
             "is a member of. Empty: the daemon's own."},
    {.path = "listeners[].ipv6_only",
     .type = Boolean,
     .fallback = "false",
     .text =
         "`[::]:PORT` serves IPv4 too, unless a listener with an IPv4 address has the same port. `true`: IPv6 only, "
         "whatever else is listed."},
    {.path = "listeners[].proxy_protocol",
     .type = SectionOrBoolean,
     .fallback = "false",
     .text = "Expect a PROXY protocol header, version 1 or 2, on every connection. A connection without one is closed. "
             "Its sender is trusted with the client's address, so list who may send it: `{from: [10.0.0.0/8]}`. `true` "
             "believes anybody who reaches the address."},
    {.path = "listeners[].proxy_protocol.from",
     .type = List,
     .required = true,
     .min = 1,
     .text = "The balancers that send the header, by address. Connections of others are closed with the event "
             "`client_proxy_header_invalid`. Peers on a unix socket are always accepted."},
    {.path = "listeners[].proxy_protocol.from[]", .text = "An address, or a block such as `10.0.0.0/8`."},
    {.path = "listeners[].redirect_to_https",
     .type = Boolean,
     .fallback = "false",
     .text = "Answer every request with a 308 to `https://{host}{uri}`, except those below "
             "`/.well-known/acme-challenge/`, and those that a trusted proxy says came over TLS."},
    {.path = "listeners[].tls", .type = Section, .text = "Speak TLS. If omitted: plain HTTP."},
    {.path = "listeners[].tls.certificates",
     .type = List,
     .required = true,
     .min = 1,
     .text = "Certificates, chosen by the name the client asks for (SNI). The first is the default. The files are "
             "watched: a renewed pair is used without a reload, one that does not match is rejected "
             "([certificates.md](certificates.md))."},
    {.path = "listeners[].tls.certificates[]", .type = Section, .text = "One certificate with its key."},
    {.path = "listeners[].tls.certificates[].certificate",
     .type = File,
     .required = true,
     .text = "PEM file: the certificate, then its intermediates."},
    {.path = "listeners[].tls.certificates[].key",
     .type = File,
     .required = true,
     .text = "PEM file: the private key, without a passphrase."},
    {.path = "listeners[].tls.min_version",
     .type = Word,
     .fallback = "1.2",
     .words = "1.2|1.3",
     .text = "The oldest TLS version accepted."},
    {.path = "listeners[].tls.ciphers",
     .fallback = "\"\"",
     .text = "What may be negotiated, in OpenSSL's words, separated by colons: a cipher list for TLS 1.2 "
             "(`ECDHE+AESGCM`) and suites of TLS 1.3 (`TLS_AES_128_GCM_SHA256`), each in order of preference. "
             "Whichever of the two is not given gets our own: AES-GCM and ChaCha20 with forward secrecy."},
    {.path = "listeners[].tls.groups",
     .fallback = "\"\"",
     .text = "Groups for the key exchange, in OpenSSL's words, separated by colons. Empty: `X25519:P-256:P-384`. "
             "Groups of finite fields (`ffdhe2048` and larger) cost the server up to a hundred times the work for "
             "each hello, and the client nothing."},
    {.path = "listeners[].tls.client_ca",
     .type = File,
     .fallback = "\"\"",
     .text = "PEM file of authorities, watched as certificates are. Clients are asked for a certificate signed by one "
             "of them. Empty: clients are not asked."},
    {.path = "listeners[].tls.client_crl_file",
     .type = File,
     .fallback = "\"\"",
     .text = "PEM file of revocation lists (CRLs), watched as certificates are. With `client_ca`: a client whose "
             "certificate is on one, or whose issuer has no valid list here, is refused. For authorities above the "
             "issuer, a missing list is only a warning of `check`. Empty: no lists are consulted."},
    {.path = "listeners[].tls.client_certificate",
     .type = Word,
     .fallback = "required",
     .words = "required|optional",
     .text = "With `client_ca`: whether requests without a certificate are refused."},
    {.path = "listeners[].http2",
     .type = SectionOrBoolean,
     .text = "HTTP/2 ([http2.md](http2.md)). With `tls` it is offered by ALPN, and on unless this is `false`. On a "
             "plain listener it is off unless this is `true`, and then for clients that begin with it (prior "
             "knowledge); others are served by HTTP/1.1. `{streams: …}` and the like mean `true`."},
    {.path = "listeners[].http2.streams",
     .type = Integer,
     .fallback = "128",
     .min = 1,
     .max = 10000,
     .text = "Requests that a client may have under way at once on one connection."},
    {.path = "listeners[].http2.window",
     .type = Size,
     .fallback = "1MiB",
     .min = 65535,
     .max = 2147483647,
     .text = "How much of its request bodies a client may send before anybody takes them: of one stream; of all "
             "streams of a connection together, eight times as much. An upload gets at most one window for each "
             "round trip."},
    {.path = "listeners[].http2.header_list",
     .type = Size,
     .fallback = "32KiB",
     .min = 4096,
     .max = 1048576,
     .text = "Largest head of a request, unpacked: names and values, and 32 octets more for each field "
             "(SETTINGS_MAX_HEADER_LIST_SIZE). `limits.request_head` and `limits.fields` hold as well."},

    {.path = "origins",
     .type = Map,
     .required = true,
     .min = 1,
     .text = "The servers behind gatewhy, by the name that routes, logs and metrics use. Names: letters, digits, `_`, "
             "`-`, `.`; "
             "at most 64 characters."},
    {.path = "origins.*", .type = Section, .text = "One service, on one or more endpoints."},
    {.path = "origins.*.endpoints", .type = List, .required = true, .min = 1, .text = "The servers of this origin."},
    {.path = "origins.*.endpoints[]",
     .type = SectionOrText,
     .pattern = "^(https?://|h2c?://|unix:/)",
     .text = "A URL, or a map with the URL and more. TLS and plain endpoints may be mixed."},
    {.path = "origins.*.endpoints[].url",
     .required = true,
     .pattern = "^(https?://|h2c?://|unix:/)",
     .text =
         "`http://HOST:PORT`, `https://HOST:PORT` (ports default to 80 and 443; no path), or "
         "`unix:/run/app.sock`. `https://` speaks HTTP/2 or HTTP/1.1, as the endpoint chooses by ALPN; `h2://` (TLS) "
         "and `h2c://` (plain, prior knowledge) insist on HTTP/2 ([http2.md](http2.md#origins))."},
    {.path = "origins.*.endpoints[].weight",
     .type = Integer,
     .fallback = "1",
     .min = 1,
     .max = 10000,
     .text = "Share of the requests, relative to the others."},
    {.path = "origins.*.endpoints[].backup",
     .type = Boolean,
     .fallback = "false",
     .text = "Used only if no other endpoint is available."},
    {.path = "origins.*.balance",
     .type = WordOrSection,
     .fallback = "round_robin",
     .words = "round_robin|least_requests|random_two|hash",
     .text = "How an endpoint is chosen: in turn; fewest requests in flight; the less busy of two random ones; by a "
             "hash of the client's address, so that a client stays with its endpoint. `{hash: \"{header.X-User}\"}` "
             "hashes something else ([balancing.md](balancing.md))."},
    {.path = "origins.*.balance.hash",
     .required = true,
     .text = "What is hashed: text with [variables](variables.md), such as `{path}`, `{header.X-User}` or "
             "`{cookie.session}`. Where it comes to nothing, the client's address is hashed."},
    {.path = "origins.*.sticky",
     .type = Section,
     .text = "Keep a client with the endpoint that answered it first, by a cookie of gatewhy's own. Default: off. "
             "See [balancing.md](balancing.md)."},
    {.path = "origins.*.sticky.cookie",
     .required = true,
     .text =
         "The cookie's name. Its value says nothing about addresses and is authenticated by a key of `secrets`; the "
         "origin does not get it."},
    {.path = "origins.*.timeouts",
     .type = Section,
     .text = "One limit for each phase, and each phase has its own causes, so the log says which limit ended the "
             "exchange."},
    {.path = "origins.*.timeouts.resolve",
     .type = Duration,
     .fallback = "2s",
     .max = kDay,
     .text = "Limit for the DNS answer."},
    {.path = "origins.*.timeouts.connect",
     .type = Duration,
     .fallback = "5s",
     .max = kDay,
     .text = "Limit for the TCP handshake."},
    {.path = "origins.*.timeouts.tls_handshake",
     .type = Duration,
     .fallback = "5s",
     .max = kDay,
     .text = "Limit for the TLS handshake."},
    {.path = "origins.*.timeouts.send",
     .type = Duration,
     .fallback = "30s",
     .max = kDay,
     .text = "How long the origin's TCP may acknowledge nothing of the request while some of it is waiting to be "
             "acknowledged."},
    {.path = "origins.*.timeouts.response_head",
     .type = Duration,
     .fallback = "60s",
     .max = kDay,
     .text = "From the end of the request to the end of the response head. While the origin's TCP has not acknowledged "
             "the whole request, `send` applies instead."},
    {.path = "origins.*.timeouts.response_idle",
     .type = Duration,
     .fallback = "60s",
     .max = kDay,
     .text = "How long the response body may make no progress. Not for gRPC, which may be silent as long as it likes."},
    {.path = "origins.*.timeouts.tunnel",
     .type = Duration,
     .fallback = "1h",
     .max = kDay,
     .text = "How long an upgraded connection (WebSocket) or a call of gRPC ([grpc.md](grpc.md)) may be silent in both "
             "directions. 0: forever."},
    {.path = "origins.*.timeouts.exchange",
     .type = Duration,
     .fallback = "0",
     .max = kDay,
     .text = "Limit for the whole exchange, including all retries."},
    {.path = "origins.*.tls", .type = Section, .text = "TLS to `https://` endpoints."},
    {.path = "origins.*.tls.verify", .type = Boolean, .fallback = "true", .text = "Check the origin's certificate."},
    {.path = "origins.*.tls.ca_file",
     .type = File,
     .fallback = "\"\"",
     .text = "PEM file of the authorities to trust. Empty: the system's."},
    {.path = "origins.*.tls.crl_file",
     .type = File,
     .fallback = "\"\"",
     .text = "PEM file of revocation lists (CRLs). An origin whose certificate is on one, or whose issuer has no valid "
             "list here, is refused. For authorities above the issuer, a missing list is only a warning of `check`. A "
             "changed file is read again within seconds. Empty: no lists are consulted; an OCSP response that an "
             "origin staples still counts."},
    {.path = "origins.*.tls.server_name",
     .fallback = "\"\"",
     .text = "The name to ask for (SNI) and to find in the certificate. Empty: the endpoint's host."},
    {.path = "origins.*.tls.min_version",
     .type = Word,
     .fallback = "1.2",
     .words = "1.2|1.3",
     .text = "The oldest TLS version accepted."},
    {.path = "origins.*.tls.certificate",
     .type = File,
     .fallback = "\"\"",
     .text = "PEM file: our certificate, for an origin that asks for one."},
    {.path = "origins.*.tls.key", .type = File, .fallback = "\"\"", .text = "PEM file: its private key."},
    {.path = "origins.*.limits", .type = Section, .text = "How much of an origin may be used."},
    {.path = "origins.*.limits.response_head",
     .type = Size,
     .fallback = "64KiB",
     .min = 256,
     .max = kGibi,
     .text = "The largest response head accepted; one field may take all of it. How many fields: `limits.fields`."},
    {.path = "origins.*.limits.connections",
     .type = Integer,
     .fallback = "1024",
     .max = 1'000'000,
     .text = "Connections to one endpoint, over all workers. 0: no limit."},
    {.path = "origins.*.limits.pending",
     .type = Integer,
     .fallback = "1024",
     .max = 1'000'000,
     .text = "Requests that may wait for a connection."},
    {.path = "origins.*.keep_alive", .type = Section, .text = "Connections kept for the next request."},
    {.path = "origins.*.keep_alive.idle",
     .type = Integer,
     .fallback = "256",
     .max = 1'000'000,
     .text = "Idle connections kept per endpoint and worker. 0: connections are not reused."},
    {.path = "origins.*.keep_alive.timeout",
     .type = DurationOrAuto,
     .fallback = "60s",
     .max = kDay,
     .text = "How long an idle connection is kept. Choose less than the origin's own limit, or `auto`: learn the limit "
             "of each endpoint from when it closes connections and from what it says, and stay below it "
             "([balancing.md](balancing.md))."},
    {.path = "origins.*.retry",
     .type = Section,
     .text = "Retries, made only if the origin cannot have acted on the request, or the method is "
             "idempotent and the body can be sent again."},
    {.path = "origins.*.retry.attempts",
     .type = Integer,
     .fallback = "1",
     .max = 10,
     .text = "Attempts after the first."},
    {.path = "origins.*.retry.budget",
     .type = Percent,
     .fallback = "20%",
     .max = 100,
     .text = "The largest share of recent exchanges that may be tried again, so that retries do not add to an "
             "overload. 100%: no budget."},
    {.path = "origins.*.strictness",
     .type = Word,
     .fallback = "enforce",
     .words = "enforce|report",
     .text = "What happens if an origin makes a tolerable protocol error: `enforce` refuses the response, `report` "
             "repairs it and passes it on with a finding. Which errors: [findings.md](findings.md#strictness-report)."},
    {.path = "origins.*.send_proxy_protocol",
     .type = Word,
     .fallback = "off",
     .words = "off|v1|v2",
     .text = "Each connection begins with a PROXY protocol header of this version, before TLS, that tells the client's "
             "address and the one that it connected to. So a connection carries one client's requests alone, and is "
             "closed with it. A client of a unix socket is `UNKNOWN` (v1) or has no address (v2); what gatewhy asks "
             "for itself, such as a health check, is `UNKNOWN` or `LOCAL`. The origin has to expect the header "
             "([headers.md](headers.md#proxy-protocol))."},
    {.path = "origins.*.http2",
     .type = Boolean,
     .fallback = "true",
     .text =
         "Whether `https://` endpoints are offered HTTP/2. `false`: HTTP/1.1 only. `h2://` and `h2c://` endpoints are "
         "spoken to in HTTP/2 whatever stands here."},
    {.path = "origins.*.health",
     .type = Section,
     .text = "Active checks: each endpoint is asked at intervals whether it is well, over the same resolver, TLS "
             "settings and limits as requests, whatever these do. One that fails its checks gets no requests, and the "
             "event `health` says why ([origins.md](origins.md)). Default: no checks."},
    {.path = "origins.*.health.path",
     .pattern = "^/",
     .text = "What to ask for, with a query if need be. Default: nothing, so that a connection is enough, or a TLS "
             "session for `https://`."},
    {.path = "origins.*.health.interval",
     .type = Duration,
     .fallback = "5s",
     .min = 100,
     .max = kDay,
     .text = "From the end of one check to the next, give or take a tenth."},
    {.path = "origins.*.health.timeout",
     .type = Duration,
     .fallback = "2s",
     .min = 1,
     .max = kDay,
     .text = "Limit for a whole check. Where a key of `timeouts` is shorter, it applies to its phase."},
    {.path = "origins.*.health.healthy",
     .type = Integer,
     .fallback = "2",
     .min = 1,
     .max = 1000,
     .text = "Checks in a row that must succeed before an endpoint that was down gets requests again."},
    {.path = "origins.*.health.unhealthy",
     .type = Integer,
     .fallback = "3",
     .min = 1,
     .max = 1000,
     .text = "Checks in a row that must fail before an endpoint is taken out of use."},
    {.path = "origins.*.health.expect",
     .type = List,
     .fallback = "[200-399]",
     .min = 1,
     .text = "The statuses that mean that an endpoint is well."},
    {.path = "origins.*.health.expect[]",
     .pattern = "^[2-5][0-9][0-9](-[2-5][0-9][0-9])?$",
     .text = "A status such as `204`, or a range such as `200-399`."},
    {.path = "origins.*.health.method", .fallback = "GET", .text = "The method of the check."},
    {.path = "origins.*.health.host", .fallback = "\"\"", .text = "The Host field. Empty: as in the endpoint's URL."},
    {.path = "origins.*.health.port",
     .type = Integer,
     .min = 1,
     .max = 65535,
     .text = "The port to check. Default: the endpoint's own."},
    {.path = "origins.*.health.headers", .type = Map, .text = "More fields, by name."},
    {.path = "origins.*.health.headers.*", .text = "The value."},
    {.path = "origins.*.health.grpc",
     .text = "Instead of `path`: a service that is asked for over the gRPC health protocol "
             "(`grpc.health.v1.Health/Check`), such as `shop.v1.Orders`; `\"\"` asks about the server as a whole. "
             "`SERVING` means that an endpoint is well. For endpoints that are spoken to in HTTP/2: `h2c://`, `h2://`, "
             "or `https://`, which is then offered nothing else ([grpc.md](grpc.md#health-checks))."},
    {.path = "origins.*.eject",
     .type = SectionOrBoolean,
     .fallback = "true",
     .text = "Leave an endpoint alone for a while if several requests in a row failed. What counts is what speaks of "
             "the endpoint: no address, no connection, no TLS session, or the connection's end before the first byte "
             "of a response. Time limits and bad answers count only if they concerned two client addresses and "
             "nothing succeeded in between; an origin's own 5xx and a client that left never do. The last usable "
             "endpoint is never ejected. `false`: off."},
    {.path = "origins.*.eject.failures",
     .type = Integer,
     .fallback = "5",
     .min = 1,
     .max = 10000,
     .text = "Consecutive failures."},
    {.path = "origins.*.eject.for",
     .type = Duration,
     .fallback = "10s",
     .min = 1,
     .max = kDay,
     .text = "How long it stays out the first time. If it fails again at once, or within five minutes of its return, "
             "this doubles, up to five minutes."},
    {.path = "origins.*.slow_start",
     .type = Duration,
     .fallback = "0",
     .max = kDay,
     .text = "How long it takes until an endpoint that has come back gets its full share of requests; the share grows "
             "evenly. 0: at once."},
    {.path = "origins.*.panic",
     .type = Percent,
     .fallback = "50%",
     .max = 100,
     .text = "If ejections leave fewer endpoints than this share of those that checks and operators allow, they are "
             "ignored, and the event `health` says so: better a request that may fail than an endpoint that is run "
             "over. What checks found always counts. 0%: never."},

    {.path = "routes",
     .type = List,
     .min = 1,
     .text = "Which request goes where; the first match wins. If omitted, everything goes to the only origin."},
    {.path = "routes[]", .type = Section, .text = "One route: `origin`, `origins`, `respond` or `redirect`."},
    {.path = "routes[].host",
     .pattern = "^(\\*\\.)?[^/:*\\s]+$|^\\[",
     .text = "A host name, or `*.example` for every name below it. Default: any."},
    {.path = "routes[].hosts", .type = List, .min = 1, .text = "Several instead of `host`."},
    {.path = "routes[].hosts[]", .pattern = "^(\\*\\.)?[^/:*\\s]+$|^\\[", .text = "As `host`."},
    {.path = "routes[].path",
     .pattern = "^/",
     .text = "Prefix of the path, segment by segment: `/api` and `/api/` both match `/api`, `/api/` and `/api/x`, "
             "never `/apix`. It is compared with every reading of a path; see [paths.md](paths.md). Default: any."},
    {.path = "routes[].path_exact", .pattern = "^/", .text = "Instead of `path`: this path and no other."},
    {.path = "routes[].path_regex",
     .text = "Instead of `path`: a regular expression (RE2) that matches anywhere in the path; `^` and `$` anchor it."},
    {.path = "routes[].match",
     .type = Section,
     .text = "Further conditions. A request that does not meet them goes on to the next route: `methods` here chooses "
             "a route, whereas the route's own `methods` refuses requests (405)."},
    {.path = "routes[].match.methods", .type = List, .min = 1, .text = "One of these methods."},
    {.path = "routes[].match.methods[]", .text = "A method, as clients write it: `GET`."},
    {.path = "routes[].match.headers",
     .type = Map,
     .text = "Header fields, each with its value; `*`: present, with any value."},
    {.path = "routes[].match.headers.*", .text = "The value, or `*`."},
    {.path = "routes[].match.query",
     .type = Map,
     .text = "Query parameters, decoded, each with its value; `*`: present, with any value."},
    {.path = "routes[].match.query.*", .text = "The value, or `*`."},
    {.path = "routes[].match.cookies",
     .type = Map,
     .text = "Cookies, each with its value; `*`: present, with any value."},
    {.path = "routes[].match.cookies.*", .text = "The value, or `*`."},
    {.path = "routes[].origin", .text = "Name of the origin."},
    {.path = "routes[].origins",
     .type = Map,
     .min = 1,
     .text = "Instead of `origin`: several by name, with weights. A client stays with one, chosen by its address. One "
             "with weight 0 gets no requests."},
    {.path = "routes[].origins.*", .type = Integer, .max = 1'000'000, .text = "The weight."},
    {.path = "routes[].rewrite",
     .type = Section,
     .text = "Change the path before the request is passed on: `prefix`, or `regex` with `to`."},
    {.path = "routes[].rewrite.prefix",
     .pattern = "^/",
     .text = "Replaces the route's `path`; may contain [variables](variables.md)."},
    {.path = "routes[].rewrite.regex",
     .text = "A regular expression (RE2), whose first match is replaced by `to`. If nothing matches, the path stays as "
             "it is."},
    {.path = "routes[].rewrite.to",
     .text = "The replacement; `\\\\1` is the first group. May contain [variables](variables.md)."},
    {.path = "routes[].redirect", .type = Section, .text = "Instead of `origin`: send the client elsewhere."},
    {.path = "routes[].redirect.to",
     .required = true,
     .text = "Where: a URL or a path, with [variables](variables.md), such as `https://{host}{uri}`."},
    {.path = "routes[].redirect.status",
     .type = Integer,
     .fallback = "308",
     .min = 301,
     .max = 308,
     .text = "301, 302, 303, 307 or 308."},
    {.path = "routes[].strip_prefix",
     .type = Boolean,
     .fallback = "false",
     .text = "Remove `path` from the request before it is forwarded."},
    {.path = "routes[].preserve_host",
     .type = Boolean,
     .fallback = "true",
     .text = "Forward the client's Host. `false`: send the endpoint's."},
    {.path = "routes[].request_headers", .type = Section, .text = "Changes to the request's fields."},
    {.path = "routes[].request_headers.set",
     .type = Map,
     .text = "Fields to set; they replace every field of that name, gatewhy's own (`Via`, `X-Request-ID` and so on) "
             "too. Fields that frame or route the message (Content-Length, Transfer-Encoding, Connection, Host and so "
             "on) are refused."},
    {.path = "routes[].request_headers.set.*",
     .text = "The value, with [variables](variables.md) such as `{client_address}`; a field whose value turns out "
             "empty is not sent."},
    {.path = "routes[].request_headers.remove",
     .type = List,
     .text = "Names of fields to remove; gatewhy does not add them either."},
    {.path = "routes[].request_headers.remove[]", .text = "A field name."},
    {.path = "routes[].request_headers.keep",
     .type = List,
     .text =
         "Names of fields that are passed to the origin even though a stranger sent them, such as `X-Real-IP`; "
         "[headers.md](headers.md) lists those that are otherwise dropped. With `auth.basic` also `Authorization`."},
    {.path = "routes[].request_headers.keep[]", .text = "A field name."},
    {.path = "routes[].response_headers",
     .type = Section,
     .text = "Changes to the fields of responses: the origin's, the fixed answer, and what gatewhy itself answers on "
             "behalf of the route, so that a browser application can read a 521 (CORS). On failures, these fields stay "
             "as they are: `Content-*`, `X-Content-Type-Options`, and those that say how long to keep an answer "
             "(`Cache-Control`, `ETag` and so on)."},
    {.path = "routes[].response_headers.set", .type = Map, .text = "As for the request."},
    {.path = "routes[].response_headers.set.*", .text = "The value."},
    {.path = "routes[].response_headers.remove", .type = List, .text = "As for the request."},
    {.path = "routes[].response_headers.remove[]", .text = "A field name."},
    {.path = "routes[].methods",
     .type = List,
     .min = 1,
     .text = "The methods that the route takes; others get 405 with `Allow`. Default: any except CONNECT and "
             "TRACE, which are never forwarded."},
    {.path = "routes[].methods[]", .text = "A method, as clients write it: `GET`."},
    {.path = "routes[].clients",
     .type = Section,
     .text = "Client addresses that may use the route; others get 403. The address is the connection's or, if that is "
             "one of `trusted_proxies`, the last one in X-Forwarded-For that is not."},
    {.path = "routes[].clients.allow", .type = List, .min = 1, .text = "Only these. Default: everybody."},
    {.path = "routes[].clients.allow[]", .text = "An address, or a block such as `10.0.0.0/8`."},
    {.path = "routes[].clients.deny", .type = List, .min = 1, .text = "Refuse these, even if `allow` lists them."},
    {.path = "routes[].clients.deny[]", .text = "An address, or a block."},
    {.path = "routes[].requires", .type = Section, .text = "What a request must have."},
    {.path = "routes[].requires.tls",
     .type = Boolean,
     .fallback = "false",
     .text = "TLS; plain HTTP gets 426. The X-Forwarded-Proto of a trusted proxy counts."},
    {.path = "routes[].requires.http_version",
     .type = Word,
     .fallback = "1.0",
     .words = "1.0|1.1",
     .text = "At least this version of HTTP; older ones get 426."},
    {.path = "routes[].requires.content_length",
     .type = Boolean,
     .fallback = "false",
     .text = "A Content-Length for every body; chunked ones get 411."},
    {.path = "routes[].timeouts",
     .type = Section,
     .text = "Timeouts for this route, which replace its origin's, key by key."},
    {.path = "routes[].timeouts.resolve", .type = Duration, .max = kDay, .text = "As `origins.*.timeouts.resolve`."},
    {.path = "routes[].timeouts.connect", .type = Duration, .max = kDay, .text = "As `origins.*.timeouts.connect`."},
    {.path = "routes[].timeouts.tls_handshake",
     .type = Duration,
     .max = kDay,
     .text = "As `origins.*.timeouts.tls_handshake`."},
    {.path = "routes[].timeouts.send", .type = Duration, .max = kDay, .text = "As `origins.*.timeouts.send`."},
    {.path = "routes[].timeouts.response_head",
     .type = Duration,
     .max = kDay,
     .text = "As `origins.*.timeouts.response_head`."},
    {.path = "routes[].timeouts.response_idle",
     .type = Duration,
     .max = kDay,
     .text = "As `origins.*.timeouts.response_idle`."},
    {.path = "routes[].timeouts.exchange", .type = Duration, .max = kDay, .text = "As `origins.*.timeouts.exchange`."},
    {.path = "routes[].limits", .type = Section, .text = "Limits of this route, instead of the general ones."},
    {.path = "routes[].limits.request_body",
     .type = Size,
     .min = 1,
     .max = kTebi * kKibi,
     .text = "As `limits.request_body`."},
    {.path = "routes[].limits.paths",
     .type = Word,
     .words = "refuse|normalize",
     .text = "As `limits.paths`; the route that the normal form leads to decides."},
    {.path = "routes[].rate_limit",
     .type = Section,
     .text = "How many requests are forwarded; more get 429, with the seconds to wait in Retry-After. One "
             "count for all workers. Requests that another rule refuses do not count."},
    {.path = "routes[].rate_limit.requests",
     .type = Integer,
     .required = true,
     .min = 1,
     .max = 1'000'000,
     .text = "Number of requests allowed per `per`."},
    {.path = "routes[].rate_limit.per",
     .type = Duration,
     .fallback = "1s",
     .min = 1,
     .max = kDay,
     .text = "The period."},
    {.path = "routes[].rate_limit.burst",
     .type = Integer,
     .min = 1,
     .max = 1'000'000,
     .text = "Burst size; it refills one by one, at the rate of `requests`. Default: the same as `requests`."},
    {.path = "routes[].rate_limit.key",
     .type = Word,
     .fallback = "client_address",
     .words = "client_address|route",
     .text = "What has a count of its own: each client address, as in `clients` (for IPv6, each /64), or the route as "
             "a whole."},
    {.path = "routes[].rate_limit.max_keys",
     .type = Integer,
     .fallback = "16384",
     .min = 64,
     .max = 16'777'216,
     .text = "Clients remembered at once, 16 bytes each. When more are active, those that used least of their limit "
             "are forgotten first."},
    {.path = "routes[].auth",
     .type = SectionOrBoolean,
     .fallback = "false",
     .text = "Who may use the route; checked last, after all its other rules. `basic` or `forward`, not both: where "
             "one is the route's own and the other from `defaults`, the route's own counts. `false`: everybody, "
             "whatever `defaults.route.auth` says."},
    {.path = "routes[].auth.basic",
     .type = Section,
     .text = "Name and password (RFC 7617); others get 401. Over plain HTTP anybody on the way can read them: see "
             "`requires.tls`. The origin does not get the Authorization field unless `request_headers.keep` names it. "
             "After ten failures in a minute a client gets 429: [security.md](security.md)."},
    {.path = "routes[].auth.basic.users_file",
     .type = File,
     .required = true,
     .text = "The users, one per line, as `htpasswd -B` writes them: bcrypt (`$2y$`, `$2b$`) or SHA-512 crypt (`$6$`). "
             "A changed file takes effect within seconds, without a reload."},
    {.path = "routes[].auth.basic.realm",
     .fallback = "restricted",
     .text =
         "What a browser shows when it asks for the password; routes of a host with the same realm share one login."},
    {.path = "routes[].auth.forward",
     .type = Section,
     .text =
         "Ask a login service about each request: [login.md](login.md). An answer 2xx lets it pass; any other up to "
         "499 is the client's answer; if there is none that can be used, the client gets 503 "
         "(`login_service_failed`)."},
    {.path = "routes[].auth.forward.url",
     .required = true,
     .text = "The login service's URL, `http://` or `https://`, with path and query. If an endpoint in `origins` has "
             "its scheme, host and port, that origin's settings count (`timeouts`, `tls`, `limits`, `keep_alive`, "
             "`retry`), else those of `defaults.origin`."},
    {.path = "routes[].auth.forward.request_headers",
     .type = List,
     .text =
         "Names of the request's fields that the login service gets. Default: `Accept`, `Authorization`, `Cookie`."},
    {.path = "routes[].auth.forward.request_headers[]", .text = "A field name."},
    {.path = "routes[].auth.forward.response_headers",
     .type = List,
     .text = "Names of fields that the origin gets from the login service's answer, such as `X-User`. The client's own "
             "fields of these names never reach the origin."},
    {.path = "routes[].auth.forward.response_headers[]", .text = "A field name."},
    {.path = "routes[].upgrade",
     .type = Boolean,
     .fallback = "true",
     .text = "Whether a connection may become a tunnel, as with WebSocket. `false`: requests for it get 403."},
    {.path = "routes[].respond",
     .type = Section,
     .text = "Instead of `origin`: a fixed answer, for maintenance or for what is gone. Fields that its status "
             "demands, such as `Location` or `WWW-Authenticate`, come from `response_headers`; unless it is set there, "
             "the `Allow` of a 405 is empty, which means that the resource takes no method."},
    {.path = "routes[].respond.status",
     .type = Integer,
     .fallback = "503",
     .min = 200,
     .max = 599,
     .text = "The status code. 444 closes the connection without a byte."},
    {.path = "routes[].respond.retry_after",
     .type = Duration,
     .max = 366 * kDay,
     .text = "Retry-After, in whole seconds. Default, and 0: none."},
    {.path = "routes[].respond.upgrade",
     .text = "With status 426, which must name them: the protocols to change to, such as `websocket`. To demand TLS or "
             "HTTP/1.1, use `requires`."},
    {.path = "routes[].respond.body",
     .text = "The answer's text, of one line or several, with [variables](variables.md). It is `text/plain` unless "
             "`response_headers` sets another Content-Type, which also decides how values are escaped (for HTML, XML "
             "or JSON)."},
    {.path = "routes[].respond.page",
     .pattern = "^[A-Za-z0-9_-]{1,64}$",
     .text =
         "Instead of `body`: a page of `diagnostics.pages` by its name, such as `maintenance`, for clients that ask "
         "for HTML; others get the status in their own form."},

    {.path = "limits", .type = Section, .text = "Limits for clients."},
    {.path = "limits.request_head",
     .type = Size,
     .fallback = "32KiB",
     .min = 256,
     .max = kGibi,
     .text = "The largest request head accepted; the request line, or one field, may take all of it."},
    {.path = "limits.fields",
     .type = Integer,
     .fallback = "256",
     .max = 1'000'000,
     .text = "The most fields in a head, of requests and of origins' responses. 0: no limit."},
    {.path = "limits.request_body",
     .type = Size,
     .fallback = "0",
     .min = 1,
     .max = kTebi * kKibi,
     .text = "The largest request body accepted."},
    {.path = "limits.connections",
     .type = Integer,
     .fallback = "10000",
     .min = 1,
     .max = 10'000'000,
     .text = "Client connections, over all workers. When all are taken, the one that has been idle longest gives way "
             "to a newcomer; if none is idle, the newcomer is answered 503."},
    {.path = "limits.connections_per_client",
     .type = Integer,
     .fallback = "1000",
     .max = 10'000'000,
     .text = "How many of these one client address may have (IPv6: one /64); more are answered 429. Does not apply to "
             "`trusted_proxies`, loopback addresses and unix sockets; with a PROXY header, the address that it names "
             "counts. 0: no limit."},
    {.path = "limits.handshakes",
     .type = Integer,
     .fallback = "256",
     .max = 1'000'000,
     .text = "TLS handshakes with clients at once, over all workers; more wait, unread, for a place. One that is not "
             "finished after a second gives way to those that wait. 0: no limit."},
    {.path = "limits.handshakes_per_client",
     .type = Integer,
     .fallback = "32",
     .max = 1'000'000,
     .text = "How many of these one client address may have (IPv6: one /64); more wait. Does not apply to "
             "`trusted_proxies`. 0: no limit."},
    {.path = "limits.memory",
     .type = Size,
     .fallback = "0",
     .min = 16 * kMebi,
     .max = kTebi * kKibi,
     .text = "Memory that this process may use. Above 85 % of it new requests are answered 503 "
             "(`proxy_memory_exhausted`), idle connections are closed and bodies are not read any further. 0: the "
             "process's own limit, if it has one (RLIMIT_AS, or that of its control group)."},
    {.path = "limits.paths",
     .type = Word,
     .fallback = "refuse",
     .words = "refuse|normalize",
     .text = "What happens to a path that servers read differently, if that matters to a route: `refuse` answers 400 "
             "(`client_target_ambiguous`), `normalize` forwards the normal form. See [paths.md](paths.md)."},
    {.path = "limits.underscores",
     .type = Word,
     .fallback = "shadows",
     .words = "shadows|drop|pass|refuse",
     .text = "Field names with `_`, which many programs read as `-`. `shadows`: dropped if the name with `-` is one "
             "that gatewhy or the route sets, removes, trusts or frames by, or that the request has as well; `drop`: "
             "all of them are dropped; `refuse`: 400. `Transfer_Encoding` and `Content_Length` are always dropped. See "
             "[headers.md](headers.md)."},
    {.path = "limits.client_head_timeout",
     .type = Duration,
     .fallback = "10s",
     .max = kDay,
     .text = "Limit for the whole request head."},
    {.path = "limits.client_body_timeout",
     .type = Duration,
     .fallback = "30s",
     .max = kDay,
     .text = "How long, while gatewhy waits for the client, no byte of the request body may come, or the client's TCP "
             "may acknowledge none of the response. The connection is closed at most five seconds later. 0: forever."},
    {.path = "limits.client_minimum_rate",
     .type = Size,
     .fallback = "16B",
     .max = kGibi,
     .text =
         "Bytes a second, on average over `client_body_timeout`, that a client must send of a body or take of a "
         "response while gatewhy waits for it. A slower client is disconnected (`client_too_slow`). 0: no minimum."},
    {.path = "limits.client_idle_timeout",
     .type = Duration,
     .fallback = "75s",
     .max = kDay,
     .text = "How long a connection may be idle between two requests."},
    {.path = "limits.client_keepalive_requests",
     .type = Integer,
     .fallback = "0",
     .max = 1'000'000'000,
     .text =
         "How many requests one connection may carry. The last one's answer says `Connection: close` on HTTP/1.1; on "
         "HTTP/2, GOAWAY comes in two steps, and requests that are under way are served. 0: no limit."},
    {.path = "limits.client_keepalive_time",
     .type = Duration,
     .fallback = "1h",
     .max = kDay,
     .text = "How old a connection may become until its next request is its last, told as by "
             "`limits.client_keepalive_requests`. Up to a tenth less, differently for each connection, so that not all "
             "that began together end together. 0: no limit."},
    {.path = "limits.client_abort",
     .type = Word,
     .fallback = "probe",
     .words = "probe|cancel|finish",
     .text =
         "What it means if a client closes its sending side (FIN) while it waits: it may have left, or it may just "
         "have sent everything. `probe` finds out: before the response has begun, an HTTP/1.1 client is sent `100 "
         "Continue`, which every client skips, and again after ten seconds; one that has left answers with a "
         "reset, and its request at the origin is cancelled (`client_closed_request`). Once the response has "
         "begun, its bytes are the probe; if there are none for five seconds, the client is taken to have left. For "
         "an HTTP/1.0 client, gatewhy waits to the end. `cancel`: whoever sends FIN has left. `finish`: every request "
         "is carried out to its end."},

    {.path = "trusted_proxies",
     .type = List,
     .fallback = "[]",
     .text = "Addresses whose X-Forwarded-*, Forwarded, X-Request-ID and traceparent are trusted: addresses and blocks "
             "such "
             "as `10.0.0.0/8` or `2001:db8::/32`."},
    {.path = "trusted_proxies[]", .text = "An address or a block."},

    {.path = "dns", .type = Section, .text = "How the endpoints' names are resolved."},
    {.path = "dns.servers",
     .type = List,
     .fallback = "[]",
     .text = "DNS servers: `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53`. Empty: the system's."},
    {.path = "dns.servers[]", .text = "An address, with a port if it is not 53."},
    {.path = "dns.hosts_file", .type = Boolean, .fallback = "true", .text = "Look into /etc/hosts first."},
    {.path = "dns.search",
     .type = Boolean,
     .fallback = "true",
     .text = "Honour the search list and `ndots` of /etc/resolv.conf: `http://shop:8080` finds "
             "`shop.default.svc.cluster.local` in Kubernetes. A name with a final dot (`http://shop.example.:8080`) is "
             "complete and is looked up as it is. The event says which name was looked up."},
    {.path = "dns.stale",
     .type = Duration,
     .fallback = "1h",
     .max = 7 * kDay,
     .text = "How long a name's addresses are used past their TTL while DNS times out, fails or refuses, if one of "
             "them has accepted a connection before. Requests do not wait meanwhile; DNS is asked again every 5 s. If "
             "DNS says that the name or its addresses do not exist, that counts at once. 0: not at all."},

    {.path = "diagnostics", .type = Section, .text = "How failures are reported."},
    {.path = "diagnostics.profile",
     .type = Word,
     .fallback = "extended",
     .words = "extended|standard",
     .text = "`extended`: 520 to 526 distinguish what failed at the origin. `standard`: codes of RFC 9110 only."},
    {.path = "diagnostics.statuses", .type = Map, .text = "The status to send for a cause, instead of the profile's."},
    {.path = "diagnostics.statuses.*", .type = Integer, .min = 400, .max = 599, .text = "A status code."},
    {.path = "diagnostics.disclose",
     .type = Word,
     .fallback = "cause",
     .words = "none|cause|evidence",
     .text = "How much detail clients get: only the status, the cause, or the evidence as well."},
    {.path = "diagnostics.name",
     .fallback = "\"\"",
     .pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{0,64}$",
     .text = "This hop's name in Proxy-Status, Via and CDN-Loop, and in its events (`service.instance.id`). A request "
             "that comes back with it is a loop, so no two gateways in a chain may have the same name. Empty: "
             "`gatewhy-` and 8 hex digits, derived (HMAC) from the machine's id, the configuration's path and the "
             "first listener: the same at every start, and it reveals nothing about the host."},
    {.path = "diagnostics.lint",
     .type = Boolean,
     .fallback = "true",
     .text = "Check responses against what their status code and headers promise, and report violations "
             "as `findings`; see [findings.md](findings.md). Nothing else changes."},
    {.path = "diagnostics.pages",
     .type = Section,
     .text = "Pages of your own instead of the built-in one, and what the built-in one says about the site: "
             "[pages.md](pages.md)."},
    {.path = "diagnostics.pages.directory",
     .type = File,
     .fallback = "\"\"",
     .text = "Directory of HTML pages: `404.html` for a status, `5xx.html` for a class, `maintenance.html` and others "
             "for `respond.page`. They are read and checked when the configuration is loaded. Empty: the built-in page "
             "for all."},
    {.path = "diagnostics.pages.name",
     .fallback = "\"\"",
     .text = "The site's name on the built-in page; `{site_name}` in your own."},
    {.path = "diagnostics.pages.contact",
     .fallback = "\"\"",
     .text = "Whom visitors can ask: a host, a URL, an e-mail address (each becomes a link) or a few words. On the "
             "built-in page and in the plain text; `{contact}` in your own."},

    {.path = "log", .type = Section, .text = "The event log: one JSON object per line."},
    {.path = "log.destination",
     .type = ListOrText,
     .fallback = "stderr",
     .min = 1,
     .text = "`stderr`, `stdout`, `journald`, `syslog` (this machine's), the path of a file (SIGUSR1 reopens it after "
             "rotation), or a place in the network: `syslog://HOST:514` (RFC 5424 over TCP, or `syslog+udp://`), "
             "`nats://HOST:4222` (JetStream, for a fleet), `otlp+http://HOST:4318` or `otlp+https://` "
             "(OpenTelemetry). Or a list of several, each with a queue and a thread of its own: one that is slow "
             "or away holds up neither requests nor the others ([fleet.md](fleet.md))."},
    {.path = "log.destination[]", .type = SectionOrText, .text = "One destination; as text: only where to."},
    {.path = "log.destination[].to", .required = true, .text = "Where to, as above."},
    {.path = "log.destination[].format",
     .type = Word,
     .words = "auto|json|combined|text",
     .text = "As `log.format`, which is the default. The journal, NATS and OpenTelemetry always get JSON."},
    {.path = "log.destination[].credentials",
     .type = File,
     .fallback = "\"\"",
     .text = "For `nats://`: a credentials file as `nsc` writes it (a user's JWT and its nkey seed), or the seed of an "
             "nkey "
             "alone. For `otlp+http://`: "
             "header fields for every request, one `Name: value` a line. Name and password, or a token, can also be "
             "in the URL: `nats://${USER}:${PASSWORD}@HOST`."},
    {.path = "log.destination[].tls",
     .type = Section,
     .text = "TLS for `nats://` (`tls://` asks for it as well) and `otlp+https://`. The server's certificate is always "
             "verified."},
    {.path = "log.destination[].tls.ca_file",
     .type = File,
     .fallback = "\"\"",
     .text = "PEM file of authorities. Empty: the system's."},
    {.path = "log.destination[].tls.certificate",
     .type = File,
     .fallback = "\"\"",
     .text = "PEM file: our certificate, for a server that asks for one."},
    {.path = "log.destination[].tls.key", .type = File, .fallback = "\"\"", .text = "PEM file: its private key."},
    {.path = "log.destination[].spool",
     .type = Section,
     .text = "Where events wait while the destination is away. What does not fit is dropped and counted "
             "(`gatewhy_log_dropped_total`), and the destination is told how many as soon as it is back."},
    {.path = "log.destination[].spool.directory",
     .type = File,
     .fallback = "\"\"",
     .text = "For a destination in the network: a directory of its own, in which events are written before they are "
             "sent, and from which they are sent after a restart. Empty: events wait in memory."},
    {.path = "log.destination[].spool.size",
     .type = Size,
     .min = 64 * kKibi,
     .max = kTebi,
     .text = "How much may wait. Default: 8 MiB in memory, 1 GiB on disk."},
    {.path = "log.destination[].stop_timeout",
     .type = Duration,
     .min = 1,
     .max = kDay,
     .text = "How long, when gatewhy stops, the destination may take nothing until the events that are left are given "
             "up. Default: 5 seconds for one in the network, since a cluster may be choosing another leader; 1 second "
             "for others, and with `spool.directory`, where they stay."},
    {.path = "log.destination[].sample", .type = Section, .text = "As `log.sample`, for this destination."},
    {.path = "log.destination[].sample.success",
     .type = Percent,
     .fallback = "100%",
     .max = 100,
     .text = "As `log.sample.success`, which is the default."},
    {.path = "log.format",
     .type = Word,
     .fallback = "auto",
     .words = "auto|json|combined|text",
     .text = "`json`: one object per line (docs/events.md). `combined`: the access log format of Apache and nginx, for "
             "the tools that read it; it has no diagnosis, and events other than exchanges are comment lines. `text`: "
             "one line per request, for people. `auto`: `text` if standard error is a terminal and gatewhy runs "
             "without a configuration file, otherwise `json`."},
    {.path = "log.sample", .type = Section, .text = "What may be left out of the log. Metrics count every exchange."},
    {.path = "log.sample.success",
     .type = Percent,
     .fallback = "100%",
     .max = 100,
     .text = "The share of uneventful exchanges that is logged: those that succeeded at the first try and without a "
             "finding. Failures, retries and findings are always logged."},
    {.path = "log.redact",
     .type = Section,
     .text = "Values that are written as `…`, in the log and wherever else an exchange is shown: the admin API, the "
             "live page, `why`, `report`, evidence on error pages."},
    {.path = "log.redact.query",
     .type = List,
     .fallback =
         "[\"*token*\", \"*key*\", \"*secret*\", \"*password*\", passwd, pwd, pass, \"*signature*\", sig, code, "
         "auth, \"*credential*\", \"*session*\", sid, \"*jwt*\", otp, ticket, \"*sessid*\", \"saml*\", "
         "\"*assertion*\", \"*csrf*\", \"*bearer*\", \"*verifier*\", device_code, hmac, pin, cvv, cvc]",
     .text = "Parameters of the query (and of the path, after a `;`), by name; `*` stands for any characters, and case "
             "does not matter. A list of your own replaces this one; `[]` hides nothing."},
    {.path = "log.redact.query[]", .text = "One name."},
    {.path = "log.redact.headers",
     .type = List,
     .fallback = "[]",
     .text = "Header fields whose values are hidden in excerpts, by name, as above. Always hidden as well: "
             "`Authorization`, `Proxy-Authorization`, `Cookie`, `Set-Cookie`, and names that contain `token`, "
             "`secret`, `password`, `credential` or `api-key`."},
    {.path = "log.redact.headers[]", .text = "One name."},
    {.path = "log.exchanges",
     .type = Word,
     .fallback = "all",
     .words = "all|failures",
     .text = "Which exchanges are logged."},
    {.path = "log.level",
     .type = Word,
     .fallback = "info",
     .words = "debug|info|warn|error",
     .text = "Minimum severity to log."},

    {.path = "admin", .type = Section, .text = "The administration listener."},
    {.path = "admin.address",
     .fallback = "127.0.0.1:9180",
     .text =
         "Where health, metrics, the JSON API and the live page are served: a loopback address with a port, "
         "`unix:/run/gatewhy/admin.sock`, or `systemd:NAME`. Empty or `off`: nowhere. If the default is taken "
         "by another program, gatewhy logs that and starts without it; an explicitly configured address must be free."},
    {.path = "admin.allow_public",
     .type = Boolean,
     .fallback = "false",
     .text = "Accept an address that other machines can reach. There is no password: something in front must decide "
             "who may use it."},
    {.path = "admin.hosts",
     .type = List,
     .text = "Names by which the admin listener is reached. `localhost` and IP addresses always are; any other name in "
             "`Host` is refused, so that no web page can reach it through a name of its own (DNS rebinding)."},
    {.path = "admin.hosts[]", .text = "One host name."},

    {.path = "secrets", .type = Section, .text = "Keys that gatewhy signs with."},
    {.path = "secrets.file",
     .type = File,
     .text = "A file of keys, 32 bytes or more a line (`openssl rand -hex 32`), the same on every instance of a fleet. "
             "The first key signs, all verify, so that a new one is put in front. It signs the cookies of `sticky`. If "
             "omitted: a key is made in the state directory when it is needed."},
    {.path = "drain", .type = Section, .text = "A graceful stop."},
    {.path = "drain.delay",
     .type = Duration,
     .fallback = "0",
     .max = kDay,
     .text = "How long to keep serving after /readyz has started to fail, so that load balancers can take this "
             "instance out."},
    {.path = "drain.timeout",
     .type = Duration,
     .fallback = "30s",
     .max = kDay,
     .text = "How long running exchanges may take to finish."},
});

}  // namespace rows

using rows::kRows;

}  // namespace

std::span<const SchemaRow> schemaRows() noexcept {
  return kRows;
}

const SchemaRow* schemaRow(std::string_view path) noexcept {
  for (const SchemaRow& row : kRows) {
    if (row.path == path) {
      return &row;
    }
  }
  return nullptr;
}

std::string_view parentPath(std::string_view path) noexcept {
  if (path.ends_with("[]")) {
    return path.substr(0, path.size() - 2);
  }
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
}

std::string_view lastPart(std::string_view path) noexcept {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

std::string_view localName(std::string_view path) noexcept {
  const std::string_view whole = path;
  for (const std::string_view step : {std::string_view("[]."), std::string_view("*.")}) {
    const std::size_t at = path.rfind(step);
    if (at != std::string_view::npos) {
      path.remove_prefix(at + step.size());
    }
  }
  while (path.ends_with("[]") || path.ends_with(".*")) {
    path.remove_suffix(2);
  }
  return path.empty() ? whole : path;
}

std::vector<std::string_view> schemaKeys(std::string_view path) {
  std::vector<std::string_view> keys;
  for (const SchemaRow& row : kRows) {
    if (!row.path.ends_with("[]") && !row.path.ends_with("*") && parentPath(row.path) == path) {
      keys.push_back(lastPart(row.path));
    }
  }
  return keys;
}

std::vector<std::string_view> sectionsWithKey(std::string_view key) {
  std::vector<std::string_view> sections;
  for (const SchemaRow& row : kRows) {
    if (!row.path.ends_with("[]") && !row.path.ends_with("*") && lastPart(row.path) == key) {
      sections.push_back(parentPath(row.path));
    }
  }
  return sections;
}

std::vector<std::string_view> splitWords(std::string_view words) {
  std::vector<std::string_view> out;
  while (!words.empty()) {
    const std::size_t bar = words.find('|');
    out.push_back(words.substr(0, bar));
    words = bar == std::string_view::npos ? std::string_view{} : words.substr(bar + 1);
  }
  return out;
}

}  // namespace gatewhy
