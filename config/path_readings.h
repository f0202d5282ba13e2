// SPDX-License-Identifier: Apache-2.0
// What servers make of one path. RFC 3986 lets a path be written in many ways,
// and the servers behind disagree on which of them are the same: one decodes
// %2F, one resolves "..", one merges "//", one cuts ";...". A rule for /int/
// holds only where every one of these readings is judged by it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatewhy {

// Whether the path can be read in more than one way at all: it holds '%', '\',
// ';', "//" or "/.". One scan; nearly every request stops here.
[[nodiscard]] bool hasSeveralReadings(std::string_view path) noexcept;

struct PathReadings {
  // Each once, as sent first. Octets that a path cannot hold raw (%C3, %20) are
  // decoded in all of them, so that a reading compares with comparablePath().
  std::vector<std::string> texts;
  bool climbs = false;    // ".." leads above the root in one of them
  bool has_nul = false;   // %00
  bool too_many = false;  // telling them all would cost more than any honest path does
};

// `path` begins with '/'.
[[nodiscard]] PathReadings readingsOf(std::string_view path);

// The form in which a configured path or prefix and a path as sent compare.
[[nodiscard]] std::string comparablePath(std::string_view path);

// RFC 3986 section 6.2.2: unreserved characters decoded, dot segments
// resolved. The same resource to every server that follows it.
[[nodiscard]] std::string rfcNormalPath(std::string_view path);
// Whether a server may read a segment of it as "." or "..".
[[nodiscard]] bool hasDotSegment(std::string_view path);

// The one path that is read in one way only: all decoded once, backslashes
// turned, ";..." cut, slashes merged, dot segments resolved, then written
// percent-encoded.
[[nodiscard]] std::string plainPath(std::string_view path);

// Whether a path is the prefix or below it, segment by segment: /api and /api/
// both take /api, /api/ and /api/x, never /apix. "" takes everything.
[[nodiscard]] bool isBelow(std::string_view path, std::string_view prefix) noexcept;

// What is left of a path below the prefix: "" or begins with '/'. The prefix is
// taken as it is written in `path`, whatever its spelling.
[[nodiscard]] std::string_view withoutPrefix(std::string_view path, std::string_view prefix) noexcept;

}  // namespace gatewhy
