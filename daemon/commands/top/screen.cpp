// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/top/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

namespace gatewhy {
namespace {

// Lines do not wrap: a frame keeps its height on a narrow terminal.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

void put(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return;  // the terminal has gone; SIGHUP says so too
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

sigset_t handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

Screen::Screen() {
  const sigset_t set = handled();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  keys_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
  enter();
}

Screen::~Screen() {
  leave();
  const sigset_t set = handled();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void Screen::enter() {
  if (keys_) {
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }
  put(kEnter);
}

void Screen::leave() {
  put(kLeave);
  if (keys_) {
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
}

void Screen::draw(const std::string& frame) {
  // Each line is erased before it is written: behind a full one the cursor
  // stays on its last column.
  std::string out = "\x1b[H\x1b[K";
  for (const char c : frame) {
    out += c == '\n' ? "\r\n\x1b[K" : std::string_view(&c, 1);
  }
  put(out + "\x1b[J");
}

Screen::Wake Screen::wait(std::chrono::milliseconds most) {
  std::array<pollfd, 2> waited = {pollfd{signals_.get(), POLLIN, 0}, pollfd{keys_ ? STDIN_FILENO : -1, POLLIN, 0}};
  if (::poll(waited.data(), waited.size(), static_cast<int>(most.count())) <= 0) {
    return Wake::Time;
  }
  if (waited[0].revents != 0) {
    return onSignal();
  }
  return keysWantEnd() ? Wake::Quit : Wake::Key;
}

Screen::Wake Screen::onSignal() {
  signalfd_siginfo signal{};
  if (::read(signals_.get(), &signal, sizeof signal) != sizeof signal || signal.ssi_signo == SIGWINCH) {
    return Wake::Redraw;
  }
  if (signal.ssi_signo == SIGTSTP) {
    leave();
    ::raise(SIGSTOP);
    enter();
    return Wake::Redraw;
  }
  return Wake::Quit;
}

bool Screen::keysWantEnd() {
  std::array<char, 64> keys{};
  const ssize_t got = ::read(STDIN_FILENO, keys.data(), keys.size());
  if (got <= 0) {
    return true;  // the terminal has gone
  }
  typed_.assign(keys.data(), static_cast<std::size_t>(got));
  return typed_.find_first_of("qQ\x04") != std::string::npos;
}

std::size_t Screen::height() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 ? size.ws_row : 24;
}

}  // namespace gatewhy
