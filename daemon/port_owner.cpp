// SPDX-License-Identifier: Apache-2.0
#include "daemon/port_owner.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

#include "diagnostics/errno_name.h"
#include "proxy/net/address.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kFirstUnprivilegedPort = 1024;

template <typename Number>
std::optional<Number> hexNumber(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// "0100007F:1F90" and the like: each eight digits are a word as the machine
// has it in memory (proc(5)). nullopt where it is something else.
std::optional<Address> procAddress(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto port = hexNumber<std::uint16_t>(text.substr(std::min(colon, text.size() - 1) + 1));
  if (colon == std::string_view::npos || (colon != 8 && colon != 32) || !port) {
    return std::nullopt;
  }
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < colon / 8; ++i) {
    const auto word = hexNumber<std::uint32_t>(text.substr(i * 8, 8));
    if (!word) {
      return std::nullopt;
    }
    words[i] = *word;
  }
  auto address = Address::fromIp(colon == 8 ? "0.0.0.0" : "::", *port);
  if (!address) {
    return std::nullopt;
  }
  if (colon == 8) {
    reinterpret_cast<sockaddr_in*>(&address->storage)->sin_addr.s_addr = words[0];
  } else {
    std::memcpy(&reinterpret_cast<sockaddr_in6*>(&address->storage)->sin6_addr, words.data(), sizeof words);
  }
  return address;
}

bool isWildcard(const Address& address) {
  const std::string ip = address.ip();
  return ip == "0.0.0.0" || ip == "::";
}

// Two sockets cannot both listen on these.
bool clash(const Address& a, const Address& b) {
  if (a.port() != b.port()) {
    return false;
  }
  return a.bytes() == b.bytes() || isWildcard(a) || isWildcard(b);
}

// The inode of the socket that listens on the address, "" where none is seen.
std::string listeningInode(const Address& wanted) {
  constexpr std::string_view kListening = "0A";
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);  // headings
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
      fields >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
      const auto address = state == kListening ? procAddress(local) : std::nullopt;
      if (address && clash(*address, wanted)) {
        return inode;
      }
    }
  }
  return "";
}

std::string unixInode(std::string_view path) {
  std::ifstream file("/proc/net/unix");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string number, references, protocol, flags, type, state, inode, name;
    fields >> number >> references >> protocol >> flags >> type >> state >> inode >> name;
    if (name == path) {
      return inode;
    }
  }
  return "";
}

// The process that holds the socket; 0 where it cannot be seen: another
// user's, or another namespace's.
int processOfSocket(const std::string& inode) {
  const std::string wanted = "socket:[" + inode + "]";
  std::error_code error;
  for (std::filesystem::directory_iterator process("/proc", error), end; process != end; process.increment(error)) {
    const std::string name = process->path().filename();
    int pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc()) {
      continue;
    }
    std::error_code denied;
    for (std::filesystem::directory_iterator fd(process->path() / "fd", denied), last; !denied && fd != last;
         fd.increment(denied)) {
      std::error_code gone;
      if (std::filesystem::read_symlink(fd->path(), gone) == wanted) {
        return pid;
      }
    }
  }
  return 0;
}

std::string owner(const std::string& address) {
  const auto wanted = Address::parse(address);
  if (!wanted) {
    return "";
  }
  const std::string inode =
      wanted->family() == AF_UNIX ? unixInode(std::string_view(address).substr(5)) : listeningInode(*wanted);
  const int pid = inode.empty() ? 0 : processOfSocket(inode);
  if (pid == 0) {
    return ": taken by a process that this user cannot see (as root, ss -ltnp shows it)";
  }
  if (pid == ::getpid()) {
    return ": taken by another listener of this gatewhy";
  }
  std::string name;
  std::ifstream comm(fmt::format("/proc/{}/comm", pid));
  std::getline(comm, name);
  return fmt::format(": taken by {} (pid {})", name, pid);
}

std::string advice(const ListenFault& fault) {
  switch (fault.error) {
    case EADDRINUSE:
      return owner(fault.address);
    case EADDRNOTAVAIL:
      return ": no interface of this machine has that address";
    case EACCES: {
      const auto address = Address::parse(fault.address);
      const bool low = address && address->family() != AF_UNIX && address->port() < kFirstUnprivilegedPort;
      return low ? ": a port below 1024 needs CAP_NET_BIND_SERVICE (AmbientCapabilities= of the unit, or setcap "
                   "cap_net_bind_service=+ep on the binary) or the socket unit (gatewhy-http.socket)"
                 : "";
    }
    default:
      return "";
  }
}

}  // namespace

std::string describeListenFault(const ListenFault& fault) {
  return fmt::format("cannot listen on {}: {} failed: {} ({}){}", fault.address, fault.call, errnoName(fault.error),
                     std::generic_category().message(fault.error), advice(fault));
}

}  // namespace gatewhy
