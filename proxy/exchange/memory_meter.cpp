// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/memory_meter.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>

// jemalloc's, where it is linked.
extern "C" int mallctl(const char* name, void* old, std::size_t* old_size, void* fresh, std::size_t fresh_size)
    __attribute__((weak));

namespace gatewhy {
namespace {

// A control group's "no limit" is the largest number of pages there is.
constexpr std::uint64_t kNoGroupLimit = 1ULL << 60;

std::optional<std::uint64_t> leadingNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

std::string contentOf(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Of a small file that the kernel writes anew for each reader.
std::string_view contentOf(const Fd& file, std::array<char, 8192>& buffer) {
  const ssize_t size = file.valid() ? ::pread(file.get(), buffer.data(), buffer.size(), 0) : 0;
  return {buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

template <typename Line>
void forEachLine(std::string_view text, const Line& line) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool alone(const std::string& procs) {
  bool only = !procs.empty();
  forEachLine(procs, [&](std::string_view pid) {
    only = only && leadingNumber(pid) == static_cast<std::uint64_t>(::getpid());
  });
  return only;
}

// Addresses that the allocator holds and nobody uses.
std::uint64_t heldByAllocator() {
  if (mallctl == nullptr) {
    return 0;
  }
  std::uint64_t epoch = 1;
  std::size_t size = sizeof epoch;
  ::mallctl("epoch", &epoch, &size, &epoch, sizeof epoch);
  const auto statistic = [](const char* name) {
    std::size_t value = 0;
    std::size_t value_size = sizeof value;
    return ::mallctl(name, &value, &value_size, nullptr, 0) == 0 ? value : 0;
  };
  // 4096: all arenas (MALLCTL_ARENAS_ALL).
  const std::size_t pages = statistic("stats.arenas.4096.pdirty") + statistic("stats.arenas.4096.pmuzzy");
  return statistic("stats.retained") + pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void returnFreeMemory() noexcept {
  if (mallctl != nullptr) {
    ::mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: as above
  }
}

std::optional<ProcessPages> readStatm(std::string_view text, std::uint64_t page_size) {
  const auto size = leadingNumber(text);
  const std::size_t space = text.find(' ');
  const auto resident = space == std::string_view::npos ? std::nullopt : leadingNumber(text.substr(space + 1));
  if (!size || !resident) {
    return std::nullopt;
  }
  return ProcessPages{.addresses = *size * page_size, .resident = *resident * page_size};
}

std::uint64_t memoryStat(std::string_view text, std::string_view key) {
  std::uint64_t value = 0;
  forEachLine(text, [&](std::string_view line) {
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      value = leadingNumber(line.substr(key.size() + 1)).value_or(0);
    }
  });
  return value;
}

std::optional<GroupLimit> groupLimit(std::string_view self, const std::string& root) {
  std::optional<GroupLimit> least;
  const auto consider = [&](const std::string& directory, bool second) {
    const auto bytes = leadingNumber(contentOf(directory + (second ? "/memory.max" : "/memory.limit_in_bytes")));
    if (bytes && *bytes < kNoGroupLimit && (!least || *bytes < least->bytes)) {
      least = GroupLimit{.bytes = *bytes,
                         .usage_file = directory + (second ? "/memory.current" : "/memory.usage_in_bytes"),
                         .stat_file = directory + "/memory.stat",
                         .cache_key = second ? "file" : "total_cache"};
    }
  };
  forEachLine(self, [&](std::string_view line) {
    const bool second = line.starts_with("0::");
    const std::size_t first_colon = line.find(':');
    const std::size_t colon = line.find(':', first_colon == std::string_view::npos ? 0 : first_colon + 1);
    const bool memory =
        !second && colon != std::string_view::npos && line.substr(first_colon + 1, colon - first_colon - 1) == "memory";
    if (!second && !memory) {
      return;
    }
    const std::string top = root + (second ? "" : "/memory");
    // A container's own view of its path may not be mounted: then its root is the limit's place.
    for (std::string path(line.substr(colon + 1));;) {
      consider(top + (path == "/" ? "" : path), second);
      if (path.size() <= 1) {
        break;
      }
      path.erase(std::max<std::size_t>(path.rfind('/'), 1));
    }
  });
  return least;
}

MemoryMeter::MemoryMeter(std::uint64_t configured) : statm_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {
  rlimit addresses{};
  if (::getrlimit(RLIMIT_AS, &addresses) == 0 && addresses.rlim_cur != RLIM_INFINITY) {
    limits_.push_back({Counted::Addresses, addresses.rlim_cur});
  }
  if (configured != 0) {
    limits_.push_back({Counted::Resident, configured});
  }
  if (const auto group = groupLimit(contentOf("/proc/self/cgroup"), "/sys/fs/cgroup")) {
    const std::string directory = group->usage_file.substr(0, group->usage_file.rfind('/'));
    // What others use of it we cannot give back: then only our own pages count.
    const bool ours = alone(contentOf(directory + "/cgroup.procs"));
    if (ours) {
      group_usage_.reset(::open(group->usage_file.c_str(), O_RDONLY | O_CLOEXEC));
      group_stat_.reset(::open(group->stat_file.c_str(), O_RDONLY | O_CLOEXEC));
      cache_key_ = group->cache_key;
    }
    limits_.push_back({ours ? Counted::Group : Counted::Resident, group->bytes});
  }
}

std::uint64_t MemoryMeter::used(Counted counted, const ProcessPages& pages) const {
  std::array<char, 8192> buffer{};
  switch (counted) {
    case Counted::Resident:
      return pages.resident;
    case Counted::Addresses: {
      const std::uint64_t held = heldByAllocator();
      return pages.addresses > held ? pages.addresses - held : 0;
    }
    case Counted::Group: {
      const std::uint64_t usage = leadingNumber(contentOf(group_usage_, buffer)).value_or(pages.resident);
      const std::uint64_t cache = memoryStat(contentOf(group_stat_, buffer), cache_key_);
      return usage > cache ? usage - cache : 0;
    }
  }
  return 0;
}

MemoryUse MemoryMeter::measure() const {
  std::array<char, 8192> buffer{};
  const auto pages = readStatm(contentOf(statm_, buffer), static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  MemoryUse fullest;
  for (const Limit& limit : limits_) {
    const std::uint64_t bytes = pages ? used(limit.counted, *pages) : 0;
    const bool fuller =
        fullest.limit == 0 || static_cast<double>(bytes) / static_cast<double>(limit.bytes) >
                                  static_cast<double>(fullest.used) / static_cast<double>(fullest.limit);
    if (fuller) {
      fullest = {.used = bytes, .limit = limit.bytes};
    }
  }
  return fullest;
}

}  // namespace gatewhy
