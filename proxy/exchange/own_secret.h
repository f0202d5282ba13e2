// SPDX-License-Identifier: Apache-2.0
// The key of a daemon that was given none (`secrets.file`): made once and kept
// in the state directory, so that what it signed outlives a restart.
#pragma once

#include <string>

namespace gatewhy {

struct OwnSecret {
  std::string key;      // "" = there is no randomness to be had
  std::string problem;  // why it could not be kept and ends with the process; "" = it is kept
};

// $STATE_DIRECTORY (systemd), /var/lib/gatewhy for root, else a directory in the
// user's state; "" where there is none.
[[nodiscard]] std::string stateDirectory();

// Reads the key that is kept in `directory`, or makes one. A file that is made
// belongs to `user` and `group` where root makes it and they are not empty.
// Reads and writes the disk: not on a worker's thread.
[[nodiscard]] OwnSecret ownSecret(const std::string& directory, const std::string& user, const std::string& group);

}  // namespace gatewhy
