// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "proxy/net/address.h"

namespace gatewhy {

// The file of a listening unix socket: it stays when the socket is closed, and
// has to be removed by whoever knows that nobody listens there any more.
class SocketFile {
 public:
  // The file that `address` (unix) is bound to now; nullopt for other families,
  // abstract names, and where there is none.
  [[nodiscard]] static std::optional<SocketFile> of(const Address& address);

  // Removes it if it is still the same file and connecting to it is refused: a
  // successor, a socket unit or systemd's descriptor store may have it.
  void removeIfDead() const;

 private:
  Address address_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace gatewhy
