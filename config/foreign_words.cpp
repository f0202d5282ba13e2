// SPDX-License-Identifier: Apache-2.0
#include "config/foreign_words.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace gatewhy {
namespace {

struct ForeignLines {
  bool statement = false;  // a line that ends with ';'
  bool nginx_block = false;
  bool haproxy_section = false;
  bool caddy_directive = false;
  bool traefik = false;
  bool http_section = false;  // "http:" at the beginning of a line
  bool envoy = false;
  bool apache = false;
};

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  return line.substr(0, line.find_last_not_of(kBlanks) + 1);
}

bool startsWithAny(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [text](std::string_view word) { return text.starts_with(word); });
}

void lookAt(std::string_view line, ForeignLines& seen) {
  const std::string_view words = trimmed(line);
  if (words.empty() || words.front() == '#') {
    return;
  }
  const bool opens = words.ends_with('{');
  seen.statement = seen.statement || words.ends_with(';');
  seen.nginx_block =
      seen.nginx_block ||
      (opens && startsWithAny(words, {"server ", "server{", "http ", "http{", "upstream ", "location ", "events "}));
  seen.haproxy_section =
      seen.haproxy_section ||
      (line.front() != ' ' && words.find(':') == std::string_view::npos &&
       startsWithAny(words, {"frontend ", "backend ", "listen ", "defaults"}) && !opens && !words.ends_with(';'));
  seen.caddy_directive =
      seen.caddy_directive || startsWithAny(words, {"reverse_proxy ", "php_fastcgi ", "file_server", "handle_path "});
  seen.envoy = seen.envoy || startsWithAny(line, {"static_resources:", "dynamic_resources:"});
  seen.apache = seen.apache || startsWithAny(words, {"<VirtualHost", "ProxyPass ", "<Location"});
  seen.traefik =
      seen.traefik ||
      startsWithAny(line, {"entryPoints:", "[entryPoints", "[http.routers", "[http.services", "[providers"}) ||
      (seen.http_section && startsWithAny(words, {"routers:", "services:", "middlewares:"}));
  seen.http_section = seen.http_section || line.starts_with("http:");
}

struct KeyHint {
  std::string_view key;
  std::string_view hint;
};

// Keys that people bring along, and what to write instead. Keys that gatewhy
// has elsewhere in the file find their place by themselves.
constexpr auto kKeyHints = std::to_array<KeyHint>({
    {"backend", "write 'origins'"},
    {"backends", "write 'origins'"},
    {"basic_auth", "write 'auth' in a route"},
    {"forward_auth", "write 'auth: {forward: …}' in a route"},
    {"basicauth", "write 'auth' in a route"},
    {"bind", "write 'listeners'"},
    {"cache", "gatewhy caches nothing"},
    {"clusters", "write 'origins'"},
    {"compress", "gatewhy does not compress; let the origin do it"},
    {"encode", "gatewhy does not compress; let the origin do it"},
    {"entryPoints", "write 'listeners'"},
    {"error_page", "see 'diagnostics.pages'"},
    {"error_pages", "see 'diagnostics.pages'"},
    {"frontend", "write 'listeners' and 'routes'"},
    {"gzip", "gatewhy does not compress; let the origin do it"},
    {"health_check", "write 'health' in an origin"},
    {"healthcheck", "write 'health' in an origin"},
    {"http", "listeners, origins and routes are keys of the top level"},
    {"keepalive", "write 'keep_alive' in an origin"},
    {"listen", "write 'listeners'"},
    {"load_balancing", "write 'balance' in an origin"},
    {"location", "write 'routes' with 'path'"},
    {"locations", "write 'routes' with 'path'"},
    {"middlewares", "write what they do into the route itself"},
    {"proxy_connect_timeout", "write 'timeouts.connect' in an origin"},
    {"proxy_pass", "write 'origin' in a route"},
    {"proxy_read_timeout", "write 'timeouts.response_head' in an origin"},
    {"proxy_set_header", "write 'request_headers.set' in a route"},
    {"proxy_send_timeout", "write 'timeouts.send' in an origin"},
    {"return", "write 'respond' or 'redirect' in a route"},
    {"reverse_proxy", "write 'origins' and 'routes'"},
    {"root", "gatewhy serves no files"},
    {"routers", "write 'routes'"},
    {"rules", "write 'routes'"},
    {"server", "write 'listeners', 'origins' and 'routes'"},
    {"server_name", "write 'host' in a route"},
    {"server_names", "write 'hosts' in a route"},
    {"servers", "write 'endpoints' in an origin"},
    {"services", "write 'origins'"},
    {"ssl", "write 'tls' in a listener"},
    {"ssl_certificate", "write 'tls.certificates' in a listener"},
    {"ssl_certificate_key", "write 'tls.certificates' in a listener"},
    {"static_resources", "write 'listeners', 'origins' and 'routes'"},
    {"timeout", "write 'timeouts' in an origin"},
    {"upstream", "write 'origins'"},
    {"upstreams", "write 'origins'"},
    {"virtual_hosts", "write 'routes' with 'host'"},
});

}  // namespace

std::string_view foreignProduct(std::string_view text) {
  ForeignLines seen;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    if (end > start) {
      lookAt(text.substr(start, end - start), seen);
    }
    start = end + 1;
  }
  return seen.nginx_block && seen.statement ? "nginx"
         : seen.apache                      ? "Apache"
         : seen.haproxy_section             ? "HAProxy"
         : seen.caddy_directive             ? "Caddy"
         : seen.traefik                     ? "Traefik"
         : seen.envoy                       ? "Envoy"
                                            : "";
}

std::string_view foreignKeyHint(std::string_view key) {
  const auto* const found = std::ranges::find(kKeyHints, key, &KeyHint::key);
  return found == kKeyHints.end() ? std::string_view() : found->hint;
}

}  // namespace gatewhy
