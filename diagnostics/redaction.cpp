// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/redaction.h"

#include <algorithm>
#include <array>

#include "diagnostics/field_id.h"
#include "diagnostics/observation.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

constexpr std::array<std::string_view, 8> kAlwaysHidden = {"*authorization*", "*cookie*",  "*token*",  "*secret*",
                                                           "*password*",      "*api-key*", "*apikey*", "*credential*"};

constexpr std::size_t kLongestName = 128;  // of a pair; what is longer is no name that anybody lists

std::string loweredText(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), octets::lower);
  return out;
}

// "*" is any characters. Both in lower case. Linear but for the stars, of
// which a pattern has few.
bool matchesPattern(std::string_view pattern, std::string_view name) {
  std::size_t at = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (at < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = at;
    } else if (p < pattern.size() && pattern[p] == name[at]) {
      ++p;
      ++at;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(p), pattern.end(), [](char c) { return c == '*'; });
}

bool matchesAny(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](const std::string& pattern) { return matchesPattern(pattern, name); });
}

// The octet at `at`, percent-encoded or not, and how long it is written.
struct Spelt {
  char octet = 0;
  std::size_t size = 1;
};
Spelt speltAt(std::string_view text, std::size_t at) {
  if (const int octet = octets::encodedOctet(text, at); octet >= 0) {
    return {static_cast<char>(octet), 3};
  }
  return {text[at], 1};
}

bool isNameOctet(char c) {
  return octets::isDigit(c) || octets::isAlpha(c) || c == '-' || c == '_' || c == '.' || c == '[' || c == ']' ||
         c == '$' || c == '~';
}

// What ends a value, also where it is part of a longer text. Nothing else does:
// rather too much is hidden than the end of a password.
bool endsValue(char c) {
  return c == '&' || static_cast<unsigned char>(c) <= ' ' || c == 0x7F;
}

bool isLineEnd(char c) {
  return c == '\r' || c == '\n';
}

std::string replaced(std::string_view text, std::size_t from, std::size_t to,
                     const std::vector<std::pair<std::size_t, std::size_t>>& hidden) {
  std::string out;
  std::size_t at = from;
  for (const auto& [begin, end] : hidden) {
    const std::size_t first = std::max(begin, at);
    const std::size_t last = std::min(end, to);
    if (first >= last) {
      continue;
    }
    out += text.substr(at, first - at);
    bool marked = false;
    for (const char c : text.substr(first, last - first)) {
      if (octets::isControl(c)) {
        out += c;
        marked = false;
      } else if (!marked) {
        out += Redaction::kMark;
        marked = true;
      }
    }
    at = last;
  }
  return out.append(text.substr(at, to - at));
}

}  // namespace

Redaction::Redaction(const RedactionRules& rules) {
  for (const std::string& pattern : rules.query) {
    query_.push_back(loweredText(pattern));
  }
  for (const std::string_view pattern : kAlwaysHidden) {
    headers_.emplace_back(pattern);
  }
  for (const std::string& pattern : rules.headers) {
    headers_.push_back(loweredText(pattern));
  }
}

bool Redaction::hidesField(std::string_view name) const {
  return matchesAny(headers_, loweredText(name));
}

bool Redaction::hidesParameter(std::string_view name) const {
  std::array<char, kLongestName> plain{};
  std::size_t size = 0;
  for (std::size_t at = 0; at < name.size() && size < plain.size();) {
    const Spelt octet = speltAt(name, at);
    plain[size++] = octets::lower(octet.octet);
    at += octet.size;
  }
  return matchesAny(query_, {plain.data(), size});
}

// Pairs inside a value are found as well, percent-encoded or not: an address
// to come back to has a query of its own.
void Redaction::addPairs(std::string_view text, std::size_t at, std::vector<Range>& hidden) const {
  std::size_t name = 0;  // where the name before a "=" would begin
  std::size_t i = 0;
  while (i < text.size()) {
    const Spelt octet = speltAt(text, i);
    if (octet.octet != '=') {
      i += octet.size;
      name = isNameOctet(octet.octet) ? name : i;
      continue;
    }
    const std::size_t value = i + octet.size;
    const bool encoded = octet.size != 1;
    const bool hide = i > name && hidesParameter(text.substr(name, i - name));
    i = value;
    name = value;
    if (!hide) {
      continue;
    }
    while (i < text.size()) {
      const Spelt next = speltAt(text, i);
      if (endsValue(next.octet) && (next.size == 1 || encoded)) {
        break;
      }
      i += next.size;
    }
    if (i > value) {
      hidden.emplace_back(at + value, at + i);
    }
    name = i;
  }
}

// "//user:password@host"
void Redaction::addUserinfo(std::string_view line, std::size_t at, std::vector<Range>& hidden) const {
  for (std::size_t slashes = line.find("//"); slashes != std::string_view::npos;
       slashes = line.find("//", slashes + 2)) {
    const std::size_t begin = slashes + 2;
    const std::size_t end = std::min(line.find_first_of("/?# \t\"<>", begin), line.size());
    const std::size_t host = line.substr(0, end).rfind('@');
    if (host != std::string_view::npos && host > begin) {
      hidden.emplace_back(at + begin, at + host);
    }
  }
}

// `field_hidden`: whether the line before was, or belongs to, a hidden field,
// which a line that begins with a blank continues.
void Redaction::addLine(std::string_view line, std::size_t at, bool& field_hidden, std::vector<Range>& hidden) const {
  const bool continues = !line.empty() && (line.front() == ' ' || line.front() == '\t');
  if (continues && field_hidden) {
    hidden.emplace_back(at, at + line.size());
    return;
  }
  // Also where the name is not followed by a colon, or has garbage in front:
  // that may be the fault.
  std::size_t begin = 0;
  while (begin < line.size() && !isNameOctet(line[begin])) {
    ++begin;
  }
  std::size_t end = begin;
  while (end < line.size() && isNameOctet(line[end])) {
    ++end;
  }
  field_hidden = end > begin && hidesField(line.substr(begin, end - begin));
  if (field_hidden) {
    const std::size_t value = std::min(line.find_first_not_of(": \t", end), line.size());
    hidden.emplace_back(at + value, at + line.size());
    return;
  }
  addPairs(line, at, hidden);
  addUserinfo(line, at, hidden);
  if (equalsIgnoreCase(line.substr(begin, end - begin), "host")) {  // a user there is the fault that is shown
    const std::size_t value = line.find_first_not_of(": \t", end);
    const std::size_t host = line.rfind('@');
    if (host != std::string_view::npos && value < host) {
      hidden.emplace_back(at + value, at + host);
    }
  }
}

std::optional<std::string> Redaction::pairs(std::string_view text) const {
  std::vector<Range> hidden;
  addPairs(text, 0, hidden);
  if (text.find("://") != std::string_view::npos) {
    addUserinfo(text, 0, hidden);
    std::sort(hidden.begin(), hidden.end());
  }
  if (hidden.empty()) {
    return std::nullopt;
  }
  return replaced(text, 0, text.size(), hidden);
}

std::string Redaction::excerpt(std::string_view head, std::size_t from, std::size_t size) const {
  from = std::min(from, head.size());
  const std::size_t to = from + std::min(size, head.size() - from);
  std::vector<Range> hidden;
  bool field_hidden = false;
  for (std::size_t at = 0; at < to;) {
    const auto line_end = std::find_if(head.begin() + static_cast<std::ptrdiff_t>(at), head.end(), isLineEnd);
    const auto end = static_cast<std::size_t>(line_end - head.begin());
    if (end > at) {
      addLine(head.substr(at, end - at), at, field_hidden, hidden);
    }
    at = end + 1;
  }
  std::sort(hidden.begin(), hidden.end());
  return replaced(head, from, to, hidden);
}

void redactEvidence(Observation& seen, const Redaction& redact) {
  if (auto* tls = std::get_if<TlsFault>(&seen.fault)) {
    tls->first_bytes = redact.text(tls->first_bytes);
  } else if (auto* parse = std::get_if<ParseFault>(&seen.fault)) {
    parse->token = redact.text(parse->token);
  } else if (auto* stream = std::get_if<StreamFault>(&seen.fault)) {
    stream->detail = redact.text(stream->detail);
  }
}

}  // namespace gatewhy
