// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/demo_origin.h"

#include <fmt/core.h>

#include <array>

namespace gatewhy {
namespace {

constexpr const char* kName = "demo.gatewhy.internal";

enum class DemoProtocol { Http1, Http2, Grpc };

struct PathFault {
  DemoProtocol protocol;
  const char* path;
  const char* script;
  const char* description;
};
constexpr std::array kPathFaults = {
#define DEMO_FAULT(protocol, path, script, description) PathFault{DemoProtocol::protocol, path, script, description},
#include "daemon/demo/demo_faults.def"
#undef DEMO_FAULT
};

// Faults that a whole origin has, by the route that leads to it.
constexpr std::array kRouteFaults = {
    DemoOrigin::Fault{"/refused/", "connection_refused: nothing listens there"},
    DemoOrigin::Fault{"/blackhole/", "connection_timeout: the SYN goes unanswered"},
    DemoOrigin::Fault{"/dns/", "dns_nxdomain: the origin's name does not exist"},
    DemoOrigin::Fault{"/no-socket/", "unix_socket_missing: the socket file is not there"},
    DemoOrigin::Fault{"/tls/", "a good answer over TLS"},
    DemoOrigin::Fault{"/tls-expired/", "tls_certificate_expired"},
    DemoOrigin::Fault{"/tls-name/", "tls_certificate_name_mismatch"},
    DemoOrigin::Fault{"/tls-self-signed/", "tls_certificate_self_signed"},
    DemoOrigin::Fault{"/not-tls/", "tls_handshake_timeout: plain HTTP waits where TLS was expected"},
    DemoOrigin::Fault{"/not-h2/", "h2_protocol_error: HTTP/1.1 answers where HTTP/2 was expected"},
    DemoOrigin::Fault{"/maintenance/", "a fixed 503, which is not a failure"},
};

std::string welcomePage() {
  std::string rows;
  for (const DemoOrigin::Fault& fault : DemoOrigin::faults()) {
    const std::string path = fmt::format("<code>{}</code>", fault.path);
    rows += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n",
                        fault.call ? path : fmt::format("<a href=\"{}\">{}</a>", fault.path, path), fault.description);
  }
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>gatewhy demo</title>\n"
      "<style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;margin:2rem "
      "auto;max-width:52rem;"
      "padding:0 1rem}}td{{padding:.15rem 1rem .15rem 0;vertical-align:top;overflow-wrap:anywhere}}"
      "td:first-child{{white-space:nowrap}}</style></head>\n"
      "<body><h1>An origin that fails on demand</h1>\n"
      "<p>This page came through gatewhy from the demo origin. Follow a link to see a failure and how it is "
      "explained; the log in the terminal has the evidence. What has no link is a call of gRPC; the terminal shows one "
      "made with curl.</p>\n<table>\n{}</table></body></html>\n",
      rows);
}

Script welcomeScript() {
  Step respond;
  respond.kind = StepKind::Respond;
  respond.count = 200;
  respond.text = welcomePage();
  return {respond};
}

Script scriptFor(std::string_view text) {
  Result<Script, ScriptError> script = parseScript(text);
  return script ? script.value() : Script{};  // the texts are ours; a unit test parses every one
}

std::map<std::string, Script> scriptsByPath(bool http2) {
  std::map<std::string, Script> scripts;
  for (const PathFault& fault : kPathFaults) {
    if ((fault.protocol != DemoProtocol::Http1) != http2) {
      continue;
    }
    // The body first, so that it is not taken for the next request.
    Script script = scriptFor("read_body");
    const Script rest = scriptFor(fault.script);
    script.insert(script.end(), rest.begin(), rest.end());
    scripts[fault.path] = std::move(script);
  }
  return scripts;
}

std::map<std::string, Script> http1Scripts() {
  std::map<std::string, Script> scripts = scriptsByPath(false);
  scripts["/"] = welcomeScript();
  // What has no path is not HTTP/1.1, such as the preface of HTTP/2.
  scripts[""] =
      scriptFor(R"(send "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", close)");
  return scripts;
}

// Starts peers one after the other; the first failure sticks.
class PeerStarter {
 public:
  explicit PeerStarter(const TlsFiles& files) : files_(files) {}

  std::unique_ptr<ScriptPeer> start(std::string_view script, ScriptPeerOptions options = {}) {
    options.scripts = {scriptFor(script)};
    options.tls_files = files_;
    Result<std::unique_ptr<ScriptPeer>, std::string> peer = ScriptPeer::start(std::move(options));
    if (!peer) {
      error_ = error_.empty() ? peer.error() : error_;
      return nullptr;
    }
    return std::move(peer).value();
  }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  const TlsFiles& files_;
  std::string error_;
};

std::string tlsScript(std::string_view identity) {
  return fmt::format(R"(tls cert={}, read_head, read_body, respond 200 "All is well, over TLS.\n", again)", identity);
}

}  // namespace

Result<std::unique_ptr<DemoOrigin>, std::string> DemoOrigin::start() {
  std::unique_ptr<DemoOrigin> demo(new DemoOrigin);
  Result<std::unique_ptr<DemoCertificates>, std::string> certificates = DemoCertificates::create(kName);
  if (!certificates) {
    return Failure{certificates.error()};
  }
  demo->certificates_ = std::move(certificates).value();
  PeerStarter peers(demo->certificates_->files());
  ScriptPeerOptions by_path;
  by_path.by_path = http1Scripts();
  demo->by_path_ = peers.start("by_path, again", std::move(by_path));
  ScriptPeerOptions http2;
  http2.by_path = scriptsByPath(true);
  demo->http2_ = peers.start("h2, by_path, again", std::move(http2));
  ScriptPeerOptions closed;
  closed.listens = false;
  demo->closed_ = peers.start("", std::move(closed));
  ScriptPeerOptions full;
  full.accepts = false;
  full.backlog = 0;
  demo->full_ = peers.start("", std::move(full));
  demo->tls_ = peers.start(tlsScript("default"));
  demo->expired_ = peers.start(tlsScript("expired"));
  demo->wrong_name_ = peers.start(tlsScript("wrong-name"));
  demo->self_signed_ = peers.start(tlsScript("self-signed"));
  if (!peers.error().empty()) {
    return Failure{peers.error()};
  }
  demo->full_->fillQueue();
  return demo;
}

std::vector<DemoOrigin::Fault> DemoOrigin::faults() {
  std::vector<Fault> faults;
  faults.reserve(std::size(kPathFaults) + std::size(kRouteFaults));
  for (const PathFault& fault : kPathFaults) {
    faults.push_back({fault.path, fault.description, fault.protocol == DemoProtocol::Grpc});
  }
  faults.insert(faults.end(), std::begin(kRouteFaults), std::end(kRouteFaults));
  return faults;
}

std::string DemoOrigin::configYaml(const std::string& from) const {
  std::string yaml = fmt::format(
      "listeners: [{{address: \"{}\", http2: true}}]\ndiagnostics: {{disclose: evidence}}\n"
      "drain: {{timeout: 1s}}\norigins:\n",
      from);
  std::string routes = "routes:\n";
  const auto add = [&](const char* path, std::string_view origin, const std::string& url, std::string_view extra = "") {
    yaml += fmt::format(
        "  {}:\n    endpoints: [\"{}\"]\n    timeouts: {{resolve: 2s, connect: 2s, tls_handshake: 2s, send: 3s, "
        "response_head: 3s, response_idle: 3s}}\n{}",
        origin, url, extra);
    routes += fmt::format("  - {{path: \"{}\", origin: {}}}\n", path, origin);
  };
  const std::string tls =
      fmt::format("    tls: {{ca_file: \"{}\", server_name: {}}}\n", certificates_->authorityFile(), kName);
  const auto url = [](std::string_view scheme, const std::unique_ptr<ScriptPeer>& peer) {
    return fmt::format("{}://{}", scheme, peer->address().text());
  };
  add("/refused/", "refused", url("http", closed_));
  add("/blackhole/", "blackhole", url("http", full_));
  add("/dns/", "dns", "http://no-such-host.invalid:80");
  add("/no-socket/", "no-socket", "unix:/nonexistent/gatewhy-demo.sock");
  add("/tls/", "tls", url("https", tls_), tls);
  add("/tls-expired/", "tls-expired", url("https", expired_), tls);
  add("/tls-name/", "tls-name", url("https", wrong_name_), tls);
  add("/tls-self-signed/", "tls-self-signed", url("https", self_signed_), tls);
  add("/not-tls/", "not-tls", url("https", by_path_), tls);
  add("/h2/", "h2", url("h2c", http2_));
  add("/grpc/", "grpc", url("h2c", http2_));
  add("/not-h2/", "not-h2", url("h2c", by_path_));
  routes += "  - {path: /maintenance/, respond: {status: 503, retry_after: 120s}}\n";
  add("/", "demo", url("http", by_path_));
  return yaml + routes;
}

}  // namespace gatewhy
