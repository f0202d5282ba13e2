// SPDX-License-Identifier: Apache-2.0
#include "daemon/successor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

namespace gatewhy {
namespace {

constexpr const char* kWordsVariable = "GATEWHY_PREDECESSOR_FD";
constexpr std::string_view kPidVariable = "LISTEN_PID=";
constexpr std::size_t kPidDigits = 20;

// What goes through the pipe: first from the process that forks the successor,
// then from the successor itself.
struct Word {
  std::int32_t status;  // kForked, 0 = serves, else the exit status
  std::int32_t pid;
};
constexpr std::int32_t kForked = -1;

std::string failed(const char* call) {
  return fmt::format("{} failed: {}", call, std::strerror(errno));
}

// The environment of the new process. LISTEN_PID has room for the number that
// only the new process knows (sd_listen_fds(3) wants it to be its own).
std::vector<std::string> environmentFor(std::span<const ListeningSocket> sockets) {
  std::vector<std::string> made;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    // WATCHDOG_PID would say that the watchdog is not the new process's duty.
    if (!text.starts_with("LISTEN_") && !text.starts_with("WATCHDOG_PID=") && !text.starts_with(kWordsVariable)) {
      made.emplace_back(text);
    }
  }
  const auto number = static_cast<int>(sockets.size());
  made.push_back(fmt::format("LISTEN_FDS={}", number));
  std::string names = "LISTEN_FDNAMES=";
  for (const ListeningSocket& socket : sockets) {
    names += (names.back() == '=' ? "" : ":") + socket.name;
  }
  made.push_back(std::move(names));
  made.push_back(fmt::format("{}={}", kWordsVariable, SD_LISTEN_FDS_START + number));
  made.push_back(std::string(kPidVariable) + std::string(kPidDigits, '0'));
  return made;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> made;
  made.reserve(texts.size() + 1);
  for (std::string& text : texts) {
    made.push_back(text.data());
  }
  made.push_back(nullptr);
  return made;
}

// Between fork and exec in a process with threads: system calls only.
[[noreturn]] void becomeSuccessor(const char* path, char* const* arguments, char* const* environment, char* pid_digits,
                                  std::span<int> descriptors) {
  // Out of the way first: a source must not be overwritten by a target.
  const int above = SD_LISTEN_FDS_START + static_cast<int>(descriptors.size());
  bool good = true;
  for (int& fd : descriptors) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, above);
    good = good && fd >= 0;
  }
  int target = SD_LISTEN_FDS_START;
  for (const int fd : descriptors) {
    good = good && ::dup2(fd, target++) >= 0;
  }
  // Sockets of libraries, which do not all ask for that.
  ::close_range(static_cast<unsigned>(target), ~0U, CLOSE_RANGE_CLOEXEC);
  const auto pid = static_cast<unsigned long>(::getpid());
  unsigned long scale = 1;
  while (pid / scale >= 10) {
    scale *= 10;
  }
  for (; scale != 0; scale /= 10) {
    *pid_digits++ = static_cast<char>('0' + pid / scale % 10);
  }
  *pid_digits = '\0';
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (good) {
    ::execve(path, arguments, environment);
  }
  ::_exit(127);
}

}  // namespace

Program Program::current() {
  Program program;
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size > 0) {
    program.path.assign(path.data(), static_cast<std::size_t>(size));
  }
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string argument;
  while (std::getline(file, argument, '\0')) {
    program.arguments.push_back(argument);
  }
  return program;
}

Result<std::unique_ptr<Successor>, std::string> Successor::start(const Program& program,
                                                                 std::span<const ListeningSocket> sockets) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return Failure{failed("pipe2")};
  }
  Fd read_end(pipe[0]);
  const Fd write_end(pipe[1]);
  std::vector<std::string> arguments = program.arguments;
  std::vector<std::string> environment = environmentFor(sockets);
  char* pid_digits = environment.back().data() + kPidVariable.size();
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> environment_pointers = pointers(environment);
  std::vector<int> descriptors;
  for (const ListeningSocket& socket : sockets) {
    descriptors.push_back(socket.fd);
  }
  descriptors.push_back(write_end.get());
  const pid_t middle = ::fork();
  if (middle < 0) {
    return Failure{failed("fork")};
  }
  if (middle == 0) {
    const pid_t pid = ::_Fork();  // async-signal-safe, unlike fork
    if (pid == 0) {
      becomeSuccessor(program.path.c_str(), argument_pointers.data(), environment_pointers.data(), pid_digits,
                      descriptors);
    }
    const Word word{.status = kForked, .pid = static_cast<std::int32_t>(pid)};
    ::_exit(pid > 0 && ::write(write_end.get(), &word, sizeof word) == sizeof word ? 0 : 1);
  }
  int status = 0;
  ::waitpid(middle, &status, 0);
  Word word{};
  if (status != 0 || ::read(read_end.get(), &word, sizeof word) != sizeof word) {
    return Failure{std::string("fork failed in the process between")};
  }
  std::unique_ptr<Successor> made(new Successor(std::move(read_end)));
  made->pid_ = word.pid;
  return made;
}

Successor::~Successor() {
  if (state_ == State::Starting) {
    ::kill(pid_, SIGKILL);
  }
}

Successor::State Successor::poll() {
  if (state_ != State::Starting) {
    return state_;
  }
  Word word{};
  const ssize_t size = ::read(words_.get(), &word, sizeof word);
  if (size == sizeof word) {
    state_ = word.status == 0 ? State::Serves : State::Failed;
    exit_status_ = word.status;
  } else if (size == 0) {
    state_ = State::Failed;  // its end was closed without a word
  }
  return state_;
}

bool hasPredecessor() noexcept {
  return std::getenv(kWordsVariable) != nullptr;
}

void tellPredecessor(int status) noexcept {
  if (const char* text = std::getenv(kWordsVariable)) {
    const Fd words(std::atoi(text));
    ::unsetenv(kWordsVariable);
    const Word word{.status = status, .pid = static_cast<std::int32_t>(::getpid())};
    // A predecessor that died needs no word.
    [[maybe_unused]] const ssize_t written = ::write(words.get(), &word, sizeof word);
  }
}

}  // namespace gatewhy
