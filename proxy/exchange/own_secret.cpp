// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/own_secret.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <utility>

#include "config/account.h"
#include "config/secrets_file.h"
#include "proxy/loop/fd.h"

namespace gatewhy {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kSecretMode = 0600;

std::string environmentValue(const char* name) {
  const char* const value = std::getenv(name);  // before there are threads that set it
  return value == nullptr ? std::string() : std::string(value);
}

// With its parents. True: it was not there before.
bool makeDirectories(const std::string& directory) {
  if (::mkdir(directory.c_str(), kDirectoryMode) == 0) {
    return true;
  }
  const std::size_t slash = directory.rfind('/');
  return errno == ENOENT && slash != std::string::npos && slash != 0 && makeDirectories(directory.substr(0, slash)) &&
         ::mkdir(directory.c_str(), kDirectoryMode) == 0;
}

std::string newSecret() {
  std::array<unsigned char, kShortestSecret> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return {};
  }
  std::string text;
  for (const unsigned char byte : bytes) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

std::string whyNot(std::string_view what, const std::string& path) {
  return fmt::format("{} '{}': {}", what, path, std::generic_category().message(errno));
}

// The file appears whole or not at all, and the first of several that make it wins. "" = done.
std::string putSecret(const std::string& file, const std::string& key, const std::optional<Account>& owner) {
  const std::string draft = fmt::format("{}.{}", file, ::getpid());
  const Fd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kSecretMode));
  const std::string line = key + "\n";
  if (!fd.valid() || ::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      ::fsync(fd.get()) != 0 || (owner && ::fchown(fd.get(), owner->uid, owner->gid) != 0) ||
      (::link(draft.c_str(), file.c_str()) != 0 && errno != EEXIST)) {
    std::string problem = whyNot("cannot write", file);
    ::unlink(draft.c_str());
    return problem;
  }
  ::unlink(draft.c_str());
  return {};
}

}  // namespace

std::string stateDirectory() {
  if (const std::string given = environmentValue("STATE_DIRECTORY"); !given.empty()) {
    return given.substr(0, given.find(':'));
  }
  if (::geteuid() == 0) {
    return "/var/lib/gatewhy";
  }
  if (const std::string state = environmentValue("XDG_STATE_HOME"); state.starts_with('/')) {
    return state + "/gatewhy";
  }
  const std::string home = environmentValue("HOME");
  return home.starts_with('/') ? home + "/.local/state/gatewhy" : std::string();
}

OwnSecret ownSecret(const std::string& directory, const std::string& user, const std::string& group) {
  if (directory.empty()) {
    return {.key = newSecret(), .problem = "there is no state directory"};
  }
  const std::string file = directory + "/secret";
  if (auto kept = readSecrets(file)) {
    return {.key = std::move(kept->front()), .problem = {}};
  }
  std::optional<Account> owner;
  if (::geteuid() == 0 && !user.empty()) {
    if (auto account = findAccount(user, group)) {
      owner = std::move(account).value();
    }
  }
  if (makeDirectories(directory) && owner && ::chown(directory.c_str(), owner->uid, owner->gid) != 0) {
    return {.key = newSecret(), .problem = whyNot("cannot use", directory)};
  }
  std::string key = newSecret();
  if (key.empty()) {
    return {.key = {}, .problem = "there is no randomness to be had"};
  }
  if (std::string problem = putSecret(file, key, owner); !problem.empty()) {
    return {.key = std::move(key), .problem = std::move(problem)};
  }
  auto kept = readSecrets(file);
  return kept ? OwnSecret{.key = std::move(kept->front()), .problem = {}}
              : OwnSecret{.key = std::move(key), .problem = kept.error()};
}

}  // namespace gatewhy
