// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "diagnostics/result.h"

namespace gatewhy {

// Whom a daemon that was started as root becomes.
struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // `gid` among them
};

// By name or number; an empty `group` is the user's own. The error is a sentence.
[[nodiscard]] Result<Account, std::string> findAccount(const std::string& user, const std::string& group);
[[nodiscard]] Result<gid_t, std::string> findGroup(const std::string& group);

// Of `files` those that the account cannot read, as errno by index, 0 where it
// can. Asked by a child process that becomes it; only root may ask.
[[nodiscard]] std::vector<int> unreadableBy(const Account& account, const std::vector<std::string>& files);

}  // namespace gatewhy
