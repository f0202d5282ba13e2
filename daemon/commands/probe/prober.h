// SPDX-License-Identifier: Apache-2.0
// Requests to one URL through the daemon's own connector, attempt and
// classifier: what a probe sees is what the daemon would have seen.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "diagnostics/event.h"
#include "diagnostics/findings.h"
#include "diagnostics/result.h"
#include "proxy/http/h2/h2_origin_session.h"
#include "proxy/http/message.h"
#include "proxy/net/address.h"

namespace gatewhy {

struct ProbeRequest {
  std::string url;
  std::string method = "GET";
  std::vector<std::string> headers;      // "Name: value"; Host, User-Agent and Accept replace our own
  std::vector<std::string> resolve;      // "HOST:PORT:ADDRESS"
  std::string ca_file;                   // empty = the system's roots
  bool insecure = false;                 // accept any certificate
  bool http2 = false;                    // nothing else: by ALPN, or over plain TCP without a word (h2c)
  std::chrono::milliseconds timeout{0};  // whole request, and at most this for each phase; 0 = the daemon's defaults
};

// The TLS session of an answered request.
struct TlsSessionFacts {
  std::string protocol, cipher;      // "TLSv1.3", "TLS_AES_256_GCM_SHA384"
  std::string alpn;                  // that the server chose: "h2"; "" = none
  std::string subject, issuer;       // of the leaf
  std::string not_after;             // RFC 3339
  std::optional<std::int64_t> days;  // until then; negative where it has expired
};

struct ProbeResult {
  std::string event;  // the log event, one line without its newline
  bool answered = false;
  std::optional<Cause> cause;  // where not answered
  std::string peer_address;
  Timings timings;
  std::uint16_t status = 0;
  std::string reason;
  std::vector<std::uint16_t> interims;
  std::vector<std::pair<std::string, std::string>> headers;
  std::uint64_t body_size = 0;
  std::optional<TlsSessionFacts> tls;
  std::optional<H2PeerSettings> http2;  // where that was spoken: what the server's SETTINGS say
  FindingSet findings;                  // of the response lint
};

class Prober {
 public:
  // The error says which part of the request cannot be used.
  [[nodiscard]] static Result<Prober, std::string> create(const ProbeRequest& request);

  // The addresses of the endpoint, IPv6 first; empty where the name did not
  // resolve, which run() then diagnoses.
  [[nodiscard]] std::vector<Address> addresses() const;
  // One request on a fresh connection; blocks. `only`: to this address.
  [[nodiscard]] ProbeResult run(const std::optional<Address>& only = {}) const;

 private:
  Prober() = default;
  ConfigPtr config_;
  RequestHead head_;             // as a client would have sent it
  std::vector<Address> pinned_;  // --resolve
};

}  // namespace gatewhy
