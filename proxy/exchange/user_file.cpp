// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/user_file.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstring>
#include <utility>

namespace gatewhy {
namespace {

// Where a file has no user: of the default cost of 'htpasswd -B'.
constexpr std::string_view kNobody = "$2b$05$sviEnPdSswYZG8jOeWQ.w.le.CtceSnZj6bqOTkbEcN.h.kqeB8E6";

using DigestKey = std::array<unsigned char, 32>;

// Of no use to anybody outside of this process, and gone with it. Without
// randomness no secret of TLS could be made either; then nothing is remembered.
const std::optional<DigestKey>& digestKey() {
  static const std::optional<DigestKey> key = [] {
    DigestKey made{};
    return RAND_bytes(made.data(), static_cast<int>(made.size())) == 1 ? std::optional(made) : std::nullopt;
  }();
  return key;
}

CredentialsDigest keyed(std::string_view text) {
  CredentialsDigest digest{};
  if (const auto& key = digestKey()) {
    unsigned size = 0;
    HMAC(EVP_sha256(), key->data(), static_cast<int>(key->size()), reinterpret_cast<const unsigned char*>(text.data()),
         text.size(), digest.data(), &size);
  }
  return digest;
}

}  // namespace

CredentialsDigest digestOf(const BasicCredentials& credentials) {
  // A user's name has no colon (RFC 7617 section 2).
  return keyed(credentials.user + ":" + credentials.password);
}

UserTable::UserTable(std::vector<PasswordEntry> entries) : entries_(std::move(entries)), right_(entries_.size()) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    by_user_.emplace(entries_[i].user, i);
  }
}

bool UserTable::remembers(const std::string& user, const CredentialsDigest& digest) const {
  const auto found = by_user_.find(user);
  if (found == by_user_.end() || !digestKey()) {
    return false;
  }
  const std::lock_guard lock(mutex_);
  const auto& right = right_[found->second];
  return right && CRYPTO_memcmp(right->data(), digest.data(), digest.size()) == 0;
}

void UserTable::remember(const std::string& user, const CredentialsDigest& digest) {
  if (const auto found = by_user_.find(user); found != by_user_.end()) {
    const std::lock_guard lock(mutex_);
    right_[found->second] = digest;
  }
}

UserTable::Hash UserTable::hashFor(const std::string& user) const {
  if (const auto found = by_user_.find(user); found != by_user_.end()) {
    return {.text = entries_[found->second].hash, .may_fit = true};
  }
  if (entries_.empty()) {
    return {.text = kNobody, .may_fit = false};
  }
  const CredentialsDigest choice = keyed(user);
  std::uint64_t number = 0;
  std::memcpy(&number, choice.data(), sizeof(number));
  return {.text = entries_[number % entries_.size()].hash, .may_fit = false};
}

namespace {

// "" and the entries, or what is wrong.
std::string readUsers(const std::string& path, std::vector<PasswordEntry>& entries) {
  Htpasswd read = readHtpasswd(path);
  if (!read.problems.empty()) {
    return std::move(read.problems.front());
  }
  entries = std::move(read.entries);
  return {};
}

}  // namespace

Result<std::shared_ptr<UserFile>, std::string> UserFile::load(const std::string& path) {
  std::shared_ptr<UserFile> made(new UserFile(path));
  std::vector<PasswordEntry> entries;
  if (std::string problem = readUsers(path, entries); !problem.empty()) {
    return Failure{std::move(problem)};
  }
  made->table_ = std::make_shared<UserTable>(std::move(entries));
  return made;
}

std::shared_ptr<UserTable> UserFile::table() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

UserFile::Look UserFile::look() {
  Look seen{.settling = stamp_.changed(), .outcome = {}};
  const bool due = std::exchange(settling_, seen.settling) && !seen.settling;
  if (!due) {
    return seen;
  }
  std::vector<PasswordEntry> entries;
  seen.outcome = readUsers(path_, entries);
  if (seen.outcome->empty()) {
    auto table = std::make_shared<UserTable>(std::move(entries));
    const std::lock_guard lock(mutex_);
    table_.swap(table);
  }
  return seen;
}

}  // namespace gatewhy
