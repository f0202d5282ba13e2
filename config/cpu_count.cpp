// SPDX-License-Identifier: Apache-2.0
#include "config/cpu_count.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace gatewhy {
namespace {

constexpr std::uint32_t kMostWorkers = 1024;

std::optional<double> positive(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end != text.c_str() && value > 0 ? std::optional(value) : std::nullopt;
}

// "50000 100000", or "max 100000".
std::optional<double> ofCpuMax(const std::optional<std::string>& text) {
  if (!text) {
    return std::nullopt;
  }
  const std::size_t blank = text->find(' ');
  const auto quota = positive(text->substr(0, blank));
  const auto period = blank == std::string::npos ? std::nullopt : positive(text->substr(blank + 1));
  return quota && period ? std::optional(*quota / *period) : std::nullopt;
}

std::optional<double> ofCfsQuota(const FileReader& read, const std::string& folder) {
  const auto quota = read(folder + "/cpu.cfs_quota_us");  // -1: none
  const auto period = read(folder + "/cpu.cfs_period_us");
  if (!quota || !period) {
    return std::nullopt;
  }
  const auto cores = positive(*quota);
  const auto of = positive(*period);
  return cores && of ? std::optional(*cores / *of) : std::nullopt;
}

bool names(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const std::size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == wanted) {
      return true;
    }
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

std::optional<std::string> readWhole(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return std::nullopt;
  }
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::optional<double> cpuQuota(const FileReader& read) {
  const auto groups = read("/proc/self/cgroup");
  if (!groups) {
    return std::nullopt;
  }
  std::optional<double> least;
  std::istringstream lines(*groups);
  for (std::string line; std::getline(lines, line);) {
    // hierarchy-id ":" controllers ":" path
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const bool unified = second == first + 1;
    if (!unified && !names(std::string_view(line).substr(first + 1, second - first - 1), "cpu")) {
      continue;
    }
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    // A group is bound by those above it too, up to where its view ends.
    for (std::string path = line.substr(second + 1);; path.erase(path.rfind('/'))) {
      const std::string folder = root + (path == "/" ? "" : path);
      const auto quota = unified ? ofCpuMax(read(folder + "/cpu.max")) : ofCfsQuota(read, folder);
      if (quota && (!least || *quota < *least)) {
        least = quota;
      }
      if (path.empty() || path.rfind('/') == std::string::npos) {
        break;
      }
    }
  }
  return least;
}

std::uint32_t usableCpus(std::uint32_t by_affinity, std::optional<double> quota) {
  const std::uint32_t cores = std::clamp(by_affinity, 1U, kMostWorkers);
  return quota && *quota < cores ? std::max(1U, static_cast<std::uint32_t>(std::ceil(*quota))) : cores;
}

std::uint32_t usableCpus() {
  // glibc asks sched_getaffinity(2).
  return usableCpus(std::thread::hardware_concurrency(), cpuQuota(readWhole));
}

}  // namespace gatewhy
