// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet/fleet_page.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

namespace gatewhy {
namespace {

constexpr int kPoll = 250;       // ms
constexpr int kReadWait = 2000;  // ms
constexpr std::size_t kMostRequest = 8192;

constexpr std::string_view kPage = R"page(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>gatewhy fleet</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root{color-scheme:light dark;font:15px/1.45 system-ui,sans-serif}
body{margin:1.5rem auto;max-width:76rem;padding:0 1rem}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:1.8rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid #8884;vertical-align:top}
td.n,th.n{text-align:right}.silent{color:#c22;font-weight:600}.stopped,.draining{color:#a60}.running{color:#283}
code{font-size:.92em}svg{display:block}#age{color:#888}
</style></head><body>
<h1>gatewhy fleet <span id="age"></span></h1>
<h2>Instances</h2><table id="instances"></table>
<h2>Failures by origin and cause</h2><table id="failures"></table>
<h2>Missing events</h2><table id="gaps"></table>
<h2>Latest failures</h2><table id="recent"></table>
<script>
"use strict";
const el=(tag,text,cls)=>{const e=document.createElement(tag);if(text!==undefined)e.textContent=text;if(cls)e.className=cls;return e};
function table(id,heads,rows,none){const t=document.getElementById(id);t.replaceChildren();
  if(!rows.length){t.append(el("caption",none));return}
  const h=el("tr");for(const x of heads)h.append(el("th",x));t.append(h);
  for(const r of rows){const tr=el("tr");for(const c of r){tr.append(c instanceof Element?c:el("td",c))}t.append(tr)}}
function spark(minutes,now){const s=document.createElementNS("http://www.w3.org/2000/svg","svg");s.setAttribute("width",120);s.setAttribute("height",18);
  const max=Math.max(1,...minutes.map(m=>m[1]));const end=Math.floor(now/60);
  for(const [t,n] of minutes){const x=119-2*(end-Math.floor(t/60));if(x<0)continue;const r=document.createElementNS(s.namespaceURI,"rect");
    const h=Math.max(1,17*n/max);r.setAttribute("x",x);r.setAttribute("y",18-h);r.setAttribute("width",1.6);r.setAttribute("height",h);r.setAttribute("fill","#c22");s.append(r)}
  const td=el("td");td.append(s);return td}
const ago=(now,t)=>{const s=Math.max(0,now-t);return s<120?s+" s ago":Math.floor(s/60)+" min ago"};
async function load(){try{const d=await(await fetch("/api/v1/fleet",{cache:"no-store"})).json();
  document.getElementById("age").textContent="as of "+new Date(d.now*1000).toLocaleTimeString();
  table("instances",["name","state","last seen","version","configuration","events","failures","dropped","clock"],d.instances.map(i=>[i.name,el("td",i.state,i.state),ago(d.now,i.last_seen),i.version,i.config_hash,i.events,i.failures,i.dropped,Math.abs(i.clock_skew_ms)<500?"":(i.clock_skew_ms/1000).toFixed(1)+" s"]),"no gatewhy has said anything");
  const names=d.instances.map(i=>i.name);
  table("failures",["origin","cause","last hour","vantage",...names,"last"],d.failures.map(f=>[f.origin||"–",f.cause,spark(f.by_minute,d.now),f.vantage,...names.map(n=>el("td",f.by_instance[n]||"","n")),f.last_summary]),"none");
  table("gaps",["which"],d.gaps.map(g=>[g.words]),"none");
  table("recent",["time","instance","origin","cause","status","request"],d.recent.slice().reverse().map(r=>[r.timestamp,r.instance,r.origin||"–",r.cause,r.status||"–",r.request_id]),"none");
}catch(e){document.getElementById("age").textContent="no answer: "+e.message}setTimeout(load,2000)}
load();
</script></body></html>
)page";

std::string answer(std::string_view status, std::string_view type, std::string_view body) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'\r\nConnection: close\r\n\r\n{}",
      status, type, body.size(), body);
}

// A name that is not this machine's is a page that somebody made resolve to it.
bool fromHere(std::string_view request) {
  const std::size_t at = request.find("\r\nHost: ");
  if (at == std::string_view::npos) {
    return false;
  }
  const std::string_view rest = request.substr(at + 8);
  const std::string_view host = rest.substr(0, rest.find_first_of(":\r"));
  return host == "localhost" || host.starts_with("127.");
}

std::string replyTo(std::string_view request, const std::function<std::string()>& json) {
  if (!request.starts_with("GET ")) {
    return answer("405 Method Not Allowed", "text/plain", "GET only\n");
  }
  if (!fromHere(request)) {
    return answer("421 Misdirected Request", "text/plain", "ask for localhost\n");
  }
  const std::string_view rest = request.substr(4);
  const std::string_view target = rest.substr(0, rest.find_first_of(" ?"));
  if (target == "/") {
    return answer("200 OK", "text/html; charset=utf-8", kPage);
  }
  return target == "/api/v1/fleet" ? answer("200 OK", "application/json", json())
                                   : answer("404 Not Found", "text/plain", "no such page\n");
}

void serveOne(int fd, const std::function<std::string()>& json) {
  std::string request;
  std::array<char, 4096> buffer{};
  while (request.find("\r\n\r\n") == std::string::npos && request.size() < kMostRequest) {
    pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
    const ssize_t got = ::poll(&item, 1, kReadWait) == 1 ? ::recv(fd, buffer.data(), buffer.size(), 0) : 0;
    if (got <= 0) {
      return;
    }
    request.append(buffer.data(), static_cast<std::size_t>(got));
  }
  const std::string reply = replyTo(request, json);
  std::string_view left = reply;
  while (!left.empty()) {
    pollfd item{.fd = fd, .events = POLLOUT, .revents = 0};
    const ssize_t sent = ::poll(&item, 1, kReadWait) == 1 ? ::send(fd, left.data(), left.size(), MSG_NOSIGNAL) : -1;
    if (sent <= 0) {
      return;
    }
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

Result<Fd, std::string> openFleetPage(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in bound{};
  bound.sin_family = AF_INET;
  std::uint16_t port = 0;
  const char* end = address.data() + address.size();
  if (colon == std::string::npos || ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &bound.sin_addr) != 1 ||
      std::from_chars(address.data() + colon + 1, end, port).ptr != end) {
    return Failure{fmt::format("'{}' is not an address to listen on: 127.0.0.1:9181", address)};
  }
  constexpr unsigned kLoopback = 127;
  if (ntohl(bound.sin_addr.s_addr) >> 24U != kLoopback) {
    return Failure{
        fmt::format("'{}' can be reached from other machines, and the page asks for no password; put a "
                    "gatewhy with a login in front of 127.0.0.1:9181",
                    address)};
  }
  bound.sin_port = htons(port);
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  constexpr int kBacklog = 64;
  if (!fd.valid() || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&bound), sizeof bound) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return Failure{fmt::format("cannot listen on {}: {}", address, std::strerror(errno))};
  }
  return fd;
}

std::string fleetPageAddress(int fd) {
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  std::array<char, INET_ADDRSTRLEN> text{};
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
      ::inet_ntop(AF_INET, &bound.sin_addr, text.data(), text.size()) == nullptr) {
    return {};
  }
  return fmt::format("{}:{}", text.data(), ntohs(bound.sin_port));
}

void serveFleetPage(int fd, const std::function<std::string()>& json, const std::atomic<bool>& stop) {
  while (!stop.load(std::memory_order_relaxed)) {
    pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&item, 1, kPoll) != 1) {
      continue;
    }
    const Fd connection(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.valid()) {
      serveOne(connection.get(), json);
    }
  }
}

}  // namespace gatewhy
