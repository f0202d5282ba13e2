// SPDX-License-Identifier: Apache-2.0
#include "config/file_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <system_error>

namespace gatewhy {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPipePatience{10};
constexpr std::size_t kPiece = 64UL * 1024;

class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      // O_NONBLOCK: a FIFO that nobody writes to would hold open() for good.
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {}
  ~OpenFile() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string errorText(int error) {
  return std::generic_category().message(error);
}

std::string_view kindOfFile(mode_t mode) {
  if (S_ISFIFO(mode)) {
    return "a pipe";
  }
  return S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "a socket";
}

// False: nothing came in time.
bool awaitInput(int fd, Clock::time_point end) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = left > 0 ? ::poll(&item, 1, static_cast<int>(left)) : 0;
    if (ready >= 0 || errno != EINTR) {
      return ready > 0;
    }
  }
}

}  // namespace

Result<std::string, std::string> readTextFile(const std::string& path, std::size_t most, Pipes pipes) {
  const OpenFile file(path);
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    return Failure{errorText(errno)};
  }
  if (S_ISDIR(status.st_mode)) {
    return Failure{errorText(EISDIR)};
  }
  const bool pipe = S_ISFIFO(status.st_mode) && pipes == Pipes::Accepted;
  if (!S_ISREG(status.st_mode) && !pipe) {
    return Failure{fmt::format("it is {}, not a regular file", kindOfFile(status.st_mode))};
  }
  const auto end = Clock::now() + kPipePatience;
  std::string content;
  while (content.size() <= most) {
    if (pipe && !awaitInput(file.get(), end)) {
      return Failure{fmt::format("nobody has written all of it to the pipe within {} s", kPipePatience.count())};
    }
    const std::size_t had = content.size();
    content.resize(std::min(had + kPiece, most + 1));
    const ssize_t size = ::read(file.get(), content.data() + had, content.size() - had);
    const int error = errno;
    content.resize(had + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (size == 0) {
      break;
    }
    if (size < 0 && error != EINTR && error != EAGAIN) {
      return Failure{errorText(error)};
    }
  }
  return content;
}

}  // namespace gatewhy
