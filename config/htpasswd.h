// SPDX-License-Identifier: Apache-2.0
// Files of users and hashed passwords, as htpasswd writes them. Only what a
// stolen file does not give away: bcrypt and SHA-512 crypt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatewhy {

struct PasswordEntry {
  std::string user;
  std::string hash;  // as crypt(5) takes it: "$2y$…", "$2b$…" or "$6$…"
};

struct Htpasswd {
  std::vector<PasswordEntry> entries;  // no user twice
  std::vector<std::string> problems;   // each with its line; where there is one, nobody is to be let in by the rest
};

[[nodiscard]] Htpasswd parseHtpasswd(std::string_view text);
// A file that cannot be read is a problem as well; each names the file.
[[nodiscard]] Htpasswd readHtpasswd(const std::string& path);

}  // namespace gatewhy
