// SPDX-License-Identifier: Apache-2.0
#include "config/htpasswd.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>

#include "config/file_text.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMostUsersFile = 1024UL * 1024;
constexpr std::size_t kMostUserProblems = 20;
constexpr std::size_t kLongestUser = 255;
// One thread checks all passwords: what takes it many seconds serves nobody.
constexpr unsigned kMostBcryptCost = 16;
constexpr unsigned long kMostRounds = 5'000'000;

constexpr std::string_view kMakeIt = "make the line with 'htpasswd -B'";

bool isCryptText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/';
  });
}

// "$2y$12$" and 53 characters: 22 of salt, 31 of hash.
std::string bcryptComplaint(std::string_view hash) {
  constexpr std::size_t kLength = 60;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (hash.size() != kLength || !digit(hash[4]) || !digit(hash[5]) || hash[6] != '$' || !isCryptText(hash.substr(7))) {
    return fmt::format("the bcrypt hash is cut or broken; {}", kMakeIt);
  }
  const unsigned cost = static_cast<unsigned>(hash[4] - '0') * 10 + static_cast<unsigned>(hash[5] - '0');
  return cost < 4 || cost > kMostBcryptCost
             ? fmt::format("the bcrypt cost is {}; possible: 4 to {}", cost, kMostBcryptCost)
             : std::string();
}

// "$6$", perhaps "rounds=N$", up to 16 characters of salt, "$" and 86 of hash.
std::string sha512Complaint(std::string_view hash) {
  constexpr std::string_view kRounds = "rounds=";
  constexpr std::size_t kMostSalt = 16;
  constexpr std::size_t kHash = 86;
  std::string_view rest = hash.substr(3);
  if (rest.starts_with(kRounds)) {
    rest.remove_prefix(kRounds.size());
    unsigned long rounds = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), rounds);
    if (error != std::errc() || end == rest.data() + rest.size() || *end != '$') {
      return "the rounds of the SHA-512 hash are not a number";
    }
    if (rounds < 1000 || rounds > kMostRounds) {
      return fmt::format("the SHA-512 hash has {} rounds; possible: 1000 to {}", rounds, kMostRounds);
    }
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
  }
  const std::size_t salt = rest.find('$');
  const bool whole = salt <= kMostSalt && isCryptText(rest.substr(0, salt)) && rest.size() - salt - 1 == kHash &&
                     isCryptText(rest.substr(salt + 1));
  return whole ? std::string() : fmt::format("the SHA-512 hash is cut or broken; {}", kMakeIt);
}

std::string hashComplaint(std::string_view hash) {
  struct Weak {
    std::string_view begins, name;
  };
  constexpr Weak kWeak[] = {{"$apr1$", "Apache's MD5 ($apr1$)"},     {"$1$", "MD5 crypt ($1$)"},
                            {"{SHA}", "SHA-1 without salt ({SHA})"}, {"{SSHA}", "SHA-1 ({SSHA})"},
                            {"$5$", "SHA-256 crypt ($5$)"},          {"$2a$", "an old kind of bcrypt ($2a$)"},
                            {"$2x$", "an old kind of bcrypt ($2x$)"}};
  for (const Weak& weak : kWeak) {
    if (hash.starts_with(weak.begins)) {
      return fmt::format("{} is not taken; {}", weak.name, kMakeIt);
    }
  }
  if (hash.starts_with("$2y$") || hash.starts_with("$2b$")) {
    return bcryptComplaint(hash);
  }
  if (hash.starts_with("$6$")) {
    return sha512Complaint(hash);
  }
  if (hash.size() == 13 && isCryptText(hash)) {
    return fmt::format("old crypt (DES) is not taken; {}", kMakeIt);
  }
  return hash.starts_with('$') ? fmt::format("this kind of hash is not taken; {}", kMakeIt)
                               : fmt::format("a hash was expected after the colon, not a password; {}", kMakeIt);
}

std::string userComplaint(std::string_view user) {
  if (user.empty() || user.size() > kLongestUser) {
    return user.empty() ? "the user has no name" : fmt::format("a user's name has {} octets at most", kLongestUser);
  }
  const bool control = std::any_of(user.begin(), user.end(), octets::isControl);
  return control ? "the user's name has a control character" : "";
}

// "" where the line is fine, or there is nothing in it.
std::string addLine(std::string_view line, int number, std::unordered_map<std::string, int>& lines, Htpasswd& out) {
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  if (line.find_first_not_of(" \t") == std::string_view::npos || line.front() == '#') {
    return {};
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return "a line is USER:HASH";
  }
  const std::string_view user = line.substr(0, colon);
  const std::string_view hash = line.substr(colon + 1);
  if (std::string complaint = userComplaint(user); !complaint.empty()) {
    return complaint;
  }
  if (std::string complaint = hashComplaint(hash); !complaint.empty()) {
    return complaint;
  }
  const auto [first, added] = lines.emplace(user, number);
  if (!added) {
    return fmt::format("this user is on line {} too", first->second);
  }
  out.entries.push_back({.user = std::string(user), .hash = std::string(hash)});
  return {};
}

}  // namespace

Htpasswd parseHtpasswd(std::string_view text) {
  Htpasswd out;
  std::unordered_map<std::string, int> lines;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    ++number;
    // Never the line itself: it may be a password.
    if (std::string complaint = addLine(text.substr(0, end), number, lines, out);
        !complaint.empty() && out.problems.size() < kMostUserProblems) {
      out.problems.push_back(fmt::format("line {}: {}", number, complaint));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Htpasswd readHtpasswd(const std::string& path) {
  Htpasswd out;
  const auto text = readTextFile(path, kMostUsersFile);
  if (!text) {
    out.problems.push_back(fmt::format("cannot read '{}': {}", path, text.error()));
    return out;
  }
  if (text->size() > kMostUsersFile) {
    out.problems.push_back(fmt::format("'{}' is larger than {} MiB", path, kMostUsersFile >> 20U));
    return out;
  }
  out = parseHtpasswd(*text);
  for (std::string& problem : out.problems) {
    problem = fmt::format("'{}', {}", path, problem);
  }
  return out;
}

}  // namespace gatewhy
