// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/log_destination.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "config/log_place.h"
#include "daemon/log/journal.h"
#include "daemon/log/nats_sink.h"
#include "daemon/log/otlp_sink.h"
#include "daemon/log/syslog.h"
#include "diagnostics/errno_name.h"

namespace gatewhy {
namespace {

WriteResult resultOf(ssize_t written) {
  if (written >= 0) {
    return {.status = WriteStatus::Ok, .size = static_cast<std::size_t>(written)};
  }
  const int error = errno;
  if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR) {
    return {.status = WriteStatus::WouldBlock};
  }
  return {.status = WriteStatus::Failed, .error = error};
}

bool ready(int fd, int timeout_ms) {
  pollfd item{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&item, 1, timeout_ms) > 0;
}

// What goes into a pipe or socket at once: whole lines, and no more than the
// kernel never mixes with what another process writes there (pipe(7)). After a
// binary upgrade two processes share it for a while.
std::string_view unmixed(std::string_view lines) {
  if (lines.size() <= PIPE_BUF) {
    return lines;
  }
  std::size_t end = lines.rfind('\n', PIPE_BUF - 1);
  if (end == std::string_view::npos) {
    end = lines.find('\n');  // one long line
  }
  return end == std::string_view::npos ? lines : lines.substr(0, end + 1);
}

Failure<std::string> cannotOpen(const std::string& what, int error) {
  return {fmt::format("cannot open {} for logging: {}{}", what, errnoName(error),
                      error == ELOOP ? " (a link is not followed in a directory that others can write to)" : "")};
}

// stdout or stderr. O_NONBLOCK belongs to the open file description, which we
// share with whoever started us: setting it there would break their writes.
class StandardStream : public LogDestination {
 public:
  StandardStream(int fd, mode_t mode) : fd_(fd), kind_(kindOf(mode)) {
    if (kind_ == Kind::Pipe) {
      // A description of our own; not always allowed (another user's pipe).
      own_fd_ = ::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    }
  }
  ~StandardStream() override {
    if (own_fd_ >= 0) {
      ::close(own_fd_);
    }
  }

  WriteResult write(std::string_view lines) override {
    if (kind_ == Kind::File) {
      return resultOf(::write(fd_, lines.data(), lines.size()));
    }
    lines = unmixed(lines);
    if (kind_ == Kind::Socket) {  // systemd gives us one
      return resultOf(::send(fd_, lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    }
    if (own_fd_ >= 0) {
      return resultOf(::write(own_fd_, lines.data(), lines.size()));
    }
    // A blocking pipe that polls writable has room for PIPE_BUF bytes.
    if (!ready(fd_, 0)) {
      return {.status = WriteStatus::WouldBlock};
    }
    return resultOf(::write(fd_, lines.data(), std::min<std::size_t>(lines.size(), PIPE_BUF)));
  }

  void awaitRoom(int timeout_ms) override { ready(own_fd_ >= 0 ? own_fd_ : fd_, timeout_ms); }
  [[nodiscard]] std::string name() const override { return fd_ == STDERR_FILENO ? "stderr" : "stdout"; }

 private:
  enum class Kind : std::uint8_t { File, Pipe, Socket };
  // A regular file must keep its shared offset: it may be the target of the
  // shell's ">", with others writing to it too.
  static Kind kindOf(mode_t mode) {
    if (S_ISSOCK(mode)) {
      return Kind::Socket;
    }
    return S_ISREG(mode) || S_ISBLK(mode) ? Kind::File : Kind::Pipe;
  }

  int fd_;
  Kind kind_;
  int own_fd_ = -1;
};

class LogFile : public LogDestination {
 public:
  explicit LogFile(std::string path) : path_(std::move(path)), fd_(openPath(path_)) {}
  ~LogFile() override { closeFd(fd_); }

  [[nodiscard]] bool isOpen() const { return fd_ >= 0; }

  WriteResult write(std::string_view lines) override { return resultOf(::write(fd_, lines.data(), lines.size())); }
  void awaitRoom(int timeout_ms) override { ready(fd_, timeout_ms); }

  ReopenResult reopen() override {
    const int fresh = openPath(path_);
    if (fresh < 0) {
      return {.how = Reopened::Failed, .error = errno};
    }
    struct stat before {};
    struct stat after {};
    const bool same = ::fstat(fd_, &before) == 0 && ::fstat(fresh, &after) == 0 && before.st_dev == after.st_dev &&
                      before.st_ino == after.st_ino;
    closeFd(std::exchange(fd_, fresh));
    return {.how = same ? Reopened::Same : Reopened::Different};
  }
  [[nodiscard]] std::string name() const override { return path_; }

 private:
  // O_NONBLOCK matters where the path is a FIFO: opening one that nobody
  // reads fails at once instead of waiting. In a directory where others may
  // put a link in the file's place, links are not followed (ELOOP).
  static int openPath(const std::string& path) {
    constexpr mode_t kMode = 0640;
    const int directory = ::open(directoryOf(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
      return -1;
    }
    const int links = othersMayWrite(directory) ? O_NOFOLLOW : 0;
    const int fd = ::openat(directory, path.c_str() + path.rfind('/') + 1,
                            O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | links, kMode);
    const int error = errno;
    ::close(directory);
    errno = error;
    return fd;
  }
  static std::string directoryOf(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
  }
  // Anybody but root and ourselves. Those of the directory's group were let in
  // on purpose, unlike everybody of a world-writable one.
  static bool othersMayWrite(int directory) {
    struct stat status {};
    return ::fstat(directory, &status) != 0 || (status.st_mode & S_IWOTH) != 0 ||
           (status.st_uid != 0 && status.st_uid != ::geteuid());
  }
  static void closeFd(int fd) {
    if (fd >= 0) {
      ::close(fd);
    }
  }

  std::string path_;
  int fd_;
};

}  // namespace

std::string describeFailure(const WriteResult& result) {
  if (result.error == 0) {
    return result.reason;
  }
  return fmt::format("{}{}{} ({})", result.reason, result.reason.empty() ? "" : ": ", errnoName(result.error),
                     std::strerror(result.error));
}

Result<std::unique_ptr<LogDestination>, std::string> openLogDestination(const LogTarget& target) {
  using Opened = std::unique_ptr<LogDestination>;
  auto place = parseLogPlace(target.to);
  if (!place) {
    return Failure{fmt::format("cannot log to '{}': {}", target.to, place.error())};
  }
  switch (place->kind) {
    case LogKind::Journald:
      return makeJournal();
    case LogKind::Syslog:
    case LogKind::SyslogTcp:
    case LogKind::SyslogUdp:
      return makeSyslog(*place);
    case LogKind::Nats:
      return makeNatsSink(*place, target);
    case LogKind::Otlp:
      return makeOtlpSink(*place, target);
    case LogKind::Stderr:
    case LogKind::Stdout: {
      const int fd = place->kind == LogKind::Stderr ? STDERR_FILENO : STDOUT_FILENO;
      struct stat info {};
      if (::fstat(fd, &info) != 0) {
        return cannotOpen(target.to, errno);
      }
      return Opened(std::make_unique<StandardStream>(fd, info.st_mode));
    }
    case LogKind::File:
      break;
  }
  auto file = std::make_unique<LogFile>(target.to);
  if (!file->isOpen()) {
    return cannotOpen(target.to, errno);
  }
  return Opened(std::move(file));
}

}  // namespace gatewhy
