// SPDX-License-Identifier: Apache-2.0
// Listening sockets that came with the process (sd_listen_fds(3)): from socket
// units, from systemd's descriptor store after a restart, or from the process
// that this one succeeds. A socket that outlives its process keeps the
// connections in its queue.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/client/listener.h"

namespace gatewhy {

// "web" of "systemd:web"; empty where the address is one to bind.
[[nodiscard]] std::string_view systemdName(std::string_view address) noexcept;

// The name under which a listener's sockets are handed on (LISTEN_FDNAMES, no
// colon): it finds them again even where the configuration says port 0.
[[nodiscard]] std::string descriptorName(std::string_view address);

// Main thread only; at most one with content, since the environment is asked once.
class InheritedSockets {
 public:
  // Takes them from the environment, close-on-exec from now on. Those that
  // are not used are closed with this object.
  [[nodiscard]] static InheritedSockets fromEnvironment();

  // The sockets for a listener: of "systemd:NAME" the one of that name, for
  // every worker; of an address those that were its listener's or are bound to
  // it; if there is none, new ones. `handed_on`: the name that a predecessor
  // gave them, where it is not the address's. `ipv4_too` as in openListener().
  [[nodiscard]] Result<ListenSockets, ListenFault> open(const std::string& address, std::size_t workers,
                                                        std::string_view handed_on = {}, bool ipv4_too = false);
  // Closes what nobody asked for; the names, for a message.
  [[nodiscard]] std::vector<std::string> dropUnused();

 private:
  struct Entry {
    std::string name;
    Address local;
    Fd fd;
  };
  std::vector<Entry> entries_;
};

}  // namespace gatewhy
