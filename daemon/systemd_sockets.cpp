// SPDX-License-Identifier: Apache-2.0
#include "daemon/systemd_sockets.h"

#include <fcntl.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace gatewhy {
namespace {

constexpr std::string_view kPrefix = "systemd:";

int findDescriptor(std::string_view wanted) {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(0, &names);
  int found = -1;
  for (int i = 0; i < count; ++i) {
    if (found < 0 && wanted == names[i]) {
      found = SD_LISTEN_FDS_START + i;
    }
    free(names[i]);
  }
  free(names);
  return found;
}

}  // namespace

bool isSystemdAddress(const std::string& address) {
  return address.compare(0, kPrefix.size(), kPrefix) == 0;
}

Result<ListenSockets, ListenFault> takeSystemdSocket(const std::string& address, std::size_t workers) {
  const auto failed = [&](const char* call, int error) {
    return Failure{ListenFault{.address = address, .call = call, .error = error}};
  };
  const int inherited = findDescriptor(std::string_view(address).substr(kPrefix.size()));
  if (inherited < 0) {
    return failed("sd_listen_fds", ENOENT);
  }
  ListenSockets sockets;
  sockets.address = address;
  sockets.local.size = sizeof sockets.local.storage;
  ::getsockname(inherited, reinterpret_cast<sockaddr*>(&sockets.local.storage), &sockets.local.size);
  sockets.bound = sockets.local.text();
  for (std::size_t i = 0; i < workers; ++i) {
    Fd copy(::fcntl(inherited, F_DUPFD_CLOEXEC, 0));
    if (!copy.valid() || ::fcntl(copy.get(), F_SETFL, O_NONBLOCK) != 0) {
      return failed("fcntl", errno);
    }
    sockets.per_worker.push_back(std::move(copy));
  }
  return sockets;
}

}  // namespace gatewhy
