// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/path_rewrite.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <iterator>

#include "config/path_readings.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

constexpr std::size_t kLongestQuotedPath = 128;  // of what the client wrote

std::string quote(std::string_view text) {
  return fmt::format("'{}{}'", text.substr(0, kLongestQuotedPath), text.size() > kLongestQuotedPath ? "…" : "");
}

// RFC 3986 section 3.3: what may stand in a segment raw; and no ';', where some
// servers cut it.
bool standsInSegment(char c) {
  return octets::isAlpha(c) || (c >= '0' && c <= '9') ||
         std::string_view("-._~!$&'()*+,=:@").find(c) != std::string_view::npos;
}

std::string asSegment(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (standsInSegment(c)) {
      out.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// Whether servers that decode it would find a dot segment in it, or a NUL.
bool leadsElsewhere(std::string_view value) {
  for (std::string_view rest = value;;) {
    const std::size_t end = rest.find_first_of("/\\");
    std::string_view segment = rest.substr(0, end);
    segment = segment.substr(0, segment.find(';'));
    if (segment == "." || segment == "..") {
      return true;
    }
    if (end == std::string_view::npos) {
      return value.find('\0') != std::string_view::npos;
    }
    rest.remove_prefix(end + 1);
  }
}

// A value in an RE2 replacement, where a backslash begins a group.
std::string withoutGroups(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out.append(c == '\\' ? 2 : 1, c);
  }
  return out;
}

RewrittenPath expandPath(const TextTemplate& text, std::string_view path, const VariableSource& source,
                         bool replacement) {
  RewrittenPath made;
  for (const TemplatePart& part : text.parts()) {
    if (!part.variable) {
      made.path += part.text;
      continue;
    }
    std::string value = *part.variable == Variable::Path ? std::string(path) : valueOf(part, source);
    if (*part.variable != Variable::Path) {
      if (leadsElsewhere(value)) {
        made.complaint =
            fmt::format("a value that stands in the rewritten path, {}, would lead elsewhere", quote(value));
        return made;
      }
      value = asSegment(value);
    }
    made.path += replacement ? withoutGroups(value) : value;
  }
  return made;
}

// With the text that takes the place of the prefix, or of what the regular
// expression matches.
std::string replaced(const RouteConfig& route, std::string_view path, const std::string& by) {
  std::string out;
  if (route.rewrite->regex != nullptr) {
    out = path;
    re2::RE2::Replace(&out, *route.rewrite->regex, by);
  } else {
    const std::string_view rest = withoutPrefix(path, route.path);
    out = by;
    if (out.ends_with('/') && rest.starts_with('/')) {
      out.pop_back();
    }
    out += rest;
  }
  return out.starts_with('/') ? out : "/" + out;
}

}  // namespace

RewrittenPath rewritePath(const RouteConfig& route, std::string_view path, const VariableSource& source) {
  const PathRewrite& rewrite = *route.rewrite;
  const bool regex = rewrite.regex != nullptr;
  if (!path.starts_with('/') ||
      (regex && !re2::RE2::PartialMatch(re2::StringPiece(path.data(), path.size()), *rewrite.regex))) {
    return {};
  }
  RewrittenPath by{.path = regex ? rewrite.to : rewrite.prefix, .complaint = {}};
  if (rewrite.variable) {
    by = expandPath(*rewrite.variable, path, source, regex);
    if (!by.complaint.empty()) {
      return by;
    }
  }
  RewrittenPath made{.path = replaced(route, path, by.path), .complaint = {}};
  if (hasSeveralReadings(made.path) && readingsOf(made.path).climbs) {
    made.complaint = fmt::format("{} is route '{}', and leads above the root where it is rewritten to {}", quote(path),
                                 route.name, quote(made.path));
  } else if (regex && hasDotSegment(made.path) && !hasDotSegment(path)) {
    made.complaint = fmt::format("{} is route '{}', and gets a dot segment where it is rewritten to {}", quote(path),
                                 route.name, quote(made.path));
  }
  return made;
}

}  // namespace gatewhy
