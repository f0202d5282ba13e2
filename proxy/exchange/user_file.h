// SPDX-License-Identifier: Apache-2.0
// The users of a route (auth.basic.users_file), and their renewal while
// requests are served.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/htpasswd.h"
#include "diagnostics/result.h"
#include "proxy/exchange/credentials.h"
#include "proxy/net/file_stamp.h"

namespace gatewhy {

// An HMAC-SHA256 with a key of this process: credentials without their text.
using CredentialsDigest = std::array<unsigned char, 32>;
[[nodiscard]] CredentialsDigest digestOf(const BasicCredentials& credentials);

// The users of one state of a file; any thread. What was found right is
// remembered as long as the state is in force: one digest a user.
class UserTable {
 public:
  explicit UserTable(std::vector<PasswordEntry> entries);

  // Whether these very credentials were right before.
  [[nodiscard]] bool remembers(const std::string& user, const CredentialsDigest& digest) const;
  void remember(const std::string& user, const CredentialsDigest& digest);
  // The hash to check a password against. Of a user that is not there: one of
  // those that are, by a secret choice, and nothing fits it; so that an answer
  // takes as long, and the same time whenever it is asked.
  struct Hash {
    std::string_view text;
    bool may_fit = false;
  };
  [[nodiscard]] Hash hashFor(const std::string& user) const;

 private:
  std::vector<PasswordEntry> entries_;
  std::unordered_map<std::string_view, std::size_t> by_user_;
  mutable std::mutex mutex_;
  std::vector<std::optional<CredentialsDigest>> right_;  // under mutex_, by entry
};

class UserFile {
 public:
  // The error names the file and the line.
  [[nodiscard]] static Result<std::shared_ptr<UserFile>, std::string> load(const std::string& path);

  // As it is in force now. Any thread.
  [[nodiscard]] std::shared_ptr<UserTable> table() const;

  // Reads the file again where it has changed and changes no more: what is in
  // it counts from the next request on. Not on a worker's thread; one thread at
  // a time.
  struct Look {
    bool settling = false;               // it has just changed
    std::optional<std::string> outcome;  // "" = taken; else why it is not, and the users of before stay
  };
  [[nodiscard]] Look look();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit UserFile(const std::string& path) : path_(path), stamp_(path) { static_cast<void>(stamp_.changed()); }

  std::string path_;
  FileStamp stamp_;
  bool settling_ = false;
  mutable std::mutex mutex_;
  std::shared_ptr<UserTable> table_;  // under mutex_
};

}  // namespace gatewhy
