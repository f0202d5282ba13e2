// SPDX-License-Identifier: Apache-2.0
#include "config/account.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>

namespace gatewhy {
namespace {

std::optional<std::uint32_t> asNumber(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::vector<gid_t> groupsOf(const std::string& user, gid_t gid) {
  int size = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(size));
  if (::getgrouplist(user.c_str(), gid, groups.data(), &size) < 0) {
    groups.resize(static_cast<std::size_t>(size));
    ::getgrouplist(user.c_str(), gid, groups.data(), &size);
  }
  groups.resize(static_cast<std::size_t>(size));
  return groups;
}

// In the child: system calls only, the process may have threads. The calls of
// the C library would reach out for them.
[[noreturn]] void answerAs(const Account& account, const std::vector<std::string>& files, int words) {
  const bool became = ::syscall(SYS_setgroups, account.groups.size(), account.groups.data()) == 0 &&
                      ::syscall(SYS_setresgid, account.gid, account.gid, account.gid) == 0 &&
                      ::syscall(SYS_setresuid, account.uid, account.uid, account.uid) == 0;
  for (const std::string& file : files) {
    const int error = became && ::access(file.c_str(), R_OK) != 0 ? errno : 0;
    if (::write(words, &error, sizeof error) != sizeof error) {
      break;
    }
  }
  ::_exit(0);
}

}  // namespace

Result<gid_t, std::string> findGroup(const std::string& group) {
  if (const auto number = asNumber(group)) {
    return gid_t{*number};
  }
  errno = 0;
  const struct group* const entry = ::getgrnam(group.c_str());
  if (entry == nullptr) {
    return Failure{fmt::format("there is no group '{}' on this machine", group)};
  }
  return entry->gr_gid;
}

Result<Account, std::string> findAccount(const std::string& user, const std::string& group) {
  const auto number = asNumber(user);
  const struct passwd* const entry = number ? ::getpwuid(*number) : ::getpwnam(user.c_str());
  if (entry == nullptr && !number) {
    return Failure{fmt::format("there is no user '{}' on this machine", user)};
  }
  Account account;
  account.name = entry == nullptr ? user : entry->pw_name;
  account.uid = entry == nullptr ? *number : entry->pw_uid;
  account.gid = entry == nullptr ? *number : entry->pw_gid;
  if (!group.empty()) {
    const auto gid = findGroup(group);
    if (!gid) {
      return Failure{gid.error()};
    }
    account.gid = *gid;
  }
  account.groups = groupsOf(account.name, account.gid);
  return account;
}

std::vector<int> unreadableBy(const Account& account, const std::vector<std::string>& files) {
  std::vector<int> errors(files.size(), 0);
  std::array<int, 2> pipe{};
  if (files.empty() || ::geteuid() != 0 || ::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return errors;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    answerAs(account, files, pipe[1]);
  }
  ::close(pipe[1]);
  for (std::size_t i = 0; child > 0 && i < errors.size(); ++i) {
    int error = 0;
    if (::read(pipe[0], &error, sizeof error) != sizeof error) {
      break;
    }
    errors[i] = error;
  }
  ::close(pipe[0]);
  if (child > 0) {
    ::waitpid(child, nullptr, 0);
  }
  return errors;
}

}  // namespace gatewhy
