// SPDX-License-Identifier: Apache-2.0
#include "daemon/privileges.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "config/account.h"
#include "config/log_place.h"
#include "proxy/loop/fd.h"

namespace gatewhy {
namespace {

Failure<std::string> callFailed(const char* call, const Account& account) {
  return {fmt::format("cannot become user '{}': {} failed: {}", account.name, call, std::strerror(errno))};
}

// Of the calling thread: the one capability as permitted, effective,
// inheritable and ambient (for exec). What a container withholds is missed
// only when a port below 1024 is asked for.
void keepBindCapability() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> caps{};
  if (::syscall(SYS_capget, &header, caps.data()) != 0) {
    return;
  }
  const std::uint32_t bind = caps[0].permitted & (1U << CAP_NET_BIND_SERVICE);
  caps[0] = {.effective = bind, .permitted = bind, .inheritable = bind};
  caps[1] = {};
  if (::syscall(SYS_capset, &header, caps.data()) == 0 && bind != 0) {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
  }
}

void forgetOtherCapabilities() {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (capability != CAP_NET_BIND_SERVICE) {
      ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
  }
}

// A file that root has just made, so that it can be opened again later. Links
// and what others own are left alone.
void giveTo(const Account& account, const std::string& path) {
  const Fd file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (file.valid() && ::fstat(file.get(), &status) == 0 && status.st_uid == 0 && status.st_nlink == 1 &&
      (S_ISREG(status.st_mode) || S_ISSOCK(status.st_mode))) {
    // Failing is no reason not to start: what cannot be opened again is said then.
    const gid_t group =
        S_ISSOCK(status.st_mode) ? static_cast<gid_t>(-1) : account.gid;  // a socket's is its listener's
    [[maybe_unused]] const int given = ::fchownat(file.get(), "", account.uid, group, AT_EMPTY_PATH);
  }
}

// A spool that root has just made, with what it holds.
void giveSpool(const Account& account, const std::string& path) {
  const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!directory.valid() || ::fstat(directory.get(), &status) != 0 || status.st_uid != 0 ||
      (status.st_mode & S_IWOTH) != 0) {
    return;
  }
  [[maybe_unused]] const int given = ::fchown(directory.get(), account.uid, account.gid);
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    giveTo(account, entry->path().string());
  }
}

Result<bool, std::string> dropPrivileges(const Account& account) {
  forgetOtherCapabilities();
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
    return callFailed("prctl", account);
  }
  if (::setgroups(account.groups.size(), account.groups.data()) != 0) {
    return callFailed("setgroups", account);
  }
  if (::setresgid(account.gid, account.gid, account.gid) != 0) {
    return callFailed("setresgid", account);
  }
  if (::setresuid(account.uid, account.uid, account.uid) != 0) {
    return callFailed("setresuid", account);
  }
  ::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  keepBindCapability();
  if (account.uid != 0 && ::setuid(0) == 0) {
    return Failure{fmt::format("user '{}' could become root again", account.name)};
  }
  return true;
}

void giveFiles(const Config& config, const Account& account) {
  constexpr std::string_view kUnix = "unix:";
  for (const LogTarget& target : config.log.targets) {
    if (const auto place = parseLogPlace(target.to); place && place->kind == LogKind::File) {
      giveTo(account, target.to);
    }
    if (!target.spool.directory.empty()) {
      giveSpool(account, target.spool.directory);
    }
  }
  for (const ListenerConfig& listener : config.listeners) {
    if (listener.address.starts_with(kUnix)) {
      giveTo(account, listener.address.substr(kUnix.size()));
    }
  }
  if (config.admin.address.starts_with(kUnix)) {
    giveTo(account, config.admin.address.substr(kUnix.size()));
  }
}

}  // namespace

Result<Became, std::string> becomeUser(const Config& config) {
  if (config.user.empty()) {
    return Became::Already;
  }
  const auto account = findAccount(config.user, config.group);
  if (!account) {
    return Failure{account.error()};
  }
  if (::geteuid() == account->uid) {
    return Became::Already;
  }
  if (::geteuid() != 0) {
    return Became::NotRoot;
  }
  giveFiles(config, *account);
  if (const auto dropped = dropPrivileges(*account); !dropped) {
    return Failure{dropped.error()};
  }
  return Became::Asked;
}

Result<bool, ListenFault> applySocketRights(const ListenerConfig& listener) {
  constexpr std::string_view kUnix = "unix:";
  if (!listener.address.starts_with(kUnix) || (!listener.mode && listener.group.empty())) {
    return true;
  }
  const auto failed = [&](const char* call, int error) {
    return Failure{ListenFault{.address = listener.address, .call = call, .error = error}};
  };
  // By descriptor: whatever takes the path's place meanwhile is not meant.
  const Fd file(::open(listener.address.c_str() + kUnix.size(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return failed("open", file.valid() ? ENOTSOCK : errno);
  }
  if (!listener.group.empty()) {
    const auto group = findGroup(listener.group);
    if (!group) {
      return failed("getgrnam", ENOENT);
    }
    if (status.st_gid != *group && ::fchownat(file.get(), "", static_cast<uid_t>(-1), *group, AT_EMPTY_PATH) != 0) {
      return failed("chown", errno);
    }
  }
  const std::string by_descriptor = fmt::format("/proc/self/fd/{}", file.get());  // fchmod() refuses O_PATH
  if (listener.mode && (status.st_mode & 07777U) != *listener.mode &&
      ::chmod(by_descriptor.c_str(), *listener.mode) != 0) {
    return failed("chmod", errno);
  }
  return true;
}

}  // namespace gatewhy
