// SPDX-License-Identifier: Apache-2.0
#include "config/config_watch.h"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kLookEvery{500};
constexpr std::chrono::milliseconds kQuietFor{1000};

void appendSight(std::string& out, const char* path) {
  struct stat status {};
  if (::stat(path, &status) != 0) {
    fmt::format_to(std::back_inserter(out), "{}: missing\n", path);
    return;
  }
  fmt::format_to(std::back_inserter(out), "{}: {} {} {} {}.{} {}.{}\n", path, status.st_dev, status.st_ino,
                 status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                 status.st_ctim.tv_nsec);
}

}  // namespace

std::string ConfigWatch::sight(const std::string& main, const std::vector<std::string>& patterns) {
  std::string out;
  appendSight(out, main.c_str());
  for (const std::string& pattern : patterns) {
    glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
      std::for_each(found.gl_pathv, found.gl_pathv + found.gl_pathc,
                    [&out](const char* path) { appendSight(out, path); });
    }
    ::globfree(&found);
  }
  return out;
}

void ConfigWatch::begin(std::string main, std::vector<std::string> patterns, std::string known, Clock::time_point now) {
  main_ = std::move(main);
  patterns_ = std::move(patterns);
  known_ = last_ = std::move(known);
  changed_ = now;
  due_ = now + kLookEvery;
}

std::optional<std::chrono::milliseconds> ConfigWatch::dueIn(Clock::time_point now) const {
  if (main_.empty()) {
    return std::nullopt;
  }
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(due_ - now), std::chrono::milliseconds(1));
}

bool ConfigWatch::look(Clock::time_point now) {
  if (main_.empty() || now < due_) {
    return false;
  }
  due_ = now + kLookEvery;
  std::string seen = sight(main_, patterns_);
  if (seen != last_) {
    last_ = std::move(seen);
    changed_ = now;
    return false;
  }
  if (last_ == known_ || now - changed_ < kQuietFor) {
    return false;
  }
  known_ = last_;
  return true;
}

}  // namespace gatewhy
