// SPDX-License-Identifier: Apache-2.0
#include "tests/support/child_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>

namespace gatewhy::test {
namespace {

using Filter = std::vector<sock_filter>;

constexpr std::uint32_t kNumberAt = offsetof(seccomp_data, nr);
constexpr std::uint32_t argumentAt(unsigned i) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args)) + 8 * i;  // low half: little endian
}

// "if the call is `number` and its argument `index` is `value`: errno"
void appendRule(Filter& filter, long number, unsigned index, std::uint32_t value, int error) {
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumberAt));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 3));
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argumentAt(index)));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)));
}

Filter buildFilter(const std::vector<DeniedCall>& denied) {
  Filter filter;
  for (const DeniedCall& rule : denied) {
    if (rule.call == "connect") {
      // The address itself is out of a filter's reach, its size is not:
      // sockaddr_in and sockaddr_in6, but no unix address.
      appendRule(filter, SYS_connect, 2, 16, rule.error);
      appendRule(filter, SYS_connect, 2, 28, rule.error);
    } else if (rule.call == "socket6") {
      appendRule(filter, SYS_socket, 0, AF_INET6, rule.error);
    } else if (rule.call == "socket") {
      appendRule(filter, SYS_socket, 0, AF_INET, rule.error);
    }
  }
  if (!filter.empty()) {
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  return filter;
}

struct Prepared {
  std::vector<std::string> environment;
  std::vector<char*> arguments, variables;
  Filter filter;
};

Prepared prepare(const ChildOptions& options) {
  Prepared prepared;
  const auto replaced = [&options](std::string_view variable) {
    return std::any_of(options.environment.begin(), options.environment.end(), [&](const auto& given) {
      return variable.starts_with(given.first) && variable.substr(given.first.size()).starts_with('=');
    });
  };
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!replaced(*variable)) {
      prepared.environment.emplace_back(*variable);
    }
  }
  for (const auto& [name, value] : options.environment) {
    prepared.environment.push_back(fmt::format("{}={}", name, value));
  }
  for (std::string& variable : prepared.environment) {
    prepared.variables.push_back(variable.data());
  }
  prepared.variables.push_back(nullptr);
  for (const std::string& argument : options.arguments) {
    prepared.arguments.push_back(const_cast<char*>(argument.c_str()));  // execve does not write
  }
  prepared.arguments.push_back(nullptr);
  prepared.filter = buildFilter(options.denied);
  return prepared;
}

// Between fork and exec: other threads may have held any lock, so only system
// calls from here on.
[[noreturn]] void becomeChild(const ChildOptions& options, const Prepared& prepared, int out, int err) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  int next = STDERR_FILENO + 1;
  for (const int fd : options.inherited) {
    ::dup2(::fcntl(fd, F_DUPFD, 64), next++);  // not from where a target will be
  }
  std::signal(SIGPIPE, SIG_DFL);
  bool good = options.network_namespace < 0 || ::setns(options.network_namespace, CLONE_NEWNET) == 0;
  if (good && options.drop_file_privileges && ::geteuid() == 0) {
    good = ::prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) == 0 && ::prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH) == 0;
  }
  if (good && !prepared.filter.empty()) {
    sock_fprog program{static_cast<unsigned short>(prepared.filter.size()),
                       const_cast<sock_filter*>(prepared.filter.data())};
    good = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
  }
  if (good) {
    ::execve(prepared.arguments[0], prepared.arguments.data(), prepared.variables.data());
  }
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<ChildProcess>, std::string> ChildProcess::start(const ChildOptions& options, OnLine on_line,
                                                                       std::function<void()> on_end) {
  std::array<int, 2> out{}, err{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0) {
    return Failure{std::string("no pipe: ") + std::strerror(errno)};
  }
  std::unique_ptr<ChildProcess> child(new ChildProcess);
  child->out_ = Fd(out[0]);
  child->err_ = Fd(err[0]);
  const Fd out_write(out[1]), err_write(err[1]);
  const Prepared prepared = prepare(options);
  child->pid_ = ::fork();
  if (child->pid_ == 0) {
    becomeChild(options, prepared, out[1], err[1]);
  }
  if (child->pid_ < 0) {
    return Failure{std::string("no fork: ") + std::strerror(errno)};
  }
  child->process_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child->pid_, 0)));
  child->on_line_ = std::move(on_line);
  child->on_end_ = std::move(on_end);
  child->out_reader_ = std::thread([raw = child.get()] { raw->readOutput(raw->out_.get(), true); });
  child->err_reader_ = std::thread([raw = child.get()] { raw->readOutput(raw->err_.get(), false); });
  return child;
}

void ChildProcess::readOutput(int fd, bool lines) {
  std::string pending;
  std::array<char, 16384> chunk;
  ssize_t got = 0;
  while ((got = ::read(fd, chunk.data(), chunk.size())) > 0 || (got < 0 && errno == EINTR)) {
    const std::string_view bytes(chunk.data(), static_cast<std::size_t>(got < 0 ? 0 : got));
    if (!lines) {
      const std::lock_guard lock(mutex_);
      err_text_.append(bytes);
      continue;
    }
    pending.append(bytes);
    std::size_t end = 0;
    while ((end = pending.find('\n')) != std::string::npos) {
      if (on_line_) {
        on_line_(pending.substr(0, end));
      }
      pending.erase(0, end + 1);
    }
  }
  if (lines && on_end_) {
    on_end_();
  }
}

ChildProcess::~ChildProcess() {
  if (!status_) {
    signal(SIGKILL);
    wait();
  }
}

void ChildProcess::signal(int number) const {
  if (!status_) {
    ::kill(pid_, number);
  }
}

std::optional<int> ChildProcess::wait() {
  if (status_) {
    return status_;
  }
  pollfd ended{process_.get(), POLLIN, 0};
  const int patience = static_cast<int>(std::chrono::milliseconds(kPatience).count());
  const bool in_time = ::poll(&ended, 1, patience) > 0;
  if (!in_time) {
    ::kill(pid_, SIGKILL);
  }
  int raw = 0;
  ::waitpid(pid_, &raw, 0);
  status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : -WTERMSIG(raw);
  out_reader_.join();
  err_reader_.join();
  return in_time ? status_ : std::nullopt;
}

std::string ChildProcess::standardError() const {
  const std::lock_guard lock(mutex_);
  return err_text_;
}

Result<bool, std::string> runShell(const std::string& command, int network_namespace) {
  ChildOptions options;
  options.arguments = {"/bin/sh", "-c", command};
  options.network_namespace = network_namespace;
  std::string output;
  auto child = ChildProcess::start(options, [&output](const std::string& line) { output += line + "\n"; });
  if (!child) {
    return Failure{child.error()};
  }
  const std::optional<int> status = (*child)->wait();
  if (status != 0) {
    return Failure{fmt::format("`{}` failed: {}{}", command, output, (*child)->standardError())};
  }
  return true;
}

}  // namespace gatewhy::test
