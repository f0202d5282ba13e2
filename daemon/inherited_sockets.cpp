// SPDX-License-Identifier: Apache-2.0
#include "daemon/inherited_sockets.h"

#include <fcntl.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace gatewhy {
namespace {

constexpr std::string_view kPrefix = "systemd:";

}  // namespace

std::string_view systemdName(std::string_view address) noexcept {
  return address.starts_with(kPrefix) ? address.substr(kPrefix.size()) : std::string_view();
}

std::string descriptorName(std::string_view address) {
  const std::string_view name = systemdName(address);
  std::string made(name.empty() ? address : name);
  std::replace(made.begin(), made.end(), ':', '_');
  return made;
}

InheritedSockets InheritedSockets::fromEnvironment() {
  InheritedSockets made;
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);  // sets FD_CLOEXEC
  for (int i = 0; i < count; ++i) {
    Fd fd(SD_LISTEN_FDS_START + i);
    // A dead or strange descriptor in the store is not worth a failed start.
    if (sd_is_socket(fd.get(), AF_UNSPEC, SOCK_STREAM, 1) > 0 && ::fcntl(fd.get(), F_SETFL, O_NONBLOCK) == 0) {
      const Address local = localAddress(fd.get());
      made.entries_.push_back({.name = names[i], .local = local, .fd = std::move(fd)});
    }
    free(names[i]);
  }
  free(names);
  return made;
}

Result<ListenSockets, ListenFault> InheritedSockets::open(const std::string& address, std::size_t workers,
                                                          std::string_view handed_on, bool ipv4_too) {
  const bool from_unit = !systemdName(address).empty();
  const std::string name = descriptorName(address);
  const auto wanted = from_unit ? std::nullopt : Address::parse(address);
  std::vector<Fd> mine;
  for (Entry& entry : entries_) {
    const bool fits = entry.name == name || entry.name == handed_on || (wanted && entry.local == *wanted);
    if (fits && entry.fd.valid()) {
      mine.push_back(std::move(entry.fd));
    }
  }
  if (!mine.empty()) {
    return adoptListener(address, workers, std::move(mine));
  }
  if (from_unit) {
    return Failure{ListenFault{.address = address, .call = "sd_listen_fds", .error = ENOENT}};
  }
  return openListener(address, workers, ipv4_too);
}

std::vector<std::string> InheritedSockets::dropUnused() {
  std::vector<std::string> unused;
  for (const Entry& entry : entries_) {
    if (entry.fd.valid()) {
      unused.push_back(entry.name + " (" + entry.local.text() + ")");
    }
  }
  entries_.clear();
  return unused;
}

}  // namespace gatewhy
