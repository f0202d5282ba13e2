// SPDX-License-Identifier: Apache-2.0
#include "config/log_place.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "config/url.h"
#include "diagnostics/nearest.h"

namespace gatewhy {
namespace {

struct LogScheme {
  std::string_view scheme;
  LogKind kind;
  std::uint16_t port;
};
constexpr std::array<LogScheme, 7> kLogSchemes{{{"syslog", LogKind::SyslogTcp, 514},
                                                {"syslog+tcp", LogKind::SyslogTcp, 514},
                                                {"syslog+udp", LogKind::SyslogUdp, 514},
                                                {"nats", LogKind::Nats, 4222},
                                                {"tls", LogKind::Nats, 4222},
                                                {"otlp+http", LogKind::Otlp, 4318},
                                                {"otlp+https", LogKind::Otlp, 4318}}};

const LogScheme* logScheme(std::string_view name) {
  for (const LogScheme& known : kLogSchemes) {
    if (known.scheme == name) {
      return &known;
    }
  }
  return nullptr;
}

struct Place {
  std::string login;  // "user:password@", or empty
  HostPort at;
  std::string path;
};

// "LOGIN@HOST:PORT/PATH"
Result<Place, std::string> parsePlace(std::string_view text) {
  Place place;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    place.path = text.substr(slash);
    text = text.substr(0, slash);
  }
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    place.login = text.substr(0, at + 1);
    text = text.substr(at + 1);
  }
  auto host = splitHostPort(text);
  if (!host) {
    return Failure{host.error()};
  }
  place.at = std::move(host).value();
  if (auto complaint = hostComplaint(place.at.host); !complaint.empty()) {
    return Failure{std::move(complaint)};
  }
  if (place.at.port && *place.at.port == 0) {
    return Failure{std::string("'0' is not a port (1 to 65535)")};
  }
  return place;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

// NATS takes several servers of one cluster: "nats://a:4222,nats://b:4222".
Result<LogPlace, std::string> parseServers(std::string_view text) {
  LogPlace made{.kind = LogKind::Nats};
  for (;;) {
    const std::size_t comma = text.find(',');
    std::string_view one = text.substr(0, comma);
    const std::size_t mark = one.find("://");
    const LogScheme* scheme = mark == std::string_view::npos ? logScheme("nats") : logScheme(one.substr(0, mark));
    if (scheme == nullptr || scheme->kind != LogKind::Nats) {
      return Failure{fmt::format("'{}' is not the address of a NATS server: nats://HOST:4222", one)};
    }
    const auto place = parsePlace(mark == std::string_view::npos ? one : one.substr(mark + 3));
    if (!place) {
      return Failure{place.error()};
    }
    if (!place->path.empty() && place->path != "/") {
      return Failure{fmt::format("a NATS server has no path: '{}'", place->path)};
    }
    const std::string where = fmt::format("{}:{}", bracketed(place->at.host), place->at.port.value_or(scheme->port));
    const std::string_view separator = made.url.empty() ? "" : ",";
    made.url += fmt::format("{}{}://{}{}", separator, scheme->scheme, place->login, where);
    made.name += fmt::format("{}{}://{}", separator, scheme->scheme, where);
    if (comma == std::string_view::npos) {
      return made;
    }
    text.remove_prefix(comma + 1);
  }
}

Result<LogPlace, std::string> parseOtlp(const LogScheme& scheme, const Place& place) {
  const std::string where = fmt::format("{}:{}{}", bracketed(place.at.host), place.at.port.value_or(scheme.port),
                                        place.path == "/" ? "" : place.path);
  const std::string_view carrier = scheme.scheme.substr(scheme.scheme.find('+') + 1);
  return LogPlace{.kind = LogKind::Otlp,
                  .url = fmt::format("{}://{}{}", carrier, place.login, where),
                  .name = fmt::format("{}://{}", scheme.scheme, where)};
}

Result<LogPlace, std::string> parseSyslog(const LogScheme& scheme, const Place& place) {
  if (!place.login.empty() || !(place.path.empty() || place.path == "/")) {
    return Failure{fmt::format("write {}://HOST:514", scheme.scheme)};
  }
  const std::uint16_t port = place.at.port.value_or(scheme.port);
  return LogPlace{.kind = scheme.kind,
                  .host = place.at.host,
                  .port = port,
                  .name = fmt::format("{}://{}:{}", scheme.scheme, bracketed(place.at.host), port)};
}

Result<LogPlace, std::string> parseUrl(std::string_view text, std::size_t mark) {
  const LogScheme* scheme = logScheme(text.substr(0, mark));
  if (scheme == nullptr) {
    return Failure{
        fmt::format("'{}://' is not a destination; possible: syslog://, syslog+udp://, nats://, tls://, otlp+http://, "
                    "otlp+https://",
                    text.substr(0, mark))};
  }
  if (scheme->kind == LogKind::Nats) {
    return parseServers(text);
  }
  const auto place = parsePlace(text.substr(mark + 3));
  if (!place) {
    return Failure{place.error()};
  }
  return scheme->kind == LogKind::Otlp ? parseOtlp(*scheme, *place) : parseSyslog(*scheme, *place);
}

}  // namespace

Result<LogPlace, std::string> parseLogPlace(std::string_view text) {
  const std::vector<std::string_view> words{"stderr", "stdout", "journald", "syslog"};
  constexpr std::array<LogKind, 4> kKinds{LogKind::Stderr, LogKind::Stdout, LogKind::Journald, LogKind::Syslog};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (text == words[i]) {
      return LogPlace{.kind = kKinds[i], .name = std::string(text)};
    }
  }
  if (const std::size_t mark = text.find("://"); mark != std::string_view::npos) {
    return parseUrl(text, mark);
  }
  if (text.find('/') == std::string_view::npos || text.ends_with('/')) {
    const auto near = nearestWord(text, words);
    return Failure{fmt::format("'{}' is neither stderr, stdout, journald, syslog nor the path of a file{}", text,
                               near ? fmt::format("; did you mean '{}'?", *near) : "; a path contains a '/'")};
  }
  return LogPlace{.kind = LogKind::File, .name = std::string(text)};
}

}  // namespace gatewhy
