// SPDX-License-Identifier: Apache-2.0
// What a route does with its requests: origin, origins, respond, redirect, rewrite.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/http_words.h"
#include "config/load_route.h"
#include "config/path_readings.h"

namespace gatewhy {
namespace {

void readContent(Reader& reader, Section& section, FixedResponse& respond) {
  std::string body;
  if (section.readLines("body", body)) {
    if (auto parsed = TextTemplate::parse(body, TemplatePlace::Answer)) {
      respond.body = std::move(parsed).value();
    } else {
      reader.error(section.at("body"), fmt::format("'respond.body': {}", parsed.error()));
    }
  }
  section.read("page", respond.page, pageNameComplaint);
  const std::string_view key = section.has("page") ? "page" : "body";
  if (section.has("page") && section.has("body")) {
    reader.error(section.at("page"), "'page' and 'body' exclude each other");
  }
  const bool empty = respond.status == 204 || respond.status == 205 || respond.status == 304;
  if (section.has(key) && (empty || sendsNothing(respond.status))) {
    reader.error(section.at(key), empty ? fmt::format("a {} has no content", respond.status)
                                        : fmt::format("{} closes the connection without an answer", respond.status));
  }
}

FixedResponse readRespond(Reader& reader, Section& section) {
  FixedResponse respond;
  std::uint32_t status = respond.status;
  section.read("status", status);
  respond.status = static_cast<std::uint16_t>(status);
  Millis retry_after{0};
  if (section.read("retry_after", retry_after) && retry_after.count() > 0) {
    if (retry_after.count() % 1000 != 0) {
      reader.error(section.at("retry_after"),
                   "'respond.retry_after' must be whole seconds: Retry-After has no finer unit");
    }
    respond.retry_after = std::chrono::duration_cast<std::chrono::seconds>(retry_after);
  }
  section.read("upgrade", respond.upgrade, protocolsComplaint);
  readContent(reader, section, respond);
  return respond;
}

FixedResponse readRedirect(Reader& reader, Section& section) {
  FixedResponse respond;
  std::uint32_t status = 308;
  constexpr std::array<std::uint32_t, 5> kStatuses{301, 302, 303, 307, 308};
  if (section.read("status", status) && std::find(kStatuses.begin(), kStatuses.end(), status) == kStatuses.end()) {
    reader.error(section.at("status"),
                 fmt::format("'redirect.status' must be 301, 302, 303, 307 or 308, not {}", status));
  }
  respond.status = static_cast<std::uint16_t>(status);
  std::string to;
  if (!section.read("to", to, fieldValueComplaint)) {
    return respond;
  }
  if (auto parsed = TextTemplate::parse(to, TemplatePlace::Request)) {
    const bool variable = parsed->parts().empty() || parsed->parts().front().variable.has_value();
    if (!variable && !to.starts_with('/') && !to.starts_with("http://") && !to.starts_with("https://")) {
      reader.error(section.at("to"), fmt::format("'redirect.to': '{}' is not a URL and does not begin with '/'", to));
    }
    respond.location = std::move(parsed).value();
  } else {
    reader.error(section.at("to"), fmt::format("'redirect.to': {}", parsed.error()));
  }
  return respond;
}

// `prefix` or `to`, whichever is written; a text without variables loses its
// doubled braces here.
void readVariables(Reader& reader, Section& section, PathRewrite& rewrite) {
  const std::string_view key = section.has("prefix") ? "prefix" : "to";
  std::string& text = section.has("prefix") ? rewrite.prefix : rewrite.to;
  auto parsed = TextTemplate::parse(text, TemplatePlace::Path);
  if (!parsed) {
    reader.error(section.at(key), fmt::format("'rewrite.{}': {}", key, parsed.error()));
    return;
  }
  if (parsed->literal().find_first_of("?# ") != std::string::npos) {
    reader.error(section.at(key), fmt::format("'rewrite.{}' is a path: no '?', '#' or blank", key));
  }
  if (parsed->hasVariables()) {
    rewrite.variable = std::move(parsed).value();
  } else {
    text = parsed->literal();
  }
}

void readRewrite(Reader& reader, Section& section, Section& route_section, RouteConfig& route) {
  PathRewrite rewrite;
  section.read("prefix", rewrite.prefix, pathPrefixComplaint);
  std::string regex;
  if (section.read("regex", regex)) {
    rewrite.regex = readPattern(reader, section.at("regex"), "rewrite.regex", regex);
  }
  section.read("to", rewrite.to);
  if (section.has("prefix") == section.has("regex") || section.has("regex") != section.has("to")) {
    reader.error(section.at(), "'rewrite' needs 'prefix', or 'regex' with 'to'");
    return;
  }
  if (section.has("prefix") && !route_section.has("path")) {
    reader.error(section.at("prefix"), "'rewrite.prefix' replaces the route's 'path', which is missing");
  }
  if (section.has("regex") && rewrite.regex != nullptr) {
    std::string error;
    const std::size_t dollar = rewrite.to.find('$');
    if (dollar != std::string::npos && rewrite.to.substr(dollar + 1, 1).find_first_of("0123456789") == 0) {
      reader.error(section.at("to"), fmt::format("'rewrite.to': a group is written \\{}, not ${}",
                                                 rewrite.to[dollar + 1], rewrite.to[dollar + 1]));
    }
    if (!rewrite.regex->CheckRewriteString(rewrite.to, &error)) {
      reader.error(section.at("to"), fmt::format("'rewrite.to': {}", error));
    }
    if (!rewrite.to.starts_with('/') && !rewrite.to.starts_with('\\') && !rewrite.to.starts_with("{path}")) {
      reader.error(section.at("to"), fmt::format("'rewrite.to': '{}' does not begin with '/'", rewrite.to));
    }
  }
  readVariables(reader, section, rewrite);
  if (section.has("prefix") || rewrite.regex != nullptr) {
    route.rewrite = std::move(rewrite);
  }
}

}  // namespace

std::optional<std::size_t> RouteReader::originNamed(const std::string& origin, Position at) {
  const auto found = origins_.find(origin);
  if (found == origins_.end()) {
    reader_.error(at, fmt::format("unknown origin '{}'{}", origin, reader_.suggestion(origin, names_)));
    return std::nullopt;
  }
  return found->second;
}

void RouteReader::readShares(Section& section, RouteConfig& route) {
  std::uint64_t total = 0;
  for (const ReadValue& item : section.map("origins")) {
    const auto origin = originNamed(item.name, item.name_at);
    const auto weight = readNumber(reader_, item);
    total += weight.value_or(1);
    if (origin && weight) {
      route.origins.push_back({.origin = *origin, .weight = static_cast<std::uint32_t>(*weight)});
    }
  }
  if (section.has("origins") && total == 0) {
    reader_.error(section.at("origins"), "every weight is 0: no origin is left");
  }
}

void RouteReader::readTarget(Section& section, RouteConfig& route) {
  constexpr std::array<std::string_view, 4> kKeys{"origin", "origins", "respond", "redirect"};
  if (auto respond = section.section("respond")) {
    route.respond = readRespond(reader_, *respond);
  }
  if (auto redirect = section.section("redirect")) {
    route.respond = readRedirect(reader_, *redirect);
  }
  std::string origin;
  if (section.read("origin", origin)) {
    route.origin = originNamed(origin, section.at("origin")).value_or(0);
  }
  readShares(section, route);
  if (auto rewrite = section.section("rewrite")) {
    readRewrite(reader_, *rewrite, section, route);
    if (section.has("strip_prefix")) {
      reader_.error(rewrite->at(), "'rewrite' and 'strip_prefix' exclude each other");
    }
  }
  std::vector<std::string_view> written;
  std::copy_if(kKeys.begin(), kKeys.end(), std::back_inserter(written),
               [&](std::string_view key) { return section.has(key); });
  if (written.size() > 1) {
    reader_.error(section.at(written.back()),
                  fmt::format("'{}' and '{}' exclude each other", written.back(), written.front()));
  } else if (written.empty()) {
    reader_.error(section.at(), "the route needs 'origin', 'origins', 'respond' or 'redirect'");
  }
}

}  // namespace gatewhy
