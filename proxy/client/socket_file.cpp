// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/socket_file.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "proxy/loop/fd.h"

namespace gatewhy {

std::optional<SocketFile> SocketFile::of(const Address& address) {
  if (address.family() != AF_UNIX) {
    return std::nullopt;
  }
  SocketFile file;
  file.address_ = address;
  file.path_ = reinterpret_cast<const sockaddr_un*>(&address.storage)->sun_path;
  struct stat status {};
  if (file.path_.empty() || ::lstat(file.path_.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return std::nullopt;
  }
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  return file;
}

void SocketFile::removeIfDead() const {
  const auto now = of(address_);
  if (!now || now->device_ != device_ || now->inode_ != inode_) {
    return;
  }
  // A full queue says EAGAIN: only a refusal means that nobody listens.
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (probe.valid() && ::connect(probe.get(), address_.get(), address_.size) != 0 && errno == ECONNREFUSED) {
    ::unlink(path_.c_str());
  }
}

}  // namespace gatewhy
