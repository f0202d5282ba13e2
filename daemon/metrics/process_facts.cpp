// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/process_facts.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace gatewhy {
namespace {

// proc(5): fields of /proc/self/stat, counted from 1.
constexpr int kUserTicks = 14, kSystemTicks = 15, kThreads = 20, kStartTicks = 22, kVirtualBytes = 23, kPages = 24;

std::uint64_t bootTime() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    if (word == "btime") {
      std::uint64_t seconds = 0;
      file >> seconds;
      return seconds;
    }
  }
  return 0;
}

std::uint64_t openDescriptors() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
       entry.increment(error)) {
    ++count;
  }
  return count == 0 ? 0 : count - 1;  // not the one that reads the directory
}

}  // namespace

ProcessFacts processFacts() {
  ProcessFacts facts;
  std::ostringstream content;
  content << std::ifstream("/proc/self/stat").rdbuf();
  const std::string text = content.str();
  const std::size_t name_end = text.rfind(')');  // the name may hold blanks and parentheses
  if (name_end != std::string::npos) {
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    std::istringstream fields(text.substr(name_end + 1));
    std::string field;
    double cpu_ticks = 0;
    for (int number = 3; fields >> field; ++number) {
      const std::uint64_t value = std::strtoull(field.c_str(), nullptr, 10);
      if (number == kUserTicks || number == kSystemTicks) {
        cpu_ticks += static_cast<double>(value);
      } else if (number == kThreads) {
        facts.threads = value;
      } else if (number == kStartTicks) {
        facts.start_time = static_cast<double>(bootTime()) + static_cast<double>(value) / ticks;
      } else if (number == kVirtualBytes) {
        facts.virtual_bytes = value;
      } else if (number == kPages) {
        facts.resident_bytes = value * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        break;
      }
    }
    facts.cpu_seconds = cpu_ticks / ticks;
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    facts.max_fds = limit.rlim_cur;
  }
  facts.open_fds = openDescriptors();
  return facts;
}

}  // namespace gatewhy
