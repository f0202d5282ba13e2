// SPDX-License-Identifier: Apache-2.0
#include "config/path_readings.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <unordered_set>
#include <utility>

#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

// Octets written over all readings of one path: some hundred readings of a
// path of 1 KiB, or three of one of 32 KiB.
constexpr std::size_t kMostOctets = std::size_t{512} * 1024;

// RFC 3986 section 2.3.
bool isUnreserved(unsigned char octet) noexcept {
  return octets::isAlpha(static_cast<char>(octet)) || (octet >= '0' && octet <= '9') || octet == '-' || octet == '.' ||
         octet == '_' || octet == '~';
}

// May it stand in a path as it is (RFC 3986 section 3.3: pchar and '/')? Others
// mean the same encoded or not, where a server takes them raw at all.
bool isPathOctet(unsigned char octet) noexcept {
  return isUnreserved(octet) ||
         std::string_view("!$&'()*+,;=:@/").find(static_cast<char>(octet)) != std::string_view::npos;
}

enum class Decode : std::uint8_t {
  Unwritable,  // what cannot stand in a path raw: no reading at all, one way to write it
  Unreserved,
  All,
  Lenient,  // all; also %uXXXX, and UTF-8 that takes more octets than it needs (old IIS, old Java)
};

bool decodes(Decode how, unsigned char octet) noexcept {
  switch (how) {
    case Decode::Unwritable:
      // '%', '\', '?' and '#' stay: decoded they would be read as something else.
      return !isPathOctet(octet) && octet != '%' && octet != '\\' && octet != '?' && octet != '#' && octet != 0;
    case Decode::Unreserved:
      return isUnreserved(octet) || decodes(Decode::Unwritable, octet);
    case Decode::All:
    case Decode::Lenient:
      return true;
  }
  return true;
}

// "%u0069" as 'i'; the size of what was read, 0 where there is none below U+0080.
std::size_t takeWideEscape(std::string_view text, std::size_t at, std::string& out) {
  constexpr std::size_t kSize = 6;
  if (text.size() - at < kSize || octets::lower(text[at + 1]) != 'u' || text[at + 2] != '0' || text[at + 3] != '0') {
    return 0;
  }
  const int high = octets::hexValue(text[at + 4]);
  const int low = octets::hexValue(text[at + 5]);
  if (high < 0 || high > 7 || low < 0) {
    return 0;
  }
  out.push_back(static_cast<char>(high * 16 + low));
  return kSize;
}

// "%C0%AF" or "%E0%80%AF" as '/': more octets than RFC 3629 allows.
std::size_t takeOverlong(std::string_view text, std::size_t at, std::string& out) {
  constexpr std::size_t kEscape = 3;
  const int lead = octets::encodedOctet(text, at);
  std::size_t used = kEscape;
  int value = lead & 0x1F;
  if (lead == 0xE0) {
    const int middle = octets::encodedOctet(text, at + used);
    if (middle != 0x80 && middle != 0x81) {
      return 0;
    }
    value = middle & 1;
    used += kEscape;
  } else if (lead != 0xC0 && lead != 0xC1) {
    return 0;
  }
  const int last = octets::encodedOctet(text, at + used);
  if (last < 0x80 || last > 0xBF) {
    return 0;
  }
  out.push_back(static_cast<char>(value * 64 + (last & 0x3F)));
  return used + kEscape;
}

std::string decoded(std::string_view text, Decode how) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '%') {
      out.push_back(text[at++]);
      continue;
    }
    if (how == Decode::Lenient) {
      std::size_t used = takeWideEscape(text, at, out);
      used = used == 0 ? takeOverlong(text, at, out) : used;
      if (used != 0) {
        at += used;
        continue;
      }
    }
    const int octet = octets::encodedOctet(text, at);
    if (octet >= 0 && decodes(how, static_cast<unsigned char>(octet))) {
      out.push_back(static_cast<char>(octet));
      at += 3;
    } else if (octet >= 0) {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      out.push_back('%');
      out.push_back(kDigits[static_cast<std::size_t>(octet) / 16]);
      out.push_back(kDigits[static_cast<std::size_t>(octet) % 16]);
      at += 3;
    } else {
      out.push_back(text[at++]);
    }
  }
  return out;
}

std::string withoutParameters(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool inside = false;
  for (const char c : text) {
    inside = c == '/' ? false : inside || c == ';';
    if (!inside) {
      out.push_back(c);
    }
  }
  return out;
}

std::string turned(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '\\', '/');
  return out;
}

std::string merged(std::string_view text) {
  std::string out(text);
  const auto both = [](char a, char b) { return a == '/' && b == '/'; };
  out.erase(std::unique(out.begin(), out.end(), both), out.end());
  return out;
}

// RFC 3986 section 5.2.4. `climbs` is set where ".." has nothing to take away.
std::string resolved(std::string_view text, bool& climbs) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {  // text[at] is '/'
    const std::size_t end = std::min(text.find('/', at + 1), text.size());
    const std::string_view segment = text.substr(at + 1, end - at - 1);
    const bool last = end == text.size();
    at = end;
    if (segment == ".") {
      out.append(last ? "/" : "");
    } else if (segment == "..") {
      climbs = climbs || out.empty();
      out.resize(out.empty() ? 0 : out.rfind('/'));
      out.append(last ? "/" : "");
    } else {
      out.push_back('/');
      out.append(segment);
    }
  }
  return out.empty() ? "/" : out;
}

// What WHATWG's URL and Python's urlsplit make of a target that begins with
// two slashes: an authority, then the path. "" where it does not.
std::string afterAuthority(std::string_view text) {
  const auto is_slash = [](char c) { return c == '/' || c == '\\'; };
  if (text.size() < 2 || !is_slash(text[1])) {
    return {};
  }
  const auto name = std::find_if_not(text.begin(), text.end(), is_slash);
  const auto path = std::find_if(name, text.end(), is_slash);
  return path == text.end() ? "/" : "/" + std::string(path + 1, text.end());
}

// A set of texts in the order in which they were found.
class Texts {
 public:
  explicit Texts(std::size_t& budget) : budget_(budget) {}
  void add(std::string text) {
    budget_ -= std::min(budget_, text.size() + 1);
    if (budget_ > 0 && known_.insert(text).second) {
      ordered_.push_back(std::move(text));
    }
  }
  [[nodiscard]] const std::vector<std::string>& all() const { return ordered_; }

 private:
  std::size_t& budget_;
  std::unordered_set<std::string> known_;
  std::vector<std::string> ordered_;
};

class ReadingFinder {
 public:
  void add(std::string text) { readings_.add(std::move(text)); }

  // Finds the readings of `path`; where `clamped`, ".." at the root stays there.
  void find(std::string_view path, bool clamped) {
    const bool before = climbs_;
    Texts raw(budget_);
    tidy(std::string(path), raw);
    Texts decoded_once(budget_);
    for (const std::string& text : raw.all()) {
      for (const Decode how : {Decode::Unwritable, Decode::Unreserved, Decode::All, Decode::Lenient}) {
        decoded_once.add(decoded(text, how));
      }
    }
    for (const std::string& text : decoded_once.all()) {
      tidy(text, readings_);
    }
    climbs_ = clamped ? before : climbs_;
  }

  [[nodiscard]] PathReadings result() const {
    const auto& texts = readings_.all();
    const bool has_nul =
        std::any_of(texts.begin(), texts.end(), [](const auto& text) { return text.find('\0') != std::string::npos; });
    return {.texts = texts, .climbs = climbs_, .has_nul = has_nul, .too_many = budget_ == 0};
  }

 private:
  // The text, and what servers may make of it without decoding.
  void tidy(const std::string& text, Texts& out) {
    Texts cut(budget_);
    cut.add(text);
    if (text.find(';') != std::string::npos) {
      cut.add(withoutParameters(text));
    }
    Texts slashed(budget_);
    for (const std::string& one : cut.all()) {
      slashed.add(one);
      if (one.find('\\') != std::string::npos) {
        // Where ";..." ends depends on which slashes end a segment.
        slashed.add(turned(one));
        slashed.add(withoutParameters(turned(one)));
      }
    }
    for (const std::string& one : slashed.all()) {
      resolve(one, out);
    }
  }

  void resolve(const std::string& text, Texts& out) {
    out.add(text);
    const bool doubled = text.find("//") != std::string::npos;
    const bool dotted = text.find("/.") != std::string::npos;
    if (dotted) {
      std::string plain = resolved(text, climbs_);
      if (doubled) {
        out.add(merged(plain));
      }
      out.add(std::move(plain));
    }
    if (doubled) {
      std::string single = merged(text);
      if (dotted) {
        out.add(resolved(single, climbs_));
      }
      out.add(std::move(single));
    }
  }

  std::size_t budget_ = kMostOctets;
  Texts readings_{budget_};
  bool climbs_ = false;
};

}  // namespace

bool hasSeveralReadings(std::string_view path) noexcept {
  static constexpr auto kMarks = [] {
    std::array<bool, 256> marks{};
    for (const char c : {'%', '\\', ';', '/', '.'}) {
      marks[static_cast<unsigned char>(c)] = true;
    }
    return marks;
  }();
  char before = '\0';
  for (const char c : path) {
    if (kMarks[static_cast<unsigned char>(c)] && ((c != '/' && c != '.') || before == '/')) {
      return true;
    }
    before = c;
  }
  return false;
}

PathReadings readingsOf(std::string_view path) {
  ReadingFinder finder;
  finder.add(comparablePath(path));
  finder.find(path, false);
  if (const std::string rest = afterAuthority(path); !rest.empty()) {
    finder.find(rest, true);
  }
  if (path.starts_with("///")) {
    finder.find(path.substr(2), true);  // the authority is empty
  }
  return finder.result();
}

std::string comparablePath(std::string_view path) {
  return decoded(path, Decode::Unwritable);
}

std::string rfcNormalPath(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t at = 0; at < path.size();) {
    const int octet = octets::encodedOctet(path, at);
    if (octet >= 0 && isUnreserved(static_cast<unsigned char>(octet))) {
      out.push_back(static_cast<char>(octet));
      at += 3;
    } else {
      // A '%' that begins no escape must not begin one with what is decoded behind it.
      out += path[at] == '%' && octet < 0 ? "%25" : std::string_view(path).substr(at, 1);
      ++at;
    }
  }
  bool climbs = false;
  return resolved(out, climbs);
}

bool hasDotSegment(std::string_view path) {
  const std::string read = withoutParameters(turned(decoded(path, Decode::Lenient)));
  for (std::size_t at = 0; at < read.size();) {
    const std::size_t end = std::min(read.find('/', at), read.size());
    const std::string_view segment = std::string_view(read).substr(at, end - at);
    if (segment == "." || segment == "..") {
      return true;
    }
    at = end + 1;
  }
  return false;
}

std::string plainPath(std::string_view path) {
  bool climbs = false;
  const std::string plain = resolved(merged(withoutParameters(turned(decoded(path, Decode::All)))), climbs);
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(plain.size());
  for (const char c : plain) {
    const auto octet = static_cast<unsigned char>(c);
    if (isPathOctet(octet)) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kDigits[octet / 16]);
      out.push_back(kDigits[octet % 16]);
    }
  }
  return out;
}

bool isBelow(std::string_view path, std::string_view prefix) noexcept {
  if (prefix.empty()) {
    return true;
  }
  if (prefix.back() == '/') {
    prefix.remove_suffix(1);
  }
  return path.starts_with(prefix) && (path.size() == prefix.size() ? !prefix.empty() : path[prefix.size()] == '/');
}

std::string_view withoutPrefix(std::string_view path, std::string_view prefix) noexcept {
  if (prefix.ends_with('/')) {
    prefix.remove_suffix(1);
  }
  // As many segments: their spelling in octets may differ.
  const auto segments = std::count(prefix.begin(), prefix.end(), '/');
  std::size_t at = 0;
  for (auto left = segments; left > 0 && at < path.size(); --left) {
    at = std::min(path.find('/', at + 1), path.size());
  }
  return path.substr(at);
}

}  // namespace gatewhy
