// SPDX-License-Identifier: Apache-2.0
#include "daemon/run_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

namespace gatewhy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStateName = "gatewhy-state";
constexpr std::string_view kStateLink = "/memfd:gatewhy-state";
constexpr std::size_t kMostState = 1UL << 20U;

// The descriptor by which `pid` holds its state, as a path.
std::optional<std::string> stateOf(pid_t pid) {
  std::error_code error;
  for (fs::directory_iterator entry(fmt::format("/proc/{}/fd", pid), error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code unread;
    const std::string target = fs::read_symlink(entry->path(), unread).string();
    if (!unread && target.starts_with(kStateLink)) {
      return entry->path().string();
    }
  }
  return std::nullopt;
}

std::string contentOf(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string content(kMostState, '\0');
  std::size_t size = 0;
  ssize_t got = 1;
  while (fd.valid() && got > 0 && size < content.size()) {
    got = ::pread(fd.get(), &content[size], content.size() - size, static_cast<off_t>(size));
    size += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  content.resize(size);
  return content;
}

// nullopt where it was being written just then.
std::optional<RunState> parseState(const std::string& content) {
  const nlohmann::json read = nlohmann::json::parse(content, nullptr, false);
  if (!read.is_object() || read.value("begin", nlohmann::json()) != read.value("end", nlohmann::json(0))) {
    return std::nullopt;
  }
  try {
    RunState state;
    state.config = read.at("config").get<std::string>();
    state.reloading = read.at("reloading").get<bool>();
    state.stopping = read.at("stopping").get<bool>();
    state.reload.number = read.at("reloads").get<std::uint64_t>();
    state.reload.applied = read.at("applied").get<bool>();
    state.reload.message = read.at("message").get<std::string>();
    state.reload.problems = read.at("problems").get<std::vector<std::string>>();
    return state;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

void RunStateFile::publish(const RunState& state) {
  if (!file_.valid()) {
    file_ = Fd(::memfd_create(kStateName, MFD_CLOEXEC));
    if (!file_.valid()) {
      return;
    }
  }
  ++writes_;
  const nlohmann::json shown{{"begin", writes_},
                             {"config", state.config},
                             {"reloading", state.reloading},
                             {"stopping", state.stopping},
                             {"reloads", state.reload.number},
                             {"applied", state.reload.applied},
                             {"message", state.reload.message},
                             {"problems", state.reload.problems},
                             {"end", writes_}};
  // A file name need not be UTF-8.
  const std::string text = shown.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (::pwrite(file_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())) {
    [[maybe_unused]] const int cut = ::ftruncate(file_.get(), static_cast<off_t>(text.size()));
  }
}

std::optional<RunState> readRunState(pid_t pid) {
  constexpr int kTries = 50;
  const auto path = stateOf(pid);
  for (int i = 0; path && i < kTries; ++i) {
    if (auto state = parseState(contentOf(*path))) {
      return state;
    }
    ::usleep(1000);
  }
  return std::nullopt;
}

std::vector<pid_t> daemonsOf(const std::string& config) {
  std::vector<pid_t> found;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    pid_t pid = 0;
    const auto [rest, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc() || rest != name.data() + name.size() || pid == ::getpid()) {
      continue;
    }
    const auto state = readRunState(pid);
    if (state && !state->stopping && !state->config.empty() && sameFile(state->config, config)) {
      found.push_back(pid);
    }
  }
  return found;
}

std::string absolutePath(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

bool sameFile(const std::string& a, const std::string& b) {
  std::error_code error;
  return a == b || (fs::equivalent(a, b, error) && !error);
}

}  // namespace gatewhy
