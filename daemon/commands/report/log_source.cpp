// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/report/log_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "proxy/loop/fd.h"

namespace gatewhy {
namespace {

constexpr std::size_t kSlack = 64;  // what a parser may read behind a line
constexpr unsigned kReadSize = 1U << 20U;

}  // namespace

Result<LogSource, std::string> LogSource::open(const std::string& path) {
  const auto failed = [&path] { return Failure{fmt::format("{}: {}", path, std::generic_category().message(errno))}; };
  LogSource source;
  Fd fd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts {};
  if (!fd.valid() || ::fstat(fd.get(), &facts) != 0) {
    return failed();
  }
  if (S_ISDIR(facts.st_mode)) {
    errno = EISDIR;
    return failed();
  }
  source.size_ = S_ISREG(facts.st_mode) ? static_cast<std::uint64_t>(facts.st_size) : 0;
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  source.file_.reset(gzdopen(fd.get(), "rb"));  // what is not gzip passes through
  if (source.file_ == nullptr) {
    return Failure{fmt::format("{}: out of memory", path)};
  }
  [[maybe_unused]] const int owned = fd.release();
  gzbuffer(source.file_.get(), kReadSize / 4);
  return source;
}

std::string LogSource::forEachLine(const std::function<void(const Line&)>& on_line,
                                   const std::function<void(std::uint64_t)>& on_block) {
  std::vector<char> buffer(kMostLine + kReadSize + kSlack);
  std::size_t held = 0;   // bytes of an unfinished line at the front
  bool skipping = false;  // the rest of a line that was too long
  while (true) {
    const int got = gzread(file_.get(), buffer.data() + held, kReadSize);
    if (got <= 0) {
      int code = Z_OK;
      const char* message = gzerror(file_.get(), &code);
      if (held != 0 && !skipping) {
        on_line(Line{.text = {buffer.data(), held}, .complete = false});
      }
      if (got == 0 && code == Z_OK) {
        return "";
      }
      return code == Z_ERRNO       ? std::generic_category().message(errno)
             : code == Z_BUF_ERROR ? "the compressed data ends early"
                                   : std::string(message);
    }
    on_block(static_cast<std::uint64_t>(gzoffset(file_.get())));
    const char* at = buffer.data();
    const char* const end = buffer.data() + held + static_cast<std::size_t>(got);
    const char* search = buffer.data() + held;
    while (true) {
      const auto* newline = static_cast<const char*>(std::memchr(search, '\n', static_cast<std::size_t>(end - search)));
      if (newline == nullptr) {
        break;
      }
      if (!skipping && newline != at) {
        on_line(Line{.text = {at, static_cast<std::size_t>(newline - at)}});
      }
      skipping = false;
      at = search = newline + 1;
    }
    held = static_cast<std::size_t>(end - at);
    if (skipping) {
      held = 0;
    } else if (held >= kMostLine) {
      on_line(Line{.text = {at, held}, .too_long = true});
      skipping = true;
      held = 0;
    } else {
      std::memmove(buffer.data(), at, held);
    }
  }
}

}  // namespace gatewhy
